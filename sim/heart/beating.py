"""A heart that beats: rhythm, conduction, contractility, circulation, reflex as one.

Two calls a beat. `activate` says when and where the beat arises; then the device
decides; then `contract` is told the gain of the train that was given, ejects the beat
and returns the time to the next activation. A train changes the beats after its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.circulation import (
    BEAT_FIELDS,
    BeatHaemodynamics,
    Heart,
    resting_volumes_ml,
)
from sim.heart.conduction import (
    Activation,
    Conduction,
    ConductionParameters,
    is_ectopic,
)
from sim.heart.contractility import (
    AF,
    MEMORY,
    SINUS,
    Contractility,
    contractility_factor,
    prepare_contractility,
    settled_memory,
    update_memory,
)
from sim.heart.jit import kernel
from sim.heart.parameters import VOLUMES, Circulation, FloatArray
from sim.heart.reflex import (
    Reflex,
    elastance_scale,
    interval_shift_s,
    prepare_reflex,
    resistance_scale,
    settled_effect,
    update_reflex,
    venous_shift_ml,
)
from sim.heart.rhythm import Rhythm, RhythmParameters
from sim.heart.settle import NotSettledError, anderson, check_plausible
from sim.streams import stream
from sim.units import S_PER_MIN, S_PER_MS

OWN_COLUMNS: Final = ("at_s", "rr_s", "origin", "contractility", "gain")
BEAT_COLUMNS: Final = OWN_COLUMNS + BEAT_FIELDS
_N_OWN: Final = len(OWN_COLUMNS)
_N_MEMORY: Final = len(MEMORY)
_N_CONTRACTILITY: Final = len(prepare_contractility(Contractility()))
_MAP: Final = BEAT_COLUMNS.index("map_mmhg")
_FIRST_ROWS: Final = 1024
_MOST_TRIALS: Final = 25
_DEVIATION_TOLERANCE_MMHG: Final = 1e-8
_SETTLED_ML: Final = 1e-8
_MOST_BEATS: Final = 400


@dataclass(frozen=True, slots=True)
class HeartModel:
    """The parts that make a patient's beats."""

    circulation: Circulation
    contractility: Contractility
    reflex: Reflex
    rhythm: RhythmParameters
    conduction: ConductionParameters

    @property
    def rr_s(self) -> float:
        """Mean interval at rest."""
        return S_PER_MIN / self.rhythm.heart_rate_bpm

    @property
    def origin(self) -> int:
        """Origin of the patient's own beats."""
        return AF if self.rhythm.kind == "af" else SINUS

    def atrial_onset_s(self, rr_s: float, next_origin: int) -> float:
        """Return when the atria begin the next beat, nan where it has no P wave."""
        if next_origin != SINUS:
            return math.nan
        return rr_s - self.circulation.av_delay_s


@dataclass(frozen=True, slots=True)
class HeartStreams:
    """The generators a beating heart draws from, each used for nothing else."""

    rhythm: np.random.Generator
    ectopy: np.random.Generator
    conduction: np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Equilibrium:
    """A heart that no longer changes from beat to beat, at a constant gain.

    `deviation_mmhg` is how far its mean pressure stays from the reflex's set point.
    """

    gain: float
    rr_s: float
    deviation_mmhg: float
    volumes_ml: FloatArray
    haemodynamics: BeatHaemodynamics


def heart_streams(seed: int, *, patient: int = 0, replicate: int = 0) -> HeartStreams:
    """Return the three generators of one patient's heart in one visit."""
    return HeartStreams(
        *(
            stream(seed, name=name, patient=patient, replicate=replicate)
            for name in ("rhythm", "ectopy", "conduction")
        )
    )


