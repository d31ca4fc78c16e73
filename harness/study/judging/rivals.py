"""Every contender against every other: how sure ranks are, and all pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import (
    Estimate,
    FloatArray,
    holm,
    mean,
    resamples,
    sign_flip_ps,
)
from harness.study.judging.paired import points_lost_of, saved_points
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from sim.units import PCT_PER_FRAC

LIMITS: Final = (0.025, 0.975)


@dataclass(frozen=True, slots=True, eq=False)
class SameTable:
    """Contenders on the patients that all of them saw.

    Attributes
    ----------
    contenders, patients
        Names, best first, and numbers of the patients.
    lost, spans
        `(contenders, patients)` points lost, and `(patients,)` what lies between off
        and the best.
    """

    contenders: tuple[str, ...]
    patients: NDArray[np.int64]
    lost: FloatArray
    spans: FloatArray

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> Self:
        """Return the table of some cells of one plan and budget."""
        seen = [points_lost_of(one) for one in cells]
        known = [one.patients[np.isfinite(one.points)] for one in seen]
        common = known[0]
        for patients in known[1:]:
            common = np.intersect1d(common, patients)
        lost = np.array(
            [o.points[np.searchsorted(o.patients, common)] for o in seen]
        ).reshape(len(cells), common.size)
        at = np.searchsorted(cells[0].patients, common)
        spans = cells[0].per_patient("span_points")[at]
        order = np.argsort(lost.mean(axis=1), kind="stable") if common.size else ()
        order = np.asarray(order, dtype=np.intp)
        names = tuple(cells[i].contender for i in order)
        return cls(names, common, lost[order], spans)


def ranks_of(table: SameTable) -> list[Mapping[str, Value]]:
    """Return the rank of each contender with its interval, bootstrap over patients."""
    n = table.patients.size
    ranks = rankdata(table.lost.mean(axis=1), method="min")
    # a sum over drawn patients is a product with how often each was drawn
    drawn = np.array([np.bincount(one, minlength=n) for one in resamples(n)])
    drawn_ranks = rankdata(drawn @ table.lost.T, method="min", axis=1)
    low, high = np.quantile(drawn_ranks, LIMITS, axis=0, method="inverted_cdf")
    first = PCT_PER_FRAC * (drawn_ranks == 1).mean(axis=0)
    return [
        {
            "contender": name,
            "points_lost": mean(table.lost[i]),
            "rank": Estimate(float(ranks[i]), float(low[i]), float(high[i]), n),
            "first_pct": float(first[i]),
        }
        for i, name in enumerate(table.contenders)
    ]


def rank_sheet(cells: Sequence[Cell]) -> TidySheet:
    """Return how sure the ranks are."""
    table = SameTable.of(cells) if cells else None
    rows = ranks_of(table) if table and table.patients.size > 1 else []
    return TidySheet(
        "ranks",
        "How sure the ranks are",
        "Ranks by mean points lost on the patients that all contenders saw, with 95 % "
        "intervals by bootstrap over patients; first, in how many of these samples a "
        "contender stood alone or level at the top.",
        (
            SheetColumn("contender", "Contender"),
            SheetColumn("points_lost", "Points lost, mean", "Mean over patients."),
            SheetColumn("rank", "Rank", "Place among all, with its 95 % interval.", 0),
            SheetColumn("first_pct", "First, %", "Share of bootstrap samples.", 0),
        ),
        tuple(rows),
    )


def pair_sheet(cells: Sequence[Cell]) -> TidySheet:
    """Return every pair of contenders, patient by patient."""
    pairs = list(combinations(cells, 2))
    saved = [saved_points(points_lost_of(a), points_lost_of(b)) for a, b in pairs]
    ps = sign_flip_ps(saved)
    adjusted = holm([p.value for p in ps])
    rows: list[Mapping[str, Value]] = [
        {
            "contender": a.contender,
            "other": b.contender,
            "saved": mean(difference),
            "p": p,
            "p_holm": replace(p, value=of_all),
        }
        for (a, b), difference, p, of_all in zip(
            pairs, saved, ps, adjusted, strict=True
        )
    ]
    return TidySheet(
        "pairs",
        "All pairs of contenders",
        "Points that the first saves against the second, paired by patient; p of a "
        "two-sided sign-flip test, and adjusted after Holm for all pairs of this "
        "table. A value that no flip reached is a limit, written <=.",
        (
            SheetColumn("contender", "Contender"),
            SheetColumn("other", "Against"),
            SheetColumn("saved", "Points saved, mean", "Above 0 the first loses less."),
            SheetColumn("p", "p", "Of this pair alone.", 5, is_p=True),
            SheetColumn("p_holm", "p, Holm", "For all pairs.", 4, is_p=True),
        ),
        tuple(rows),
    )
