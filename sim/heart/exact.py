"""One step of one patient, split where its right-hand side has a corner.

Corners are the instants when a valve turns, found by the pressures on its two sides,
the end of the atrial half-cosine, and the atrial onset. Over an unsplit corner the
error of a step is of second order, which costs 1e-4 of dP/dt max. While the tail of the
last beat outlasts the new beat, the steps of a patient are taken here too.

A beat of a second has about eight such steps among a thousand, so that this file may be
slow where `beats.march` may not: it works on one patient, by scalars and pairs. The
instant is sought by repeating the step with another length until the pressures across
the valve are equal (false position, Illinois variant), not by interpolating inside a
finished step: the step that is kept is then a whole Runge-Kutta step of its own.

The constants below are places in the arrays of a `blocks.Block`. They are plain
integers, since a kernel reads neither classes nor enums without a price.
"""

import math
from typing import Any

from sim.heart.jit import inlined, kernel
from sim.heart.parameters import FloatArray
from sim.heart.simd import left, pair, put, right, row, where_above
from sim.heart.steps import Vectors, displacement, reaches, step

# Rows of a block; row r of patient j is at [r, j] (left) and [r, patients + j] (right).
STATE, BEFORE, PRESSURE, BEFORE_PRESSURE = 0, 6, 12, 16
GATES, SIGN, ELASTANCE, VESSELS, CONDUCTANCE = 20, 22, 24, 26, 32
ARTERY_SUM, ATRIUM_SUM, WORK_SUM, PAST_PRESSURE, PAST_VOLUME = 34, 35, 36, 37, 38
TOP, TOP_AT, STEEPEST, STEEPEST_AT, FALLING, FALLING_AT = 39, 40, 41, 42, 43, 44
BASE_ELASTANCE, STIFFNESS, OPEN, UNSTRESSED, BASE_CONDUCTANCE = 45, 47, 49, 51, 53
# Atrial activation at grid points: level + size x, where (x, y) is turned by (cosine,
# sine) every half step. One number a patient: the left half of a row.
LEVEL, SIZE, TURNED_X, TURNED_Y, COSINE, SINE = 55, 56, 57, 58, 59, 60
N_ROWS = 61

# What stays the same for a patient, and what a beat is told; from PAST_BEAT on the beat
# itself keeps it up to date.
ATRIUM_PEAK, ATRIUM_TAIL, RV_SHARE, CURVE_ENDS, N_FIXED = 0, 1, 2, 3, 4
RR, ONSET, CONTRACTILITY, RESISTANCE_SCALE, VENOUS_SHIFT = 0, 1, 2, 3, 4
PAST_BEAT, PAST_ONSET, PAST_CONTRACTILITY, MITRAL_SHUT = 5, 6, 7, 8
TAIL_ENDS, LV_TAIL, RV_TAIL, N_ORDERS = 9, 10, 11, 12

# What is noted down of a patient's beat: times of the left valves, LV dP/dt at them,
# values at the aortic valve, values at the start.
AORTIC_OPEN, AORTIC_CLOSE, MITRAL_OPEN, MITRAL_CLOSE, SLOPES = 0, 1, 2, 3, 4
OPEN_VOLUME, OPEN_PRESSURE, CLOSE_VOLUME, CLOSE_PRESSURE = 8, 9, 10, 11
START_PRESSURE, START_ARTERY, START_VOLUME, N_NOTES = 12, 13, 14, 15

TOLERANCE_MMHG = 1e-5
"""A valve turns when the pressures across it have been wrong by this."""
ACCEPTED_MMHG = 5e-3
"""Good enough for the instant: 1e-5 s, 1e-6 mL."""
LAST_TAIL = 60.0
"""Time constants after which an atrial tail, exp(-60), no longer changes a sum."""
SAME_S = 1e-9
"""Two instants that are no further apart count as one."""


