"""One beat of one block of patients, from ventricular activation to the next.

The life of a beat in here. `_begin` lays down a patient's rows from volumes and orders.
`march` takes whole steps for all patients of the block at once and stops where a valve
should have turned or activation has a corner; `exact` then repeats that one step for
that one patient, and `march` goes on. `_finish` takes the last part of a step to the
end of the beat, `_report` writes what was seen, and what outlives the beat (its tail,
its last atrial contraction, its mitral closure) is kept in the orders of the next.

A block of one serves a visit, one of `batch.LANES` serves cohorts. The same source is
compiled for both, so that a patient of a cohort beats as in a visit, but for rounding.
Local variables stay in registers, and a block has to fit there: that is why sums and
extremes are kept in memory, and why nothing here is an object.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.heart.exact import (
    AORTIC_CLOSE,
    AORTIC_OPEN,
    ARTERY_SUM,
    ATRIUM_PEAK,
    ATRIUM_SUM,
    BASE_CONDUCTANCE,
    BASE_ELASTANCE,
    BEFORE,
    BEFORE_PRESSURE,
    CLOSE_PRESSURE,
    CLOSE_VOLUME,
    CONDUCTANCE,
    CONTRACTILITY,
    COSINE,
    CURVE_ENDS,
    ELASTANCE,
    FALLING,
    FALLING_AT,
    GATES,
    LEVEL,
    LV_TAIL,
    MITRAL_CLOSE,
    MITRAL_OPEN,
    MITRAL_SHUT,
    N_FIXED,
    N_NOTES,
    N_ORDERS,
    N_ROWS,
    ONSET,
    OPEN,
    OPEN_PRESSURE,
    OPEN_VOLUME,
    PAST_BEAT,
    PAST_CONTRACTILITY,
    PAST_ONSET,
    PAST_PRESSURE,
    PAST_VOLUME,
    PRESSURE,
    RESISTANCE_SCALE,
    RR,
    RV_SHARE,
    RV_TAIL,
    SAME_S,
    SIGN,
    SINE,
    SIZE,
    SLOPES,
    START_ARTERY,
    START_PRESSURE,
    START_VOLUME,
    STATE,
    STEEPEST,
    STEEPEST_AT,
    STIFFNESS,
    TAIL_ENDS,
    TOLERANCE_MMHG,
    TOP,
    TOP_AT,
    TURNED_X,
    TURNED_Y,
    UNSTRESSED,
    VENOUS_SHIFT,
    VESSELS,
    WORK_SUM,
    activation_of,
    activity_of,
    corner_after,
    cubic,
    exact,
    turn_atria,
    valued,
    wrongness,
)
from sim.heart.jit import inlined, kernel
from sim.heart.parameters import FloatArray
from sim.heart.simd import (
    any_above,
    doubler,
    fma,
    lay_stack,
    left,
    loader,
    pair,
    put,
    right,
    row,
    spread,
    store,
    twice,
    where_above,
)
from sim.heart.steps import activity, displacement, reaches, step

NEVER = math.inf
N_WAVES, N_BEAT, N_VOLUMES = 16, 21, 8
FAINT = 1e-5
"""Part of activation below which the last beat's tail is left out."""


def ends(patients: int) -> tuple[int, int, int, int, int]:
    """Return where rows, fixed numbers, orders, notes, volumes of a block end."""
    rows = N_ROWS * 2 * patients
    fixed = rows + N_FIXED * patients
    orders = fixed + N_ORDERS * patients
    notes = orders + N_NOTES * patients
    return rows, fixed, orders, notes, notes + N_VOLUMES * patients


@inlined
def _exponential(block: FloatArray, patients: int, j: int, chamber: int) -> Any:
    """Return the filling pressure of both atria or ventricles at their volume."""
    grow = row(block, patients, j, VESSELS + chamber)
    grow = grow * row(block, patients, j, STATE + chamber)
    stiffness = row(block, patients, j, STIFFNESS + chamber)
    return stiffness * pair(math.expm1(left(grow)), math.expm1(right(grow)))


