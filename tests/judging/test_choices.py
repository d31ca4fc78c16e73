"""Choices made again from stored searches."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.study.jobs import plan_of
from harness.study.judging.board import Judged, judge
from harness.study.judging.choices import GATES, choices, gate_sheet, recommender_sheet
from harness.study.judging.figures import figures
from harness.study.judging.gate_figure import curves, gate_words
from harness.study.judging.numbers import Estimate
from harness.study.judging.reading import StoredStudy, read_study
from harness.study.judging.rechoosing import READABLE, SearchLayout
from harness.study.judging.standing import contenders
from harness.study.judging.strokes import strokes
from harness.study.outcome import EvaluationRow, VisitRow
from harness.study.plan import parse_study
from harness.study.visit import scored
from sim.visit.measuring import expected_sd_pct
from sim.visit.plan import VisitPlan

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]
FOUND = {
    "reference_amplitude_v": 5.0,
    "reference_phase_duration_ms": 5.14,
    "reference_n_pulses": 2,
    "reference_delay_ms": 35.0,
}
# tested: amplitude, what was read, what is true, what is truly felt
TESTS = (
    (5.0, 0.0, 0.0, 0.0),
    (5.5, 9.0, -1.0, 0.0),
    (6.0, 3.0, 3.0, 0.0),
    (6.0, 3.0, 3.0, 0.0),
    (6.0, 3.0, 3.0, 0.0),
    (6.5, 8.0, 4.0, 2.5),
)


def search_of(visit: VisitRow, error_pct: float = 2.0) -> list[EvaluationRow]:
    """Return a lucky reading, three that are right, and one that was felt."""
    return [
        EvaluationRow(
            key=visit.key,
            number=number,
            amplitude_v=amplitude_v,
            phase_duration_ms=5.14,
            n_pulses=2,
            delay_ms=35.0,
            value_pct=read_pct,
            standard_error_pct=0.0 if number == 1 else error_pct,
            sensation_grade=3.0 if felt >= 2.0 else 0.0,
            aborted="",
            minutes=2.0 * number,
            beats=140 * number,
            unpleasant_events=0,
            true_gain_pct=true_pct,
            true_utility_pct=true_pct,
            incumbent_gain_pct=0.0,
            incumbent_points_lost=0.0,
            incumbent_regret_pct=0.0,
            ended="felt" if felt >= 2.0 else "done",
            true_sensation=felt,
            returned=amplitude_v == 6.0,
        )
        for number, (amplitude_v, read_pct, true_pct, felt) in enumerate(TESTS, 1)
    ]


@pytest.fixture
def judged(stored: Stored, visit: Visit) -> Judged:
    visits = [visit(patient=p, **FOUND) for p in range(2)]
    return judge(stored(visits, [row for one in visits for row in search_of(one)]))


def rows(judged: Judged) -> Mapping[str, dict[str, Any]]:
    found = recommender_sheet(judged, "paired").rows
    return {str(row["recommender"]): dict(row) for row in found}


def value(row: Mapping[str, Any], name: str) -> float:
    found = row[name]
    assert isinstance(found, Estimate)
    return found.value


def test_each_recommender_reads_the_same_readings(judged: Judged) -> None:
    found = rows(judged)
    assert [*found] == ["as played: posterior_mean", *READABLE]
    # best 4, off -4: the lucky reading gives away 5 points and harms
    naive = found["best_observed"]
    assert value(naive, "ungated_points_lost") == 5.0
    assert value(naive, "ungated_share_pct") == 62.5
    assert value(naive, "ungated_harms_pct") == 100.0
    # 9 with an error of 2 is better than 0 with more than any probability asked
    assert value(naive, "points_lost") == 5.0
    own = found["own"]
    assert value(own, "ungated_points_lost") == 1.0
    assert value(own, "ungated_harms_pct") == 0.0


def test_what_was_felt_is_recommended_by_nobody(judged: Judged) -> None:
    lost = {name: row for name, row in rows(judged).items() if name in READABLE}
    # at 6.5 V, not tolerated, 8 points would be lost
    assert {value(r, "ungated_points_lost") for r in lost.values()} <= {1.0, 5.0}


def test_the_gate_keeps_the_reference_for_want_of_probability(
    stored: Stored, visit: Visit
) -> None:
    one = visit(**FOUND)
    judged = judge(stored([one], search_of(one, error_pct=20.0)))
    found = gate_sheet(judged, "paired").rows
    assert [row["gate_probability"] for row in found] == list(GATES)
    lost = [value(row, "points_lost") for row in found]
    assert lost[0] in (1.0, 5.0)
    assert lost[-1] == 4.0  # the reference's


def test_a_visit_without_a_search_keeps_the_reference(
    stored: Stored, visit: Visit
) -> None:
    one = visit(patient=0, **FOUND)
    lost = replace(visit(patient=1, **FOUND), status="failed")
    judged = judge(stored([one, lost], search_of(one)))
    own = rows(judged)["own"]
    assert value(own, "ungated_points_lost") == (1.0 + 4.0) / 2.0


def test_who_searched_what_is_not_stored_is_left_out(
    stored: Stored, visit: Visit
) -> None:
    one = visit(**FOUND)
    study = stored([one], search_of(one))
    axes = ["amplitude_v", "ccm_channels"]
    study.tables.study["contenders"] = [  # type: ignore[index]
        {"label": "alpha", "strategy": "alpha", "axes": axes}
    ]
    judged = judge(study)
    cell = contenders(judged, judged.everybody, "paired")[0]
    assert SearchLayout.of(judged.study.tables.study, cell) is None
    assert choices(judged, "paired").recommenders == ()


def test_the_noise_is_that_of_the_studys_readings(stored: Stored, visit: Visit) -> None:
    one = visit(**FOUND)
    study = stored([one], search_of(one))
    cells = {}
    for readout in ("finger-pressure", "cuff"):
        told = {"visit": {"readout": readout, "strip_noise": {"mains_mv": 0.1}}}
        (cell,) = contenders(judge(study), judge(study).everybody, "paired")
        cells[readout] = SearchLayout.of(told, cell)
    finger, cuff = cells["finger-pressure"], cells["cuff"]
    assert finger is not None
    assert cuff is not None
    assert finger.noise_sd == expected_sd_pct(VisitPlan())
    assert cuff.noise_sd > finger.noise_sd


STUDY = """
title = "chosen again"
seed = 5
patients = ["hfref-ischaemic"]
contenders = [
    { label = "believes", strategy = "sobol" },
    { label = "averages", strategy = "sobol", recommender = "best_mean" },
]
starts = ["turned-down"]
budgets_min = [30]
post_replication_pairs = 0
[visit]
verification_pairs = 2
observation_min = 1
"""


@pytest.mark.slow  # two visits are played, beat by beat
def test_what_was_played_is_chosen_again_to_the_point(
    tmp_path: Path, written: Callable[..., Path]
) -> None:
    study = parse_study(STUDY, "study")
    played = [scored(job) for job in plan_of(study).jobs()]
    visits = [one.visit for one in played]
    evaluations = [row for one in played for row in one.evaluations]
    stored = read_study(written(tmp_path / "study", visits, evaluations))
    stored.tables.study.update(study.as_read())  # type: ignore[attr-defined]
    found = recommender_sheet(judge(stored), "paired").rows
    by_both = {(str(r["contender"]), str(r["recommender"])): r for r in found}
    for visit, name in zip(visits, ("posterior_mean", "best_mean"), strict=True):
        again = by_both[(visit.contender, name)]
        assert value(again, "points_lost") == pytest.approx(visit.points_lost)
        harms = value(again, "harms_pct")
        assert harms == 100.0 * visit.candidate_harms
    # the same search by two recommenders: their rows agree, whoever played it
    one, other = (by_both[(v.contender, "best_mean")] for v in visits)
    assert np.isclose(value(one, "points_lost"), value(other, "points_lost"))


def test_the_curve_of_the_gate_is_drawn_of_those_who_stand_out(
    stored: Stored, visit: Visit
) -> None:
    visits = [
        visit(key=f"{name}{p}", patient=p, contender=name, **FOUND)
        for name in ("one", "two")
        for p in range(2)
    ]
    judged = judge(stored(visits, [row for one in visits for row in search_of(one)]))
    stroke = strokes([judged])["one"]
    rows = choices(judged, "paired").gates
    points = curves(rows, {"one": stroke})["one"]
    assert [asked for _, _, asked in points] == list(GATES)
    # behind posterior_mean: 1 of 8 points, nobody harmed
    assert points[0][:2] == (0.0, 12.5) or points[0][:2] == (100.0, 62.5)
    assert "without a gate" in gate_words(rows, {"one": stroke})
    drawn = {one.name: one for one in figures(judged, "paired", strokes([judged]))}
    assert "harmed before the verdict" in drawn["gates"].svg.decode()