@inlined
def cubic(
    rise: FloatArray, patients: int, j: int, at: float, ends: float
) -> tuple[float, float, float, float, float]:
    """Return the cubic through ventricular activation around a time.

    `at` and `ends` count half steps; the answer is the time of its first point and the
    four coefficients from there.
    """
    if at >= ends:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    # a grid point must find its own record, whatever the rounding of at
    m = max(0, int(at + 1e-6) - 1)
    y0 = rise[((m >> 1) * 3 + (m & 1)) * patients + j]
    y1 = rise[(((m + 1) >> 1) * 3 + ((m + 1) & 1)) * patients + j]
    y2 = rise[(((m + 2) >> 1) * 3 + ((m + 2) & 1)) * patients + j]
    y3 = rise[(((m + 3) >> 1) * 3 + ((m + 3) & 1)) * patients + j]
    # Newton's forward differences through four points of the table
    first, second = y1 - y0, y2 - 2.0 * y1 + y0
    third = y3 - y0 - 3.0 * (y2 - y1)
    c1 = first - 0.5 * second + third * (1.0 / 3.0)
    return float(m), y0, c1, 0.5 * (second - third), third * (1.0 / 6.0)


@inlined
def valued(curve: tuple[float, float, float, float, float], at: float) -> float:
    """Return the value of a `cubic`."""
    x = at - curve[0]
    return curve[1] + x * (curve[2] + x * (curve[3] + x * curve[4]))


@inlined
def sloped(curve: tuple[float, float, float, float, float], at: float) -> float:
    """Return the slope of a `cubic` per half step."""
    x = at - curve[0]
    return curve[2] + x * (2.0 * curve[3] + x * 3.0 * curve[4])


@inlined
def since_onset(at_s: float, order: FloatArray) -> float:
    """Return the time since the atria last began to contract."""
    if at_s >= order[ONSET]:
        return at_s - float(order[ONSET])
    return at_s - float(order[PAST_ONSET])


@inlined
def atrial(since_s: float, peak_s: float, tail_s: float) -> float:
    """Return atrial activation at a time since its onset. Evidence C2."""
    late_s = since_s - 1.5 * peak_s
    if late_s < 0.0:
        # eq. 8; the tail begins at 1.5 Ta, half-way down, as the Burkhoff timer has it
        return 0.5 - 0.5 * math.cos(math.pi / peak_s * since_s)
    if late_s > LAST_TAIL * tail_s:
        return 0.0
    return 0.5 * math.exp(-late_s / tail_s)


@inlined
def turn_atria(
    block: FloatArray,
    patients: int,
    j: int,
    at_s: float,
    half_s: float,
    order: FloatArray,
    fixed: FloatArray,
) -> None:
    """Set the rows that make atrial activation from a grid point on."""
    peak_s, tail_s = fixed[ATRIUM_PEAK], fixed[ATRIUM_TAIL]
    # on the onset itself the new contraction counts, also if time is an ulp short
    since_s = since_onset(at_s + SAME_S, order) - SAME_S
    late_s = since_s - 1.5 * peak_s
    level, size, x, y, cosine, sine = 0.0, 0.5, 0.0, 0.0, 1.0, 0.0
    if late_s < -SAME_S:
        angle, turn = math.pi / peak_s * since_s, math.pi / peak_s * half_s
        level, size, x, y = 0.5, -0.5, math.cos(angle), math.sin(angle)
        # from here on the grid only turns a point: no cosine per step
        cosine, sine = math.cos(turn), math.sin(turn)
    elif late_s < LAST_TAIL * tail_s:
        x, cosine = math.exp(-late_s / tail_s), math.exp(-half_s / tail_s)
    at, width = j, 2 * patients
    block[LEVEL * width + at] = level
    block[SIZE * width + at] = size
    block[TURNED_X * width + at] = x
    block[TURNED_Y * width + at] = y
    block[COSINE * width + at] = cosine
    block[SINE * width + at] = sine


@inlined
def activation_of(
    curve: tuple[float, float, float, float, float],
    past_curve: tuple[float, float, float, float, float],
    at_s: float,
    per_half_step: float,
    order: FloatArray,
    fixed: FloatArray,
) -> tuple[float, float, float, float]:
    """Return activation of atria, ventricles, and how LV and RV pull, at any time.

    Between two beats of unlike contractility the stronger of both pulls, so that
    nothing jumps at a premature beat.
    """
    phi = valued(curve, at_s * per_half_step)
    pull_l, pull_r = phi, phi
    # scaled by its own contractility, not by that of the new beat
    if at_s < order[TAIL_ENDS]:
        past = valued(past_curve, (at_s + order[PAST_BEAT]) * per_half_step)
        pull_l = max(phi, past * order[LV_TAIL])
        pull_r = max(phi, past * order[RV_TAIL])
        phi = max(phi, past)
    psi = atrial(since_onset(at_s, order), fixed[ATRIUM_PEAK], fixed[ATRIUM_TAIL])
    return psi, phi, pull_l, pull_r


