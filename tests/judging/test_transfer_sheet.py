"""What it is worth to be told of earlier patients, and whom it misleads."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.study.judging.board import judge
from harness.study.judging.numbers import Estimate
from harness.study.judging.reading import StoredStudy
from harness.study.judging.standing import contenders
from harness.study.judging.transfer import NO_LAW, transfer_sheet
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]
NAMED: list[dict[str, Any]] = [
    {"label": "alone", "strategy": "transfer"},
    {"label": "told", "strategy": "transfer", "history": 5, "history_by": "sobol"},
]


def rows_of(visit: Visit, *, misled: float) -> list[VisitRow]:
    """Told, patients of one law lose a point less, those of the other `misled` more."""
    gains = {"window": 2.0 + 1.0, "interior": 2.0 - misled}
    return [
        visit(
            key=f"{name}{patient}",
            patient=patient,
            contender=name,
            family=family,
            candidate_gain_pct=2.0 if name == "alone" else gains[family],
        )
        for name in ("alone", "told")
        for patient in range(10)
        for family in [("window", "interior")[patient % 2]]
    ]


@pytest.mark.parametrize(("misled", "named"), [(0.0, NO_LAW), (0.5, "interior")])
def test_negative_transfer_is_named_by_its_law(
    stored: Stored, visit: Visit, misled: float, named: str
) -> None:
    rows = rows_of(visit, misled=misled)
    # an interval needs patients that differ
    rows[-1] = visit(
        key="told9",
        patient=9,
        contender="told",
        family="interior",
        candidate_gain_pct=2.0 - 1.2 * misled,
    )
    judged = judge(stored(rows))
    cells = contenders(judged, judged.main, "paired")
    (row,) = transfer_sheet(cells, NAMED).rows
    assert row["told_of"] == "5 earlier, seen by sobol"
    assert row["negative"] == named
    saved, misled_pct = row["saved"], row["misled_pct"]
    assert isinstance(saved, Estimate)
    assert isinstance(misled_pct, Estimate)
    assert saved.value == pytest.approx((5 * 1.0 - 4 * misled - 1.2 * misled) / 10)
    assert misled_pct.value == pytest.approx(50.0 if misled else 0.0)


def test_a_search_without_its_twin_stands_in_no_row(
    stored: Stored, visit: Visit
) -> None:
    judged = judge(stored(rows_of(visit, misled=0.0)))
    cells = contenders(judged, judged.main, "paired")
    assert transfer_sheet(cells, NAMED[1:]).rows == ()
