"""What is known beforehand, and the share of the gap that it closes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.study.judging.board import Judged, judge
from harness.study.judging.knowledge import ceiling_of, knowledge_sheet
from harness.study.judging.numbers import Estimate
from harness.study.judging.reading import StoredStudy
from harness.study.judging.standing import contenders
from harness.study.judging.words import headline
from harness.study.outcome import VisitRow
from harness.task.people import Laws

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]
# of 4 points that staying loses: the told search loses 1, the others 2 and 3.25
KNOWS = {
    "told": ("people of the patient's law", 3.0),
    "mixture": ("people of all laws", 2.0),
    "left-out": ("people of other laws", 0.75),
    "stay": ("nothing", 0.0),
}


def rows_of(visit: Visit, **named: Any) -> list[VisitRow]:
    return [
        visit(
            key=f"{named}{name}{patient}",
            patient=patient,
            contender=name,
            knows=knows,
            candidate_gain_pct=gain,
            family="window" if patient < 3 else "interior",
            **named,
        )
        for name, (knows, gain) in KNOWS.items()
        for patient in range(6)
    ]


def by_contender(judged: Judged) -> Mapping[str, Mapping[str, Any]]:
    cells = contenders(judged, judged.main, "paired")
    return {str(row["contender"]): row for row in knowledge_sheet(cells).rows}


def test_the_words_are_those_of_the_task() -> None:
    assert Laws.told("window").as_known == KNOWS["told"][0]
    assert Laws().as_known == KNOWS["mixture"][0]
    assert Laws().without("window").as_known == KNOWS["left-out"][0]


def test_a_ceiling_wins_no_headline(stored: Stored, visit: Visit) -> None:
    text = headline(judge(stored(rows_of(visit))))
    assert "mixture loses least of 3 contenders, 2.00 points" in text
    assert "which nobody can know, told loses 1.00 points" in text


def test_the_gap_runs_from_staying_to_the_told_search(
    stored: Stored, visit: Visit
) -> None:
    rows = by_contender(judge(stored(rows_of(visit))))
    closed = {name: row["closed_pct"] for name, row in rows.items()}
    assert closed["told"].value == 100.0
    assert closed["mixture"].value == pytest.approx(100.0 * 2.0 / 3.0)
    assert closed["left-out"].value == pytest.approx(25.0)
    assert closed["stay"].value == 0.0
    assert closed["mixture"].low == pytest.approx(closed["mixture"].high)
    assert rows["mixture"]["knows"] == "people of all laws"
    assert rows["mixture"]["window_closed_pct"].n == 3


def test_sums_are_divided_not_shares_averaged(stored: Stored, visit: Visit) -> None:
    """Half of a gap of 1 point and all of one of 3 are 3.5 of 4 points."""
    gaps = {"told": (1.0, 3.0), "other": (0.5, 3.0)}
    rows = [
        visit(
            patient=patient,
            contender=name,
            knows="people of the patient's law" if name == "told" else "noise",
            candidate_gain_pct=gain,
        )
        for name, gains in gaps.items()
        for patient, gain in enumerate(gains)
    ]
    found = by_contender(judge(stored(rows)))["other"]["closed_pct"]
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(87.5)


def test_a_gap_too_small_to_matter_is_not_divided_by(
    stored: Stored, visit: Visit
) -> None:
    # attainable 0.5 of a span of 8: the told search could close 5 % of it
    rows = [
        visit(
            patient=patient,
            contender=name,
            knows=KNOWS[name][0],
            attainable_gain_pct=0.5 if patient < 3 else 4.0,
            off_gain_pct=-7.5 if patient < 3 else -4.0,
            candidate_gain_pct=0.4 if name == "told" else 0.0,
            family="window" if patient < 3 else "interior",
        )
        for name in ("told", "stay")
        for patient in range(6)
    ]
    found = by_contender(judge(stored(rows)))["stay"]
    assert not found["window_closed_pct"].known
    assert not found["interior_closed_pct"].known
    assert found["closed_pct"].value == 0.0


def test_without_a_told_search_no_gap_is_known(stored: Stored, visit: Visit) -> None:
    rows = [row for row in rows_of(visit) if row.contender != "told"]
    judged = judge(stored(rows))
    assert ceiling_of(contenders(judged, judged.main, "paired")) is None
    assert "closed_pct" not in by_contender(judged)["mixture"]
    assert by_contender(judged)["mixture"]["points_lost"].value == 2.0