@inlined
def _tail_steps(
    rise: FloatArray,
    p: int,
    j: int,
    step_s: float,
    order: FloatArray,
    fixed: FloatArray,
) -> int:
    """Note how the last beat's tail pulls; return for how many steps it does."""
    share, ends = fixed[RV_SHARE], fixed[CURVE_ENDS]
    now_r = 1.0 + share * (order[CONTRACTILITY] - 1.0)
    past_r = 1.0 + share * (order[PAST_CONTRACTILITY] - 1.0)
    # elastance is stored once, scaled for the new beat; the tail needs the old scale
    order[LV_TAIL] = order[PAST_CONTRACTILITY] / order[CONTRACTILITY]
    order[RV_TAIL] = past_r / now_r
    strongest = max(1.0, order[LV_TAIL], order[RV_TAIL])
    n_steps = 0
    while True:
        now, past = n_steps * 2.0, (n_steps + order[PAST_BEAT] / step_s) * 2.0
        pull = strongest * valued(cubic(rise, p, j, past, ends), past)
        # once the new beat pulls harder, the old one does so never again
        if pull < FAINT or pull <= valued(cubic(rise, p, j, now, ends), now):
            break
        n_steps += 1
    order[TAIL_ENDS] = n_steps * step_s
    return n_steps


@kernel
def _begin(
    block: FloatArray,
    p: int,
    j: int,
    volumes: FloatArray,
    step_s: float,
    rise: FloatArray,
    order: FloatArray,
    fixed: FloatArray,
    notes: FloatArray,
) -> int:
    """Set up one patient's rows; return how many steps the last beat's tail lasts."""
    v = volumes
    put(block, p, j, STATE, pair(v[0], v[2]) - row(block, p, j, UNSTRESSED))
    put(block, p, j, STATE + 1, pair(v[1], v[3]) - row(block, p, j, UNSTRESSED + 1))
    put(block, p, j, STATE + 2, pair(v[4], v[6]))
    # a higher unstressed volume holds the same blood at a lower pressure (eq. 22)
    put(block, p, j, STATE + 3, pair(v[7], v[5] - order[VENOUS_SHIFT]))
    put(block, p, j, STATE + 4, _exponential(block, p, j, 0))
    put(block, p, j, STATE + 5, _exponential(block, p, j, 1))
    n_tail = _tail_steps(rise, p, j, step_s, order, fixed)
    c = order[CONTRACTILITY]
    # docs/model.md, C2: the right ventricle follows with 0.3 of the change
    scale = pair(c, 1.0 + fixed[RV_SHARE] * (c - 1.0))
    elastance_a = row(block, p, j, BASE_ELASTANCE)
    elastance_v = scale * row(block, p, j, BASE_ELASTANCE + 1)
    put(block, p, j, ELASTANCE, elastance_a)
    put(block, p, j, ELASTANCE + 1, elastance_v)
    scale = pair(1.0 / order[RESISTANCE_SCALE], 1.0)
    put(block, p, j, CONDUCTANCE, scale * row(block, p, j, BASE_CONDUCTANCE))
    past = order[PAST_BEAT] * 2.0 / step_s
    begin = cubic(rise, p, j, 0.0, fixed[CURVE_ENDS])
    tail = cubic(rise, p, j, past, fixed[CURVE_ENDS])
    now = activity_of(
        activation_of(begin, tail, 0.0, 2.0 / step_s, order, fixed),
        (elastance_a, elastance_v),
    )
    turn_atria(block, p, j, 0.0, 0.5 * step_s, order, fixed)
    atrium = now[1] * row(block, p, j, STATE + 4) + now[0] * row(block, p, j, STATE)
    ventricle = row(block, p, j, STATE + 5) * now[3]
    ventricle = ventricle + now[2] * row(block, p, j, STATE + 1)
    artery = row(block, p, j, STATE + 2) * row(block, p, j, VESSELS + 4)
    put(block, p, j, PRESSURE, atrium)
    put(block, p, j, PRESSURE + 1, ventricle)
    put(block, p, j, PRESSURE + 2, artery)
    put(
        block,
        p,
        j,
        PRESSURE + 3,
        row(block, p, j, STATE + 3) * row(block, p, j, VESSELS + 5),
    )
    one, zero = pair(1.0, 1.0), pair(0.0, 0.0)
    sign_in = where_above(atrium, ventricle, one, zero - one)
    sign_out = where_above(ventricle, artery, one, zero - one)
    put(block, p, j, SIGN, sign_in)
    put(block, p, j, SIGN + 1, sign_out)
    put(block, p, j, GATES, where_above(sign_in, zero, row(block, p, j, OPEN), zero))
    out = where_above(sign_out, zero, row(block, p, j, OPEN + 1), zero)
    put(block, p, j, GATES + 1, out)
    put(block, p, j, PAST_PRESSURE, ventricle)
    put(block, p, j, PAST_VOLUME, row(block, p, j, STATE + 1))
    # trapezoids: each grid point counts whole, the first one half
    minus_half = pair(-0.5, -0.5)
    put(block, p, j, ARTERY_SUM, minus_half * artery)
    put(block, p, j, ATRIUM_SUM, minus_half * atrium)
    put(block, p, j, WORK_SUM, zero)
    put(block, p, j, TOP, pair(-math.inf, -math.inf))
    put(block, p, j, STEEPEST, pair(-math.inf, -math.inf))
    put(block, p, j, FALLING, pair(math.inf, math.inf))
    notes[:] = math.nan
    notes[START_PRESSURE] = left(ventricle)
    notes[START_ARTERY] = left(artery)
    notes[START_VOLUME] = v[1] - left(row(block, p, j, UNSTRESSED + 1))
    if left(sign_in) < 0.0:
        shut_s = order[MITRAL_SHUT]
        # shut already: closed in an earlier beat, at a time that may be below zero
        notes[MITRAL_CLOSE] = -math.inf if math.isnan(shut_s) else shut_s
    return n_tail


