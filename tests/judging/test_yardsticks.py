"""Lines that follow from the truth alone, beside the contenders."""

from collections.abc import Callable

import pytest

from harness.study.judging.board import Judged, Line, judge
from harness.study.judging.files import leaderboard_rows, leaderboard_text
from harness.study.judging.layout import tables
from harness.study.judging.reading import StoredStudy
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]


@pytest.fixture
def judged(stored: Stored, visit: Visit) -> Judged:
    """Two patients: off gives 8 points away in one, and is worth more in the other."""
    rows = [
        visit(patient=0, candidate_gain_pct=2.0, family="window"),
        visit(
            patient=1,
            candidate_gain_pct=2.0,
            family="interior",
            attainable_gain_pct=3.0,
            off_gain_pct=2.0,
            reference_points_lost=3.0,
        ),
    ]
    return judge(stored(rows))


def told(judged: Judged, group: str = "sinus") -> dict[str, Line]:
    return {one.contender: one for one in judged.told_of(group, "paired", 40.0)}


def test_stay_off_and_the_better_of_both_are_told(judged: Judged) -> None:
    found = told(judged)
    lost = {name: one["points_lost_mean"].value for name, one in found.items()}
    assert lost == {
        "stay (truth)": (4.0 + 3.0) / 2.0,
        "off (truth)": (8.0 + 1.0) / 2.0,
        "stay or off (truth)": (4.0 + 1.0) / 2.0,
    }
    assert found["off (truth)"]["harmed_pct"].value == 50.0
    assert found["stay or off (truth)"]["harmed_pct"].value == 0.0
    assert found["off (truth)"]["energy_mean_pct"].value == 0.0
    assert found["stay (truth)"]["energy_mean_pct"].value == pytest.approx(80.0)
    # what is won at other weights: off costs no energy
    off = found["off (truth)"]["points_lost_energy_1_mean"]
    assert off.value == pytest.approx((4.0 - 0.8 + 4.0 + 3.0 - 0.8 - 2.0) / 2.0)


def test_nobody_played_them_so_they_cost_and_say_nothing(judged: Judged) -> None:
    for one in told(judged).values():
        assert not one["minutes_mean"].known
        assert not one["verdict_right_pct"].known
        assert one.confusion.n_visits == 0


def test_they_are_not_ranked(judged: Judged) -> None:
    assert [one.rank for one in judged.lines if one.group == "sinus"] == [1]
    rows = [row for row in leaderboard_rows([judged]) if row["patients"] == "sinus"]
    assert [row["rank"] for row in rows] == [1, 0, 0, 0]
    text = leaderboard_text([judged]).splitlines()
    assert text[2].split()[:2] == ["1", "alpha"]
    assert [line.split()[0] for line in text[3:6]] == ["–"] * 3


def test_who_stays_is_not_told_twice(stored: Stored, visit: Visit) -> None:
    judged = judge(stored([visit(contender="stay")]))
    assert [*told(judged)] == ["off (truth)", "stay or off (truth)"]


def test_under_a_law_not_worth_searching_only_their_harm_is_told(
    stored: Stored, visit: Visit
) -> None:
    rows = [visit(patient=p, family=f) for p, f in enumerate(("null", "window"))]
    found = told(judge(stored(rows)), "sinus, null")["off (truth)"]
    assert not found["points_lost_mean"].known
    assert found["harmed_pct"].value == 100.0


def test_a_contender_whose_every_visit_failed_has_no_numbers_on_the_page(
    stored: Stored, visit: Visit
) -> None:
    rows = [
        visit(contender="stay"),
        visit(contender="crashes", status="failed", error="no"),
    ]
    judged = judge(stored(rows))
    for table in tables(judged.table("sinus", "paired", 40.0)):
        row = next(r for r in table.rows if r[0].text == "crashes")
        assert {cell.text for cell in row[1:]} == {"–"}
        assert row[0].below == "1 came to nothing"
