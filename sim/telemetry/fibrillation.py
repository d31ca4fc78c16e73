"""Fibrillatory waves between the QRS complexes of atrial fibrillation."""

import math

import numpy as np

from sim.telemetry.beats import FloatArray
from sim.telemetry.morphology import Fibrillation
from sim.telemetry.synthesis import Waves, joined


def fibrillation_waves(
    model: Fibrillation, until_s: float, rng: np.random.Generator | None = None
) -> tuple[Waves, Waves]:
    """Return the waves of leads II and V1 from the clock's zero on.

    Both leads see the same waves, each in its own size. A longer span begins with the
    waves of a shorter one.

    Parameters
    ----------
    model
        Shape, rate and irregularity.
    until_s
        There are waves until here at least.
    rng
        Draws them; a generator of seed 0 by default.
    """
    mean_s = 1.0 / model.f_hz
    n = math.ceil(until_s / mean_s * _MARGIN) + _SPARE
    drawn = (rng or np.random.default_rng(0)).standard_normal((n, 3))
    drawn = np.clip(drawn, -_MOST_SD, _MOST_SD)
    at_s = np.cumsum(mean_s * (1.0 + model.interval_cv_frac * drawn[:, 0]))
    sizes = 1.0 + model.height_cv_frac * drawn[:, 1:]
    return (
        _waves(at_s, model.f_mv * sizes[:, 0], model),
        _waves(at_s, model.f_v1_mv * sizes[:, 1], model),
    )


def _waves(at_s: FloatArray, height_mv: FloatArray, model: Fibrillation) -> Waves:
    """Return humps and the dips behind them, whose areas cancel."""
    ones = np.ones_like(at_s)
    area_frac = model.hump_sd_s / model.dip_sd_s
    return joined(
        [
            Waves(at_s, height_mv, model.hump_sd_s * ones),
            Waves(
                at_s + model.dip_after_s,
                -area_frac * height_mv,
                model.dip_sd_s * ones,
            ),
        ]
    )


_MARGIN = 1.05  # the number of waves in a span varies, by far less than this
_SPARE = 20
_MOST_SD = 2.5