@kernel
def _vertex(x0: float, y0: float, x1: float, y1: float, x2: float, y2: float) -> float:
    """Return the extreme of the parabola through three points, y1 being the extreme."""
    before_s, after_s = x1 - x0, x2 - x1
    if not (before_s > 0.0 and after_s > 0.0):
        return y1
    # three points of unequal distance: a valve's instant may be one of them
    slope_l, slope_r = (y1 - y0) / before_s, (y2 - y1) / after_s
    if not slope_l * slope_r < 0.0:
        return y1
    bend = (slope_r - slope_l) / (before_s + after_s)
    slope = (slope_l * after_s + slope_r * before_s) / (before_s + after_s)
    return y1 - 0.25 * slope * slope / bend


@kernel
def _extreme(
    trace: FloatArray,
    p: int,
    j: int,
    series: int,
    k: int,
    last: int,
    step_s: float,
    notes: FloatArray,
) -> float:
    """Return the extreme of a series near sample k, with no parabola across a valve."""
    stride = 4 * p
    at = k * stride + series * 2 * p + j
    best = float(trace[at])
    if k < 1 or k >= last - 1:
        return best
    x0, x1, x2 = (k - 1) * step_s, k * step_s, (k + 1) * step_s
    y0, y2 = trace[at - stride], trace[at + stride]
    if series == 1:
        for event in range(4):
            when, value = notes[event], notes[SLOPES + event]
            if x0 < when < x1:
                x0, y0 = when, value
            if x1 < when < x2:
                x2, y2 = when, value
    return _vertex(x0, y0, x1, best, x2, y2)


