"""A beating heart that plays many uneventful beats in one stretch of compiled code.

Between two beats that somebody waits for, nobody looks. `stretch` plays what comes
meanwhile, heart, device and monitor, in one kernel: the same arithmetic in the same
order, so that a stretch changes no bit of any beat. It stops before the first at which
anything might happen: an ectopic to come, a train near the end of the refractory period
or past an ICD's blanking, a pressure that the monitor would speak of. That beat is
played like any other, by `activate` and `contract`.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.beating import BeatingHeart, HeartStreams
from sim.heart.beats import beat_of_one
from sim.heart.circulation import SHORTEST_RR_S, ClosedLoop
from sim.heart.control import BEAT_COLUMNS, OWN_COLUMNS, advance, commands
from sim.heart.jit import kernel
from sim.heart.judged import LEADS, judge
from sim.heart.parameters import FloatArray
from sim.heart.parts import HeartParts
from sim.heart.rhythm import own_interval_s
from sim.units import S_PER_MIN, S_PER_MS

TRAINS: Final = (
    "are_given",
    "is_blind",
    "gain",
    "edge_s",
    "blanking_s",
    "v1_sensing_frac",
    "v2_sensing_frac",
)
"""Whether the gate is open and whether the device senses nothing; what a train does to
the muscle; how long before the end of the refractory period, and after the beat, it
must end to be uneventful; what the leads sense."""
CELL: Final = ("charge_mah", "idle_mah_per_s", "train_mah", "last_beat_s")
"""The device's cell; charge and last beat are moved in place."""
MONITOR: Final = (
    "least_mmhg",
    "collapse_mmhg",
    "fall_mmhg",
    "monitored_mmhg",
    "n_seen",
    "recent_sum",
    "before_sum",
)
"""Limits of the monitored pressure, then what is known of it; moved in place."""

_N_OWN: Final = len(OWN_COLUMNS)
_SBP: Final = BEAT_COLUMNS.index("sbp_mmhg")
_MEAN, _LEAST, _MOST, _NEXT_ECTOPIC, _ORIGIN, _POOLED, _AV = range(7)  # of `rhythm`
_ERP, _ERP_SLOPE, _ERP_RR, _LAG, _MV_FACTOR = range(5)  # of `conduction`
_GIVEN, _BLIND, _GAIN, _EDGE, _BLANKING, _V1_FRAC, _V2_FRAC = range(len(TRAINS))
_CHARGE, _IDLE, _TRAIN, _LAST_BEAT = range(len(CELL))
_LOW, _COLLAPSE, _FALL, _MONITORED, _SEEN, _RECENT, _BEFORE = range(len(MONITOR))
_NOW, _RR_BEFORE, _UNTIL, _GRID_PER_S, _STEP, _LONGEST = range(6)  # of `clock`
_NAN: Final = math.nan
_NO_NUMBERS: Final = np.empty(0)
_RR: Final = OWN_COLUMNS.index("rr_s")


@kernel
def _conduct(
    now_s: float,
    rr_before_s: float,
    drawn: FloatArray,
    conduction: FloatArray,
    is_af: bool,
    leads: FloatArray,
) -> None:
    """Write a row of `LEADS` of the patient's own beat, as `Conduction.activate`."""
    v1_s, v2_s = drawn[1], drawn[2] + conduction[_LAG]
    leads[0], leads[1] = now_s, _NAN if is_af else now_s - drawn[0]
    leads[2], leads[3], leads[4] = now_s + v1_s, now_s + v2_s, drawn[5]
    leads[5], leads[6] = (
        drawn[6] * conduction[_MV_FACTOR],
        drawn[7] * conduction[_MV_FACTOR],
    )
    # eq. 27
    longer_s = rr_before_s - conduction[_ERP_RR]
    refractory_s = conduction[_ERP] + conduction[_ERP_SLOPE] * longer_s
    leads[7] = now_s + min(v1_s, v2_s) + refractory_s


@kernel
def _monitor_is_silent(monitor: FloatArray, ring: FloatArray) -> bool:
    """Take the next pressure, as `Monitor`; False, and nothing, where it would speak.

    `ring` holds the last pressures, twice as many as are compared, number k at k modulo
    its size.
    """
    mmhg = monitor[_MONITORED]
    if mmhg != mmhg:
        return True
    n_seen, size = int(monitor[_SEEN]), ring.size
    half = size // 2
    recent, before = monitor[_RECENT] + mmhg, monitor[_BEFORE]
    if n_seen >= half:
        left = ring[(n_seen - half) % size]
        recent -= left
        before += left
    if n_seen >= size:
        before -= ring[n_seen % size]
    if n_seen + 1 >= size:
        recent_mmhg, before_mmhg = recent / half, before / half
        low = recent_mmhg < monitor[_COLLAPSE] or recent_mmhg < monitor[_LOW]
        if low or before_mmhg - recent_mmhg > monitor[_FALL]:
            return False
    ring[n_seen % size] = mmhg
    monitor[_SEEN], monitor[_RECENT], monitor[_BEFORE] = n_seen + 1, recent, before
    return True


