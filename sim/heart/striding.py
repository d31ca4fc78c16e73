"""A tabled heart that takes many uneventful beats in one stride.

Most beats of a visit are alike: the patient's own, sensed as they should be, with a
train or without, far from any limit. `stride` plays as many of them as come, in one
kernel, and stops before the first at which anything might happen: an ectopic, a beat
that the device does not take for a usual one, a train near the end of the refractory
period, a pressure that the monitor would speak of. That beat is played like any other,
by `activate` and `contract`. What is drawn is drawn from the same streams in the same
order, so that a stride changes nothing but the time it takes.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.beating import BeatingHeart, HeartStreams
from sim.heart.conduction import Activation, Conduction
from sim.heart.control import OWN_COLUMNS, advance, commands
from sim.heart.equilibrium import Equilibrium
from sim.heart.jit import kernel
from sim.heart.parameters import FloatArray
from sim.heart.parts import HeartParts
from sim.heart.rhythm import GRID_S, Rhythm, variability_s
from sim.heart.stock import Stock
from sim.heart.tabled import N_READ, READ_AT, TabledLoop, loop_table, tabled_beat
from sim.units import S_PER_MIN, S_PER_MS

LEADS: Final = (
    "at_s",
    "atrial_s",
    "v1_s",
    "v2_s",
    "atrial_mv",
    "v1_mv",
    "v2_mv",
    "refractory_end_s",
)
"""What is kept of an activation; `Activation` without its origin."""
DEVICE: Final = ("delivered", "train_start_s", "train_end_s", "ls_s", "v_s", "a_s")
"""What a usual beat is to the device; nan where nothing was sensed."""
RULES: Final = (
    "is_odo",
    "reference_is_v1",
    "sens_a_mv",
    "sens_v_mv",
    "sens_ls_mv",
    "pvarp_s",
    "vrp_s",
    "av_short_s",
    "av_long_s",
    "at_interval_s",
    "vt_interval_s",
    "window_start_s",
    "window_end_s",
    "post_ls_s",
    "blank_pre_a_s",
    "blank_post_a_s",
    "blank_pre_v_s",
    "blank_post_v_s",
    "delay_s",
    "after_v_s",
    "train_s",
    "balancing_s",
)
"""The device's timing as a kernel reads it."""
BEFORE: Final = ("last_a_s", "last_v_s", "last_ls_s", "busy_until_s")
"""The device's last events; moved in place."""
TRAINS: Final = ("are_given", "is_blind", "gain", "edge_s", "blanking_s")
"""Whether usual beats get trains and whether the device senses nothing; what a train
does to the muscle; how long before the end of the refractory period, and after the
beat, it must end to be uneventful."""
WATCH: Final = ("least_mmhg", "fall_mmhg", "monitored_mmhg", "n_seen")
"""Limits of the monitored pressure, its last value, how many are in the ring."""

_N_OWN: Final = len(OWN_COLUMNS)
_RULE: Final = {name: place for place, name in enumerate(RULES)}
_IS_ODO, _V1_FIRST = _RULE["is_odo"], _RULE["reference_is_v1"]
_SENS_A, _SENS_V = _RULE["sens_a_mv"], _RULE["sens_v_mv"]
_SENS_LS, _PVARP, _VRP = _RULE["sens_ls_mv"], _RULE["pvarp_s"], _RULE["vrp_s"]
_AV_SHORT, _AV_LONG = _RULE["av_short_s"], _RULE["av_long_s"]
_AT, _VT = _RULE["at_interval_s"], _RULE["vt_interval_s"]
_FROM, _TO, _POST_LS = (
    _RULE["window_start_s"],
    _RULE["window_end_s"],
    _RULE["post_ls_s"],
)
_PRE_A, _POST_A = _RULE["blank_pre_a_s"], _RULE["blank_post_a_s"]
_PRE_V, _POST_V = _RULE["blank_pre_v_s"], _RULE["blank_post_v_s"]
_DELAY, _AFTER_V = _RULE["delay_s"], _RULE["after_v_s"]
_TRAIN, _BALANCING = _RULE["train_s"], _RULE["balancing_s"]
_NEXT_ECTOPIC, _BASE_ORIGIN, _POOLED = 3, 4, 5  # of `rhythm`
_LAG, _MV_FACTOR = 2, 3  # of `conduction`
_NAN: Final = math.nan
_NO_NUMBERS: Final = np.empty(0)
_RR: Final = OWN_COLUMNS.index("rr_s")