@kernel
def _report(
    block: FloatArray,
    p: int,
    j: int,
    n_steps: int,
    step_s: float,
    trace: FloatArray,
    order: FloatArray,
    notes: FloatArray,
    out: FloatArray,
) -> None:
    """Write the haemodynamics of one finished beat (order of `BEAT_FIELDS`)."""
    rr_s, v0 = order[RR], left(row(block, p, j, UNSTRESSED + 1))
    end_p = left(row(block, p, j, PRESSURE + 1))
    opened = not math.isnan(notes[AORTIC_OPEN])
    shut = not math.isnan(notes[AORTIC_CLOSE])
    edv, esv = notes[START_VOLUME], left(row(block, p, j, STATE + 1))
    # without an opening the arteries only run off: lowest at the end
    esp, dbp = end_p, left(row(block, p, j, PRESSURE + 2))
    if opened:
        edv, dbp = notes[OPEN_VOLUME], min(dbp, notes[OPEN_PRESSURE])
    if shut:
        esv, esp = notes[CLOSE_VOLUME], notes[CLOSE_PRESSURE]
    ejects = opened or shut or left(row(block, p, j, SIGN + 1)) > 0.0
    sbp = notes[START_ARTERY]
    if ejects:
        top_k = int(left(row(block, p, j, TOP_AT)))
        sbp = max(sbp, _extreme(trace, p, j, 0, top_k, n_steps, step_s, notes))
    else:
        esv = edv
    steep_k = int(left(row(block, p, j, STEEPEST_AT)))
    fall_k = int(left(row(block, p, j, FALLING_AT)))
    steepest = _extreme(trace, p, j, 1, steep_k, n_steps, step_s, notes)
    falling = _extreme(trace, p, j, 1, fall_k, n_steps, step_s, notes)
    for event in range(4):
        if notes[SLOPES + event] > steepest:
            steepest = notes[SLOPES + event]
        if notes[SLOPES + event] < falling:
            falling = notes[SLOPES + event]
    arteries = row(block, p, j, ARTERY_SUM)
    atria = row(block, p, j, ATRIUM_SUM)
    # eq. 13: root less arterial pressure is Rc Q, and Q adds up to what was ejected
    root_drop = (edv - esv) / left(row(block, p, j, OPEN + 1))
    stiffness = left(row(block, p, j, STIFFNESS + 1))
    grow = left(row(block, p, j, VESSELS + 1))
    # eq. 9 at rest, integrated from V0 to the end-systolic volume
    filling_energy = stiffness * (math.expm1(grow * esv) / grow - esv)
    # the loop runs anticlockwise, so that the sum of p dV is below zero
    work = -0.5 * left(row(block, p, j, WORK_SUM))
    out[0], out[1], out[2] = sbp, dbp, (left(arteries) + root_drop) / rr_s
    out[3], out[4], out[5], out[6] = sbp - dbp, edv + v0, esv + v0, edv - esv
    out[7], out[8] = (edv - esv) / (edv + v0), notes[START_PRESSURE]
    out[9], out[10] = left(atria) / rr_s, right(arteries) / rr_s
    out[11], out[12], out[13] = right(atria) / rr_s, steepest, falling
    out[14], out[15] = work, work + 0.5 * esp * esv - filling_energy
    shut_s = notes[MITRAL_CLOSE]
    out[16], out[17], out[18] = (
        notes[AORTIC_OPEN],
        notes[AORTIC_CLOSE],
        notes[MITRAL_OPEN],
    )
    out[19] = math.nan if shut_s == -math.inf else shut_s
    out[20] = notes[AORTIC_CLOSE] - notes[AORTIC_OPEN]


