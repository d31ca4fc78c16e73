"""How strongly ventricles pull at a time since activation: the double Hill curve."""

from collections.abc import Sequence

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
    return rise / (1.0 + rise) / (1.0 + fall), slope


def peak(circulation: Circulation) -> tuple[float, float]:
    """Return when ventricular activation peaks, s, and its unscaled height there."""
    early_s = 1e-6
    late_s = 3.0 * max(circulation.ventricle_fall_s, circulation.ventricle_rise_s)
    for _ in range(60):  # each round halves the interval
        at_s = 0.5 * (early_s + late_s)
        if _raw(np.array(at_s), circulation)[1] > 0.0:
            early_s = at_s
        else:
            late_s = at_s
    return at_s, float(_raw(np.array(at_s), circulation)[0])


def ventricular(
    time_s: ArrayLike, circulation: Circulation
) -> tuple[FloatArray, FloatArray]:
    """Return activation (0 to 1) and its slope per second. Evidence C2."""
    since_s = np.asarray(time_s, dtype=np.float64)
    value, slope = _raw(since_s, circulation)
    value = value / peak(circulation)[1]
    return value, value * slope / np.maximum(since_s, 1e-300)


def n_records(circulation: Circulation, step_s: float) -> int:
    """Return after how many steps activation has fallen below 1e-9 for good."""
    c = circulation
    low = (1.0 / NEGLIGIBLE / peak(c)[1]) ** (1.0 / c.ventricle_fall_exponent)
    return int(min(c.ventricle_fall_s * low, LONGEST_TABLE_S) / step_s) + 1


def rise_table(
    circulations: Sequence[Circulation], step_s: float, n_least: int = 0
) -> FloatArray:
    """Return activation of a block, flat `(records, 3, patients)`.

    A record is one step: activation at its start and half-way, slope at its start.
    After a patient's curve, and at least twice at the end, records are 0.
    """
    n_each = [n_records(circulation, step_s) for circulation in circulations]
    table = np.zeros((max([*n_each, n_least]) + 2, 3, len(circulations)))
    for j, (circulation, n) in enumerate(zip(circulations, n_each, strict=True)):
        start_s = np.arange(n) * step_s
        value, slope = ventricular(start_s, circulation)
        table[:n, 0, j], table[:n, 2, j] = value, slope
        table[:n, 1, j] = ventricular(start_s + 0.5 * step_s, circulation)[0]
    return table.ravel()
