"""A search: order of asks, budget, ends, replay, errors."""

from math import nan

import numpy as np
import pytest

from optimizers.problem import (
    Budget,
    BudgetSpent,
    Observation,
    Problem,
    StrategyError,
)
from optimizers.search import ReplayError, Search
from optimizers.space import Axis, Space

SPACE = Space((Axis("delay_ms", "ms", tuple(map(float, range(10)))),))


def problem(**limits):
    return Problem(SPACE, (0,), Budget(**(limits or {"evaluations": 6})), noise_sd=1.0)


def see(point, value=0.0, **more):
    return Observation(point, point, value, standard_error=1.0, **more)


def search(strategy, *, limits=None, **options):
    rng = np.random.default_rng(1)
    return Search(strategy, problem(**(limits or {})), rng, **options)


def asks(running, value=lambda point: 0.0):
    asked = []
    with running:
        while (point := running.ask()) is not None:
            asked.append(point[0])
            running.tell(see(point, value(point)))
    return asked


def walk(problem, rng):
    for place in (3, 4, 5, 6, 7, 8, 9):
        yield (place,)


def test_the_reference_is_tested_first_for_a_strategy_that_does_not_ask_it():
    assert asks(search(walk)) == [0, 3, 4, 5, 6, 7]


def test_a_strategy_that_asks_the_reference_is_told_its_first_reading():
    told = []

    def polite(problem, rng):
        told.append((yield problem.reference))
        told.append((yield (5,)))

    assert asks(search(polite, on_finish="stop")) == [0, 5]
    assert [seen.asked for seen in told] == [(0,), (5,)]


def test_each_answer_goes_to_the_ask_it_belongs_to():
    told = []

    def pairs(problem, rng):
        for place in (2, 7, 4):
            seen = yield (place,)
            told.append((place, seen.asked[0]))

    asks(search(pairs, on_finish="stop"))
    assert told == [(2, 2), (7, 7), (4, 4)]


@pytest.mark.parametrize(
    "limits", [{"minutes": 6.0}, {"beats": 400}, {"unpleasant_events": 3}]
)
def test_any_limit_of_the_budget_ends_the_search(limits):
    running = search(walk, limits=limits)
    for _ in range(3):
        running.tell(see(running.ask(), minutes=2.0, beats=140, events=1))
    assert running.ask() is None
    assert running.spent.evaluations == 3


def test_a_budget_of_nothing_asks_nothing():
    assert asks(search(walk, limits={"evaluations": 0})) == []


def test_asking_again_before_telling_returns_the_same_point():
    running = search(walk)
    assert running.ask() == running.ask() == (0,)


def test_budget_spent_is_thrown_in_after_the_last_observation():
    heard = []

    def listening(problem, rng):
        try:
            while True:
                heard.append((yield (len(heard),)))
        except BudgetSpent:
            return (3,)

    running = search(listening, recommender="own")
    asks(running, lambda point: 9.0 * (point == (3,)))
    assert [seen.asked for seen in heard] == [(i,) for i in range(6)]
    assert running.recommend().point == (3,)


def test_a_strategy_may_recommend_when_the_visit_closes_the_search_early():
    def listening(problem, rng):
        try:
            for place in range(10):
                yield (place,)
        except BudgetSpent:
            return (2,)

    running = search(listening, recommender="own", gate_probability=0.0)
    for _ in range(4):
        point = running.ask()
        running.tell(see(point, float(point[0])))
    running.close()
    assert running.ask() is None
    assert running.recommend().point == (2,)


def test_an_own_recommendation_that_was_never_tested_is_not_followed():
    def boasting(problem, rng):
        yield (1,)
        return (9,)

    running = search(boasting, recommender="own", on_finish="stop")
    asks(running, lambda point: 5.0 * point[0])
    assert running.recommend().point != (9,)


def test_a_restart_begins_at_the_best_point_so_far():
    starts = []

    def short(problem, rng):
        starts.append(problem.first)
        yield (4,)
        yield (8,)

    asks(search(short), lambda point: float(point == (4,)) * 20.0)
    assert starts == [(0,), (4,), (4,)]


def test_a_restarted_strategy_is_told_the_reference_from_the_log():
    def short(problem, rng):
        yield problem.reference
        yield (4,)

    assert asks(search(short)) == [0, 4, 4, 4, 4, 4]