@kernel
def _finish(
    block: FloatArray,
    p: int,
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
    pressure, volume = row(block, p, j, PRESSURE + 1), row(block, p, j, STATE + 1)
    artery, atrium = row(block, p, j, PRESSURE + 2), row(block, p, j, PRESSURE)
    rest_s = order[RR] - n_steps * step_s
    # below that the beat ends on the grid, and a step of no length has no slope
    if rest_s > 1e-9:
        for index in range(6):
            put(block, p, j, BEFORE + index, row(block, p, j, STATE + index))
        for index in range(4):
            held = row(block, p, j, PRESSURE + index)
            put(block, p, j, BEFORE_PRESSURE + index, held)
        exact(
            block, p, j, n_steps * step_s, order[RR], step_s, rise, order, fixed, notes
        )
    end_p, end_v = row(block, p, j, PRESSURE + 1), row(block, p, j, STATE + 1)
    half, rest = pair(0.5, 0.5), pair(0.5 * rest_s, 0.5 * rest_s)
    whole = pair(step_s, step_s)
    total = whole * (half * artery + row(block, p, j, ARTERY_SUM))
    total = total + rest * (artery + row(block, p, j, PRESSURE + 2))
    put(block, p, j, ARTERY_SUM, total)
    total = whole * (half * atrium + row(block, p, j, ATRIUM_SUM))
    total = total + rest * (atrium + row(block, p, j, PRESSURE))
    put(block, p, j, ATRIUM_SUM, total)
    past_p, past_v = row(block, p, j, PAST_PRESSURE), row(block, p, j, PAST_VOLUME)
    work = row(block, p, j, WORK_SUM) + (past_p + pressure) * (volume - past_v)
    put(block, p, j, WORK_SUM, work + (pressure + end_p) * (end_v - volume))
    _report(block, p, j, n_steps, step_s, trace, order, notes, out)
    # times count from activation, and the next beat has another
    order[MITRAL_SHUT] -= order[RR]
    order[PAST_ONSET] -= order[RR]
    if order[ONSET] < order[RR]:
        order[PAST_ONSET] = order[ONSET] - order[RR]
    order[PAST_BEAT] = order[RR]
    order[PAST_CONTRACTILITY] = order[CONTRACTILITY]
    atria = row(block, p, j, STATE) + row(block, p, j, UNSTRESSED)
    ventricles = end_v + row(block, p, j, UNSTRESSED + 1)
    arteries, veins = row(block, p, j, STATE + 2), row(block, p, j, STATE + 3)
    volumes[0], volumes[2] = left(atria), right(atria)
    volumes[1], volumes[3] = left(ventricles), right(ventricles)
    volumes[4], volumes[6] = left(arteries), right(arteries)
    volumes[7], volumes[5] = left(veins), right(veins) + order[VENOUS_SHIFT]


@inlined
def _must_turn(block: FloatArray, p: int, j: int) -> bool:
    pressure = (
        row(block, p, j, PRESSURE),
        row(block, p, j, PRESSURE + 1),
        row(block, p, j, PRESSURE + 2),
    )
    sign_in, sign_out = row(block, p, j, SIGN), row(block, p, j, SIGN + 1)
    a, b, c, d = wrongness(pressure, sign_in, sign_out)
    return max(a, b, c, d) > TOLERANCE_MMHG


def block_kernel(patients: int) -> Callable[..., None]:
    """Compile the beat of a block of this many patients.

    The kernel takes the patients as `Block` (`blocks.py`) lays them out, the table
    `rise`, room for a `trace`, `wave` (room for every pressure and volume of one
    patient, or empty), flat `out` with `N_BEAT` numbers a patient, and the step.
    """
    n = 2 * patients
    end_of = ends(patients)
    load, both, narrow = loader(n), doubler(n), loader(patients)

    @kernel
    def march(
        block: FloatArray,
        start: int,
        end: int,
        step_s: float,
        rise: FloatArray,
        trace: FloatArray,
        wave: FloatArray,
    ) -> int:
        """Step all patients from grid point start on; return where it stopped."""
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
        lay_stack(state[0])
        vessels = (
            load(block, VESSELS * n),
            load(block, (VESSELS + 1) * n),
            load(block, (VESSELS + 2) * n),
            load(block, (VESSELS + 3) * n),
            load(block, (VESSELS + 4) * n),
            load(block, (VESSELS + 5) * n),
        )
        conductance = load(block, CONDUCTANCE * n), load(block, (CONDUCTANCE + 1) * n)
        gates = load(block, GATES * n), load(block, (GATES + 1) * n)
        half = reaches(gates, conductance, 0.5 * step_s)
        whole = reaches(gates, conductance, step_s)
        sixth = reaches(gates, conductance, step_s / 6.0)
        sign_in, sign_out = load(block, SIGN * n), load(block, (SIGN + 1) * n)
        elastance_a = load(block, ELASTANCE * n)
        elastance_v = load(block, (ELASTANCE + 1) * n)
        tolerance, one = spread(TOLERANCE_MMHG, sign_in), spread(1.0, sign_in)
        per_s = spread(2.0 / step_s, sign_in)
        x, y = narrow(block, TURNED_X * n), narrow(block, TURNED_Y * n)
        cosine, sine = narrow(block, COSINE * n), narrow(block, SINE * n)
        level, size = narrow(block, LEVEL * n), narrow(block, SIZE * n)
        # beyond the curve the last record, zeros, is read again and again
        last = rise.size // (3 * patients) - 2
        before, before_p = state, pressure
        k = start
        while k < end:
            if wave.size > 0:
                w = k * N_WAVES
                store(wave, w, state[0])
                store(wave, w + n, state[1])
                store(wave, w + 2 * n, state[2])
                store(wave, w + 3 * n, state[3])
                store(wave, w + 4 * n, pressure[0])
                store(wave, w + 5 * n, pressure[1])
                store(wave, w + 6 * n, pressure[2])
                store(wave, w + 7 * n, pressure[3])
            r = min(k, last) * 3 * patients
            first = displacement((state[4], state[5]), pressure, vessels, half)
            # what happened up to here; sums and extremes stay in memory, where they
            # take no register from the step
            # d/dt of eq. 9: by activation (steep) and by volume (passive)
            phi = both(rise, r)
            steep = both(rise, r + 2 * patients) * (elastance_v * state[1] - state[5])
            passive = fma(
                (one - phi) * first[5], first[1], phi * elastance_v * first[1]
            )
            slope = fma(per_s, passive, steep)
            store(trace, 2 * k * n, pressure[1])
            store(trace, (2 * k + 1) * n, slope)
            now_at = spread(float(k), sign_in)
            best = load(block, TOP * n)
            best_at = load(block, TOP_AT * n)
            store(block, TOP_AT * n, where_above(pressure[1], best, now_at, best_at))
            store(block, TOP * n, where_above(pressure[1], best, pressure[1], best))
            best = load(block, STEEPEST * n)
            best_at = load(block, STEEPEST_AT * n)
            store(block, STEEPEST_AT * n, where_above(slope, best, now_at, best_at))
            store(block, STEEPEST * n, where_above(slope, best, slope, best))
            best = load(block, FALLING * n)
            best_at = load(block, FALLING_AT * n)
            store(block, FALLING_AT * n, where_above(best, slope, now_at, best_at))
            store(block, FALLING * n, where_above(best, slope, slope, best))
            store(block, ARTERY_SUM * n, load(block, ARTERY_SUM * n) + pressure[2])
            store(block, ATRIUM_SUM * n, load(block, ATRIUM_SUM * n) + pressure[0])
            moved = state[1] - load(block, PAST_VOLUME * n)
            height = pressure[1] + load(block, PAST_PRESSURE * n)
            store(block, WORK_SUM * n, fma(height, moved, load(block, WORK_SUM * n)))
            store(block, PAST_PRESSURE * n, pressure[1])
            store(block, PAST_VOLUME * n, state[1])
            # eq. 8 by turning a point (cosine) or shrinking it (tail): no calls
            x_half = cosine * x - sine * y
            y_half = fma(sine, x, cosine * y)
            x = cosine * x_half - sine * y_half
            y = fma(sine, x_half, cosine * y_half)
            middle = activity(
                both(rise, r + patients),
                twice(fma(size, x_half, level)),
                elastance_a,
                elastance_v,
            )
            final = activity(
                both(rise, r + 3 * patients),
                twice(fma(size, x, level)),
                elastance_a,
                elastance_v,
            )
            before, before_p = state, pressure
            state, pressure = step(
                state, pressure, first, middle, final, vessels, half, whole, sixth
            )
            k += 1
            inlet = sign_in * (pressure[1] - pressure[0])
            outlet = sign_out * (pressure[2] - pressure[1])
            # one test for all valves of all patients, as a branch each would cost more
            if any_above(where_above(inlet, outlet, inlet, outlet), tolerance):
                break
        store(block, TURNED_X * n, x)
        store(block, TURNED_Y * n, y)
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
        store(block, BEFORE_PRESSURE * n, before_p[0])
        store(block, (BEFORE_PRESSURE + 1) * n, before_p[1])
        store(block, (BEFORE_PRESSURE + 2) * n, before_p[2])
        store(block, (BEFORE_PRESSURE + 3) * n, before_p[3])
        return k

    @kernel
    def beat(
        people: FloatArray,
        rise: FloatArray,
        trace: FloatArray,
        wave: FloatArray,
        out: FloatArray,
        step_s: float,
    ) -> None:
        """Let every patient of the block beat once, each with an own interval."""
        block = people[: end_of[0]]
        fixed = people[end_of[0] : end_of[1]].reshape(patients, N_FIXED)
        orders = people[end_of[1] : end_of[2]].reshape(patients, N_ORDERS)
        notes = people[end_of[2] : end_of[3]].reshape(patients, N_NOTES)
        volumes = people[end_of[3] : end_of[4]].reshape(patients, N_VOLUMES)
        n_max = 0
        for j in range(patients):
            # a whole number of steps may come out a rounding error short
            n_max = max(n_max, int(orders[j, RR] / step_s + 1e-7))
        n_steps, n_tail = np.empty(patients, np.int64), np.empty(patients, np.int64)
        for j in range(patients):
            order, still = orders[j], fixed[j]
            n_steps[j] = int(order[RR] / step_s + 1e-7)
            n_tail[j] = _begin(
                block, patients, j, volumes[j], step_s, rise, order, still, notes[j]
            )
        k = 0
        while k < n_max:
            stop = n_max
            for j in range(patients):
                if k < n_steps[j]:
                    ahead = k + 1 if k < n_tail[j] else n_steps[j]
                    corner_s = corner_after(
                        k * step_s, NEVER, orders[j], fixed[j, ATRIUM_PEAK]
                    )
                    if corner_s < ahead * step_s:
                        ahead = math.ceil((corner_s - SAME_S) / step_s)
                    stop = min(stop, ahead)
            k = march(block, k, stop, step_s, rise, trace, wave)
            for j in range(patients):
                if k > n_steps[j]:
                    continue
                start_s, end_s = (k - 1) * step_s, k * step_s
                corner_s = corner_after(
                    start_s, NEVER, orders[j], fixed[j, ATRIUM_PEAK]
                )
                # the step is undone for this patient alone; the others keep theirs
                if k <= n_tail[j] or corner_s < end_s or _must_turn(block, patients, j):
                    exact(
                        block,
                        patients,
                        j,
                        start_s,
                        end_s,
                        step_s,
                        rise,
                        orders[j],
                        fixed[j],
                        notes[j],
                    )
                if corner_s <= end_s + SAME_S:
                    turn_atria(
                        block, patients, j, end_s, 0.5 * step_s, orders[j], fixed[j]
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
                        out[j * N_BEAT : (j + 1) * N_BEAT],
                    )
                    # who has finished marches on with the block, but may not stop it
                    nothing = pair(0.0, 0.0)
                    put(block, patients, j, SIGN, nothing)
                    put(block, patients, j, SIGN + 1, nothing)

    return beat


_block_of_one = block_kernel(1)
_ORDERS_OF_ONE = ends(1)[1]


@kernel
def beat_of_one(
    people: FloatArray,
    rise: FloatArray,
    trace: FloatArray,
    wave: FloatArray,
    out: FloatArray,
    step_s: float,
    rr_s: float,
    onset_s: float,
    contractility: float,
    resistance_scale: float,
    venous_shift_ml: float,
) -> None:
    """Let one patient beat once as told."""
    order = people[_ORDERS_OF_ONE:]
    order[RR], order[ONSET], order[CONTRACTILITY] = rr_s, onset_s, contractility
    order[RESISTANCE_SCALE], order[VENOUS_SHIFT] = resistance_scale, venous_shift_ml
    _block_of_one(people, rise, trace, wave, out, step_s)
