"""SciPy behind the hand-off: turns, errors, stops, first steps, penalties."""

import threading
from math import nan

import numpy as np
import pytest

from optimizers.handoff import Worker, ask_for
from optimizers.problem import Budget, Observation, Problem
from optimizers.registry import load_strategy
from optimizers.scipy_methods import PENALTY_NOISE_SDS, WIDTH, Penalty, box_around
from optimizers.search import Search
from optimizers.space import Axis, Space

METHODS = (
    "nelder-mead",
    "powell",
    "cobyla",
    "cobyqa",
    "differential-evolution",
    "dual-annealing",
    "slsqp",
    "l-bfgs-b",
    "trust-constr",
    "basin-hopping",
    "shgo",
    "direct",
)
SPACE = Space(
    (
        Axis("amplitude_v", "V", tuple(np.arange(4.5, 7.6, 0.5).tolist())),
        Axis("n_pulses", "", (2.0,)),
        Axis("delay_ms", "ms", tuple(map(float, range(3, 46)))),
    )
)
PROBLEM = Problem(SPACE, (1, 0, 7), Budget(evaluations=60), noise_sd=1.0)


def run(name, value, problem=PROBLEM):
    with Search(name, problem, np.random.default_rng(2)) as search:
        while (point := search.ask()) is not None:
            search.tell(Observation(point, point, value(point), standard_error=0.1))
    return search


@pytest.mark.parametrize("name", METHODS)
def test_a_smooth_hill_is_climbed_without_noise(name):
    top = (5, 0, 30)
    top_at = SPACE.scaled(top)

    def height(point):
        return -20.0 * float(np.sum((SPACE.scaled(point) - top_at) ** 2))

    search = run(name, height)
    # Within a sixth of each axis: one amplitude step. The global methods get no nearer
    # with 60 tests, and need not.
    assert np.all(np.abs(SPACE.scaled(search.recommend().point) - top_at) < 0.17)


# Powell's line search covers a whole axis, wherever its first place may lie.
@pytest.mark.parametrize("name", sorted({*METHODS} - {"powell"}))
def test_the_first_test_after_the_reference_is_two_lattice_steps_or_more_away(name):
    search = run(name, lambda point: 0.0)
    away = np.abs(np.array(search.log[1].asked) - PROBLEM.reference)
    assert away.max() >= 2


@pytest.mark.parametrize("name", METHODS)
def test_the_reference_is_not_paid_for_twice_at_the_start(name):
    search = run(name, lambda point: 0.0)
    assert search.log[1].asked != PROBLEM.reference


@pytest.mark.parametrize("n_values", [2, 3, 4, 7, 43, 138])
@pytest.mark.parametrize("end", [0, -1])
def test_the_first_step_moves_at_least_one_value_and_where_it_can_two(n_values, end):
    space = Space((Axis("a", "", tuple(map(float, range(n_values)))),))
    reference = (range(n_values)[end],)
    box = box_around(Problem(space, reference, Budget(), noise_sd=1.0))
    start, step = box.first_simplex()
    assert box.to_point(start) == reference
    assert abs(box.to_point(step)[0] - reference[0]) >= min(2, n_values // 2)


def test_every_value_of_an_axis_owns_an_equal_share_of_the_box():
    space = Space((Axis("a", "", (1.0, 2.0, 4.0)),))
    box = box_around(Problem(space, (0,), Budget(), noise_sd=1.0))
    places = np.linspace(0.0, WIDTH, 301)[1:-1]
    values = [box.to_point(np.array([place]))[0] for place in places]
    assert np.bincount(values) == pytest.approx([100, 100, 100], abs=1)


def test_a_test_without_a_value_costs_more_than_the_worst_seen():
    penalty = Penalty(PENALTY_NOISE_SDS * 1.0)
    aborted = Observation((0,), (0,), nan, aborted="felt")
    assert penalty.cost(aborted) == PENALTY_NOISE_SDS
    assert penalty.cost(Observation((0,), (0,), -7.0)) == 7.0
    assert penalty.cost(aborted) == 7.0 + PENALTY_NOISE_SDS


def test_an_error_of_the_optimizer_reaches_the_caller_and_leaves_no_thread():
    def breaks(objective):
        objective(np.zeros(1))
        raise FloatingPointError("inside the optimizer")

    before = threading.active_count()
    asking = ask_for(breaks, to_point=lambda place: (0,), to_cost=lambda seen: 0.0)
    assert next(asking) == (0,)
    with pytest.raises(FloatingPointError, match="inside the optimizer"):
        asking.send(Observation((0,), (0,), 1.0))
    assert threading.active_count() == before


def test_an_optimizer_that_catches_exceptions_is_stopped_all_the_same():
    def stubborn(objective):
        while True:
            try:
                objective(np.zeros(1))
            except Exception:  # noqa: BLE001 what some optimizers do
                continue

    before = threading.active_count()
    asking = ask_for(stubborn, to_point=lambda place: (0,), to_cost=lambda seen: 0.0)
    next(asking)
    asking.close()
    assert threading.active_count() == before


def test_an_optimizer_may_call_again_while_it_is_being_stopped():
    calls = []

    def tidy(objective):
        try:
            objective(np.zeros(1))
        finally:
            calls.append(1)
            objective(np.ones(1))

    before = threading.active_count()
    asking = ask_for(tidy, to_point=lambda place: (0,), to_cost=lambda seen: 0.0)
    next(asking)
    asking.close()
    assert calls == [1]
    assert threading.active_count() == before


def test_only_one_side_runs_at_a_time():
    running = []

    def busy(objective):
        for number in range(50):
            running.append("optimizer")
            assert running == ["optimizer"]
            running.remove("optimizer")
            objective(np.array([float(number)]))

    worker = Worker(busy)
    place, n_turns = worker.start(), 0
    while place is not None:
        running.append("caller")
        assert running == ["caller"]
        running.remove("caller")
        place, n_turns = worker.answer(0.0), n_turns + 1
    worker.stop()
    assert n_turns == 50


def test_two_searches_with_cobyqa_do_not_wait_for_each_other():
    # Without giving SciPy's lock up in the objective this hangs (scipy issue 24027).
    first, second = (
        load_strategy("cobyqa")(PROBLEM, np.random.default_rng(1)) for _ in range(2)
    )
    start = next(first)
    assert next(second) == start
    seen = Observation(start, start, 0.0)
    assert first.send(seen) == second.send(seen)
    first.close()
    second.close()


def test_a_space_of_one_point_needs_no_optimizer():
    space = Space((Axis("n_pulses", "", (2.0,)),))
    problem = Problem(space, (0,), Budget(evaluations=3), noise_sd=1.0)
    assert len(run("powell", lambda point: 0.0, problem).log) == 3