@kernel
def _drain(cell: FloatArray, now_s: float, gives_train: bool) -> None:
    """Take a beat and its train out of the cell, as `Battery.drain`."""
    passed_s = now_s - cell[_LAST_BEAT]
    if passed_s > 0.0:
        cell[_CHARGE] = max(cell[_CHARGE] - cell[_IDLE] * passed_s, 0.0)
    if gives_train:
        cell[_CHARGE] = max(cell[_CHARGE] - cell[_TRAIN], 0.0)
    cell[_LAST_BEAT] = now_s


@kernel
def _copy(source: FloatArray, target: FloatArray) -> None:
    for place in range(len(source)):
        target[place] = source[place]


@kernel
def _beats_of_a_stretch(
    people: FloatArray,
    rise: FloatArray,
    trace: FloatArray,
    no_wave: FloatArray,
    state: FloatArray,
    constants: FloatArray,
    rhythm: FloatArray,
    waves: FloatArray,
    irregular: FloatArray,
    drawn: FloatArray,
    conduction: FloatArray,
    device: FloatArray,
    rules: FloatArray,
    before: FloatArray,
    counts: FloatArray,
    cell: FloatArray,
    monitor: FloatArray,
    ring: FloatArray,
    drift: FloatArray,
    error_mmhg: FloatArray,
    clock: FloatArray,
    rows: FloatArray,
    leads: FloatArray,
    found: FloatArray,
) -> int:
    """Play uneventful beats, at most as many as there are rows; return how many.

    Parameters
    ----------
    people, rise, trace, no_wave
        The circulation, as `beat_of_one` takes it.
    state, constants
        Memory and reflex.
    rhythm : (7,)
        Mean interval, least and most, time of the next ectopic, origin, blood pooled,
        AV delay.
    waves, irregular
        Variability on its grid; in fibrillation the factors to come, else empty.
    drawn : (m, 8)
        Lags and amplitudes of the beats to come.
    conduction : (5,)
        Refractory period, its slope and the interval that both are of; what posture
        adds to the lag of V2 and makes of amplitudes.
    device, rules, before, counts, cell
        As `TRAINS`, `RULES`, `BEFORE` and `COUNTS` of `judged`, `CELL`.
    monitor, ring, drift, error_mmhg
        As `MONITOR`; the last pressures; what the monitor makes of a true one.
    clock : (6,)
        Now, the interval before, until when, the grid of the monitor per second, the
        step of the integration, the longest interval that there is room for.
    rows, leads, found
        Of each beat: `BEAT_COLUMNS`, `LEADS`, `DEVICE`.
    """
    now_s, rr_before_s = clock[_NOW], clock[_RR_BEFORE]
    is_af, gives_trains = irregular.size > 0, device[_GIVEN] > 0.0
    seen = np.empty(len(LEADS))
    kept, counted = np.empty_like(before), np.empty_like(counts)
    for beat in range(len(rows)):
        if beat > 0 and now_s >= clock[_UNTIL]:
            return beat
        own, told = leads[beat], found[beat]
        _conduct(now_s, rr_before_s, drawn[beat], conduction, is_af, own)
        _copy(before, kept)
        _copy(counts, counted)
        # what became of it stands there already, for a device that gives no trains
        told[0], told[1], told[2] = 0.0, _NAN, _NAN
        told[3], told[4], told[5] = _NAN, _NAN, _NAN
        if device[_BLIND] == 0.0:
            _copy(own, seen)
            seen[5], seen[6] = own[5] * device[_V1_FRAC], own[6] * device[_V2_FRAC]
            judge(rules, before, counts, seen, gives_trains, told)
        is_quiet = True
        if told[0] > 0.0:
            # not `over >= -edge`: a bound without a number lets every train pass
            over_s, after_s = told[2] - own[7], told[2] - now_s
            is_quiet = over_s < -device[_EDGE] and after_s <= device[_BLANKING]
        factor, resistance, shift_ml, reflex_s = commands(state, constants, False)
        rr_s = own_interval_s(now_s, reflex_s, rhythm, waves, irregular, beat)
        is_quiet = is_quiet and rhythm[_NEXT_ECTOPIC] >= now_s + rr_s
        is_quiet = is_quiet and SHORTEST_RR_S <= rr_s <= clock[_LONGEST]
        is_quiet = is_quiet and factor > 0.0 and resistance > 0.0
        if not (is_quiet and _monitor_is_silent(monitor, ring)):
            _copy(kept, before)
            _copy(counted, counts)
            return beat
        _drain(cell, now_s, told[0] > 0.0)
        row = rows[beat]
        gain = device[_GAIN] if told[0] > 0.0 else 0.0
        row[0], row[1], row[2], row[3] = now_s, rr_s, rhythm[_ORIGIN], factor
        row[4] = gain
        beat_of_one(
            people,
            rise,
            trace,
            no_wave,
            row[_N_OWN:],
            clock[_STEP],
            rr_s,
            math.inf if is_af else rr_s - rhythm[_AV],
            factor,
            resistance,
            shift_ml + rhythm[_POOLED],
        )
        advance(state, constants, gain, row, False)
        i = min(int(now_s * clock[_GRID_PER_S]), drift.size - 1)
        monitor[_MONITORED] = row[_SBP] * drift[i] + error_mmhg[i]
        rr_before_s = rr_s
        now_s += rr_s
    return len(rows)


