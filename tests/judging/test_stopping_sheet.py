"""Searches that may end early, beside those that go on."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.study.judging.board import judge
from harness.study.judging.numbers import Estimate
from harness.study.judging.reading import StoredStudy
from harness.study.judging.standing import contenders
from harness.study.judging.stopping import stopping_sheet
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]
NAMED: list[dict[str, Any]] = [
    {"label": "gp", "strategy": "gp"},
    {"label": "gp, early", "strategy": "gp", "stopping": {"points_per_minute": 0.01}},
    {
        "label": "random, early",
        "strategy": "random",
        "stopping": {"points_per_event": 1},
    },
]


def rows_of(visit: Visit) -> list[VisitRow]:
    """Early, the same patients lose a quarter point more in 12 minutes less."""
    return [
        visit(
            key=f"{name}{patient}",
            patient=patient,
            contender=name,
            candidate_gain_pct=3.0 - early / 4,
            minutes=38.0 - 12.0 * early,
            n_tests=19 - 6 * early,
            unpleasant_events=1 - early,
        )
        for early, name in enumerate(("gp", "gp, early"))
        for patient in range(4)
    ]


def test_what_is_saved_and_given_away_is_paired(stored: Stored, visit: Visit) -> None:
    judged = judge(stored(rows_of(visit)))
    cells = contenders(judged, judged.everybody, "paired")
    (row,) = stopping_sheet(cells, NAMED).rows
    assert (row["contender"], row["beside"]) == ("gp, early", "gp")
    assert row["prices"] == "points per minute 0.01"
    for name, value in {
        "minutes_saved": 12.0,
        "tests_saved": 6.0,
        "unpleasant_saved": 1.0,
        "points_more": 0.25,
    }.items():
        found = row[name]
        assert isinstance(found, Estimate)
        assert found.value == pytest.approx(value)


def test_who_has_no_twin_without_prices_stands_in_no_row(
    stored: Stored, visit: Visit
) -> None:
    judged = judge(stored(rows_of(visit)))
    cells = contenders(judged, judged.everybody, "paired")
    assert stopping_sheet(cells, NAMED[1:]).rows == ()
    assert stopping_sheet(cells, [NAMED[0], NAMED[2]]).rows == ()
