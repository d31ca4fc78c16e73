"""What stands between strategy and patient is named in the scenario, and honoured."""

from functools import cache
from math import isfinite
from pathlib import Path

import pytest

from harness.play.run import Run, run_scenario
from harness.play.scenario import ScenarioError, load_scenario
from optimizers import problem
from optimizers.recommend import RECOMMENDERS
from sim.heart.sensation import INTOLERABLE_GRADE
from sim.visit.measuring import PLANS
from sim.visit.record import Choice, VisitRecord
from sim.visit.safety import RULES

SHORT = {
    "visit.titration_min": 12.0,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 0,
    "visit.baseline_min": 1.0,
    "visit.observation_min": 1.0,
}
REPEATING = """
def mine(problem, rng):
    other = problem.point(delay_ms=30.0)
    for point in (other, other, other):
        yield point
    return other
"""


def play(name: str = "first_visit", **changes: object) -> Run:
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return run_scenario(load_scenario(name).changed(SHORT | named))


@cache
def usual() -> VisitRecord:
    return play().record


def choice_of(record: VisitRecord) -> Choice:
    assert record.choice is not None
    return record.choice


@pytest.fixture
def repeating(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(REPEATING, encoding="utf-8")
    return f"{path}:mine"


def test_strategy_visit_and_patient_mean_the_same_grade_by_intolerable() -> None:
    assert problem.INTOLERABLE_GRADE == RULES.intolerable_grade == INTOLERABLE_GRADE


def test_a_budget_of_evaluations_counts_the_reference_as_one() -> None:
    run = play(search__budget={"evaluations": 4})
    assert len(run.played.log) == 4
    assert len(run.record.tested) == 3 < len(usual().tested)


def test_a_budget_of_minutes_ends_with_the_test_that_reaches_it() -> None:
    tested = play(search__budget={"minutes": 5.0}).record.tested
    spent = [sum(test.minutes for test in tested[:n]) for n in range(len(tested) + 1)]
    assert spent[-2] < 5.0 <= spent[-1]


def test_a_budget_of_beats_ends_with_the_test_that_reaches_it() -> None:
    tested = play(search__budget={"beats": 400}).record.tested
    spent = [sum(test.n_beats for test in tested[:n]) for n in range(len(tested) + 1)]
    assert spent[-2] < 400 <= spent[-1]


def test_a_budget_of_unpleasant_events_ends_with_the_first_of_them() -> None:
    freely = play("turned_down", visit__titration_min=20.0).record.tested
    limited = play(
        "turned_down",
        visit__titration_min=20.0,
        search__budget={"unpleasant_events": 1},
    ).record.tested
    felt = [test.sensation_grade >= 2 for test in limited]
    assert felt == [False] * (len(felt) - 1) + [True]
    assert len(limited) < len(freely)


def test_a_repeated_setting_is_measured_again_or_looked_up(repeating: str) -> None:
    options = {"search__strategy": repeating, "search__on_finish": "stop"}
    again = play(**options, search__duplicates="remeasure").record.tested
    looked_up = play(**options, search__duplicates="cached").record.tested
    assert (len(again), len(looked_up)) == (3, 1)


@pytest.mark.parametrize("recommender", RECOMMENDERS)
def test_the_recommender_chooses_among_what_was_tested(recommender: str) -> None:
    record = play(search__recommender=recommender).record
    tested = {test.settings for test in record.tested if not test.aborted}
    assert choice_of(record).settings in tested | {record.reference}


def test_the_naive_recommender_believes_the_highest_reading() -> None:
    weights = {"search__energy_weight": 0.0, "search__discomfort_weight": 0.0}
    record = play(
        search__recommender="best_observed", search__gate_probability=0.0, **weights
    ).record
    read = [test for test in record.tested if isfinite(test.gain_pct)]
    best = max(read, key=lambda test: test.gain_pct)
    assert best.gain_pct > 0.0
    assert choice_of(record).settings == best.settings


def test_a_strategy_is_taken_at_its_word_when_asked_to(repeating: str) -> None:
    record = play(
        search__strategy=repeating,
        search__on_finish="stop",
        search__recommender="own",
        search__gate_probability=0.0,
    ).record
    assert choice_of(record).settings.delay_ms == 30.0


def test_the_gate_keeps_the_reference_unless_it_is_sure_enough() -> None:
    kept = play(search__gate_probability=1.0).record
    assert choice_of(kept).gated
    assert choice_of(kept).settings == kept.reference
    assert kept.verification_pairs == ()
    assert not choice_of(play(search__gate_probability=0.0).record).gated


@pytest.mark.parametrize("plan", PLANS)
def test_a_search_that_asks_for_the_reference_measures_it_only_where_it_must(
    plan: str,
) -> None:
    run = play(visit__plan=plan)
    reference = [t for t in run.record.tested if t.settings == run.record.reference]
    assert len(reference) == (1 if plan == "single" else 0)
    is_free = not reference
    assert len(run.played.log) == len(run.record.tested) + is_free


def test_a_measuring_plan_and_its_numbers_are_named_in_the_scenario() -> None:
    numbers = {"tests_per_reference": 6, "target_se_pct": 0.9, "most_replicates": 7}
    changes = {f"visit.{name}": value for name, value in numbers.items()}
    plan = load_scenario("first_visit").changed(changes).visit.visit_plan
    assert {name: getattr(plan, name) for name in numbers} == numbers


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("plan", "alternate", "nearest is 'alternate-every'"),
        ("tests_per_reference", 0, "must be 1 to 100, got 0"),
        ("target_se_pct", 0.0, "must be 0.05"),
        ("most_replicates", 21, "must be 1 to 20, got 21"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(name: str, value: object, text: str) -> None:
    with pytest.raises(ScenarioError, match=text):
        load_scenario("first_visit").changed({f"visit.{name}": value})
