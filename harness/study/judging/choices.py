"""One search, many ways to choose from it: tables of recommenders and of gates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from harness.study.judging.board import Judged
from harness.study.judging.cells import BoolArray, Cell, cell
from harness.study.judging.numbers import Estimate, mean, rate_pct, ratio
from harness.study.judging.outcomes import known
from harness.study.judging.rechoosing import (
    READABLE,
    SearchLayout,
    StoredSearch,
    chosen_again,
    searches,
)
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from harness.study.judging.standing import contenders
from harness.study.judging.trajectory import evaluations_by_visit
from optimizers.recommend import Candidate
from sim.units import PCT_PER_FRAC

GATES: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Probabilities of being better that are asked for before the reference is left."""
PLAYED: Final = "as played"
USUAL: Final = READABLE[0]
"""Recommender behind which gates are compared."""

Row = dict[str, Value]
Picked = Sequence[Candidate | None]
"""What a recommender picks in each visit, before the gate."""


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """The rows of both tables, contender by contender."""

    recommenders: tuple[Row, ...]
    gates: tuple[Row, ...]


@lru_cache(maxsize=8)
def choices(judged: Judged, plan: str) -> Choices:
    """Choose again from every stored search of a plan at the budget of headlines."""
    by_visit = evaluations_by_visit(judged.study.evaluations)
    able = set(judged.visits["key"][judged.main.keep].tolist())
    recommenders: list[Row] = []
    gates: list[Row] = []
    for one in contenders(judged, judged.everybody, plan):
        layout = SearchLayout.of(judged.study.tables.study, one)
        if layout is None:
            continue
        gains = np.isin(one.of("key").astype(str), sorted(able))
        found = list(searches(one, layout, by_visit))
        if any(found):
            picked = {name: _picked(found, name) for name in READABLE}
            searched = Searched(one, found, gains)
            asked = layout.gate_probability
            recommenders += _recommenders(searched, picked, asked)
            gates += _gates(searched, picked[USUAL])
    return Choices(tuple(recommenders), tuple(gates))


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """Visits of one contender, their stored searches, and whose patient can gain."""

    own: Cell
    found: Sequence[StoredSearch | None]
    gains: BoolArray

    def outcome(self, picked: Picked, gate_probability: float, prefix: str) -> Row:
        """Return what comes of other choices behind a gate."""
        again = chosen_again(self.own, self.found, picked, gate_probability)
        return _outcome(again, self.gains, prefix)


def _picked(found: Sequence[StoredSearch | None], recommender: str) -> Picked:
    return [None if one is None else one.candidate(recommender) for one in found]


def _recommenders(
    searched: Searched, picked: Mapping[str, Picked], gate_probability: float
) -> Iterator[Row]:
    own = searched.own
    first = {"contender": own.contender}
    told = str(own.of("recommender")[0])
    played = _outcome(own, searched.gains, "")
    yield {**first, "recommender": f"{PLAYED}: {told}", **played}
    for name, choice in picked.items():
        yield {
            **first,
            "recommender": name,
            **searched.outcome(choice, gate_probability, ""),
            **searched.outcome(choice, 0.0, "ungated_"),
        }


def _gates(searched: Searched, picked: Picked) -> Iterator[Row]:
    for probability in GATES:
        yield {
            "contender": searched.own.contender,
            "gate_probability": probability,
            **searched.outcome(picked, probability, ""),
        }


def _outcome(own: Cell, gains: BoolArray, prefix: str) -> Row:
    """Return what those lose who can gain, and how many of all are harmed."""
    lost, share = Estimate(), Estimate()
    if gains.any():
        able = cell({name: values[gains] for name, values in own.visits.items()})
        points, span = able.per_patient("points_lost"), able.per_patient("span_points")
        told = np.isfinite(points) & np.isfinite(span)
        lost = mean(known(points))
        share = ratio(points[told], span[told]).times(PCT_PER_FRAC)
    return {
        f"{prefix}points_lost": lost,
        f"{prefix}share_pct": share,
        f"{prefix}harms_pct": rate_pct(own.of("candidate_harms"), own.of("patient")),
    }


def recommender_sheet(judged: Judged, plan: str) -> TidySheet:
    """Return each contender's searches under every recommender, with and without."""
    return TidySheet(
        "recommenders",
        "The same searches under every recommender",
        "A search and what is chosen from it are two things: here each recommender "
        "reads the stored readings of the same searches, behind the study's gate and "
        "without one. Points lost of those who can gain; harm before the verdict, of "
        "all. A recommender that needs people known beforehand is told as played.",
        (
            SheetColumn("contender", "Contender"),
            SheetColumn("recommender", "Recommender"),
            *_columns("", "behind the gate"),
            *_columns("ungated_", "no gate"),
        ),
        choices(judged, plan).recommenders,
    )


def gate_sheet(judged: Judged, plan: str) -> TidySheet:
    """Return points lost and harm over the probability that the gate asks for."""
    return TidySheet(
        "gates",
        "What the gate costs and what it spares",
        "The reference is left only for a setting that is better with more than this "
        f"probability, by {USUAL} of the stored readings. Points lost of those who can "
        "gain; harm before the verdict, of all: a verification comes behind it.",
        (
            SheetColumn("contender", "Contender"),
            SheetColumn("gate_probability", "Probability asked"),
            *_columns("", ""),
        ),
        choices(judged, plan).gates,
    )


def _columns(prefix: str, which: str) -> tuple[SheetColumn, ...]:
    beside = f", {which}" if which else ""
    return (
        SheetColumn(
            f"{prefix}points_lost", f"Points lost{beside}", "Mean over patients."
        ),
        SheetColumn(
            f"{prefix}share_pct", f"Of the span, %{beside}", "Sum over sum.", 1
        ),
        SheetColumn(
            f"{prefix}harms_pct",
            f"Harmed before the verdict, %{beside}",
            "Of the visits of all patients.",
            1,
        ),
    )
