"""What device and monitor make of a beat, as kernels: for who plays many at once.

The rules are those of `sim.device.generator` and of the visit's monitor; here they are
asked without an object for each beat. A test plays visits both ways and compares.
"""

import math
from typing import Final

from sim.heart.jit import kernel
from sim.heart.parameters import FloatArray

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
DEVICE: Final = (
    "delivered",
    "train_start_s",
    "train_end_s",
    "ls_s",
    "v_s",
    "a_s",
    "cause",
)
"""What a beat is to the device; nan where nothing was sensed, `cause` a code."""
OUTCOMES: Final = (
    "DELIVERED",
    "SHORT_AV",
    "LONG_AV",
    "PVC",
    "AT",
    "LS_OUT",
    "NOISE",
    "VT",
    "INHIBITED",
    "NO_LS",
    "V_UNDERSENSED",
)
"""What may become of a beat for which the gate is open, in the order of `Cause`."""
COUNTS: Final = (
    *OUTCOMES,
    *(f"inhibited_{name}" for name in OUTCOMES[1:8]),
    "atrial_noise",
    "atrial_events",
    "ventricular_events",
    "local_sense_events",
)
"""What the device counts."""
RULES: Final = (
    "is_odo",
    "reference_is_v1",
    "sens_a_mv",
    "sens_v_mv",
    "sens_ls_mv",
    "pvarp_s",
    "vrp_s",
    "a_noise_from_s",
    "v_noise_from_s",
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
"""The device's timing as a kernel reads it; `OUTCOMES[1:8]`'s cycles follow."""
BEFORE: Final = (
    "last_a_s",
    "last_v_s",
    "last_ls_s",
    "busy_from_s",
    "busy_until_s",
    "inhibit_left",
)
"""The device's last events, and cycles still inhibited; moved in place."""
WATCH: Final = ("least_mmhg", "fall_mmhg", "monitored_mmhg", "n_seen")
"""Limits of the monitored pressure, its last value, how many are in the ring."""
ALERT: Final = (
    "run_beats",
    "tied_trains",
    "tied_span_trains",
    "tied_within_s",
    "sustained_s",
    "ectopic_run",
    "run_start_s",
    "tied",
    "n_tied",
    "harmless",
    "train_end_s",
)
"""Limits of ectopics, then what the monitor has seen of them; moved in place."""

_RULE: Final = {name: place for place, name in enumerate(RULES)}
_IS_ODO, _V1_FIRST = _RULE["is_odo"], _RULE["reference_is_v1"]
_SENS_A, _SENS_V = _RULE["sens_a_mv"], _RULE["sens_v_mv"]
_SENS_LS, _PVARP, _VRP = _RULE["sens_ls_mv"], _RULE["pvarp_s"], _RULE["vrp_s"]
_A_NOISE, _V_NOISE = _RULE["a_noise_from_s"], _RULE["v_noise_from_s"]
_AV_SHORT, _AV_LONG = _RULE["av_short_s"], _RULE["av_long_s"]
_AT_LIMIT, _VT_LIMIT = _RULE["at_interval_s"], _RULE["vt_interval_s"]
_FROM, _TO = _RULE["window_start_s"], _RULE["window_end_s"]
_POST_LS = _RULE["post_ls_s"]
_PRE_A, _POST_A = _RULE["blank_pre_a_s"], _RULE["blank_post_a_s"]
_PRE_V, _POST_V = _RULE["blank_pre_v_s"], _RULE["blank_post_v_s"]
_DELAY, _AFTER_V = _RULE["delay_s"], _RULE["after_v_s"]
_TRAIN, _BALANCING = _RULE["train_s"], _RULE["balancing_s"]
_CYCLES: Final = len(RULES) - 1  # a cause's code added, its cycles
_CAUSE: Final = {name: code for code, name in enumerate(OUTCOMES)}
_DELIVERED, _SHORT_AV, _LONG_AV = 0, _CAUSE["SHORT_AV"], _CAUSE["LONG_AV"]
_PVC, _AT, _LS_OUT = _CAUSE["PVC"], _CAUSE["AT"], _CAUSE["LS_OUT"]
_NOISE, _VT, _INHIBITED = _CAUSE["NOISE"], _CAUSE["VT"], _CAUSE["INHIBITED"]
_NO_LS, _V_UNDERSENSED = _CAUSE["NO_LS"], _CAUSE["V_UNDERSENSED"]
_COUNT: Final = {name: place for place, name in enumerate(COUNTS)}
_INHIBITIONS: Final = len(OUTCOMES) - 1  # a cause's code added, its inhibitions
_A_NOISES, _A_EVENTS = _COUNT["atrial_noise"], _COUNT["atrial_events"]
_V_EVENTS, _LS_EVENTS = _COUNT["ventricular_events"], _COUNT["local_sense_events"]
_LAST_A, _LAST_V, _LAST_LS, _BUSY_FROM, _BUSY_UNTIL, _LEFT = range(len(BEFORE))
_RUN_BEATS, _TIED_TRAINS, _TIED_SPAN, _TIED_WITHIN, _SUSTAINED = range(5)
_RUN, _RUN_START, _TIED, _N_TIED, _HARMLESS, _TRAIN_END = range(5, len(ALERT))
_NAN: Final = math.nan


@kernel
def _inhibit(
    rules: FloatArray, before: FloatArray, counts: FloatArray, cause: int
) -> int:
    before[_LEFT] = rules[_CYCLES + cause]
    counts[_INHIBITIONS + cause] += 1.0
    return cause


@kernel
def _atrial(
    rules: FloatArray,
    before: FloatArray,
    counts: FloatArray,
    leads: FloatArray,
    found: FloatArray,
) -> int:
    """Sense the atrium; return what it inhibits by, 0 for nothing."""
    a_s = leads[1]
    if not (rules[_IS_ODO] > 0.0 and a_s == a_s and leads[4] >= rules[_SENS_A]):
        return 0
    since_v_s, since_a_s = a_s - before[_LAST_V], a_s - before[_LAST_A]
    if since_v_s < rules[_PVARP]:
        if since_v_s < rules[_A_NOISE]:
            return 0
        counts[_A_NOISES] += 1.0
        return _inhibit(rules, before, counts, _NOISE)
    if since_a_s <= 0.0:
        return 0
    before[_LAST_A] = found[5] = a_s
    counts[_A_EVENTS] += 1.0
    if since_a_s < rules[_AT_LIMIT]:
        return _inhibit(rules, before, counts, _AT)
    return 0


@kernel
def _ventricular(
    rules: FloatArray,
    before: FloatArray,
    counts: FloatArray,
    v_s: float,
    found: FloatArray,
) -> int:
    """Sense the ventricle; return what it inhibits by, 0 for nothing."""
    since_v_s, since_a_s = v_s - before[_LAST_V], v_s - before[_LAST_A]
    if since_v_s < rules[_VRP]:
        if since_v_s < rules[_V_NOISE]:
            return 0
        return _inhibit(rules, before, counts, _NOISE)
    before[_LAST_V] = found[4] = v_s
    counts[_V_EVENTS] += 1.0
    if rules[_IS_ODO] > 0.0:
        if not 0.0 <= since_a_s < since_v_s:
            return _inhibit(rules, before, counts, _PVC)
        if since_a_s < rules[_AV_SHORT]:
            return _inhibit(rules, before, counts, _SHORT_AV)
        if since_a_s > rules[_AV_LONG]:
            return _inhibit(rules, before, counts, _LONG_AV)
    elif since_v_s < rules[_VT_LIMIT]:
        return _inhibit(rules, before, counts, _VT)
    return 0


@kernel
def _local(
    rules: FloatArray,
    before: FloatArray,
    counts: FloatArray,
    ls_s: float,
    found: FloatArray,
) -> bool:
    """Sense the local event; return whether it is outside the window."""
    if ls_s - before[_LAST_LS] < rules[_POST_LS]:
        return False
    latency_s, since_a_s = ls_s - found[4], ls_s - before[_LAST_A]
    hidden = before[_BUSY_FROM] <= ls_s < before[_BUSY_UNTIL]
    hidden = hidden or rules[_PRE_V] < latency_s < rules[_POST_V]
    if rules[_IS_ODO] > 0.0 and rules[_PRE_A] < since_a_s < rules[_POST_A]:
        hidden = True
    if hidden:
        return False
    before[_LAST_LS] = found[3] = ls_s
    counts[_LS_EVENTS] += 1.0
    # nan, when no V was sensed, is never inside
    return not rules[_FROM] <= latency_s <= rules[_TO]


@kernel
def judge(
    rules: FloatArray,
    before: FloatArray,
    counts: FloatArray,
    leads: FloatArray,
    gives_trains: bool,
    found: FloatArray,
) -> None:
    """Judge one beat that is not disturbed, as `PulseGenerator.beat` does.

    Parameters
    ----------
    rules, before, counts
        As `RULES` with the cycles, `BEFORE`, `COUNTS`; the last two are moved in place.
        Only of a device that gives trains are the outcomes counted.
    leads
        A row of `LEADS`.
    gives_trains
        Whether the gate is open.
    found
        A row of `DEVICE` is written; without trains its cause stays as it was.
    """
    found[1], found[2], found[3], found[4], found[5] = _NAN, _NAN, _NAN, _NAN, _NAN
    found[0] = 0.0
    if rules[_V1_FIRST] > 0.0:
        v_s, v_mv, ls_s, ls_mv = leads[2], leads[5], leads[3], leads[6]
    else:
        v_s, v_mv, ls_s, ls_mv = leads[3], leads[6], leads[2], leads[5]
    fresh = _atrial(rules, before, counts, leads, found)
    if v_mv >= rules[_SENS_V]:
        fresh = _ventricular(rules, before, counts, v_s, found) or fresh
    if ls_mv >= rules[_SENS_LS]:
        is_out = _local(rules, before, counts, ls_s, found)
        if is_out and fresh == 0:
            fresh = _inhibit(rules, before, counts, _LS_OUT)
    in_window = found[3] == found[3] and found[4] == found[4] and fresh == 0
    armed = in_window and before[_LEFT] == 0.0
    if before[_LEFT] > 0.0:
        before[_LEFT] -= 1.0
    if not gives_trains:
        return
    cause = fresh
    if not armed and fresh == 0:
        cause = _INHIBITED if in_window else _NO_LS
        cause = _V_UNDERSENSED if found[4] != found[4] else cause
    counts[cause] += 1.0
    found[6] = cause
    if armed:
        found[0] = 1.0
        found[1] = max(found[3] + rules[_DELAY], found[4] + rules[_AFTER_V])
        found[2] = found[1] + rules[_TRAIN]
        before[_BUSY_FROM] = found[1]
        before[_BUSY_UNTIL] = found[2] + rules[_BALANCING]


@kernel
def pressure_speaks(watch: FloatArray, ring: FloatArray, place: int) -> bool:
    """Tell whether the monitor would speak of the next pressure; `ring` is `(20,)`.

    Compares the last half of the ring, the next pressure in it, with the half before.
    """
    n, half = ring.size, ring.size // 2
    if watch[2] != watch[2] or watch[3] + 1 < n:
        return False
    recent, earlier, at = watch[2], 0.0, place
    for back in range(1, n):
        at = at - 1 if at > 0 else n - 1
        if back < half:
            recent += ring[at]
        else:
            earlier += ring[at]
    recent, earlier = recent / half, earlier / half
    return bool(recent < watch[0] or earlier - recent > watch[1])


@kernel
def ectopic_speaks(alert: FloatArray, now_s: float) -> bool:
    """Tell whether the monitor would speak of an ectopic now; else take note of it."""
    start_s = now_s if alert[_RUN] == 0.0 else alert[_RUN_START]
    is_tied = 0.0 <= now_s - alert[_TRAIN_END] <= alert[_TIED_WITHIN]
    if (
        now_s - start_s > alert[_SUSTAINED]
        or alert[_RUN] + 1.0 == alert[_RUN_BEATS]
        or alert[_TIED] + is_tied >= alert[_TIED_TRAINS]
    ):
        return True
    alert[_RUN] += 1.0
    alert[_RUN_START] = start_s
    if is_tied:
        alert[_TIED] += 1.0
        alert[_N_TIED] += 1.0
        alert[_HARMLESS], alert[_TRAIN_END] = 0.0, _NAN
    return False


@kernel
def own_beat(alert: FloatArray) -> None:
    """Take note of a beat that is not ectopic."""
    alert[_RUN] = 0.0


@kernel
def train_given(alert: FloatArray, end_s: float) -> None:
    """Take note of a train, as `Monitor.train`."""
    if alert[_TRAIN_END] == alert[_TRAIN_END]:
        alert[_HARMLESS] += 1.0
        if alert[_HARMLESS] > alert[_TIED_SPAN]:
            alert[_TIED] = 0.0
    alert[_TRAIN_END] = end_s