@kernel
def _usual_to_device(
    rules: FloatArray,
    before: FloatArray,
    leads: FloatArray,
    found: FloatArray,
) -> bool:
    """Judge one beat of the patient's own; whether it is as it should be.

    The rules of `sim.device.rules` with every answer that leads to no inhibition.
    `found` takes what the device would make of it, with a train.
    """
    a_s, v1_s, v2_s = leads[1], leads[2], leads[3]
    if rules[_V1_FIRST] > 0.0:
        v_s, v_mv, ls_s, ls_mv = v1_s, leads[5], v2_s, leads[6]
    else:
        v_s, v_mv, ls_s, ls_mv = v2_s, leads[6], v1_s, leads[5]
    since_v_s = v_s - before[1]
    if v_mv < rules[_SENS_V] or since_v_s < rules[_VRP]:
        return False
    found[5] = _NAN
    if rules[_IS_ODO] > 0.0:
        if not leads[4] >= rules[_SENS_A] or a_s - before[1] < rules[_PVARP]:
            return False
        av_s, since_a_s = v_s - a_s, a_s - before[0]
        if not (a_s == a_s and since_a_s > 0.0 and since_a_s >= rules[_AT]):
            return False
        if not (0.0 <= av_s < since_v_s and rules[_AV_SHORT] <= av_s):
            return False
        if av_s > rules[_AV_LONG] or rules[_PRE_A] < ls_s - a_s < rules[_POST_A]:
            return False
        found[5] = a_s
    elif since_v_s < rules[_VT]:
        return False
    latency_s = ls_s - v_s
    if ls_mv < rules[_SENS_LS] or ls_s - before[2] < rules[_POST_LS]:
        return False
    if ls_s < before[3] or rules[_PRE_V] < latency_s < rules[_POST_V]:
        return False
    if not rules[_FROM] <= latency_s <= rules[_TO]:
        return False
    found[0] = 1.0
    found[1] = max(ls_s + rules[_DELAY], v_s + rules[_AFTER_V])
    found[2] = found[1] + rules[_TRAIN]
    found[3], found[4] = ls_s, v_s
    return True


