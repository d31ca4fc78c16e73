"""Contenders against each other: always on the same patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    sign_flip_p,
)

MARGIN_PCT: Final = 5.0
"""Points of regret within which two visits of a patient are a tie."""
KEPT: Final = "reference kept"
"""Baseline of a study without a contender that stays: known from the truth."""


@dataclass(frozen=True, slots=True, eq=False)
class Regrets:
    """Regret of each patient, percent; both arrays `(n,)`, patients rising."""

    patients: NDArray[np.int64]
    regret_pct: FloatArray


def regrets_of(cell: Cell, column: str = "regret_pct") -> Regrets:
    """Return the regret of each patient of a cell."""
    return Regrets(cell.patients, cell.per_patient(column))


def against_baseline(own: Regrets, baseline: Regrets) -> Mapping[str, Estimate]:
    """Return what a contender saves against a baseline, patient by patient."""
    mine, theirs = _common(own, baseline)
    saved = theirs - mine
    n = saved.size
    apart = quantile_differences(theirs, mine, QUARTILES)
    wins = int(np.count_nonzero(saved >= MARGIN_PCT))
    losses = int(np.count_nonzero(saved <= -MARGIN_PCT))
    return {
        "saved_mean_pct": mean(saved),
        "saved_median_pct": quantiles(saved, (0.5,))[0],
        "saved_q25_pct": apart[0],
        "saved_q50_pct": apart[1],
        "saved_q75_pct": apart[2],
        "wins": Estimate(wins, n=n),
        "ties": Estimate(n - wins - losses, n=n),
        "losses": Estimate(losses, n=n),
        "p": Estimate(sign_flip_p(saved), n=n),
    }


def against_best(own: Regrets, best: Regrets) -> Mapping[str, Estimate]:
    """Return how far a contender is behind the best, patient by patient."""
    mine, theirs = _common(own, best)
    behind = mine - theirs
    return {
        "behind_best_mean_pct": mean(behind),
        "behind_best_median_pct": quantiles(behind, (0.5,))[0],
    }


def holm_adjusted(values: Sequence[Mapping[str, Estimate]]) -> list[Estimate]:
    """Return the adjusted p of every contender that was compared."""
    adjusted = holm([of_one["p"].value for of_one in values])
    return [
        Estimate(p, n=of_one["p"].n) for p, of_one in zip(adjusted, values, strict=True)
    ]


def _common(own: Regrets, other: Regrets) -> tuple[FloatArray, FloatArray]:
    """Return both on the patients that both have, where both are known."""
    _, here, there = np.intersect1d(
        own.patients, other.patients, assume_unique=True, return_indices=True
    )
    mine, theirs = own.regret_pct[here], other.regret_pct[there]
    both = np.isfinite(mine) & np.isfinite(theirs)
    return mine[both], theirs[both]