def test_a_strategy_that_tests_nothing_new_is_not_restarted_for_ever():
    def idle(problem, rng):
        return None
        yield

    assert asks(search(idle)) == [0, 0, 0, 0, 0, 0]


def test_replicating_repeats_the_leading_points():
    def short(problem, rng):
        yield (4,)
        yield (8,)

    running = search(short, on_finish="replicate")
    asked = asks(running, lambda point: {0: 0.0, 4: 8.0, 8: 7.0}[point[0]])
    assert asked[:3] == [0, 4, 8]
    assert set(asked[3:]) <= {4, 8}


def test_stopping_ends_with_the_strategy():
    def short(problem, rng):
        yield (4,)

    assert asks(search(short, on_finish="stop")) == [0, 4]


def test_cached_repeats_cost_nothing():
    def stammering(problem, rng):
        for place in (2, 2, 2, 5, 2, 5, 7):
            yield (place,)

    running = search(stammering, duplicates="cached", on_finish="stop")
    assert asks(running) == [0, 2, 5, 7]


def test_a_cached_strategy_that_only_repeats_itself_is_taken_to_have_finished():
    running = search("stay", duplicates="cached", on_finish="stop")
    assert asks(running) == [0]


def test_a_replayed_search_goes_on_where_it_was():
    whole = search("random")
    asked = asks(whole)
    again = search("random")
    again.replay(whole.log[:3])
    assert asked[:3] + asks(again) == asked


def test_a_replay_that_differs_names_both_points():
    running = search(walk)
    with pytest.raises(ReplayError, match=r"test 2: the strategy asks \(3,\).*\(9,\)"):
        running.replay([see((0,)), see((9,))])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((2.0,), "tuple of 1 integers"),
        ([2], "tuple of 1 integers"),
        (None, "tuple of 1 integers"),
        ((True,), "tuple of 1 integers"),
        ((10,), r"outside the space.*0 to \(9,\)"),
        ((1, 2), "outside the space"),
        ((-1,), "outside the space"),
    ],
)
def test_a_strategy_that_asks_rubbish_gets_one_clear_error(asked, message):
    def confused(problem, rng):
        yield asked

    running = search(confused)
    running.tell(see(running.ask()))
    with pytest.raises(StrategyError, match=message):
        running.ask()
    assert running.ask() is None


def test_a_point_the_rules_forbid_is_named_with_the_nearest_allowed():
    space = Space(SPACE.axes, lambda point: point[0] != 5)
    given = Problem(space, (0,), Budget(evaluations=3), noise_sd=1.0)

    def forbidden(problem, rng):
        yield (5,)

    running = Search(forbidden, given, np.random.default_rng(1))
    running.tell(see(running.ask()))
    with pytest.raises(StrategyError, match=r"delay_ms 5 ms.*nearest.*delay_ms 4 ms"):
        running.ask()


def test_integers_of_numpy_are_taken_as_plain_ones():
    def from_array(problem, rng):
        yield tuple(np.array([4]))

    running = search(from_array)
    running.tell(see(running.ask()))
    assert type(running.ask()[0]) is int


def test_a_plain_function_is_no_strategy():
    running = search(lambda problem, rng: [(1,)])
    running.tell(see(running.ask()))
    with pytest.raises(StrategyError, match="generator function"):
        running.ask()


def test_an_error_of_the_strategy_reaches_the_caller_and_ends_the_search():
    def broken(problem, rng):
        yield problem.reference
        raise KeyError("mine")

    running = search(broken)
    running.tell(see(running.ask()))
    with pytest.raises(KeyError, match="mine"):
        running.ask()
    assert running.ask() is None


def test_telling_something_else_than_asked_is_refused():
    running = search(walk)
    with pytest.raises(ValueError, match="call ask first"):
        running.tell(see((0,)))
    running.ask()
    with pytest.raises(ValueError, match=r"observation of \(0,\), got that of \(4,\)"):
        running.tell(see((4,)))
    with pytest.raises(ValueError, match=r"tested point \(77,\)"):
        running.tell(Observation((0,), (77,), nan))


@pytest.mark.parametrize(
    "options",
    [{"on_finish": "pause"}, {"duplicates": "never"}, {"recommender": "best_meen"}],
)
def test_an_unknown_option_is_refused_with_what_is_known(options):
    with pytest.raises(ValueError, match=r"one of|nearest"):
        search(walk, **options)


def test_closing_twice_does_no_harm():
    running = search(walk)
    running.ask()
    running.close()
    running.close()
    assert running.ask() is None
