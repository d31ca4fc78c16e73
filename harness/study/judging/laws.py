"""Law by law: what each contender loses, its worst law, and whether laws agree."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from scipy.stats import kendalltau

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import (
    SEED,
    Estimate,
    FloatArray,
    ratio,
)
from harness.study.judging.outcomes import known
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from sim.units import PCT_PER_FRAC

N_HALVES: Final = 1000
"""Times the patients are divided into two halves."""
LIMITS: Final = (0.025, 0.975)

LawShares = Mapping[str, tuple[FloatArray, FloatArray]]
"""Points lost and span of each patient, by law."""


def by_law(cell: Cell) -> LawShares:
    """Return points lost and span of the patients of each law."""
    lost, span = cell.per_patient("points_lost"), cell.per_patient("span_points")
    told = np.isfinite(lost) & np.isfinite(span)
    first = np.unique(cell.place, return_index=True)[1]
    families = cell.of("family")[first].astype(str)
    found = {}
    for law in sorted(set(families)):
        own = told & (families == law)
        if own.any():
            found[law] = (lost[own], span[own])
    return found


def worst_law(laws: LawShares) -> tuple[str, Estimate]:
    """Return the law in which the largest share of the span is lost, and that share.

    To name the largest of several flatters nobody's chance: the share is that of a
    worst law chosen on one half of the patients and judged on the other, over many
    divisions, whose spread is that of as many patients as there are. The law named is
    that of all patients.

    Returns
    -------
    tuple
        Its name and the share, percent; no name where there are fewer than two laws
        with two patients each.
    """
    enough = {law: parts for law, parts in laws.items() if parts[0].size > 1}
    if len(enough) < 2:
        return "", Estimate()
    rng = np.random.default_rng(np.random.SeedSequence([SEED, N_HALVES]))
    halves = [_halves(parts, rng) for parts in enough.values()]
    chosen_on, judged_on = (np.array([h[side] for h in halves]) for side in (0, 1))
    worst = np.argmax(chosen_on, axis=0)
    shares = PCT_PER_FRAC * judged_on[worst, np.arange(N_HALVES)]
    low, high = np.quantile(shares, LIMITS)
    n = sum(parts[0].size for parts in enough.values())
    whole = {law: lost.sum() / span.sum() for law, (lost, span) in enough.items()}
    error = float(np.std(shares))
    told = Estimate(float(np.mean(shares)), float(low), float(high), n, error=error)
    return max(whole, key=lambda law: (whole[law], law)), told


def _halves(
    parts: tuple[FloatArray, FloatArray], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return the share lost in two halves of a law's patients, `(N_HALVES,)` each."""
    lost, span = parts
    order = np.argsort(rng.random((N_HALVES, lost.size)), axis=1)
    middle = lost.size // 2
    one, other = order[:, :middle], order[:, middle:]
    return (
        lost[one].sum(axis=1) / span[one].sum(axis=1),
        lost[other].sum(axis=1) / span[other].sum(axis=1),
    )


def law_sheet(cells: Sequence[Cell]) -> TidySheet:
    """Return the share of the span that each contender loses under each law."""
    laws = sorted({law for cell in cells for law in by_law(cell)})
    rows: list[dict[str, Value]] = []
    for cell in cells:
        shares = by_law(cell)
        worst, share = worst_law(shares)
        row: dict[str, Value] = {"contender": cell.contender}
        if worst:
            row |= {"worst": worst, "worst_share_pct": share}
        for law, (lost, span) in shares.items():
            row[column_of(law)] = ratio(lost, span).times(PCT_PER_FRAC)
        rows.append(row)
    columns = [SheetColumn(column_of(law), law, "Of the span.", 1) for law in laws]
    return TidySheet(
        "laws",
        "Points lost of the span, law by law, %",
        "Sums over sums, with 95 % bootstrap intervals. The worst law is told as it "
        "would be met: chosen on one half of the patients, judged on the other, over "
        f"{N_HALVES:,} divisions.",
        (
            SheetColumn("contender", "Contender"),
            SheetColumn("worst", "Worst law", "Of all patients."),
            SheetColumn(
                "worst_share_pct", "Worst law, %", "Chosen on the other half.", 1
            ),
            *columns,
        ),
        tuple(rows),
    )


def column_of(law: str) -> str:
    """Return the column of a law in a file."""
    return f"{law.replace('-', '_').replace('.', '_').replace(':', '_')}_share_pct"


def tau_sheet(cells: Sequence[Cell]) -> TidySheet:
    """Return whether two laws rank the contenders alike."""
    lost: dict[str, dict[str, float]] = {}
    for cell in cells:
        for law, (points, _) in by_law(cell).items():
            lost.setdefault(law, {})[cell.contender] = float(known(points).mean())
    rows = []
    for one, other in combinations(sorted(lost), 2):
        both = [name for name in lost[one] if name in lost[other]]
        pairs = [[lost[law][name] for name in both] for law in (one, other)]
        tau = kendalltau(*pairs).statistic if len(both) > 1 else np.nan
        row: dict[str, Value] = {
            "law": one,
            "other": other,
            "tau": Estimate(float(tau), n=len(both)),
        }
        rows.append(row)
    return TidySheet(
        "taus",
        "Do laws rank the contenders alike?",
        "Kendall's tau of mean points lost between two laws: 1 the same order, 0 none, "
        "-1 the reverse. Of few patients a law, it is also low by chance.",
        (
            SheetColumn("law", "Law"),
            SheetColumn("other", "And"),
            SheetColumn("tau", "Kendall's tau", "Over contenders."),
        ),
        tuple(rows),
    )
