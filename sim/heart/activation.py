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


def rise_table(circulations: Sequence[Circulation], step_s: float) -> FloatArray:
    """Return activation of a block, flat `(records, 3, patients)`.

    A record is one step: activation at its start and half-way, slope at its start. The
    last two records are 0; a patient's curve is cut where it falls below 1e-9.
    """
    ends_s = [
        c.ventricle_fall_s
        * (1.0 / NEGLIGIBLE / peak(c)[1]) ** (1.0 / c.ventricle_fall_exponent)
        for c in circulations
    ]
    n_records = int(min(max(ends_s), LONGEST_TABLE_S) / step_s) + 1
    table = np.zeros((n_records + 2, 3, len(circulations)))
    start_s = np.arange(n_records) * step_s
    for j, circulation in enumerate(circulations):
        value, slope = ventricular(start_s, circulation)
        table[:n_records, 0, j], table[:n_records, 2, j] = value, slope
        table[:n_records, 1, j] = ventricular(start_s + 0.5 * step_s, circulation)[0]
    return table.ravel()
