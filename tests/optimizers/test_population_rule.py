"""The rule of who knows people and reads nothing."""

import numpy as np
import pytest

from optimizers.problem import Budget, Observation, Population, Problem
from optimizers.registry import knowledge, preferred_recommender
from optimizers.search import Search
from optimizers.space import Axis, Space

SPACE = Space(
    (
        Axis("amplitude_v", "V", (4.5, 5.0, 5.5, 6.0, 6.5)),
        Axis("delay_ms", "ms", (15.0, 25.0, 35.0, 45.0)),
    ),
    lambda point: sum(point) < 7,
)
REFERENCE = (1, 1)
POINTS = [tuple(point) for point in SPACE.indices.tolist()]


def crowd(seed, n=60):
    """Return people who differ in all, and feel more the higher the amplitude."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.0, 1.0, SPACE.size) + rng.normal(0.0, 3.0, (n, SPACE.size))
    values[:, POINTS.index(REFERENCE)] = 0.0
    level = -2.0 + 1.2 * SPACE.indices[:, 0] + rng.normal(0.0, 1.0, (n, SPACE.size))
    return Population(values, level)


def followed(population, *, readings=0, felt_from=9, gradual=("amplitude_v",)):
    """Return what the rule tests and returns where a filter holds the amplitude."""
    problem = Problem(
        SPACE,
        REFERENCE,
        Budget(evaluations=25),
        noise_sd=2.0,
        population=population,
        gradual=gradual,
    )
    noise, highest = np.random.default_rng(readings), REFERENCE[0]
    with Search(
        "population-rule", problem, np.random.default_rng(1), on_finish="stop"
    ) as search:
        while (asked := search.ask()) is not None:
            held = min(asked[0], highest + 1) if gradual else asked[0]
            tested, felt = (held, asked[1]), held >= felt_from
            highest = highest if felt else max(highest, held)
            value, grade = noise.normal(0.0, 9.0), 2.0 if felt else 0.0
            search.tell(
                Observation(asked, tested, value, channels={"sensation": grade})
            )
    return [seen.tested for seen in search.log], search.own


def best_by_hand(population, allowed):
    """Return the point of the highest sum over people that few would feel."""
    best, highest = None, -np.inf
    for n, point in enumerate(POINTS):
        felt = sum(level >= 1.5 for level in population.sensation[:, n].tolist())
        worth = sum(population.values[:, n].tolist())
        if allowed(point) and felt <= 0.35 * len(population.values) and worth > highest:
            best, highest = point, worth
    return best


@pytest.mark.parametrize("seed", range(8))
def test_it_ends_at_the_best_point_on_average_that_few_would_feel(seed):
    known = crowd(seed)
    best = best_by_hand(known, lambda point: True)
    tested, own = followed(known)
    assert own == best
    assert tested[-1] == best


def test_what_would_be_best_but_for_what_is_felt_is_passed_over():
    bests = []
    for seed in range(8):
        known = crowd(seed)
        average = known.values.mean(axis=0)
        bests.append(POINTS[int(np.argmax(average))] == followed(known)[1])
    assert not all(bests)


@pytest.mark.parametrize("seed", range(4))
def test_no_reading_changes_what_it_tests_or_returns(seed):
    known = crowd(seed)
    each = [followed(known, readings=n) for n in range(5)]
    assert all(one == each[0] for one in each)


def test_the_people_known_change_what_it_returns():
    assert len({followed(crowd(seed))[1] for seed in range(8)}) > 1


@pytest.mark.parametrize("seed", range(8))
def test_it_goes_up_one_amplitude_at_a_time_and_asks_for_no_more(seed):
    tested, own = followed(crowd(seed))
    assert tested == [REFERENCE] * (own != REFERENCE) + [
        *((volts, own[1]) for volts in range(REFERENCE[0] + 1, own[0])),
        own,
    ]


def test_without_gradual_axes_it_goes_there_at_once():
    tested, own = followed(crowd(2), gradual=())
    assert tested == [REFERENCE, own]


@pytest.mark.parametrize("seed", range(8))
def test_where_it_is_felt_the_next_best_on_average_is_gone_to(seed):
    known = crowd(seed)
    own = followed(known, felt_from=2)[1]
    assert own == best_by_hand(known, lambda point: point[0] < 2)


def test_where_everything_is_felt_nothing_is_returned():
    assert followed(crowd(1), felt_from=0)[1] is None


def test_who_knows_nobody_keeps_the_reference():
    assert followed(None) == ([REFERENCE], REFERENCE)


def test_it_is_followed_as_a_rule_and_says_what_it_knows():
    assert preferred_recommender("population-rule") == "own"
    assert knowledge("population-rule") == "people"
