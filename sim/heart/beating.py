"""The heart of a visit: rhythm, conduction, memory, reflex and closed loop as one.

Two calls a beat. `activate` says when and where the beat arises; then the device
decides; then `contract` is told the gain of the train that was given, ejects the beat
and returns the time to the next activation. A train changes the beats after its own.

`play` drives the same memory, reflex and loop by gains alone, with no rhythm drawn:
what is exactly true of a plan, for those who judge. A heart begins
settled, at the gain of the settings that it came with.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from sim.heart.circulation import ClosedLoop, Waveforms
from sim.heart.conduction import Activation, Conduction, is_ectopic
from sim.heart.contractility import SINUS
from sim.heart.control import (
    BEAT_COLUMNS,
    OWN_COLUMNS,
    advance,
    commands,
    control_constants,
    control_state,
)
from sim.heart.equilibrium import Equilibrium, settled
from sim.heart.parameters import FloatArray
from sim.heart.parts import HeartParts
from sim.heart.rhythm import Rhythm
from sim.streams import stream

__all__ = [
    "BEAT_COLUMNS",
    "OWN_COLUMNS",
    "BeatingHeart",
    "Equilibrium",
    "HeartParts",
    "HeartStreams",
    "heart_streams",
    "play",
    "settled",
    "settled_waveforms",
]

_N_OWN: Final = len(OWN_COLUMNS)
_FIRST_ROWS: Final = 1024


@dataclass(frozen=True, slots=True)
class HeartStreams:
    """The generators a beating heart draws from, each used for nothing else."""

    rhythm: np.random.Generator
    ectopy: np.random.Generator
    conduction: np.random.Generator


def heart_streams(seed: int, *, patient: int = 0, replicate: int = 0) -> HeartStreams:
    """Return the three generators of one patient's heart in one visit."""
    return HeartStreams(
        *(
            stream(seed, name=name, patient=patient, replicate=replicate)
            for name in ("rhythm", "ectopy", "conduction")
        )
    )


def loop_at(model: HeartParts, start: Equilibrium) -> ClosedLoop:
    """Return the circulation as if it had always beaten at an equilibrium."""
    heart = ClosedLoop(model.circulation)
    factor, resistance, shift_ml, onset_s = _steering(model, start)
    # One beat leaves the tails of the activations that the next beat starts with.
    heart.beat(
        start.rr_s,
        contractility=factor,
        resistance_scale=resistance,
        venous_shift_ml=shift_ml,
        atrial_onset_s=onset_s,
    )
    heart.volumes_ml = start.volumes_ml
    return heart


def settled_waveforms(model: HeartParts, gain: float = 0.0) -> Waveforms:
    """Return every pressure and volume of one beat of the settled heart."""
    start = settled(model, gain)
    factor, resistance, shift_ml, onset_s = _steering(model, start)
    return loop_at(model, start).waveforms(
        start.rr_s,
        contractility=factor,
        resistance_scale=resistance,
        venous_shift_ml=shift_ml,
        atrial_onset_s=onset_s,
    )


def _steering(
    model: HeartParts, start: Equilibrium
) -> tuple[float, float, float, float]:
    """Return contractility, resistance, venous shift and atrial onset at rest."""
    factor, resistance, shift_ml, _ = commands(
        control_state(model, start), control_constants(model), False
    )
    onset_s = model.atrial_onset_s(start.rr_s, model.origin)
    return factor, resistance, shift_ml, onset_s


class AnyLoop(Protocol):
    """What beats: a circulation that is told all that steers a beat."""

    def beat(
        self,
        rr_s: float,
        *,
        contractility: float,
        resistance_scale: float,
        venous_shift_ml: float,
        atrial_onset_s: float,
        out: FloatArray,
    ) -> FloatArray:
        """Beat once; return the row of `BEAT_FIELDS`, as `ClosedLoop.beat` does."""


