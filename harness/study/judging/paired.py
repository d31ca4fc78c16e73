"""Contenders against each other: always on the same patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import (
    QUARTILES,
    Estimate,
    FloatArray,
    holm,
    mean,
    quantile_differences,
    quantiles,
)

MARGIN_POINTS: Final = 0.25
"""Points of utility within which two visits of a patient are a tie."""
KEPT: Final = "reference kept"
"""Baseline of a study without a contender that stays: known from the truth."""


@dataclass(frozen=True, slots=True, eq=False)
class PointsLost:
    """What each patient's choice gives away; arrays `(n,)`, patients rising."""

    patients: NDArray[np.int64]
    points: FloatArray


def points_lost_of(cell: Cell, column: str = "points_lost") -> PointsLost:
    """Return the points that each patient of a cell loses."""
    return PointsLost(cell.patients, cell.per_patient(column))


def against_baseline(own: PointsLost, baseline: PointsLost) -> Mapping[str, Estimate]:
    """Return what a contender saves against a baseline, but for its p."""
    mine, theirs = common(own, baseline)
    saved = theirs - mine
    n = saved.size
    apart = quantile_differences(theirs, mine, QUARTILES)
    wins = int(np.count_nonzero(saved >= MARGIN_POINTS))
    losses = int(np.count_nonzero(saved <= -MARGIN_POINTS))
    return {
        "saved_mean_points": mean(saved),
        "saved_median_points": quantiles(saved, (0.5,))[0],
        "saved_q25_points": apart[0],
        "saved_q50_points": apart[1],
        "saved_q75_points": apart[2],
        "wins": Estimate(wins, n=n),
        "ties": Estimate(n - wins - losses, n=n),
        "losses": Estimate(losses, n=n),
    }


def saved_points(own: PointsLost, baseline: PointsLost) -> FloatArray:
    """Return what each patient whom both saw saves against a baseline, `(n,)`."""
    mine, theirs = common(own, baseline)
    return theirs - mine


def against_best(own: PointsLost, best: PointsLost) -> Mapping[str, Estimate]:
    """Return how far a contender is behind the best, patient by patient."""
    mine, theirs = common(own, best)
    behind = mine - theirs
    return {
        "behind_best_mean_points": mean(behind),
        "behind_best_median_points": quantiles(behind, (0.5,))[0],
    }


def holm_adjusted(values: Sequence[Mapping[str, Estimate]]) -> list[Estimate]:
    """Return the adjusted p of every contender that was compared."""
    adjusted = holm([of_one["p"].value for of_one in values])
    return [
        replace(of_one["p"], value=p)
        for p, of_one in zip(adjusted, values, strict=True)
    ]


def common(own: PointsLost, other: PointsLost) -> tuple[FloatArray, FloatArray]:
    """Return both on the patients that both have, where both are known."""
    _, here, there = np.intersect1d(
        own.patients, other.patients, assume_unique=True, return_indices=True
    )
    mine, theirs = own.points[here], other.points[there]
    both = np.isfinite(mine) & np.isfinite(theirs)
    return mine[both], theirs[both]
