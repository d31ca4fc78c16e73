"""How strongly ventricles pull at a time since activation: the double Hill curve."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from sim.heart.parameters import Circulation, FloatArray

NEGLIGIBLE = 1e-9
LONGEST_TABLE_S = 5.0


def _raw(time_s: FloatArray, circulation: Circulation) -> tuple[FloatArray, FloatArray]:
    """Return the curve before scaling and its logarithmic slope times time."""
    c = circulation
    rise = (time_s / c.ventricle_rise_s) ** c.ventricle_rise_exponent
    fall = (time_s / c.ventricle_fall_s) ** c.ventricle_fall_exponent
    slope = c.ventricle_rise_exponent / (1.0 + rise)
    slope = slope - c.ventricle_fall_exponent * fall / (1.0 + fall)
    # eq. 7 without N
    return rise / (1.0 + rise) / (1.0 + fall), slope


@lru_cache(maxsize=256)
def peak(circulation: Circulation) -> tuple[float, float]:
    """Return when ventricular activation peaks, s, and its unscaled height there."""
    c = circulation
    early_s, late_s = 1e-6, 3.0 * max(c.ventricle_fall_s, c.ventricle_rise_s)
    for _ in range(60):  # each round halves the interval
        at_s = 0.5 * (early_s + late_s)
        rise = (at_s / c.ventricle_rise_s) ** c.ventricle_rise_exponent
        fall = (at_s / c.ventricle_fall_s) ** c.ventricle_fall_exponent
        climbing = c.ventricle_rise_exponent / (1.0 + rise)
        if climbing > c.ventricle_fall_exponent * fall / (1.0 + fall):
            early_s = at_s
        else:
            late_s = at_s
    return at_s, rise / (1.0 + rise) / (1.0 + fall)


def ventricular(
    time_s: ArrayLike, circulation: Circulation
) -> tuple[FloatArray, FloatArray]:
    """Return activation (0 to 1) and its slope per second. Evidence C2."""
    since_s = np.asarray(time_s, dtype=np.float64)
    value, slope = _raw(since_s, circulation)
    # N of eq. 7
    value = value / peak(circulation)[1]
    return value, value * slope / np.maximum(since_s, 1e-300)


def n_records(circulation: Circulation, step_s: float) -> int:
    """Return after how many steps activation has fallen below 1e-9 for good."""
    c = circulation
    low = (1.0 / NEGLIGIBLE / peak(c)[1]) ** (1.0 / c.ventricle_fall_exponent)
    return int(min(c.ventricle_fall_s * low, LONGEST_TABLE_S) / step_s) + 1


@lru_cache(maxsize=64)
def _curve(circulation: Circulation, step_s: float) -> FloatArray:
    """Return the records of one patient, `(n, 3)`."""
    start_s = np.arange(n_records(circulation, step_s)) * step_s
    value, slope = ventricular(start_s, circulation)
    half_way = ventricular(start_s + 0.5 * step_s, circulation)[0]
    return np.stack([value, half_way, slope], axis=1)


def rise_table(
    circulations: Sequence[Circulation], step_s: float, n_least: int = 0
) -> FloatArray:
    """Return activation of a block, flat `(records, 3, patients)`.

    A record is one step: activation at its start and half-way, slope at its start.
    After a patient's curve, and at least twice at the end, records are 0; there are at
    least `n_least` before that.
    """
    curves = [_curve(circulation, step_s) for circulation in circulations]
    longest = max(n_least, *(len(curve) for curve in curves))
    table = np.zeros((longest + 2, 3, len(curves)))
    for j, curve in enumerate(curves):
        table[: len(curve), :, j] = curve
    return table.ravel()