def settled(model: HeartModel, gain: float = 0.0) -> Equilibrium:
    """Return the steady state at a constant gain with the reflex closed.

    In atrial fibrillation it is the regular heart at the mean rate, without atria.
    Raises what `settle` raises, naming what did not settle.
    """
    trial = held(model, gain)
    before, miss_before = 0.0, _miss(model, trial)
    now = 0.3 * miss_before  # the reflex undoes more than half of what moves the mean
    for _ in range(_MOST_TRIALS):
        if abs(miss_before) < _DEVIATION_TOLERANCE_MMHG:
            break
        trial = held(model, gain, deviation_mmhg=now)
        miss = _miss(model, trial)
        slope = (miss - miss_before) / (now - before)
        before, miss_before, now = now, miss, now - miss / slope
    return trial


def _miss(model: HeartModel, trial: Equilibrium) -> float:
    deviation_mmhg = trial.haemodynamics.map_mmhg - model.reflex.set_map_mmhg
    return deviation_mmhg - trial.deviation_mmhg


def held(
    model: HeartModel,
    gain: float = 0.0,
    *,
    deviation_mmhg: float = 0.0,
    strict: bool = True,
) -> Equilibrium:
    """Return the steady state while the reflex is held at one deviation.

    `strict` refuses a heart that does not settle (`NotSettledError`) or could not be
    alive (`ImplausibleHeartError`); a solver that passes by such hearts turns it off.
    """
    effect = settled_effect(model.reflex, deviation_mmhg)
    rr_s = model.rr_s + effect.interval_ms * S_PER_MS
    memory = settled_memory(model.contractility, gain, rr_s)
    constants = prepare_contractility(model.contractility)
    factor = contractility_factor(memory, constants, False) * effect.elastance_scale
    heart = Heart(model.circulation)

    def beat(volumes_ml: FloatArray) -> FloatArray:
        heart.volumes_ml = volumes_ml
        beat_row[:] = heart.beat(
            rr_s,
            contractility=factor,
            resistance_scale=effect.resistance_scale,
            venous_shift_ml=effect.venous_shift_ml,
            atrial_onset_s=model.atrial_onset_s(rr_s, model.origin),
        )
        return heart.volumes_ml

    beat_row = np.empty(len(BEAT_FIELDS))
    # The first beat leaves the tails of the activations; then only volumes count.
    started_ml = beat(filled_volumes_ml(model.circulation))
    volumes_ml, change, n_beats = anderson(beat, started_ml, _SETTLED_ML, _MOST_BEATS)
    worst = int(np.argmax(np.abs(change)))
    haemodynamics = BeatHaemodynamics.from_row(beat_row)
    if strict:
        if not abs(change[worst]) <= _SETTLED_ML:
            raise NotSettledError(VOLUMES[worst], change[worst], _SETTLED_ML, n_beats)
        check_plausible(haemodynamics)
    return Equilibrium(gain, rr_s, deviation_mmhg, volumes_ml, haemodynamics)


def filled_volumes_ml(circulation: Circulation) -> FloatArray:
    """Return volumes to start from: stressed volume above every chamber's V0."""
    c = circulation
    volumes_ml = resting_volumes_ml(c)
    chambers_ml = c.la_v0_ml + c.lv_v0_ml + c.ra_v0_ml + c.rv_v0_ml
    missing_ml = c.stressed_volume_ml + chambers_ml - float(volumes_ml.sum())
    volumes_ml[VOLUMES.index("sv")] += missing_ml
    return volumes_ml


def control_constants(model: HeartModel, *, reflex: bool = True) -> FloatArray:
    """Return the constants of memory and reflex, then set point and resting interval.

    Without `reflex` its gains are 0.
    """
    gains = prepare_reflex(model.reflex)
    if not reflex:
        gains[1:] = 0.0
    return np.concatenate(
        (
            prepare_contractility(model.contractility),
            gains,
            [model.reflex.set_map_mmhg, model.rr_s],
        )
    )


def control_state(model: HeartModel, start: Equilibrium) -> FloatArray:
    """Return memory and reflex of a heart that has long been at an equilibrium."""
    memory = settled_memory(model.contractility, start.gain, start.rr_s)
    return np.concatenate((memory, np.full(2, start.deviation_mmhg)))