@kernel
def _monitor_speaks(watch: FloatArray, ring: FloatArray, place: int) -> bool:
    """Tell whether the monitor would speak of the next pressure; `ring` is `(20,)`.

    Compares the last half of the ring, the next pressure in it, with the half before.
    """
    n, half = ring.size, ring.size // 2
    if watch[2] != watch[2] or watch[3] + 1 < n:
        return False
    recent, earlier = watch[2], 0.0
    for back in range(1, n):
        value = ring[(place - back) % n]
        if back < half:
            recent += value
        else:
            earlier += value
    recent, earlier = recent / half, earlier / half
    return bool(recent < watch[0] or earlier - recent > watch[1])


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
    waves: FloatArray,
    irregular: FloatArray,
    drawn: FloatArray,
    conduction: FloatArray,
    device: FloatArray,
    rules: FloatArray,
    before: FloatArray,
    watch: FloatArray,
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
    intervals_s, slopes, steering, arteries, moved_ml
        The table and the volumes, as `tabled_beat` takes them.
    state, constants
        Memory and reflex.
    rhythm : (6,)
        Mean interval, least and most, time of the next ectopic, origin, blood pooled.
    waves, irregular
        Variability on its grid; in fibrillation the factors to come, else empty.
    drawn : (m, 8)
        Lags and amplitudes of the beats to come.
    conduction : (4,)
        Refractory period at no interval and its share of one; what posture adds to the
        lag of V2 and makes of amplitudes.
    device, rules, before
        As `TRAINS`, `RULES` and `BEFORE`.
    watch, ring, drift, error_mmhg
        As `WATCH`; the last pressures; what the monitor makes of a true one.
    clock : (4,)
        Now, the interval before, until when, the grid of the monitor per second.
    rows, leads, found
        Of each beat: `BEAT_COLUMNS`, `LEADS`, `DEVICE`.
    """
    now_s, rr_before_s = clock[0], clock[1]
    is_af = irregular.size > 0
    n_waves, n_grid, n_ring = waves.size, drift.size, ring.size
    told, read = np.empty(3), np.empty(N_READ)
    place = int(watch[3]) % n_ring
    for beat in range(len(rows)):
        if beat > 0 and now_s >= clock[2]:
            return beat
        own = leads[beat]
        own[0] = now_s
        own[1] = _NAN if is_af else now_s - drawn[beat, 0]
        v1_lag_s, v2_lag_s = drawn[beat, 1], drawn[beat, 2] + conduction[_LAG]
        own[2], own[3] = now_s + v1_lag_s, now_s + v2_lag_s
        own[4] = drawn[beat, 5]
        own[5], own[6] = (
            drawn[beat, 6] * conduction[_MV_FACTOR],
            drawn[beat, 7] * conduction[_MV_FACTOR],
        )
        refractory_s = conduction[0] + conduction[1] * rr_before_s
        own[7] = now_s + min(v1_lag_s, v2_lag_s) + refractory_s
        seen = found[beat]
        seen[:] = _NAN
        seen[0] = 0.0
        if device[1] == 0.0:
            if not _usual_to_device(rules, before, own, seen):
                return beat
            if device[0] == 0.0:
                seen[0], seen[1], seen[2] = 0.0, _NAN, _NAN
            elif seen[2] - own[7] >= -device[3] or seen[2] - now_s > device[4]:
                return beat
        factor, resistance, shift_ml, shift_s = commands(state, constants, False)
        rr_s = rhythm[0] + shift_s
        if is_af:
            rr_s *= irregular[beat]
        else:
            at = now_s / GRID_S
            left = int(at)
            wave = waves[left % n_waves]
            rr_s += wave + (at - left) * (waves[(left + 1) % n_waves] - wave)
        rr_s = min(max(rr_s, rhythm[1]), rhythm[2])
        if rhythm[_NEXT_ECTOPIC] < now_s + rr_s or _monitor_speaks(watch, ring, place):
            return beat
        if watch[2] == watch[2]:
            ring[place] = watch[2]
            place = (place + 1) % n_ring
            watch[3] += 1.0
        told[0], told[1], told[2] = factor, resistance, shift_ml + rhythm[_POOLED]
        tabled_beat(
            intervals_s,
            slopes,
            steering,
            arteries,
            moved_ml,
            rr_s,
            not is_af,
            told,
            read,
        )
        row = rows[beat]
        gain = device[2] if seen[0] > 0.0 else 0.0
        row[0], row[1], row[2], row[3], row[4] = (
            now_s,
            rr_s,
            rhythm[_BASE_ORIGIN],
            factor,
            gain,
        )
        row[_N_OWN:] = _NAN
        for k in range(N_READ):
            row[_N_OWN + READ_AT[k]] = read[k]
        advance(state, constants, gain, row, False)
        i = min(int(now_s * clock[3]), n_grid - 1)
        watch[2] = read[0] * drift[i] + error_mmhg[i]
        if device[1] == 0.0:
            before[1], before[2] = seen[4], seen[3]
            if seen[5] == seen[5]:
                before[0] = seen[5]
            if seen[0] > 0.0:
                before[3] = seen[2] + rules[_BALANCING]
        rr_before_s = rr_s
        now_s += rr_s
    return len(rows)


class StridingRhythm(Rhythm):
    """A rhythm whose waves and draws are arrays, for a kernel to read."""

    waves: FloatArray = np.empty(0)
    irregular = Stock(np.empty(0))

    @property
    def next_ectopic_s(self) -> float:
        """Earliest clock time of the next spontaneous ectopic."""
        return self._next_ectopic_s

    @property
    def is_usual(self) -> bool:
        """Whether no ectopic, no pause and no advanced beat is under way."""
        return (
            self._run_left == 0
            and self._since_sinus_s == 0.0
            and self._advanced_s is None
        )

    def _draw_waves(self) -> None:
        self.waves = variability_s(self.parameters, self._rng, self._duration_s)
        self._n_waves = self.waves.size

    def _wave_s(self, place: int) -> float:
        return float(self.waves[place % self._n_waves])

    def stock_up(self) -> FloatArray:
        """Return the irregular numbers to come; a new block where none is left."""
        if not len(self.irregular):
            self.irregular = Stock(self._drawn_irregular())
        return self.irregular.left

    def _next_irregular(self) -> float:
        self.stock_up()
        return float(self.irregular.take(1)[0])


class StridingConduction(Conduction):
    """Conduction whose draws are arrays, for a kernel to read."""

    stock = Stock(np.empty((0, 0)))

    def stock_up(self) -> FloatArray:
        """Return the draws of the beats to come; a new block where none is left."""
        if not len(self.stock):
            self.stock = Stock(self._drawn())
        return self.stock.left

    def _next_row(self) -> list[float]:
        self.stock_up()
        row: list[float] = self.stock.take(1)[0].tolist()
        return row


@dataclass(slots=True, eq=False)
class Surroundings:
    """What a stride is told of device, monitor and visit; arrays are moved in place.

    Attributes
    ----------
    n_most, until_s
        How many beats at most; none but the first is activated at `until_s` or later.
    device
        As `TRAINS`.
    rules, before, watch, ring
        As `RULES`, `BEFORE` and `WATCH`; the last monitored pressures.
    drift, error_mmhg, grid_per_s
        What the monitor makes of a true pressure, on a grid of clock time.
    """

    n_most: int
    until_s: float
    device: FloatArray
    rules: FloatArray
    before: FloatArray
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
        around: Surroundings,
        leads: FloatArray,
        found: FloatArray,
    ) -> int:
        """Take the uneventful beats that come, the first now; return how many, or 0.

        Afterwards the heart is as if each had been played by `activate` and `contract`.

        Parameters
        ----------
        now_s
            Time of the activation that is due.
        around
            What is around the heart.
        leads, found : (n_most, 8), (n_most, 6)
            A row of `LEADS` and of `DEVICE` is written for each beat taken.
        """
        rhythm, drawn = self.rhythm, self.conduction.stock_up()
        irregular = rhythm.stock_up() if rhythm.is_af else _NO_NUMBERS
        n = min(around.n_most, len(drawn), len(irregular) or around.n_most)
        rows = self._room(n)
        table, loop = self.circulation.table, self.circulation
        taken = _beats_in_a_row(
            table.intervals_s,
            table.slopes,
            table.steering,
            table.arteries,
            loop.moved_ml,
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
            around.watch,
            around.ring,
            around.drift,
            around.error_mmhg,
            np.array([now_s, self._rr_s, around.until_s, around.grid_per_s]),
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
        told[_BASE_ORIGIN], told[_POOLED] = rhythm.base_origin, self.pooled_ml
        return told

    def _conduction_now(self) -> FloatArray:
        told, conduction = self._to_kernel_conduction, self.conduction
        told[_LAG] = conduction.posture_lag_ms * S_PER_MS
        told[_MV_FACTOR] = conduction.posture_mv_factor
        return told

    def _of_rhythm(self) -> FloatArray:
        rhythm = self.rhythm
        parameters = rhythm.parameters
        return np.array(
            [
                S_PER_MIN / parameters.heart_rate_bpm,
                parameters.least_rr_s,
                parameters.most_rr_s,
                rhythm.next_ectopic_s,
                rhythm.base_origin,
                self.pooled_ml,
            ]
        )

    def _of_conduction(self) -> FloatArray:
        conduction = self.conduction
        of_patient = conduction.parameters
        per_s = of_patient.erp_slope_frac
        usual_s = S_PER_MIN / of_patient.erp_reference_bpm
        return np.array(
            [
                of_patient.erp_ms * S_PER_MS - per_s * usual_s,
                per_s,
                conduction.posture_lag_ms * S_PER_MS,
                conduction.posture_mv_factor,
            ]
        )


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
