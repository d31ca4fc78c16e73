"""Whether the same patient gets the same settings when the visit is repeated."""

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import numpy as np

from harness.study.judging.cells import PULSE, Cell
from harness.study.judging.numbers import NOTHING, Estimate, FloatArray, mean, rate_pct
from harness.study.judging.reading import Columns
from sim.units import PCT_PER_FRAC

_SAME: Final = 1e-9


def searched_spans(evaluations: Columns) -> Mapping[str, float]:
    """Return the range that was tested of each value that was searched at all."""
    tested = ((name, evaluations[name]) for name in PULSE)
    spans = {name: float(np.ptp(v)) if v.size else 0.0 for name, v in tested}
    return {name: span for name, span in spans.items() if span > 0.0}


def reproducibility(cell: Cell, spans: Mapping[str, float]) -> Mapping[str, Estimate]:
    """Return how far apart the choices for one patient are, over its replicates."""
    apart = [
        _distances(of_one)
        for of_one in _choices(cell, spans)
        if spans and len(of_one) > 1
    ]
    if not apart:
        return {"choice_distance_pct": NOTHING, "choice_same_pct": NOTHING}
    same = np.array([bool((of_one < _SAME).all()) for of_one in apart])
    far = np.array([float(of_one.mean()) for of_one in apart])
    return {
        "choice_distance_pct": mean(far).times(PCT_PER_FRAC),
        "choice_same_pct": rate_pct(same, np.arange(same.size)),
    }


def _choices(cell: Cell, spans: Mapping[str, float]) -> list[FloatArray]:
    """Return the choices in the finished visits of each patient, scaled."""
    scaled = np.column_stack(
        [cell.of(f"candidate_{name}") / span for name, span in spans.items()]
        or [np.zeros(cell.place.size)]
    )
    of_whom = np.where(cell.done, cell.place, -1)
    return [scaled[of_whom == patient] for patient in range(cell.patients.size)]


def _distances(of_one: FloatArray) -> FloatArray:
    """Return the distance of every pair of choices."""
    pairs = combinations(of_one, 2)
    return np.array([float(np.abs(a - b).mean()) for a, b in pairs])