@dataclass(slots=True, eq=False)
class Bystanders:
    """What a stretch is told of device, monitor and visit; arrays are moved in place.

    Attributes
    ----------
    n_most, until_s
        How many beats at most; none but the first is activated at `until_s` or later.
    device, cell, monitor
        As `TRAINS`, `CELL` and `MONITOR`.
    rules, before, counts
        As `RULES` with the cycles, `BEFORE` and `COUNTS` of `sim.heart.judged`.
    ring, drift, error_mmhg, grid_per_s
        The last monitored pressures, and what the monitor makes of a true one, on a
        grid of clock time.
    """

    n_most: int
    until_s: float
    device: FloatArray
    cell: FloatArray
    monitor: FloatArray
    rules: FloatArray
    before: FloatArray
    counts: FloatArray
    ring: FloatArray
    drift: FloatArray
    error_mmhg: FloatArray
    grid_per_s: float


class StretchingHeart(BeatingHeart):
    """A beating heart that can play uneventful beats in a stretch."""

    circulation: ClosedLoop

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
        self._to_kernel_rhythm = self._of_rhythm()
        self._to_kernel_conduction = self._of_conduction()
        self.circulation.make_room(self.rhythm.parameters.most_rr_s)

    @property
    def beats_as_usual(self) -> bool:
        """Whether the beat that is due is the patient's own, and the next ones too."""
        return self.rhythm.is_usual and self._origin == self.rhythm.base_origin

    def stretch(
        self, now_s: float, around: Bystanders, leads: FloatArray, found: FloatArray
    ) -> int:
        """Play the uneventful beats that come, the first now; return how many, or 0.

        Afterwards the heart is as if each had been played by `activate` and `contract`.

        Parameters
        ----------
        now_s
            Time of the activation that is due.
        around
            What is around the heart.
        leads, found : (n, 8), (n, 7)
            A row of `LEADS` and of `DEVICE` is written for each beat taken.
        """
        rhythm, loop, drawn = self.rhythm, self.circulation, self.conduction.stock_up()
        irregular = rhythm.stock_up() if rhythm.is_af else _NO_NUMBERS
        n = min(around.n_most, len(leads), len(drawn), len(irregular) or len(leads))
        rows = self._room(n)
        taken = _beats_of_a_stretch(
            *loop.for_kernels,
            self._state,
            self._constants,
            self._rhythm_now(),
            rhythm.waves,
            irregular,
            drawn,
            self._conduction_now(),
            around.device,
            around.rules,
            around.before,
            around.counts,
            around.cell,
            around.monitor,
            around.ring,
            around.drift,
            around.error_mmhg,
            np.array(
                (
                    *(now_s, self._rr_s, around.until_s, around.grid_per_s),
                    *(loop.step_s, loop.room_s),
                )
            ),
            rows,
            leads,
            found,
        )
        self.conduction.stock.take(taken)
        if rhythm.is_af:
            rhythm.irregular.take(taken)
        self.n_beats += taken
        if taken:
            self._rr_s = float(rows[taken - 1, _RR])
        return taken

    def _room(self, n: int) -> FloatArray:
        """Return the rows that come next."""
        while self.n_beats + n > len(self._rows):
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
        rows: FloatArray = self._rows[self.n_beats : self.n_beats + n]
        return rows

    def _rhythm_now(self) -> FloatArray:
        told, rhythm = self._to_kernel_rhythm, self.rhythm
        told[_NEXT_ECTOPIC] = rhythm.next_ectopic_s
        told[_ORIGIN], told[_POOLED] = rhythm.base_origin, self.pooled_ml
        return told

    def _conduction_now(self) -> FloatArray:
        told, conduction = self._to_kernel_conduction, self.conduction
        told[_LAG] = conduction.posture_lag_ms * S_PER_MS
        told[_MV_FACTOR] = conduction.posture_mv_factor
        return told

    def _of_rhythm(self) -> FloatArray:
        parameters, told = self.rhythm.parameters, np.zeros(_AV + 1)
        told[_MEAN] = S_PER_MIN / parameters.heart_rate_bpm
        told[_LEAST], told[_MOST] = parameters.least_rr_s, parameters.most_rr_s
        told[_AV] = self._av_s
        return told

    def _of_conduction(self) -> FloatArray:
        parameters, told = self.conduction.parameters, np.zeros(_MV_FACTOR + 1)
        told[_ERP] = parameters.erp_ms * S_PER_MS
        told[_ERP_SLOPE] = parameters.erp_slope_frac
        told[_ERP_RR] = S_PER_MIN / parameters.erp_reference_bpm
        return told
