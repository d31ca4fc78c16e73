"""One beat of one block of patients, from ventricular activation to the next.

`march` takes whole steps for all patients of the block at once and stops where a valve
should have turned. `exact` then repeats that step for that patient, split at the
instant of the valve, as it does where activation has a corner (atrial onset, end of the
half-cosine) and while the previous beat's tail outlasts the new beat. Without it the
error of a step across a corner is of second order, 1e-4 in dP/dt max.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.heart.jit import inlined, kernel
from sim.heart.parameters import FloatArray
from sim.heart.simd import (
    any_above,
    doubler,
    fma,
    left,
    loader,
    pair,
    right,
    spread,
    store,
    where_above,
)
from sim.heart.steps import Vectors, activity, pressures, rates, step

# Rows of a block; row r of patient j is at [r, j] (left) and [r, patients + j] (right).
STATE, BEFORE, PRESSURE, PAST_PRESSURE, PAST_VOLUME = 0, 6, 12, 16, 17
GATES, SIGN, ELASTANCE, VESSELS = 18, 20, 22, 24
OUTLET_SUM, ATRIUM_SUM, WORK_SUM, TOP, TOP_AT = 32, 33, 34, 35, 36
STEEPEST, STEEPEST_AT, FALLING, FALLING_AT = 37, 38, 39, 40
BASE_ELASTANCE, STIFFNESS, OPEN, UNSTRESSED, ARTERY_CONDUCTANCE = 41, 43, 45, 47, 49
N_ROWS = 50

# What stays the same for a patient, and what a beat is told, one row per patient.
ATRIUM_PEAK, ATRIUM_TAIL, RV_SHARE = 0, 1, 2
RR, ONSET, PAST_ONSET, PAST_BEAT, CONTRACTILITY, PAST_CONTRACTILITY = 0, 1, 2, 3, 4, 5
RESISTANCE_SCALE, VENOUS_SHIFT, TAIL_ENDS, LV_TAIL, RV_TAIL = 6, 7, 8, 9, 10
N_ORDERS = 11

# What `exact` notes down of a patient: four times, four slopes, values at the aortic
# valve, values at the start of the beat.
AORTIC_OPEN, AORTIC_CLOSE, MITRAL_OPEN, MITRAL_CLOSE, SLOPES = 0, 1, 2, 3, 4
OPEN_VOLUME, OPEN_PRESSURE, CLOSE_VOLUME, CLOSE_PRESSURE = 8, 9, 10, 11
START_PRESSURE, START_OUTLET, START_VOLUME = 12, 13, 14
N_NOTES = 15

N_WAVES = 16
CORNER_TOLERANCE_MMHG = 1e-5
NEVER = math.inf


@inlined
def interpolated(rise: FloatArray, patients: int, j: int, at: float) -> float:
    """Return ventricular activation at a time counted in half steps, by a cubic."""
    last = (rise.size // (3 * patients) - 1) * 2 - 3
    m = int(at) - 1
    if m < 0:
        m = 0
    if m > last:
        return 0.0
    x = at - m
    y0 = rise[((m >> 1) * 3 + (m & 1)) * patients + j]
    y1 = rise[(((m + 1) >> 1) * 3 + ((m + 1) & 1)) * patients + j]
    y2 = rise[(((m + 2) >> 1) * 3 + ((m + 2) & 1)) * patients + j]
    y3 = rise[(((m + 3) >> 1) * 3 + ((m + 3) & 1)) * patients + j]
    a, b, c = x - 1.0, x - 2.0, x - 3.0
    outer = (y3 * x * a * b - y0 * a * b * c) / 6.0
    return outer + 0.5 * (y1 * x * b * c - y2 * x * a * c)


@inlined
def atrial(since_s: float, peak_s: float, tail_s: float) -> float:
    """Return atrial activation at a time since its onset. Evidence C2."""
    corner_s = 1.5 * peak_s
    if since_s < 0.0:
        return 0.0
    if since_s < corner_s:
        return 0.5 - 0.5 * math.cos(math.pi / peak_s * since_s)
    return 0.5 * math.exp((corner_s - since_s) / tail_s)


@inlined
def activity_of(
    rise: FloatArray,
    patients: int,
    j: int,
    at_s: float,
    step_s: float,
    elastance: Vectors,
    order: FloatArray,
    fixed: FloatArray,
) -> Vectors:
    """Return the activity of one patient at any time, tails of the last beat included.

    Between two beats of unlike contractility the stronger of both pulls, so that
    nothing jumps at a premature beat.
    """
    phi = interpolated(rise, patients, j, at_s * 2.0 / step_s)
    pull_l, pull_r = phi, phi
    if at_s < order[TAIL_ENDS]:
        past = interpolated(rise, patients, j, (at_s + order[PAST_BEAT]) * 2.0 / step_s)
        pull_l = max(phi, past * order[LV_TAIL])
        pull_r = max(phi, past * order[RV_TAIL])
        phi = max(phi, past)
    peak_s, tail_s = fixed[ATRIUM_PEAK], fixed[ATRIUM_TAIL]
    psi = max(
        atrial(at_s - order[ONSET], peak_s, tail_s),
        atrial(at_s - order[PAST_ONSET], peak_s, tail_s),
    )
    return (
        pair(psi, psi) * elastance[0],
        pair(1.0 - psi, 1.0 - psi),
        pair(pull_l, pull_r) * elastance[1],
        pair(1.0 - phi, 1.0 - phi),
    )


@inlined
def corner_after(at_s: float, end_s: float, order: FloatArray, peak_s: float) -> float:
    """Return the next corner of atrial activation, or the end."""
    for corner_s in (
        order[ONSET],
        order[ONSET] + 1.5 * peak_s,
        order[PAST_ONSET] + 1.5 * peak_s,
    ):
        if at_s + 1e-9 < corner_s < end_s:
            end_s = corner_s
    return end_s


@inlined
def row(block: FloatArray, patients: int, j: int, index: int) -> Any:
    """Return one row of one patient as a pair."""
    at = index * 2 * patients + j
    return pair(block[at], block[at + patients])


@inlined
def put(block: FloatArray, patients: int, j: int, index: int, value: Any) -> None:
    """Write one row of one patient."""
    at = index * 2 * patients + j
    block[at] = left(value)
    block[at + patients] = right(value)


@inlined
def wrongness(pressure: Vectors, sign: Vectors) -> tuple[float, float, float, float]:
    """Return by how much mitral, tricuspid, aortic, pulmonary valve ought to turn."""
    inlet = sign[0] * (pressure[1] - pressure[0])
    outlet = sign[1] * (pressure[2] - pressure[1])
    return left(inlet), right(inlet), left(outlet), right(outlet)


@inlined
def refill(block: FloatArray, patients: int, j: int, index: int) -> Vectors:
    """Return a state whose filling pressures come from the exponential itself."""
    a = index
    atrium = row(block, patients, j, a)
    ventricle = row(block, patients, j, a + 1)
    stiff_a, stiff_v = (
        row(block, patients, j, STIFFNESS),
        row(block, patients, j, STIFFNESS + 1),
    )
    b_a, b_v = row(block, patients, j, VESSELS), row(block, patients, j, VESSELS + 1)
    grow_a, grow_v = b_a * atrium, b_v * ventricle
    return (
        atrium,
        ventricle,
        row(block, patients, j, a + 2),
        row(block, patients, j, a + 3),
        stiff_a * pair(math.expm1(left(grow_a)), math.expm1(right(grow_a))),
        stiff_v * pair(math.expm1(left(grow_v)), math.expm1(right(grow_v))),
    )


@inlined
def slope_of(
    state: Vectors, rate: Vectors, now: Vectors, elastance: Any, steep: float
) -> float:
    """Return LV dP/dt; `steep` is the slope of ventricular activation."""
    active = left(elastance * state[1] - state[5])
    return steep * active + left(now[2]) * left(rate[1]) + left(now[3]) * left(rate[5])


@kernel
def exact(
    block: FloatArray,
    patients: int,
    j: int,
    start_s: float,
    end_s: float,
    step_s: float,
    rise: FloatArray,
    order: FloatArray,
    fixed: FloatArray,
    notes: FloatArray,
) -> None:
    """Take one patient from row BEFORE to row STATE, split where a valve turns."""
    vessels = (
        row(block, patients, j, VESSELS),
        row(block, patients, j, VESSELS + 1),
        row(block, patients, j, VESSELS + 2),
        row(block, patients, j, VESSELS + 3),
        row(block, patients, j, VESSELS + 4),
        row(block, patients, j, VESSELS + 5),
        row(block, patients, j, VESSELS + 6),
        row(block, patients, j, VESSELS + 7),
    )
    elastance = (
        row(block, patients, j, ELASTANCE),
        row(block, patients, j, ELASTANCE + 1),
    )
    opened = row(block, patients, j, OPEN), row(block, patients, j, OPEN + 1)
    gates = row(block, patients, j, GATES), row(block, patients, j, GATES + 1)
    sign = row(block, patients, j, SIGN), row(block, patients, j, SIGN + 1)
    state = refill(block, patients, j, BEFORE)
    at_s = start_s
    now = activity_of(rise, patients, j, at_s, step_s, elastance, order, fixed)
    pressure = pressures(state, now, vessels)
    outlet_sum, atrium_sum, work_sum = pair(0.0, 0.0), pair(0.0, 0.0), pair(0.0, 0.0)
    begin_outlet = where_above(pressure[1], pressure[2], pressure[1], pressure[2])
    begin_atrium, begin_pressure, begin_volume = pressure[0], pressure[1], state[1]
    turns = 0
    while at_s < end_s:
        first = rates(state, pressure, vessels, gates)
        whole_s = corner_after(at_s, end_s, order, fixed[ATRIUM_PEAK]) - at_s
        begun = wrongness(pressure, sign)
        low, high, low_f, high_f = 0.0, 1.0, 0.0, 0.0
        share, valve, tries = 1.0, -1, 0
        while True:
            now_s = share * whole_s
            middle = activity_of(
                rise, patients, j, at_s + 0.5 * now_s, step_s, elastance, order, fixed
            )
            end = activity_of(
                rise, patients, j, at_s + now_s, step_s, elastance, order, fixed
            )
            after = step(state, first, middle, end, vessels, gates, now_s)
            after_p = pressures(after, end, vessels)
            wrong = wrongness(after_p, sign)
            tries += 1
            if turns > 12 or tries > 12:
                break
            earliest, rival = 2.0, -1
            for v in range(4):
                if wrong[v] > CORNER_TOLERANCE_MMHG and v != valve:
                    root = max(0.0, -begun[v]) / (max(0.0, -begun[v]) + wrong[v])
                    if root < earliest:
                        earliest, rival = root, v
            if rival >= 0:
                valve, low, high = rival, 0.0, share
                low_f, high_f = min(0.0, begun[valve]), wrong[valve]
            elif valve < 0 or abs(wrong[valve]) <= CORNER_TOLERANCE_MMHG:
                break
            elif wrong[valve] > 0.0:
                high, high_f, low_f = share, wrong[valve], 0.7 * low_f
            else:
                low, low_f, high_f = share, wrong[valve], 0.7 * high_f
            share = low + (high - low) * low_f / (low_f - high_f)
        outlet = where_above(pressure[1], pressure[2], pressure[1], pressure[2])
        outlet_p = where_above(after_p[1], after_p[2], after_p[1], after_p[2])
        half = pair(0.5 * now_s, 0.5 * now_s)
        outlet_sum = outlet_sum + half * (outlet + outlet_p)
        atrium_sum = atrium_sum + half * (pressure[0] + after_p[0])
        work_sum = work_sum + (pressure[1] + after_p[1]) * (after[1] - state[1])
        at_s = at_s + now_s if valve >= 0 or whole_s < end_s - at_s else end_s
        state, pressure, now = after, after_p, end
        if valve >= 0:
            turns += 1
            if valve == 0 or valve == 2:
                rate = rates(state, pressure, vessels, gates)
                half_steps = at_s * 2.0 / step_s
                steep = (
                    interpolated(rise, patients, j, half_steps + 0.05)
                    - interpolated(rise, patients, j, half_steps - 0.05)
                ) * (20.0 / step_s)
                slope = slope_of(state, rate, now, elastance[1], steep)
                shut = left(sign[0 if valve == 0 else 1]) < 0.0
                _note(notes, valve, shut, at_s, slope, left(state[1]), left(outlet_p))
            flip_l = -1.0 if valve % 2 == 0 else 1.0
            flip = pair(flip_l, -flip_l)
            zero = pair(0.0, 0.0)
            one = pair(1.0, 1.0)
            flip_in, flip_out = (flip, one) if valve < 2 else (one, flip)
            sign = sign[0] * flip_in, sign[1] * flip_out
            gates = (
                where_above(sign[0], zero, opened[0], zero),
                where_above(sign[1], zero, opened[1], zero),
            )
    put(block, patients, j, STATE, state[0])
    put(block, patients, j, STATE + 1, state[1])
    put(block, patients, j, STATE + 2, state[2])
    put(block, patients, j, STATE + 3, state[3])
    put(block, patients, j, STATE + 4, state[4])
    put(block, patients, j, STATE + 5, state[5])
    put(block, patients, j, PRESSURE, pressure[0])
    put(block, patients, j, PRESSURE + 1, pressure[1])
    put(block, patients, j, PRESSURE + 2, pressure[2])
    put(block, patients, j, PRESSURE + 3, pressure[3])
    put(block, patients, j, GATES, gates[0])
    put(block, patients, j, GATES + 1, gates[1])
    put(block, patients, j, SIGN, sign[0])
    put(block, patients, j, SIGN + 1, sign[1])
    # `march` counts the plain trapezoid over the whole step: add what it misses.
    half = pair(0.5 * (end_s - start_s), 0.5 * (end_s - start_s))
    outlet = where_above(pressure[1], pressure[2], pressure[1], pressure[2])
    outlet_sum = outlet_sum - half * (begin_outlet + outlet)
    atrium_sum = atrium_sum - half * (begin_atrium + pressure[0])
    work_sum = work_sum - (begin_pressure + pressure[1]) * (state[1] - begin_volume)
    rate = pair(1.0 / step_s, 1.0 / step_s)
    put(
        block,
        patients,
        j,
        OUTLET_SUM,
        row(block, patients, j, OUTLET_SUM) + rate * outlet_sum,
    )
    put(
        block,
        patients,
        j,
        ATRIUM_SUM,
        row(block, patients, j, ATRIUM_SUM) + rate * atrium_sum,
    )
    put(block, patients, j, WORK_SUM, row(block, patients, j, WORK_SUM) + work_sum)


@inlined
def _note(
    notes: FloatArray,
    valve: int,
    shut: bool,
    at_s: float,
    slope: float,
    volume: float,
    pressure: float,
) -> None:
    event = (
        (MITRAL_OPEN if shut else MITRAL_CLOSE)
        if valve == 0
        else (AORTIC_OPEN if shut else AORTIC_CLOSE)
    )
    first = math.isnan(notes[event])
    if first or event == AORTIC_CLOSE:
        notes[event] = at_s
        notes[SLOPES + event] = slope
    if event == AORTIC_OPEN and first:
        notes[OPEN_VOLUME] = volume
        notes[OPEN_PRESSURE] = pressure
    if event == AORTIC_CLOSE:
        notes[CLOSE_VOLUME] = volume
        notes[CLOSE_PRESSURE] = pressure


@inlined
def _begin(
    block: FloatArray,
    patients: int,
    j: int,
    volumes: FloatArray,
    step_s: float,
    rise: FloatArray,
    order: FloatArray,
    fixed: FloatArray,
    notes: FloatArray,
) -> int:
    """Set up one patient's rows; return how many steps the last beat's tail lasts."""
    v, p = volumes, patients
    put(block, p, j, STATE, pair(v[0], v[2]) - row(block, p, j, UNSTRESSED))
    put(block, p, j, STATE + 1, pair(v[1], v[3]) - row(block, p, j, UNSTRESSED + 1))
    put(block, p, j, STATE + 2, pair(v[4], v[6]))
    put(block, p, j, STATE + 3, pair(v[7], v[5] - order[VENOUS_SHIFT]))
    now_c, past_c = order[CONTRACTILITY], order[PAST_CONTRACTILITY]
    share = fixed[RV_SHARE]
    now_r, past_r = 1.0 + share * (now_c - 1.0), 1.0 + share * (past_c - 1.0)
    order[LV_TAIL], order[RV_TAIL] = past_c / now_c, past_r / now_r
    tail, steps = past_c / now_c, 0
    tail = max(1.0, max(tail, past_r / now_r))
    order[TAIL_ENDS] = 0.0
    while True:
        past = interpolated(
            rise, p, j, (steps * step_s + order[PAST_BEAT]) * 2.0 / step_s
        )
        if not past * tail > interpolated(rise, p, j, steps * 2.0):
            break
        steps += 1
    order[TAIL_ENDS] = steps * step_s
    atrial_e = row(block, p, j, BASE_ELASTANCE)
    ventricular_e = row(block, p, j, BASE_ELASTANCE + 1) * pair(now_c, now_r)
    put(block, p, j, ELASTANCE, atrial_e)
    put(block, p, j, ELASTANCE + 1, ventricular_e)
    conductance = row(block, p, j, ARTERY_CONDUCTANCE)
    scale = pair(1.0 / order[RESISTANCE_SCALE], 1.0)
    put(block, p, j, VESSELS + 6, conductance * scale)
    state = refill(block, p, j, STATE)
    now = activity_of(rise, p, j, 0.0, step_s, (atrial_e, ventricular_e), order, fixed)
    vessels = (
        state[0],
        state[0],
        state[0],
        state[0],
        row(block, p, j, VESSELS + 4),
        row(block, p, j, VESSELS + 5),
    )
    pressure = pressures(state, now, vessels)
    one, zero = pair(1.0, 1.0), pair(0.0, 0.0)
    minus = zero - one
    sign = (
        where_above(pressure[0], pressure[1], one, minus),
        where_above(pressure[1], pressure[2], one, minus),
    )
    put(block, p, j, SIGN, sign[0])
    put(block, p, j, SIGN + 1, sign[1])
    put(block, p, j, GATES, where_above(sign[0], zero, row(block, p, j, OPEN), zero))
    put(
        block,
        p,
        j,
        GATES + 1,
        where_above(sign[1], zero, row(block, p, j, OPEN + 1), zero),
    )
    put(block, p, j, STATE + 4, state[4])
    put(block, p, j, STATE + 5, state[5])
    put(block, p, j, PRESSURE, pressure[0])
    put(block, p, j, PRESSURE + 1, pressure[1])
    put(block, p, j, PRESSURE + 2, pressure[2])
    put(block, p, j, PRESSURE + 3, pressure[3])
    put(block, p, j, PAST_PRESSURE, pressure[1])
    put(block, p, j, PAST_VOLUME, state[1])
    outlet = where_above(pressure[1], pressure[2], pressure[1], pressure[2])
    minus_half = pair(-0.5, -0.5)
    put(block, p, j, OUTLET_SUM, minus_half * outlet)
    put(block, p, j, ATRIUM_SUM, minus_half * pressure[0])
    put(block, p, j, WORK_SUM, zero)
    low, high = pair(-NEVER, -NEVER), pair(NEVER, NEVER)
    put(block, p, j, TOP, low)
    put(block, p, j, STEEPEST, low)
    put(block, p, j, FALLING, high)
    notes[:] = math.nan
    notes[START_PRESSURE] = left(pressure[1])
    notes[START_OUTLET] = left(outlet)
    notes[START_VOLUME] = left(state[1])
    return steps


@inlined
def _fill_atrial(
    atrial_table: FloatArray,
    patients: int,
    j: int,
    n_half_steps: int,
    half_s: float,
    onset_s: float,
    peak_s: float,
    tail_s: float,
) -> None:
    """Raise the half-step table of atrial activation by one atrial beat."""
    long_ago_s = -1.5 * peak_s - 30.0 * tail_s
    if not long_ago_s < onset_s < n_half_steps * half_s:
        return
    corner_s = onset_s + 1.5 * peak_s
    m = max(0, math.ceil(onset_s / half_s))
    angle = math.pi / peak_s * (m * half_s - onset_s)
    turn = math.pi / peak_s * half_s
    cosine, sine = math.cos(angle), math.sin(angle)
    turn_c, turn_s = math.cos(turn), math.sin(turn)
    corner = min(n_half_steps, max(m, math.ceil(corner_s / half_s)))
    while m < corner:
        at = m * patients + j
        atrial_table[at] = max(atrial_table[at], 0.5 - 0.5 * cosine)
        cosine, sine = cosine * turn_c - sine * turn_s, sine * turn_c + cosine * turn_s
        m += 1
    m = max(0, m)
    value = 0.5 * math.exp((corner_s - m * half_s) / tail_s)
    shrink = math.exp(-half_s / tail_s)
    while m < n_half_steps and value > 1e-12:
        at = m * patients + j
        atrial_table[at] = max(atrial_table[at], value)
        value *= shrink
        m += 1


@inlined
def _vertex(x0: float, y0: float, x1: float, y1: float, x2: float, y2: float) -> float:
    """Return the extreme of the parabola through three points, y1 being the extreme."""
    left_s, right_s = x1 - x0, x2 - x1
    if not (left_s > 0.0 and right_s > 0.0):
        return y1
    rise_l, rise_r = (y1 - y0) / left_s, (y2 - y1) / right_s
    bend = (rise_r - rise_l) / (left_s + right_s)
    slope = (rise_l * right_s + rise_r * left_s) / (left_s + right_s)
    if bend == 0.0 or rise_l * rise_r > 0.0:
        return y1
    return y1 - 0.25 * slope * slope / bend


@inlined
def _refined(
    trace: FloatArray,
    patients: int,
    j: int,
    series: int,
    k: int,
    last: int,
    step_s: float,
    notes: FloatArray,
) -> float:
    """Return the extreme of a series near sample k, no parabola across a valve."""
    stride = 4 * patients
    at = k * stride + series * 2 * patients + j
    best = trace[at]
    if k < 1 or k >= last:
        return best
    x0, x1, x2 = (k - 1) * step_s, k * step_s, (k + 1) * step_s
    y0, y2 = trace[at - stride], trace[at + stride]
    for event in range(4):
        when, value = notes[event], notes[SLOPES + event]
        if series == 0:
            continue
        if x0 < when < x1:
            x0, y0 = when, value
        if x1 < when < x2:
            x2, y2 = when, value
    return _vertex(x0, y0, x1, best, x2, y2)


@inlined
def _report(
    block: FloatArray,
    patients: int,
    j: int,
    n_steps: int,
    step_s: float,
    trace: FloatArray,
    order: FloatArray,
    fixed: FloatArray,
    notes: FloatArray,
    out: FloatArray,
) -> None:
    """Write the haemodynamics of one finished beat (order of `BEAT_FIELDS`)."""
    p = patients
    rr_s = order[RR]
    state, pressure = row(block, p, j, STATE + 1), row(block, p, j, PRESSURE + 1)
    artery = row(block, p, j, PRESSURE + 2)
    end_outlet = max(left(pressure), left(artery))
    v0 = left(row(block, p, j, UNSTRESSED + 1))
    opened = not math.isnan(notes[AORTIC_OPEN])
    shut = not math.isnan(notes[AORTIC_CLOSE])
    top_k = int(left(row(block, p, j, TOP_AT)))
    sbp = max(notes[START_OUTLET], end_outlet)
    dbp = min(notes[START_OUTLET], end_outlet)
    sbp = max(sbp, _refined(trace, p, j, 0, top_k, n_steps, step_s, notes))
    edv, esv = notes[START_VOLUME], left(state)
    if opened:
        dbp = min(dbp, notes[OPEN_PRESSURE])
        edv = notes[OPEN_VOLUME]
    elif not shut:
        esv = edv
    esp = left(pressure)
    if shut:
        esv, esp = notes[CLOSE_VOLUME], notes[CLOSE_PRESSURE]
    steep_k = int(left(row(block, p, j, STEEPEST_AT)))
    fall_k = int(left(row(block, p, j, FALLING_AT)))
    steepest = _refined(trace, p, j, 1, steep_k, n_steps, step_s, notes)
    falling = _refined(trace, p, j, 1, fall_k, n_steps, step_s, notes)
    for event in range(4):
        if notes[SLOPES + event] > steepest:
            steepest = notes[SLOPES + event]
        if notes[SLOPES + event] < falling:
            falling = notes[SLOPES + event]
    outlet_sum = row(block, p, j, OUTLET_SUM)
    atrium_sum = row(block, p, j, ATRIUM_SUM)
    work = -0.5 * left(row(block, p, j, WORK_SUM))
    stiff = left(row(block, p, j, STIFFNESS + 1))
    b = left(row(block, p, j, VESSELS + 1))
    filling_energy = stiff * (math.expm1(b * esv) / b - esv)
    out[0], out[1], out[2], out[3] = sbp, dbp, left(outlet_sum) / rr_s, sbp - dbp
    out[4], out[5], out[6] = edv + v0, esv + v0, edv - esv
    out[7], out[8] = (edv - esv) / (edv + v0), notes[START_PRESSURE]
    out[9], out[10] = left(atrium_sum) / rr_s, right(outlet_sum) / rr_s
    out[11], out[12], out[13] = right(atrium_sum) / rr_s, steepest, falling
    out[14], out[15] = work, work + 0.5 * esp * esv - filling_energy
    out[16], out[17] = notes[AORTIC_OPEN], notes[AORTIC_CLOSE]
    out[18], out[19] = notes[MITRAL_OPEN], notes[MITRAL_CLOSE]
    out[20] = notes[AORTIC_CLOSE] - notes[AORTIC_OPEN]


@inlined
def _finish(
    block: FloatArray,
    patients: int,
    j: int,
    n_steps: int,
    step_s: float,
    rise: FloatArray,
    trace: FloatArray,
    order: FloatArray,
    fixed: FloatArray,
    notes: FloatArray,
    volumes: FloatArray,
    out: FloatArray,
) -> None:
    """Take one patient from the last grid point to the end of the beat; report."""
    p = patients
    pressure, volume = row(block, p, j, PRESSURE + 1), row(block, p, j, STATE + 1)
    artery, atrium = row(block, p, j, PRESSURE + 2), row(block, p, j, PRESSURE)
    outlet = where_above(pressure, artery, pressure, artery)
    rest_s = order[RR] - n_steps * step_s
    if rest_s > 1e-9:
        for index in range(6):
            put(block, p, j, BEFORE + index, row(block, p, j, STATE + index))
        exact(
            block, p, j, n_steps * step_s, order[RR], step_s, rise, order, fixed, notes
        )
    end_p, end_v = row(block, p, j, PRESSURE + 1), row(block, p, j, STATE + 1)
    end_artery, end_atrium = row(block, p, j, PRESSURE + 2), row(block, p, j, PRESSURE)
    end_outlet = where_above(end_p, end_artery, end_p, end_artery)
    half, rest = pair(0.5, 0.5), pair(0.5 * rest_s, 0.5 * rest_s)
    whole = pair(step_s, step_s)
    total = whole * fma(half, outlet, row(block, p, j, OUTLET_SUM))
    put(block, p, j, OUTLET_SUM, fma(rest, outlet + end_outlet, total))
    total = whole * fma(half, atrium, row(block, p, j, ATRIUM_SUM))
    put(block, p, j, ATRIUM_SUM, fma(rest, atrium + end_atrium, total))
    work = row(block, p, j, WORK_SUM)
    past_p, past_v = row(block, p, j, PAST_PRESSURE), row(block, p, j, PAST_VOLUME)
    work = fma(past_p + pressure, volume - past_v, work)
    put(block, p, j, WORK_SUM, fma(pressure + end_p, end_v - volume, work))
    _report(block, p, j, n_steps, step_s, trace, order, fixed, notes, out)
    atria = row(block, p, j, STATE) + row(block, p, j, UNSTRESSED)
    ventricles = end_v + row(block, p, j, UNSTRESSED + 1)
    arteries, veins = row(block, p, j, STATE + 2), row(block, p, j, STATE + 3)
    volumes[0], volumes[2] = left(atria), right(atria)
    volumes[1], volumes[3] = left(ventricles), right(ventricles)
    volumes[4], volumes[6] = left(arteries), right(arteries)
    volumes[7], volumes[5] = left(veins), right(veins) + order[VENOUS_SHIFT]


def block_kernel(patients: int) -> Callable[..., None]:
    """Compile the beat of a block of this many patients.

    The kernel takes `block (N_ROWS * 2 * patients,)`, `rise` and `atrial` (tables of
    activation by half steps), `trace` (room for aortic pressure and dP/dt), `wave`
    (room for every pressure and volume, or empty), then one row per patient of
    `orders`, `fixed`, `notes`, `volumes` (changed in place) and `out`.
    """
    width = 2 * patients
    load, both = loader(width), doubler(width)

    @kernel
    def march(
        block: FloatArray,
        start: int,
        end: int,
        step_s: float,
        rise: FloatArray,
        atrial_table: FloatArray,
        trace: FloatArray,
        wave: FloatArray,
    ) -> int:
        n = width
        state = (
            load(block, STATE * n),
            load(block, (STATE + 1) * n),
            load(block, (STATE + 2) * n),
            load(block, (STATE + 3) * n),
            load(block, (STATE + 4) * n),
            load(block, (STATE + 5) * n),
        )
        pressure = (
            load(block, PRESSURE * n),
            load(block, (PRESSURE + 1) * n),
            load(block, (PRESSURE + 2) * n),
            load(block, (PRESSURE + 3) * n),
        )
        vessels = (
            load(block, VESSELS * n),
            load(block, (VESSELS + 1) * n),
            load(block, (VESSELS + 2) * n),
            load(block, (VESSELS + 3) * n),
            load(block, (VESSELS + 4) * n),
            load(block, (VESSELS + 5) * n),
            load(block, (VESSELS + 6) * n),
            load(block, (VESSELS + 7) * n),
        )
        gates = load(block, GATES * n), load(block, (GATES + 1) * n)
        sign_in, sign_out = load(block, SIGN * n), load(block, (SIGN + 1) * n)
        elastance_a = load(block, ELASTANCE * n)
        elastance_v = load(block, (ELASTANCE + 1) * n)
        outlet_sum, atrium_sum = (
            load(block, OUTLET_SUM * n),
            load(block, ATRIUM_SUM * n),
        )
        work_sum = load(block, WORK_SUM * n)
        top, top_at = load(block, TOP * n), load(block, TOP_AT * n)
        steepest, steepest_at = load(block, STEEPEST * n), load(block, STEEPEST_AT * n)
        falling, falling_at = load(block, FALLING * n), load(block, FALLING_AT * n)
        past_pressure = load(block, PAST_PRESSURE * n)
        past_volume = load(block, PAST_VOLUME * n)
        tolerance = spread(CORNER_TOLERANCE_MMHG, top)
        one = spread(1.0, top)
        last = rise.size // (3 * patients) - 2
        before = state
        k = start
        while k < end:
            if wave.size > 0:
                at = k * N_WAVES
                store(wave, at, state[0])
                store(wave, at + n, state[1])
                store(wave, at + 2 * n, state[2])
                store(wave, at + 3 * n, state[3])
                store(wave, at + 4 * n, pressure[0])
                store(wave, at + 5 * n, pressure[1])
                store(wave, at + 6 * n, pressure[2])
                store(wave, at + 7 * n, pressure[3])
            r = min(k, last) * 3 * patients
            a = k * 2 * patients
            outlet = where_above(pressure[1], pressure[2], pressure[1], pressure[2])
            outlet_sum = outlet_sum + outlet
            atrium_sum = atrium_sum + pressure[0]
            work_sum = fma(
                pressure[1] + past_pressure, state[1] - past_volume, work_sum
            )
            past_pressure, past_volume = pressure[1], state[1]
            first = rates(state, pressure, vessels, gates)
            phi = both(rise, r)
            active = elastance_v * state[1] - state[5]
            steep = both(rise, r + 2 * patients) * active
            slope = fma(phi * elastance_v, first[1], fma(one - phi, first[5], steep))
            now_at = spread(float(k), top)
            top_at = where_above(outlet, top, now_at, top_at)
            top = where_above(outlet, top, outlet, top)
            steepest_at = where_above(slope, steepest, now_at, steepest_at)
            steepest = where_above(slope, steepest, slope, steepest)
            falling_at = where_above(falling, slope, now_at, falling_at)
            falling = where_above(falling, slope, slope, falling)
            store(trace, 2 * a, outlet)
            store(trace, 2 * a + n, slope)
            middle = activity(
                both(rise, r + patients),
                both(atrial_table, a + patients),
                elastance_a,
                elastance_v,
            )
            final = activity(
                both(rise, r + 3 * patients),
                both(atrial_table, a + 2 * patients),
                elastance_a,
                elastance_v,
            )
            before = state
            state = step(state, first, middle, final, vessels, gates, step_s)
            pressure = pressures(state, final, vessels)
            inlet_wrong = sign_in * (pressure[1] - pressure[0])
            outlet_wrong = sign_out * (pressure[2] - pressure[1])
            k += 1
            if any_above(
                where_above(inlet_wrong, outlet_wrong, inlet_wrong, outlet_wrong),
                tolerance,
            ):
                break
        store(block, STATE * n, state[0])
        store(block, (STATE + 1) * n, state[1])
        store(block, (STATE + 2) * n, state[2])
        store(block, (STATE + 3) * n, state[3])
        store(block, (STATE + 4) * n, state[4])
        store(block, (STATE + 5) * n, state[5])
        store(block, BEFORE * n, before[0])
        store(block, (BEFORE + 1) * n, before[1])
        store(block, (BEFORE + 2) * n, before[2])
        store(block, (BEFORE + 3) * n, before[3])
        store(block, (BEFORE + 4) * n, before[4])
        store(block, (BEFORE + 5) * n, before[5])
        store(block, PRESSURE * n, pressure[0])
        store(block, (PRESSURE + 1) * n, pressure[1])
        store(block, (PRESSURE + 2) * n, pressure[2])
        store(block, (PRESSURE + 3) * n, pressure[3])
        store(block, PAST_PRESSURE * n, past_pressure)
        store(block, PAST_VOLUME * n, past_volume)
        store(block, OUTLET_SUM * n, outlet_sum)
        store(block, ATRIUM_SUM * n, atrium_sum)
        store(block, WORK_SUM * n, work_sum)
        store(block, TOP * n, top)
        store(block, TOP_AT * n, top_at)
        store(block, STEEPEST * n, steepest)
        store(block, STEEPEST_AT * n, steepest_at)
        store(block, FALLING * n, falling)
        store(block, FALLING_AT * n, falling_at)
        return k

    @kernel
    def beat(
        block: FloatArray,
        rise: FloatArray,
        atrial_table: FloatArray,
        trace: FloatArray,
        wave: FloatArray,
        orders: FloatArray,
        fixed: FloatArray,
        notes: FloatArray,
        volumes: FloatArray,
        out: FloatArray,
        step_s: float,
    ) -> None:
        n_steps, tails = np.empty(patients, np.int64), np.empty(patients, np.int64)
        n_max = 0
        for j in range(patients):
            n_steps[j] = int(orders[j, RR] / step_s + 1e-7)
            n_max = max(n_max, n_steps[j])
        n_half = 2 * n_max + 2
        atrial_table[: n_half * patients] = 0.0
        for j in range(patients):
            order = orders[j]
            tails[j] = _begin(
                block, patients, j, volumes[j], step_s, rise, order, fixed[j], notes[j]
            )
            for onset_s in (order[PAST_ONSET], order[ONSET]):
                _fill_atrial(
                    atrial_table,
                    patients,
                    j,
                    n_half,
                    0.5 * step_s,
                    onset_s,
                    fixed[j, ATRIUM_PEAK],
                    fixed[j, ATRIUM_TAIL],
                )
        k = 0
        while k < n_max:
            stop = n_max
            for j in range(patients):
                if k < n_steps[j]:
                    corner_s = corner_after(
                        k * step_s, NEVER, orders[j], fixed[j, ATRIUM_PEAK]
                    )
                    ahead = k + 1 if k < tails[j] else n_steps[j]
                    if corner_s < ahead * step_s:
                        ahead = int(corner_s / step_s) + 1
                    stop = min(stop, ahead)
            k = march(block, k, stop, step_s, rise, atrial_table, trace, wave)
            for j in range(patients):
                if k > n_steps[j]:
                    continue
                start_s = (k - 1) * step_s
                corner_s = corner_after(
                    start_s, NEVER, orders[j], fixed[j, ATRIUM_PEAK]
                )
                if (
                    k <= tails[j]
                    or corner_s < k * step_s
                    or _must_turn(block, patients, j)
                ):
                    exact(
                        block,
                        patients,
                        j,
                        start_s,
                        k * step_s,
                        step_s,
                        rise,
                        orders[j],
                        fixed[j],
                        notes[j],
                    )
                if k == n_steps[j]:
                    _finish(
                        block,
                        patients,
                        j,
                        k,
                        step_s,
                        rise,
                        trace,
                        orders[j],
                        fixed[j],
                        notes[j],
                        volumes[j],
                        out[j],
                    )
                    nothing = pair(0.0, 0.0)
                    put(block, patients, j, SIGN, nothing)
                    put(block, patients, j, SIGN + 1, nothing)

    return beat


@inlined
def _must_turn(block: FloatArray, patients: int, j: int) -> bool:
    pressure = (
        row(block, patients, j, PRESSURE),
        row(block, patients, j, PRESSURE + 1),
        row(block, patients, j, PRESSURE + 2),
    )
    sign = row(block, patients, j, SIGN), row(block, patients, j, SIGN + 1)
    a, b, c, d = wrongness(pressure, sign)
    return max(max(a, b), max(c, d)) > CORNER_TOLERANCE_MMHG
