"""A tabled heart that takes many beats in one stride.

Nearly all beats of a visit follow from the one before by rules alone: sensed or not,
with a train or without, the patient's own or ectopic. `stride` plays as many of them as
come, in one kernel, and stops before the first at which somebody must be told or asked:
a train near the end of the refractory period, a pressure or a run that the monitor
would speak of. That beat is played like any other, by `activate` and `contract`. What
is drawn is drawn from the same streams in the same order, so that a stride changes
nothing but the time it takes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from sim.heart.beating import BeatingHeart, HeartStreams
from sim.heart.conduction import Activation, Conduction
from sim.heart.contractility import AF, PVC, SINUS, VT
from sim.heart.control import OWN_COLUMNS, advance, commands
from sim.heart.equilibrium import Equilibrium
from sim.heart.jit import kernel
from sim.heart.judged import (
    ectopic_speaks,
    judge,
    own_beat,
    pressure_speaks,
    train_given,
)
from sim.heart.parameters import FloatArray
from sim.heart.parts import HeartParts
from sim.heart.rhythm import (
    Ectopic,
    NextBeat,
    Rhythm,
    own_interval_s,
    variability_s,
)
from sim.heart.tabled import N_READ, READ_AT, TabledLoop, loop_table, tabled_beat
from sim.streams import DrawMemory
from sim.units import S_PER_MIN, S_PER_MS

DEVICE_NOW: Final = (
    "gives_trains",
    "is_blind",
    "gain",
    "edge_s",
    "blanking_s",
    "gate_code",
)
"""Whether beats in order get trains, and whether the device senses nothing; what a
train does to the muscle; how long before the end of the refractory period, and after
the beat, it must end to be uneventful; the cause told of beats without a gate."""
RHYTHM: Final = (
    "mean_rr_s",
    "least_rr_s",
    "most_rr_s",
    "run_least_beats",
    "run_cycle_s",
    "recovery_frac",
    "least_captured_s",
    "base_origin",
    "pooled_ml",
    "next_ectopic",
    "next_ectopic_s",
    "run_left",
    "run_length",
    "coupling_frac",
    "since_sinus_s",
    "captured_s",
    "origin",
    "has_moved",
)
"""Rhythm of a patient as a kernel reads it, then what moves with each beat; at last
the origin of the beat that is due, and whether an ectopic has been about."""
CONDUCTION: Final = (
    "erp_at_no_interval_s",
    "erp_per_s",
    "ectopic_mv_factor",
    "posture_lag_s",
    "posture_mv_factor",
)
"""Refractory period at no interval and its share of one; what an ectopic makes of
amplitudes; what posture adds to the lag of V2 and makes of amplitudes."""
CLOCK: Final = ("now_s", "rr_s", "until_s", "grid_per_s")
"""Time of the beat that is due, the interval before it, until when beats are due; the
grid of the monitor per second."""

_N_OWN: Final = len(OWN_COLUMNS)
_MEAN, _LEAST, _MOST, _RUN_LEAST, _CYCLE, _RECOVERY, _LEAST_CAPTURED = range(7)
_BASE, _POOLED, _NEXT, _NEXT_S, _LEFT, _LENGTH, _COUPLING = range(7, 14)
_SINCE, _CAPTURED, _ORIGIN, _MOVED = range(14, len(RHYTHM))
_N_FIXED: Final = RHYTHM.index("base_origin")
_ERP, _ERP_PER_S, _EARLY_MV, _LAG, _MV = range(len(CONDUCTION))
_GIVES, _BLIND, _GAIN, _EDGE, _BLANKING, _GATE = range(len(DEVICE_NOW))
_OUT_OF_TURN: Final = RHYTHM.index("next_ectopic")
_NAN: Final = math.nan
_FIRST_ROWS: Final = 8192
_NO_NUMBERS: Final = np.empty(0)
_RR: Final = OWN_COLUMNS.index("rr_s")


@kernel
def _activated(
    now_s: float,
    rr_before_s: float,
    origin: int,
    drawn: FloatArray,
    conduction: FloatArray,
    own: FloatArray,
) -> None:
    """Write the row of `LEADS` of a beat, as `Conduction.activate`."""
    v1_lag_s, v2_lag_s, mv = drawn[1], drawn[2], conduction[_MV]
    if origin in (PVC, VT):
        v1_lag_s, v2_lag_s = drawn[3], drawn[4]
        mv *= conduction[_EARLY_MV]
    v2_lag_s += conduction[_LAG]
    own[0] = now_s
    own[1] = now_s - drawn[0] if origin == SINUS else _NAN
    own[2], own[3] = now_s + v1_lag_s, now_s + v2_lag_s
    own[4], own[5], own[6] = drawn[5], drawn[6] * mv, drawn[7] * mv
    refractory_s = conduction[_ERP] + conduction[_ERP_PER_S] * rr_before_s
    own[7] = now_s + min(v1_lag_s, v2_lag_s) + refractory_s


@kernel
def _interval_s(
    now_s: float, own_s: float, rhythm: FloatArray, ectopics: FloatArray
) -> float:
    """Return the interval that begins now, as `Rhythm.next_interval`.

    `own_s` is the patient's own, `ectopics` `(m, 3)`: time, coupling and beats of each
    spontaneous event. The origin of the next beat is left in `rhythm`.
    """
    due = rhythm[_NEXT_S] < now_s + own_s
    if not due and rhythm[_LEFT] == 0.0 and rhythm[_SINCE] == 0.0:
        rhythm[_ORIGIN] = rhythm[_BASE]
        return own_s
    rhythm[_MOVED] = 1.0
    if due and rhythm[_SINCE] == 0.0:
        place = int(rhythm[_NEXT])
        if rhythm[_LEFT] == 0.0:
            rhythm[_LEFT] = rhythm[_LENGTH] = ectopics[place, 2]
            rhythm[_COUPLING] = ectopics[place, 1]
        # events that fall into the ectopic itself are absorbed by it
        while place < len(ectopics) and ectopics[place, 0] < now_s + own_s:
            place += 1
        rhythm[_NEXT] = place
        rhythm[_NEXT_S] = ectopics[place, 0] if place < len(ectopics) else math.inf
    if rhythm[_LEFT] > 0.0:
        in_run = rhythm[_LENGTH] >= rhythm[_RUN_LEAST]
        rr_s = rhythm[_COUPLING] * own_s
        if in_run and rhythm[_LEFT] != rhythm[_LENGTH]:
            rr_s = rhythm[_CYCLE]
        rr_s = max(rr_s, rhythm[_LEAST])
        if rhythm[_CAPTURED] == rhythm[_CAPTURED]:
            rr_s = max(rhythm[_CAPTURED], rhythm[_LEAST_CAPTURED])
            rhythm[_CAPTURED] = _NAN
        rhythm[_LEFT] -= 1.0
        rhythm[_SINCE] += rr_s
        rhythm[_ORIGIN] = VT if in_run else PVC
        return float(rr_s)
    elapsed_s = rhythm[_SINCE]
    rhythm[_SINCE], rhythm[_ORIGIN] = 0.0, rhythm[_BASE]
    if rhythm[_BASE] == AF:
        return own_s
    ticks = math.ceil(elapsed_s / own_s + rhythm[_RECOVERY])
    return float(ticks * own_s - elapsed_s)


@kernel
def _beats_in_a_row(
    intervals_s: FloatArray,
    slopes: FloatArray,
    steering: FloatArray,
    arteries: FloatArray,
    moved_ml: FloatArray,
    state: FloatArray,
    constants: FloatArray,
    rhythm: FloatArray,
    ectopics: FloatArray,
    waves: FloatArray,
    irregular: FloatArray,
    drawn: FloatArray,
    conduction: FloatArray,
    device: FloatArray,
    rules: FloatArray,
    before: FloatArray,
    counts: FloatArray,
    alert: FloatArray,
    watch: FloatArray,
    ring: FloatArray,
    drift: FloatArray,
    error_mmhg: FloatArray,
    clock: FloatArray,
    rows: FloatArray,
    leads: FloatArray,
    found: FloatArray,
    first: int,
    most: int,
) -> int:
    """Play beats until one needs more than this, at most `most`; return how many.

    Parameters
    ----------
    intervals_s, slopes, steering, arteries, moved_ml
        The table and the volumes, as `tabled_beat` takes them.
    state, constants
        Memory and reflex.
    rhythm, ectopics, waves, irregular
        As `RHYTHM`; spontaneous events `(m, 3)`; variability on its grid; in
        fibrillation the factors to come, else empty.
    drawn, conduction
        Lags and amplitudes of the beats to come `(m, 8)`; as `CONDUCTION`.
    device, rules, before, counts
        As `DEVICE_NOW`, `RULES`, `BEFORE` and `COUNTS`.
    alert, watch, ring, drift, error_mmhg
        As `ALERT` and `WATCH`; the last pressures; what the monitor makes of a true
        one.
    clock
        As `CLOCK`; the first two are moved on.
    rows, leads, found, first
        Of each beat `BEAT_COLUMNS`, `LEADS`, `DEVICE`, from the line `first` on.
    """
    now_s, rr_before_s = clock[0], clock[1]
    is_af, blind = irregular.size > 0, device[_BLIND] > 0.0
    n_ring, place = ring.size, int(watch[3]) % ring.size
    told, read = np.empty(3), np.empty(N_READ)
    held, noted = np.empty(before.size), np.empty(counts.size)
    for beat in range(most):
        if beat > 0 and now_s >= clock[2]:
            return beat
        line, origin = first + beat, int(rhythm[_ORIGIN])
        is_ectopic = origin in (PVC, VT)
        own, seen, row = leads[line], found[line], rows[line]
        _activated(now_s, rr_before_s, origin, drawn[beat], conduction, own)
        if not is_ectopic and pressure_speaks(watch, ring, place):
            return beat
        seen[:] = _NAN
        seen[0], seen[6] = 0.0, device[_GATE]
        if not blind:
            held[:], noted[:] = before, counts
            judge(rules, before, counts, own, device[_GIVES] > 0.0, seen)
            is_late = seen[2] - own[7] >= -device[_EDGE]
            if is_late or seen[2] - now_s > device[_BLANKING]:
                before[:], counts[:] = held, noted
                return beat
        if is_ectopic:
            if ectopic_speaks(alert, now_s):
                if not blind:
                    before[:], counts[:] = held, noted
                return beat
        else:
            own_beat(alert)
            if watch[2] == watch[2]:
                ring[place] = watch[2]
                place = place + 1 if place + 1 < n_ring else 0
                watch[3] += 1.0
        if seen[0] > 0.0:
            train_given(alert, seen[2])
        factor, resistance, shift_ml, shift_s = commands(state, constants, is_ectopic)
        own_s = own_interval_s(now_s, shift_s, rhythm, waves, irregular, beat)
        rr_s = _interval_s(now_s, own_s, rhythm, ectopics)
        told[0], told[1], told[2] = factor, resistance, shift_ml + rhythm[_POOLED]
        tabled_beat(
            intervals_s,
            slopes,
            steering,
            arteries,
            moved_ml,
            rr_s,
            not is_af and int(rhythm[_ORIGIN]) == SINUS,
            told,
            read,
        )
        gain = device[_GAIN] if seen[0] > 0.0 else 0.0
        row[0], row[1], row[2], row[3], row[4] = now_s, rr_s, origin, factor, gain
        row[_N_OWN:] = _NAN
        for k in range(N_READ):
            row[_N_OWN + READ_AT[k]] = read[k]
        advance(state, constants, gain, row, is_ectopic)
        i = min(int(now_s * clock[3]), drift.size - 1)
        watch[2] = read[0] * drift[i] + error_mmhg[i]
        rr_before_s = rr_s
        now_s += rr_s
        clock[0], clock[1] = now_s, rr_before_s
    return most


_EVENTS: Final = DrawMemory[tuple[FloatArray, list[Ectopic]]](16)
_WAVES: Final = DrawMemory[FloatArray](8)
_DRAWS: Final = DrawMemory[FloatArray](128)
"""What the hearts of the last patients drew, for their next visits."""


class StridingRhythm(Rhythm):
    """A rhythm whose waves, events and draws are arrays, for a kernel to read.

    `events` are the spontaneous ectopics, `(m, 3)`: time, coupling, number of beats.
    """

    events: FloatArray
    is_told = False
    """Whether who strides has been told all of `moving`, and whose beats come."""

    @property
    def is_usual(self) -> bool:
        """Whether no captured atrium advances the next beat."""
        return self._advanced_s is None

    @cached_property
    def fixed(self) -> tuple[float, ...]:
        """The part of `RHYTHM` that does not move."""
        of = self.parameters
        return (
            S_PER_MIN / of.heart_rate_bpm,
            of.least_rr_s,
            of.most_rr_s,
            of.run_least_beats,
            of.run_cycle_s,
            of.recovery_frac,
            of.least_captured_s,
        )

    @property
    def moving(self) -> tuple[float, ...]:
        """The part of `RHYTHM` that moves with the beats, but for its end."""
        return (
            self._next_ectopic,
            self._next_ectopic_s,
            self._run_left,
            self._run_length,
            self._coupling,
            self._since_sinus_s,
            _NAN if self._captured_s is None else self._captured_s,
        )

    def moved_to(self, moving: Sequence[float]) -> None:
        """Go on from where a stride has left `moving`."""
        place, _, left, length, self._coupling, self._since_sinus_s, after_s = moving
        self._set_next_ectopic(int(place))
        self._run_left, self._run_length = int(left), int(length)
        self._captured_s = None if after_s != after_s else after_s

    def next_interval(self, now_s: float, reflex_s: float = 0.0) -> NextBeat:
        """Return the interval that starts now, as `Rhythm.next_interval`."""
        self.is_told = False
        return super().next_interval(now_s, reflex_s)

    def provoke(self, n_beats: int, after_s: float | None = None) -> None:
        """Make the next beats ectopic, as `Rhythm.provoke`."""
        self.is_told = False
        super().provoke(n_beats, after_s)

    def fibrillate(self, *, fibrillating: bool) -> None:
        """Let fibrillation begin or end, as `Rhythm.fibrillate`."""
        self.is_told = False
        super().fibrillate(fibrillating=fibrillating)

    def end_run(self) -> None:
        """Stop a ventricular run, as `Rhythm.end_run`."""
        self.is_told = False
        super().end_run()

    def _drawn_ectopics(self, rng: np.random.Generator) -> list[Ectopic]:
        drawn = _EVENTS.drawn(rng, (self.parameters, self._duration_s), self._listed)
        self.events, ectopics = drawn
        return ectopics

    def _listed(self, rng: np.random.Generator) -> tuple[FloatArray, list[Ectopic]]:
        ectopics = super()._drawn_ectopics(rng)
        return np.array(ectopics, dtype=np.float64).reshape(-1, 3), ectopics

    def _draw_waves(self) -> None:
        of, for_s = self.parameters, self._duration_s
        self.waves = _WAVES.drawn(
            self._rng, (of, for_s), lambda rng: variability_s(of, rng, for_s)
        )


class StridingConduction(Conduction):
    """Conduction whose draws are arrays, for a kernel to read."""

    def _drawn(self) -> FloatArray:
        draw = super()._drawn
        return _DRAWS.drawn(self._rng, self.parameters, lambda _: draw())


@dataclass(slots=True, eq=False)
class Surroundings:
    """What a stride is told of device, monitor and visit; arrays are moved in place.

    Attributes
    ----------
    device
        As `DEVICE_NOW`.
    rules, before, counts, alert, watch, ring
        As those of `sim.heart.judged`; the last monitored pressures.
    drift, error_mmhg, grid_per_s
        What the monitor makes of a true pressure, on a grid of clock time.
    """

    device: FloatArray
    rules: FloatArray
    before: FloatArray
    counts: FloatArray
    alert: FloatArray
    watch: FloatArray
    ring: FloatArray
    drift: FloatArray
    error_mmhg: FloatArray
    grid_per_s: float


class TabledHeart(BeatingHeart):
    """A beating heart whose circulation is a table; it can take beats in a stride."""

    rhythm: StridingRhythm
    conduction: StridingConduction
    circulation: TabledLoop
    _first_rows = _FIRST_ROWS  # not touched before they are written

    def __init__(
        self,
        model: HeartParts,
        streams: HeartStreams,
        duration_s: float,
        *,
        gain: float = 0.0,
        reflex: bool = True,
    ) -> None:
        super().__init__(model, streams, duration_s, gain=gain, reflex=reflex)
        self._told_rhythm = np.empty(len(RHYTHM))
        self._told_rhythm[:_N_FIXED] = self.rhythm.fixed
        self._told_conduction = self._of_conduction()
        self._clock = np.empty(len(CLOCK))

    def _rhythm(self, streams: HeartStreams, duration_s: float) -> Rhythm:
        of_patient = self.model.rhythm
        return StridingRhythm(of_patient, streams.rhythm, streams.ectopy, duration_s)

    def _conduction(self, streams: HeartStreams) -> Conduction:
        return StridingConduction(self.model.conduction, streams.conduction)

    def _rested(self, gain: float) -> tuple[TabledLoop, Equilibrium]:
        table = loop_table(self.model)
        if gain != table.start.gain:
            raise ValueError(f"gain must be {table.start.gain:g}, got {gain:g}")
        return TabledLoop(table), table.start

    def stride(
        self,
        now_s: float,
        until_s: float,
        n_most: int,
        around: Surroundings,
        leads: FloatArray,
        found: FloatArray,
    ) -> int:
        """Take the beats that come, the first now; return how many, which may be 0.

        Afterwards the heart is as if each had been played by `activate` and `contract`.

        Parameters
        ----------
        now_s, until_s
            Time of the activation that is due; none but it is at `until_s` or later.
        n_most
            How many beats at most.
        around
            What is around the heart.
        leads, found : (m, 8), (m, 7)
            Rows of `LEADS` and of `DEVICE`, a line for each beat of the heart so far;
            one more is written for each beat taken.
        """
        rhythm, drawn = self.rhythm, self.conduction.stock_up()
        irregular = rhythm.stock_up() if rhythm.is_af else _NO_NUMBERS
        n_most = min(n_most, len(drawn), len(irregular) or n_most)
        while self.n_beats + n_most > len(self._rows):
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
        table, loop, clock = self.circulation.table, self.circulation, self._clock
        clock[:] = now_s, self._rr_s, until_s, around.grid_per_s
        told = self._rhythm_now()
        taken = _beats_in_a_row(
            table.intervals_s,
            table.slopes,
            table.steering,
            table.arteries,
            loop.moved_ml,
            self._state,
            self._constants,
            told,
            rhythm.events,
            rhythm.waves,
            irregular,
            drawn,
            self._conduction_now(),
            around.device,
            around.rules,
            around.before,
            around.counts,
            around.alert,
            around.watch,
            around.ring,
            around.drift,
            around.error_mmhg,
            clock,
            self._rows,
            leads,
            found,
            self.n_beats,
            n_most,
        )
        self.conduction.stock.take(taken)
        if rhythm.is_af:
            rhythm.irregular.take(taken)
        self.n_beats += taken
        self._rr_s = float(clock[1])
        if told[_MOVED]:
            rhythm.moved_to(told[_OUT_OF_TURN:_ORIGIN].tolist())
        self._origin = int(told[_ORIGIN])
        return int(taken)

    @property
    def due_s(self) -> float:
        """When the beat after a stride is due."""
        return float(self._clock[0])

    def _rhythm_now(self) -> FloatArray:
        told, rhythm = self._told_rhythm, self.rhythm
        if rhythm.is_told:
            told[_POOLED], told[_MOVED] = self.pooled_ml, 0.0
            return told
        rhythm.is_told = True
        told[_BASE:] = (
            rhythm.base_origin,
            self.pooled_ml,
            *rhythm.moving,
            self._origin,
            0.0,
        )
        return told

    def _conduction_now(self) -> FloatArray:
        told, conduction = self._told_conduction, self.conduction
        told[_LAG] = conduction.posture_lag_ms * S_PER_MS
        told[_MV] = conduction.posture_mv_factor
        return told

    def _of_conduction(self) -> FloatArray:
        of = self.conduction.parameters
        # eq. 27, as a straight line in the interval
        usual_s = S_PER_MIN / of.erp_reference_bpm
        at_no_interval_s = of.erp_ms * S_PER_MS - of.erp_slope_frac * usual_s
        factor = of.ectopic_mv_factor
        return np.array([at_no_interval_s, of.erp_slope_frac, factor, 0.0, 1.0])


def activation_of(leads: FloatArray, origin: int) -> Activation:
    """Return the activation of which a row of `LEADS` tells."""
    at_s, atrial_s, v1_s, v2_s, atrial_mv, v1_mv, v2_mv, end_s = leads.tolist()
    return Activation(
        at_s,
        origin,
        atrial_s if atrial_s == atrial_s else None,
        v1_s,
        v2_s,
        atrial_mv,
        v1_mv,
        v2_mv,
        end_s,
    )


def leads_of(activation: Activation) -> tuple[float, ...]:
    """Return the row of `LEADS` that tells of an activation."""
    atrial_s = activation.atrial_s
    return (
        activation.at_s,
        _NAN if atrial_s is None else atrial_s,
        activation.v1_s,
        activation.v2_s,
        activation.atrial_mv,
        activation.v1_mv,
        activation.v2_mv,
        activation.refractory_end_s,
    )
