"""Fibrillatory waves between the QRS complexes of atrial fibrillation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.heart.contractility import AF, SINUS
from sim.telemetry.beats import FloatArray
from sim.telemetry.disturbance import Growing
from sim.telemetry.morphology import Fibrillation
from sim.telemetry.synthesis import REACH_SD, Waves, joined


class Fibrillatory:
    """The fibrillatory waves of a visit, drawn as far as somebody has asked."""

    def __init__(self, model: Fibrillation, rng: np.random.Generator) -> None:
        self.model = model
        self._drawn = Growing(rng, 3)
        self._at_s = np.empty(0)

    def between(self, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times and sizes, `(n,)` and `(n, 2)` for two leads, of a span."""
        mean_s = 1.0 / self.model.f_hz
        n = int(max(end_s, 0.0) / mean_s * _MARGIN) + _SPARE
        rows = self._drawn.rows(n)
        if len(rows) > self._at_s.size:
            self._at_s = _times_s(self.model, rows)
        first, last = np.searchsorted(self._at_s, (start_s, end_s))
        sizes = 1.0 + self.model.height_cv_frac * _clipped(rows[first:last, 1:])
        return self._at_s[first:last], sizes


@dataclass(frozen=True, slots=True, eq=False)
class FibrillatoryPart:
    """What one lead sees of fibrillatory waves, while the atria fibrillate.

    `lead` is 0 for II and 1 for V1; `from_s` and `fibrillates`, `(n,)`, tell of each
    beat when it began and whether they did.
    """

    waves: Fibrillatory
    lead: int
    from_s: FloatArray
    fibrillates: NDArray[np.bool_]

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add the waves to samples."""
        if not self.fibrillates.any():
            return
        model = self.waves.model
        reach_s = REACH_SD * max(model.hump_sd_s, model.dip_sd_s) + model.dip_after_s
        end_s = start_s + out.size / sampling_hz
        at_s, sizes = self.waves.between(start_s - reach_s, end_s + reach_s)
        beat = np.searchsorted(self.from_s, at_s, "right") - 1
        on = self.fibrillates[np.maximum(beat, 0)]
        height_mv = (model.f_mv, model.f_v1_mv)[self.lead] * sizes[on, self.lead]
        _waves(at_s[on], height_mv, model).draw(out, start_s, sampling_hz)


def fibrillating(origin: FloatArray) -> NDArray[np.bool_]:
    """Tell of each beat whether the atria fibrillated: as at the last conducted one."""
    conducted = np.isin(origin, (SINUS, AF))
    last = np.maximum.accumulate(np.where(conducted, np.arange(origin.size), -1))
    before = conducted.argmax() if conducted.any() else 0
    return np.asarray(origin[np.where(last < 0, before, last)] == AF)


def _clipped(drawn: FloatArray) -> FloatArray:
    return np.clip(drawn, -_MOST_SD, _MOST_SD)


def _times_s(model: Fibrillation, rows: FloatArray) -> FloatArray:
    gaps_s = 1.0 + model.interval_cv_frac * _clipped(rows[:, 0])
    return np.asarray(np.cumsum(gaps_s / model.f_hz))


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