@kernel
def commands(
    state: FloatArray, constants: FloatArray, ectopic: bool
) -> tuple[float, float, float, float]:
    """Return what steers a beat: contractility, resistance, venous shift, interval.

    Parameters
    ----------
    state : (6,)
        From `control_state`.
    constants : (18,)
        From `control_constants`.
    ectopic
        Whether the beat comes from the ventricle itself.
    """
    reflex, of_reflex = state[_N_MEMORY:], constants[_N_CONTRACTILITY:]
    factor = contractility_factor(state[:_N_MEMORY], constants, ectopic)
    return (
        factor * elastance_scale(reflex, of_reflex),
        resistance_scale(reflex, of_reflex),
        venous_shift_ml(reflex, of_reflex),
        interval_shift_s(reflex, of_reflex),
    )


@kernel
def advance(
    state: FloatArray,
    constants: FloatArray,
    gain: float,
    row: FloatArray,
    ectopic: bool,
) -> None:
    """Move memory and reflex in place over one finished beat, `row` of BEAT_COLUMNS."""
    rr_s, deviation_mmhg = row[1], row[_MAP] - constants[-2]
    update_memory(state[:_N_MEMORY], constants, gain, rr_s, ectopic)
    update_reflex(state[_N_MEMORY:], constants[_N_CONTRACTILITY:], deviation_mmhg, rr_s)


def heart_at(model: HeartModel, start: Equilibrium) -> Heart:
    """Return the circulation as if it had always beaten at an equilibrium."""
    heart = Heart(model.circulation)
    factor, resistance, shift_ml, _ = commands(
        control_state(model, start), control_constants(model), False
    )
    # One beat leaves the tails of the activations that the next beat starts with.
    heart.beat(
        start.rr_s,
        contractility=factor,
        resistance_scale=resistance,
        venous_shift_ml=shift_ml,
        atrial_onset_s=model.atrial_onset_s(start.rr_s, model.origin),
    )
    heart.volumes_ml = start.volumes_ml
    return heart


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
    """

    def __init__(
        self,
        model: HeartModel,
        streams: HeartStreams,
        duration_s: float,
        *,
        gain: float = 0.0,
        reflex: bool = True,
    ) -> None:
        start = settled(model, gain)
        self.model = model
        self.rhythm = Rhythm(model.rhythm, streams.rhythm, streams.ectopy, duration_s)
        self.conduction = Conduction(model.conduction, streams.conduction)
        self.circulation = heart_at(model, start)
        self.activation: Activation | None = None
        self.n_beats = 0
        self._state = control_state(model, start)
        self._constants = control_constants(model, reflex=reflex)
        self._av_s = model.circulation.av_delay_s
        self._origin, self._rr_s = model.origin, start.rr_s
        self._rows = np.empty((_FIRST_ROWS, len(BEAT_COLUMNS)))

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

    def contract(self, gain: float = 0.0, provoked_pvc: int = 0) -> float:
        """Eject the activated beat and return the time to the next activation.

        Parameters
        ----------
        gain
            Steady relative gain of the train this beat was given, 0 without one.
        provoked_pvc
            How many ectopic beats that train provokes, to come next.
        """
        if self.activation is None:
            raise RuntimeError("contract() needs activate() first, once per beat")
        now_s, origin = self.activation.at_s, self._origin
        ectopic = is_ectopic(origin)
        factor, resistance, shift_ml, shift_s = commands(
            self._state, self._constants, ectopic
        )
        if provoked_pvc:
            self.rhythm.provoke(provoked_pvc)
        rr_s, self._origin = self.rhythm.next_interval(now_s, shift_s)
        row = self._new_row()
        row[0], row[1], row[2], row[3], row[4] = now_s, rr_s, origin, factor, gain
        self.circulation.beat(
            rr_s,
            contractility=factor,
            resistance_scale=resistance,
            venous_shift_ml=shift_ml,
            atrial_onset_s=rr_s - self._av_s if self._origin == SINUS else math.nan,
            out=row[_N_OWN:],
        )
        advance(self._state, self._constants, gain, row, ectopic)
        self.activation, self._rr_s = None, rr_s
        return rr_s


def play(
    model: HeartModel,
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
    circulation = heart_at(model, start)
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