class BeatingHeart:
    """One patient's heart through one visit, beat by beat.

    Parameters
    ----------
    model
        The patient's heart.
    streams
        Its generators, from `heart_streams`.
    duration_s
        Longest clock time; spontaneous ectopics are drawn up to here.
    gain
        Gain at which the heart has settled before the visit, 0 for CCM off.
    reflex
        Whether the baroreflex acts.

    Attributes
    ----------
    pooled_ml
        Blood that gravity keeps in the veins of a standing patient.
    """

    _first_rows = _FIRST_ROWS

    def __init__(
        self,
        model: HeartParts,
        streams: HeartStreams,
        duration_s: float,
        *,
        gain: float = 0.0,
        reflex: bool = True,
    ) -> None:
        self.model = model
        self.rhythm = self._rhythm(streams, duration_s)
        self.conduction = self._conduction(streams)
        self.circulation, start = self._rested(gain)
        self.activation: Activation | None = None
        self.n_beats = 0
        self.pooled_ml = 0.0
        self._state = control_state(model, start)
        self._constants = control_constants(model, reflex=reflex)
        self._av_s = model.circulation.av_delay_s
        self._origin, self._rr_s = model.origin, start.rr_s
        # a visit has 5,000 to 9,000 beats; doubling copies each row about once
        self._rows = np.empty((self._first_rows, len(BEAT_COLUMNS)))

    def _rhythm(self, streams: HeartStreams, duration_s: float) -> Rhythm:
        return Rhythm(self.model.rhythm, streams.rhythm, streams.ectopy, duration_s)

    def _conduction(self, streams: HeartStreams) -> Conduction:
        return Conduction(self.model.conduction, streams.conduction)

    def _rested(self, gain: float) -> tuple[AnyLoop, Equilibrium]:
        start = settled(self.model, gain)
        return loop_at(self.model, start), start

    @property
    def beats(self) -> FloatArray:
        """Every finished beat, `(n, k)` with columns `BEAT_COLUMNS`; a view."""
        return self._rows[: self.n_beats]

    @property
    def last(self) -> FloatArray:
        """The row of the beat that has just been made."""
        row: FloatArray = self._rows[self.n_beats - 1]
        return row

    def _new_row(self) -> FloatArray:
        if self.n_beats == len(self._rows):
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
        self.n_beats += 1
        row: FloatArray = self._rows[self.n_beats - 1]
        return row

    def activate(self, now_s: float) -> Activation:
        """Return the beat that arises now, as the leads will see it."""
        self.activation = self.conduction.activate(now_s, self._origin, self._rr_s)
        return self.activation

    def contract(
        self,
        gain: float = 0.0,
        provoked_pvc: int = 0,
        captured_after_s: float | None = None,
    ) -> float:
        """Eject the activated beat and return the time to the next activation.

        Parameters
        ----------
        gain
            Steady relative gain of the train this beat was given, 0 without one.
        provoked_pvc
            How many ectopic beats that train provokes, to come next.
        captured_after_s
            Interval to the first of them when the train itself captured the muscle.
        """
        if self.activation is None:
            # the device must have seen the beat first: its train is this beat's
            raise RuntimeError("contract() needs activate() first, once per beat")
        gain = float(gain)  # a whole number would compile the kernels once more
        now_s, origin = self.activation.at_s, self._origin
        ectopic = is_ectopic(origin)
        factor, resistance, shift_ml, shift_s = commands(
            self._state, self._constants, ectopic
        )
        # before the interval is drawn, which the provoked beat cuts short
        if provoked_pvc:
            self.rhythm.provoke(provoked_pvc, captured_after_s)
        rr_s, self._origin = self.rhythm.next_interval(now_s, shift_s)
        row = self._new_row()
        row[0], row[1], row[2], row[3], row[4] = now_s, rr_s, origin, factor, gain
        self.circulation.beat(
            rr_s,
            contractility=factor,
            resistance_scale=resistance,
            venous_shift_ml=shift_ml + self.pooled_ml,
            # the next beat's atria contract in this one; only sinus has a P wave
            atrial_onset_s=rr_s - self._av_s if self._origin == SINUS else math.nan,
            out=row[_N_OWN:],
        )
        advance(self._state, self._constants, gain, row, ectopic)
        self.activation, self._rr_s = None, rr_s  # the next beat must be activated
        return rr_s


def play(
    model: HeartParts,
    gains: Sequence[float] | FloatArray,
    *,
    start_gain: float = 0.0,
    start: Equilibrium | None = None,
) -> FloatArray:
    """Return the beats of a heart without variability, ectopy or conduction noise.

    The reflex acts. Used for what is exactly true of a plan: the same memory, reflex
    and circulation as `BeatingHeart`, driven only by the gains.

    Parameters
    ----------
    model
        The patient's heart.
    gains : (n,)
        Steady relative gain of the train each beat is given, 0 without one.
    start_gain
        Gain at which the heart has settled before the first beat.
    start
        The same as an equilibrium, where it is known already; wins over `start_gain`.

    Returns
    -------
    (n, k)
        One row a beat, columns `BEAT_COLUMNS`.
    """
    start = settled(model, start_gain) if start is None else start
    gains = np.asarray(gains, dtype=np.float64)
    circulation = loop_at(model, start)
    state, constants = control_state(model, start), control_constants(model)
    rows = np.empty((len(gains), len(BEAT_COLUMNS)))
    now_s, origin = 0.0, model.origin
    for row, gain in zip(rows, gains, strict=True):
        factor, resistance, shift_ml, shift_s = commands(state, constants, False)
        rr_s = model.rr_s + shift_s
        row[:_N_OWN] = now_s, rr_s, origin, factor, gain
        circulation.beat(
            rr_s,
            contractility=factor,
            resistance_scale=resistance,
            venous_shift_ml=shift_ml,
            atrial_onset_s=model.atrial_onset_s(rr_s, origin),
            out=row[_N_OWN:],
        )
        advance(state, constants, gain, row, False)
        now_s += rr_s
    return rows
