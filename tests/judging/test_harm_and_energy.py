"""Whom no setting suits is judged by harm; energy may be weighed otherwise."""

from collections.abc import Callable
from math import nan
from typing import Any

import pytest

from harness.study.judging.board import Judged, Line, judge
from harness.study.judging.layout import tables
from harness.study.judging.metrics import METRICS, OF_LOSSES
from harness.study.judging.reading import StoredStudy
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]


def lines_of(judged: Judged, group: str) -> dict[str, Line]:
    return {one.contender: one for one in judged.table(group, "paired", 40.0)}


@pytest.fixture
def harmed(stored: Stored, visit: Visit) -> Judged:
    """Return four patients who have nothing to win, and four who have."""
    changes = {"gentle": (0.0, 0.5), "thrifty": (0.0, 0.4), "rash": (-1.0, 0.1)}
    rows = [
        visit(
            patient=patient,
            contender=name,
            family="adverse" if patient < 4 else "window",
            attainable_gain_pct=0.0 if patient < 4 else 4.0,
            candidate_gain_pct=gain,
            final_energy_frac=energy,
            harmed=gain < 0.0 and patient == 0,
        )
        for name, (gain, energy) in changes.items()
        for patient in range(8)
    ]
    return judge(stored(rows))


def test_under_a_law_not_worth_searching_harm_then_energy_ranks(harmed: Judged) -> None:
    assert [*lines_of(harmed, "sinus, adverse")] == ["thrifty", "gentle", "rash"]
    # where something is to be won points lost rank: equals go by name
    assert [*lines_of(harmed, "sinus, window")] == ["gentle", "thrifty", "rash"]


def test_there_nothing_is_told_of_points_regret_or_shares(harmed: Judged) -> None:
    rash = lines_of(harmed, "sinus, adverse")["rash"]
    assert not any(rash[name].known for name in OF_LOSSES)
    assert not rash["attained_pct"].known
    assert not rash["wins"].known
    assert rash["harmed_pct"].value == 25.0
    assert rash["candidate_harms_pct"].value == 100.0
    assert rash["energy_mean_pct"].value == pytest.approx(10.0)
    captions = [table.caption for table in tables([rash])]
    assert "Points lost and regret" not in captions
    assert "Gain, harm and cost" in captions


def test_thresholds_hold_losses_to_those_who_can_gain(harmed: Judged) -> None:
    assert harmed.group_of("points_lost_energy_0_mean").name.endswith("gain")
    assert harmed.group_of("saved_mean_points").name.endswith("gain")
    assert harmed.group_of("candidate_harms_pct").name == "sinus"


def test_the_worst_twentieth_of_patients_is_told(stored: Stored, visit: Visit) -> None:
    rows = [visit(patient=p, final_gain_pct=float(p - 5)) for p in range(40)]
    found = judge(stored(rows)).lines[0]["worst_gain_pct"]
    # the lowest two of forty: -5 and -4
    assert found.value == -4.5
    assert found.low == -5.0


def at_energy(visit: Visit, **named: Any) -> VisitRow:
    """Return a visit whose best settings gain 4 at 0.5 of the energy, off at -4."""
    return visit(
        attainable_gain_pct=4.0,
        best_utility_energy_0_pct=4.0,
        best_utility_energy_1_pct=3.5,
        **named,
    )


def test_points_lost_are_told_at_energy_weights_0_and_1(
    stored: Stored, visit: Visit
) -> None:
    found = judge(
        stored(
            [
                at_energy(
                    visit,
                    candidate_gain_pct=3.0,
                    candidate_energy_frac=0.9,
                    candidate_sensation=0.25,
                )
            ]
        )
    ).lines[0]
    # utility 3 - 0.25 without energy, less 0.9 where all of it costs a point
    assert found["points_lost_energy_0_mean"].value == pytest.approx(1.25)
    assert found["points_lost_energy_1_mean"].value == pytest.approx(1.65)
    # of 8 points from off to the best, and of 7.5
    assert found["points_lost_energy_0_share_pct"].value == pytest.approx(15.625)
    assert found["points_lost_energy_1_share_pct"].value == pytest.approx(22.0)


def test_the_studys_own_weight_of_discomfort_counts(
    stored: Stored, visit: Visit
) -> None:
    study = stored([at_energy(visit, candidate_sensation=1.0)])
    study.tables.study["search"] = {"discomfort_weight": 2.0}  # type: ignore[index]
    found = judge(study).lines[0]
    assert found["points_lost_energy_0_mean"].value == pytest.approx(6.0)


def test_what_is_not_tolerated_counts_as_off_at_best(
    stored: Stored, visit: Visit
) -> None:
    rows = [
        at_energy(visit, patient=0, candidate_gain_pct=4.0, candidate_sensation=2.0),
        # worse than off by itself
        at_energy(visit, patient=1, candidate_gain_pct=-6.0, candidate_sensation=3.0),
    ]
    found = judge(stored(rows)).lines[0]["points_lost_energy_0_mean"]
    assert found.value == pytest.approx((8.0 + 13.0) / 2.0)


def test_a_visit_that_could_not_be_scored_says_nothing_of_other_weights(
    stored: Stored, visit: Visit
) -> None:
    rows = [at_energy(visit, candidate_energy_frac=nan)]
    found = judge(stored(rows)).lines[0]
    assert not found["points_lost_energy_1_mean"].known
    assert set(METRICS) == set(found.values)
