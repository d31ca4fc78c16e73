"""Arterial and left ventricular pressure, from the values of the beat table.

The beat table holds systolic, diastolic and end-diastolic pressure, dP/dt max and the
times of the valves. The course between them is a documented shape, `PressureShape`,
fitted to a settled beat of the circulation; it is not integrated again.
"""

from dataclasses import dataclass

import numpy as np

from sim.telemetry.beats import FloatArray, RecordedBeats
from sim.telemetry.morphology import PressureShape
from sim.telemetry.synthesis import SmoothCurve, Waves, joined

_BENDS = (0.12, 0.28, 0.48)  # where the rise has a knot, shares of the way to the peak
_STEEPEST = 3.0  # of the mean slope; a cubic that begins level overshoots beyond it
NEAR_BEATS = 8
"""How far back the run-off of an early beat is looked for, beats."""

_LEAST_S = 1e-3
_LEAST_MMHG = 1e-6
_LEAST_RISE_MMHG = 1.0
_SIDE_S = 2e-4  # between the two knots of a bend


@dataclass(frozen=True, slots=True, eq=False)
class Ejections:
    """The beats that opened the aortic valve, each `(m,)`; times on the clock.

    `foot_mmhg` is the pressure at the opening, `close_mmhg` at the closing.
    """

    row: np.ndarray[tuple[int], np.dtype[np.intp]]
    open_s: FloatArray
    close_s: FloatArray
    foot_mmhg: FloatArray
    peak_mmhg: FloatArray
    close_mmhg: FloatArray
    slope_mmhg_per_s: FloatArray


def ejections(beats: RecordedBeats, shape: PressureShape) -> Ejections:
    """Return the ejections with the pressures at their valve times."""
    row = np.flatnonzero(
        np.isfinite(beats.aortic_open_s)
        & (beats.aortic_close_s > beats.aortic_open_s + _LEAST_S)
    )
    start_s = beats.start_s[row]
    open_s = start_s + beats.aortic_open_s[row]
    close_s = start_s + beats.aortic_close_s[row]
    peak, lowest = beats.sbp_mmhg[row], beats.dbp_mmhg[row]
    foot = _foot_mmhg(open_s, close_s, peak, lowest, beats.rr_s[row], shape)
    return Ejections(
        row=row,
        open_s=open_s,
        close_s=close_s,
        foot_mmhg=foot,
        peak_mmhg=peak,
        close_mmhg=foot + shape.close_frac * (peak - foot),
        slope_mmhg_per_s=beats.dpdt_max_mmhg_per_s[row],
    )


def _foot_mmhg(
    open_s: FloatArray,
    close_s: FloatArray,
    peak: FloatArray,
    lowest: FloatArray,
    rr_s: FloatArray,
    shape: PressureShape,
) -> FloatArray:
    """Return the pressure at each opening: the diastolic one, unless a pause follows.

    The lowest pressure of an early beat comes at the end of the pause after it; what
    it began from is the run-off of the beat before, as fast as it was last before a
    beat that was not early. Only near beats count, so that a piece of a recording is
    drawn as the whole is.
    """
    foot = lowest.copy()
    if open_s.size < 3:
        return foot
    before_s = open_s[1:] - close_s[:-1]
    closed = lowest[:-1] + shape.close_frac * (peak[:-1] - lowest[:-1])
    # a monitor without a signal draws a flat line, at zero before the first beat
    higher, lower = (
        np.maximum(p, _LEAST_MMHG) for p in (closed, np.minimum(lowest[1:], closed))
    )
    ran_off = np.log(higher / lower)
    is_early = rr_s[1:] > shape.pause_ratio * rr_s[:-1]
    place = np.arange(is_early.size)
    last = np.maximum.accumulate(np.where(is_early, -NEAR_BEATS - 1, place))
    is_known = place - last <= NEAR_BEATS
    rate_per_s = (ran_off / before_s)[np.maximum(last, 0)]
    expected = np.clip(closed * np.exp(-rate_per_s * before_s), lowest[1:], peak[1:])
    foot[1:] = np.where(is_early & is_known, expected, lowest[1:])
    return foot


def arterial_curve(beats: RecordedBeats, shape: PressureShape) -> SmoothCurve:
    """Return arterial pressure at the root of the aorta, mmHg."""
    found = ejections(beats, shape)
    if not found.row.size:
        return SmoothCurve.through(np.empty((0, 3)))
    first, last = _run_off_slopes(found, shape)
    knots = _ejection_knots(found, shape, opening=last, closing=first)
    return SmoothCurve.through(np.concatenate(knots))


def _run_off_slopes(
    found: Ejections, shape: PressureShape
) -> tuple[FloatArray, FloatArray]:
    """Return the slope after each closing and before each opening, mmHg a second."""
    fall = found.foot_mmhg[1:] - found.close_mmhg[:-1]
    mean = fall / np.maximum(found.open_s[1:] - found.close_s[:-1], _LEAST_S)
    ends = (mean[-1:], mean[:1]) if mean.size else (np.zeros(1), np.zeros(1))
    first = shape.run_off_first * np.append(mean, ends[0])
    last = shape.run_off_last * np.append(ends[1], mean)
    return first, last