@inlined
def activity_of(
    activation: tuple[float, float, float, float], elastance: Vectors
) -> Vectors:
    """Return the activity (`steps.py`) of one patient."""
    psi, phi, pull_l, pull_r = activation
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
        if at_s + SAME_S < corner_s < end_s:
            end_s = corner_s
    return end_s


@inlined
def wrongness(
    pressure: Vectors, sign_in: Any, sign_out: Any
) -> tuple[float, float, float, float]:
    """Return by how much mitral, tricuspid, aortic, pulmonary valve ought to turn."""
    inlet = sign_in * (pressure[1] - pressure[0])
    outlet = sign_out * (pressure[2] - pressure[1])
    return left(inlet), right(inlet), left(outlet), right(outlet)


@inlined
def first_to_turn(
    begun: tuple[float, float, float, float],
    ended: tuple[float, float, float, float],
    chosen: int,
) -> tuple[int, float]:
    """Return the valve, other than the chosen one, that turns first, -1 for none."""
    earliest, valve = 2.0, -1
    for v in range(4):
        if v != chosen and ended[v] > TOLERANCE_MMHG:
            # where a straight line between begin and end crosses zero
            root = -min(0.0, begun[v]) / (ended[v] - min(0.0, begun[v]))
            if root < earliest:
                earliest, valve = root, v
    return valve, earliest


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
    """Take one patient from rows BEFORE to rows STATE, split where a valve turns.

    Rows PRESSURE must hold the pressures that an unsplit step ends with.
    """
    vessels = (
        row(block, patients, j, VESSELS),
        row(block, patients, j, VESSELS + 1),
        row(block, patients, j, VESSELS + 2),
        row(block, patients, j, VESSELS + 3),
        row(block, patients, j, VESSELS + 4),
        row(block, patients, j, VESSELS + 5),
    )
    conductance = (
        row(block, patients, j, CONDUCTANCE),
        row(block, patients, j, CONDUCTANCE + 1),
    )
    elastance = (
        row(block, patients, j, ELASTANCE),
        row(block, patients, j, ELASTANCE + 1),
    )
    opened = row(block, patients, j, OPEN), row(block, patients, j, OPEN + 1)
    gates = row(block, patients, j, GATES), row(block, patients, j, GATES + 1)
    sign_in, sign_out = row(block, patients, j, SIGN), row(block, patients, j, SIGN + 1)
    state = (
        row(block, patients, j, BEFORE),
        row(block, patients, j, BEFORE + 1),
        row(block, patients, j, BEFORE + 2),
        row(block, patients, j, BEFORE + 3),
        row(block, patients, j, BEFORE + 4),
        row(block, patients, j, BEFORE + 5),
    )
    pressure = (
        row(block, patients, j, BEFORE_PRESSURE),
        row(block, patients, j, BEFORE_PRESSURE + 1),
        row(block, patients, j, BEFORE_PRESSURE + 2),
        row(block, patients, j, BEFORE_PRESSURE + 3),
    )
    after_p = (
        row(block, patients, j, PRESSURE),
        row(block, patients, j, PRESSURE + 1),
        row(block, patients, j, PRESSURE + 2),
        row(block, patients, j, PRESSURE + 3),
    )
    ended = wrongness(after_p, sign_in, sign_out)
    at_s, turns, known, per_half_step = start_s, 0, True, 2.0 / step_s
    ends = fixed[CURVE_ENDS]
    curve = cubic(rise, patients, j, at_s * per_half_step, ends)
    past = curve
    if at_s < order[TAIL_ENDS]:
        past_s = at_s + order[PAST_BEAT]
        past = cubic(rise, patients, j, past_s * per_half_step, ends)
    while at_s < end_s:
        whole_s = corner_after(at_s, end_s, order, fixed[ATRIUM_PEAK]) - at_s
        to_end = at_s + whole_s >= end_s
        begun = wrongness(pressure, sign_in, sign_out)
        # try the whole way first: `march` has done so, and knows what it led to
        share, valve, tries, low, high = 1.0, -1, 0, 0.0, 1.0
        low_f, high_f, side = 0.0, 0.0, 0
        if known and to_end and turns == 0:
            valve, share = first_to_turn(begun, ended, -1)
            if valve >= 0:
                low_f, high_f = min(0.0, begun[valve]), ended[valve]
            else:
                share = 1.0
        known = False
        while True:
            now_s = share * whole_s
            middle = activity_of(
                activation_of(
                    curve, past, at_s + 0.5 * now_s, per_half_step, order, fixed
                ),
                elastance,
            )
            end = activity_of(
                activation_of(curve, past, at_s + now_s, per_half_step, order, fixed),
                elastance,
            )
            half = reaches(gates, conductance, 0.5 * now_s)
            first = displacement((state[4], state[5]), pressure, vessels, half)
            after, after_p = step(
                state,
                pressure,
                first,
                middle,
                end,
                vessels,
                half,
                reaches(gates, conductance, now_s),
                reaches(gates, conductance, now_s / 6.0),
            )
            wrong = wrongness(after_p, sign_in, sign_out)
            tries += 1
            # four valves that turn thrice each do not occur: accuracy is given up
            if turns > 12 or tries > 12:
                break
            # another valve may turn earlier once this step is shorter
            rival, _ = first_to_turn(begun, wrong, valve)
            if rival >= 0:
                valve, low, high, side = rival, 0.0, share, 0
                low_f, high_f = min(0.0, begun[valve]), wrong[valve]
            elif valve < 0 or abs(wrong[valve]) <= ACCEPTED_MMHG:
                break
            elif wrong[valve] > 0.0:
                # halve what stays a second time, else false position may crawl
                low_f, side = (0.5 if side > 0 else 1.0) * low_f, 1
                high, high_f = share, wrong[valve]
            else:
                high_f, side = (0.5 if side < 0 else 1.0) * high_f, -1
                low, low_f = share, wrong[valve]
            share = low + (high - low) * low_f / (low_f - high_f)
        at_s = end_s if valve < 0 and to_end else at_s + now_s
        state, pressure = after, after_p
        if valve >= 0:
            turns += 1
            # even valves are the left ones (mitral, aortic), odd ones the right
            flip_l = -1.0 if valve % 2 == 0 else 1.0
            flip, one, zero = pair(flip_l, -flip_l), pair(1.0, 1.0), pair(0.0, 0.0)
            if valve % 2 == 0:
                rate = displacement(
                    (state[4], state[5]),
                    pressure,
                    vessels,
                    reaches(gates, conductance, 1.0),
                )
                # dP/dt is extreme where a left valve turns; the grid never sees it
                steep = sloped(curve, at_s * per_half_step) * per_half_step
                slope = left(
                    pair(steep, 0.0) * (elastance[1] * state[1] - state[5])
                    + (end[2] + end[3] * rate[5]) * rate[1]
                )
                shut = left(sign_in if valve == 0 else sign_out) < 0.0
                _note(
                    notes,
                    order,
                    valve,
                    shut,
                    at_s,
                    slope,
                    left(state[1]),
                    left(pressure[2]),
                )
            flip_in, flip_out = (flip, one) if valve < 2 else (one, flip)
            sign_in, sign_out = sign_in * flip_in, sign_out * flip_out
            gates = (
                where_above(sign_in, zero, opened[0], zero),
                where_above(sign_out, zero, opened[1], zero),
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
    put(block, patients, j, SIGN, sign_in)
    put(block, patients, j, SIGN + 1, sign_out)


@kernel
def _note(
    notes: FloatArray,
    order: FloatArray,
    valve: int,
    was_shut: bool,
    at_s: float,
    slope: float,
    volume: float,
    pressure: float,
) -> None:
    """Note the first opening of a left valve and the last closure of the aortic one."""
    if valve == 0:
        event = MITRAL_OPEN if was_shut else MITRAL_CLOSE
        if event == MITRAL_CLOSE:
            order[MITRAL_SHUT] = at_s
    else:
        event = AORTIC_OPEN if was_shut else AORTIC_CLOSE
    first = math.isnan(notes[event])
    # a valve may flutter open late in ejection: its last closure ends the beat
    if first or event == AORTIC_CLOSE:
        notes[event] = at_s
        notes[SLOPES + event] = slope
    if event == AORTIC_OPEN and first:
        notes[OPEN_VOLUME] = volume
        notes[OPEN_PRESSURE] = pressure
    if event == AORTIC_CLOSE:
        notes[CLOSE_VOLUME] = volume
        notes[CLOSE_PRESSURE] = pressure
