"""Problem, budget and observation."""

from math import inf, nan

import pytest

from optimizers.problem import Budget, Observation, Problem, Spent
from optimizers.space import Axis, Space

SPACE = Space(
    (
        Axis("amplitude_v", "V", (4.5, 5.0, 5.5)),
        Axis("delay_ms", "ms", (10.0, 20.0, 30.0)),
    )
)


def problem(**changes):
    given = {"noise_sd": 2.0, "budget": Budget(evaluations=20)} | changes
    return Problem(SPACE, (0, 0), given.pop("budget"), **given)


def test_values_by_name_give_a_point_and_the_rest_stays_at_the_reference():
    assert problem().point(delay_ms=29.0) == (0, 2)
    with pytest.raises(ValueError, match="no axis delay; it has amplitude_v, delay_ms"):
        problem().point(delay=29.0)


def test_a_reference_outside_the_space_is_refused():
    with pytest.raises(ValueError, match=r"reference \(3, 0\)"):
        Problem(SPACE, (3, 0), Budget(), noise_sd=1.0)
    with pytest.raises(ValueError, match="noise_sd must be 0 or more, got -1"):
        problem(noise_sd=-1.0)


@pytest.mark.parametrize(
    ("budget", "n"),
    [
        (Budget(evaluations=12, minutes=100.0), 12),
        (Budget(minutes=40.0), 20),
        (Budget(beats=1000), 20),
    ],
)
def test_a_strategy_can_plan_with_a_number_of_tests(budget, n):
    assert problem(budget=budget).expected_evaluations == n


@pytest.mark.parametrize(
    "budget",
    [
        Budget(evaluations=2),
        Budget(minutes=4.0),
        Budget(beats=280),
        Budget(unpleasant_events=2),
        Budget(evaluations=9, minutes=3.0, beats=999),
    ],
)
def test_whichever_limit_comes_first_ends_the_budget(budget):
    seen = Observation((0, 0), (0, 0), 1.0, minutes=2.0, beats=140, events=1)
    assert not Spent().plus(seen).exhausts(budget)
    assert Spent().plus(seen).plus(seen).exhausts(budget)


def test_an_unlimited_budget_is_never_exhausted():
    assert not Spent(10**6, 1e6, 10**9, 10**6).exhausts(Budget())


def test_a_negative_budget_is_refused():
    with pytest.raises(ValueError, match="minutes must be 0 or more"):
        Budget(minutes=-1.0)


@pytest.mark.parametrize(
    ("value", "aborted", "grade", "tolerated", "usable"),
    [
        (1.0, None, 1.9, True, True),
        (1.0, None, 2.0, False, True),
        (nan, "felt", 3.0, False, False),
        (nan, None, 0.0, True, False),
        (-inf, None, 0.0, True, False),
    ],
)
def test_an_observation_tells_whether_it_was_tolerated_and_can_be_used(
    value, aborted, grade, tolerated, usable
):
    channels = {"sensation": grade}
    seen = Observation((0, 0), (0, 0), value, aborted=aborted, channels=channels)
    assert (seen.tolerated, seen.usable) == (tolerated, usable)