def _ejection_knots(
    found: Ejections, shape: PressureShape, *, opening: FloatArray, closing: FloatArray
) -> list[FloatArray]:
    """Return knots from the opening to the closing of the valve.

    The rise is `1 - exp(-m x)` of the time x, with the slope m of dP/dt max at x = 0,
    cut at the peak. The opening has a knot for either side: slopes differ there.
    """
    lasts_s = found.close_s - found.open_s
    rise = found.peak_mmhg - found.foot_mmhg
    steep = found.slope_mmhg_per_s * shape.peak_at_frac * lasts_s
    m = np.clip(
        steep / np.maximum(rise, _LEAST_RISE_MMHG), shape.least_bend, shape.most_bend
    )
    whole = 1.0 - np.exp(-m)
    knots = [_knots(found.open_s - _SIDE_S, found.foot_mmhg, opening)]
    for x in (0.0, *_BENDS):
        at_s = found.open_s + x * shape.peak_at_frac * lasts_s
        value = found.foot_mmhg + rise * (1.0 - np.exp(-m * x)) / whole
        slope = rise * m * np.exp(-m * x) / whole / (shape.peak_at_frac * lasts_s)
        knots.append(_knots(at_s, value, slope))
    peak_s = found.open_s + shape.peak_at_frac * lasts_s
    knots.append(_knots(peak_s, found.peak_mmhg, np.zeros_like(peak_s)))
    knots.append(_knots(found.close_s, found.close_mmhg, closing))
    return knots


def notch_waves(beats: RecordedBeats, shape: PressureShape) -> Waves:
    """Return the dip at each closing of the aortic valve and the wave after it."""
    found = ejections(beats, shape)
    pulse = found.peak_mmhg - found.foot_mmhg
    ones = np.ones_like(pulse)
    dip = Waves(found.close_s, shape.notch_frac * pulse, shape.notch_sd_s * ones)
    wave = Waves(
        found.close_s + shape.dicrotic_after_s,
        shape.dicrotic_frac * pulse,
        shape.dicrotic_sd_s * ones,
    )
    return joined([dip, wave])


def ventricular_curve(beats: RecordedBeats, shape: PressureShape) -> SmoothCurve:
    """Return LV pressure, mmHg: as arterial in ejection, outside of it lower.

    It rises from the end-diastolic pressure to the opening with dP/dt max, falls from
    the closing to the opening of the mitral valve, dips, and fills again. A beat that
    did not open the aortic valve is a bump as steep as its dP/dt max.
    """
    found = ejections(beats, shape)
    zero = np.zeros_like(beats.start_s)
    steep = found.slope_mmhg_per_s
    mean = (found.foot_mmhg - beats.lvedp_mmhg[found.row]) / np.maximum(
        beats.aortic_open_s[found.row], _LEAST_S
    )
    opening = np.minimum(steep, _STEEPEST * mean)
    rising = zero.copy()
    rising[found.row] = np.maximum(0.0, 3.0 * mean - 2.0 * opening)  # straight at last
    filled = [
        _knots(beats.start_s - _SIDE_S, beats.lvedp_mmhg, zero),
        _knots(beats.start_s, beats.lvedp_mmhg, rising),
    ]
    at_open_s = beats.start_s + beats.mitral_open_s
    level = beats.la_mean_mmhg + shape.mitral_above_mean_mmhg
    fall_s = np.maximum(at_open_s[found.row] - found.close_s, _LEAST_S)
    late_s = (1.0 - shape.peak_at_frac) * (found.close_s - found.open_s)
    closing = np.maximum(
        0.5 * (level[found.row] - found.close_mmhg) / fall_s,
        _STEEPEST * (found.close_mmhg - found.peak_mmhg) / late_s,
    )
    ejected = _ejection_knots(found, shape, opening=opening, closing=closing)
    relaxed = np.full_like(beats.start_s, np.nan)
    relaxed[found.row] = 0.5 * (level[found.row] - found.close_mmhg) / fall_s
    relaxed = np.where(np.isfinite(relaxed), relaxed, 0.0)
    dip = beats.la_mean_mmhg - shape.suction_mmhg
    filling = [
        _knots(at_open_s, level, relaxed),
        _knots(at_open_s + shape.suction_after_s, dip, zero),
    ]
    bumps = _unopened_knots(beats, found, shape)
    return SmoothCurve.through(np.concatenate([*filled, *ejected, *filling, bumps]))


def _unopened_knots(
    beats: RecordedBeats, found: Ejections, shape: PressureShape
) -> FloatArray:
    closed = np.setdiff1d(np.arange(beats.start_s.size), found.row)
    peak_s = shape.unopened_peak_s
    rise = shape.unopened_frac * peak_s * beats.dpdt_max_mmhg_per_s[closed]
    start_s, base = beats.start_s[closed], beats.lvedp_mmhg[closed]
    zero = np.zeros_like(base)
    return np.concatenate(
        [
            _knots(start_s + peak_s, base + rise, zero),
            _knots(start_s + 2.0 * peak_s, beats.la_mean_mmhg[closed], zero),
        ]
    )


def _knots(at_s: FloatArray, value: FloatArray, slope: FloatArray) -> FloatArray:
    return np.column_stack((at_s, value, slope))
