"""Strategies that walk from where they are: compass and simultaneous perturbation."""

from math import nan

import numpy as np
import pytest

from optimizers.problem import Budget, Observation, Problem
from optimizers.search import Search
from optimizers.space import Axis, Space

SPACE = Space(
    (
        Axis("a", "", tuple(map(float, range(7)))),
        Axis("b", "", tuple(map(float, range(43)))),
    )
)


def run(name, value, *, n_tests=60, noise_sd=0.0, seed=1, start=(0, 7)):
    problem = Problem(SPACE, start, Budget(evaluations=n_tests), noise_sd=noise_sd)
    rng = np.random.default_rng(seed)
    with Search(name, problem, rng, on_finish="stop", recommender="own") as search:
        while (point := search.ask()) is not None:
            search.tell(value(point))
    return search


def hill(top, error=lambda: 0.0):
    def read(point):
        away = SPACE.scaled(point) - SPACE.scaled(top)
        return Observation(point, point, -20.0 * float(away @ away) + error())

    return read


@pytest.mark.parametrize("top", [(0, 0), (6, 42), (4, 30), (3, 8)])
def test_the_compass_converges_on_the_top_of_a_separable_hill(top):
    search = run("compass", hill(top))
    assert search.recommend().point == top
    assert len(search.log) < 40


def test_the_compass_begins_with_a_quarter_of_an_axis_and_ends_with_one_step():
    asked = [seen.asked for seen in run("compass", hill((0, 7))).log]
    # a quarter of 6 steps is 1.5, rounded to 2; of 42 it is 10.5, rounded to 10
    assert asked[1:3] == [(2, 7), (0, 17)]
    assert set(asked[-2:]) == {(0, 6), (0, 8)}


def test_the_compass_never_reads_a_point_twice():
    asked = [seen.asked for seen in run("compass", hill((4, 30))).log]
    assert len(set(asked)) == len(asked)


def test_the_compass_does_not_move_to_what_is_felt():
    def read(point):
        felt = point[0] > 2
        value = nan if felt else float(sum(point))
        return Observation(point, point, value, aborted="felt" if felt else None)

    assert run("compass", read).recommend().point == (2, 42)


def test_a_pair_of_perturbations_lies_either_side_of_one_place_on_every_axis():
    search = run("spsa", lambda p: Observation(p, p, 0.0), start=(3, 21), n_tests=21)
    asked = [seen.asked for seen in search.log[1:]]
    for one, other in zip(asked[::2], asked[1::2], strict=True):
        # without any slope the place never moves: (3, 21), the middle of both axes;
        # a half goes to the lower lattice value
        assert np.all(np.abs(np.add(one, other) - (6, 42)) <= 1)
        assert np.all(np.subtract(one, other) != 0)


def test_simultaneous_perturbation_climbs_a_noisy_hill():
    top, ends = (5, 32), []
    for seed in range(20):
        noise = np.random.default_rng((9, seed))
        read = hill(top, lambda noise=noise: noise.normal(0.0, 1.0))
        log = run("spsa", read, noise_sd=1.0, seed=seed).log
        middle = np.mean([SPACE.scaled(seen.asked) for seen in log[-10:]], axis=0)
        ends.append(middle - SPACE.scaled(top))
    # from (0, 7) the top is 0.83 and 0.60 away; a third of that is left on average
    assert np.all(np.abs(np.mean(ends, axis=0)) < (0.28, 0.20))
