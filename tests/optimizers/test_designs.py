"""Strategies that spread their tests by a plan: Sobol' points, grid, surface, sweep."""

from itertools import islice, product
from math import nan

import numpy as np
import pytest

from optimizers.grid_replicate import better_half, coarse_grid
from optimizers.problem import Budget, Observation, Problem
from optimizers.search import Search
from optimizers.sobol import spread_points
from optimizers.space import Axis, Space


def axis(name, n_values):
    return Axis(name, "", tuple(map(float, range(n_values))))


SQUARE = Space((axis("a", 16), axis("b", 16)))


def run(name, space, reference, value, n_tests):
    problem = Problem(space, reference, Budget(evaluations=n_tests), noise_sd=0.0)
    with Search(name, problem, np.random.default_rng(4), on_finish="stop") as search:
        while (point := search.ask()) is not None:
            search.tell(Observation(point, point, value(point), standard_error=0.0))
    return [seen.asked for seen in search.log]


def test_sobol_points_are_distinct_and_fill_every_sixteenth_of_a_square():
    points = list(islice(spread_points(SQUARE, np.random.default_rng(3)), 16))
    # 16 scrambled points of two dimensions are a (0, 4, 2)-net: one in each box of
    # 4 by 4, and one in each row and column of 16 (Niederreiter, 1992)
    assert {(i // 4, j // 4) for i, j in points} == set(product(range(4), repeat=2))
    for places in zip(*points, strict=True):
        assert sorted(places) == list(range(16))


def test_sobol_points_reach_every_allowed_point_once_and_no_other():
    space = Space(SQUARE.axes, lambda point: point[0] + point[1] < 5)
    points = list(spread_points(space, np.random.default_rng(3)))
    assert len(points) == 15
    assert set(points) == set(space.points())


def test_the_seed_moves_the_sobol_points():
    first, other = (
        list(islice(spread_points(SQUARE, np.random.default_rng(seed)), 8))
        for seed in (1, 2)
    )
    assert first != other


@pytest.mark.parametrize("n_points", [2, 8, 12, 27, 100])
def test_a_coarse_grid_is_no_larger_than_told_and_evenly_spaced(n_points):
    space = Space((axis("a", 7), axis("b", 4), axis("c", 43)))
    grid = coarse_grid(space, n_points)
    assert n_points / 2 < len(grid) <= n_points
    for places in zip(*grid, strict=True):
        gaps = np.diff(sorted(set(places)))
        assert np.ptp(gaps) <= 1 if len(gaps) else True


def test_the_better_half_is_kept_without_what_was_felt():
    problem = Problem(SQUARE, (0, 0), Budget(), noise_sd=1.0)
    values = {(0, i): float(i) for i in range(8)}
    log = [Observation(p, p, value, standard_error=1.0) for p, value in values.items()]
    log.append(Observation((0, 7), (0, 7), nan, aborted="felt"))
    half = better_half(problem, log, list(values))
    assert half == [(0, 6), (0, 5), (0, 4), (0, 3)]


def test_grid_replicate_repeats_the_best_points_of_its_grid():
    asked = run("grid-replicate", SQUARE, (0, 0), lambda point: -point[0], 50)
    often = [point for point in set(asked) if asked.count(point) > 3]
    assert often
    assert all(point[0] == min(i for i, _ in set(asked[1:])) for point in often)


def test_the_quadratic_surface_finds_the_top_of_an_exact_one():
    space = Space((axis("a", 7), axis("b", 4), axis("c", 43)))

    def height(point):
        a, b, c = np.array(point, dtype=float) - (4, 1, 30)
        return -(a**2) - 2.0 * b**2 - 0.05 * c**2 + 0.1 * a * c

    top = max(space.points(), key=height)
    # 10 coefficients: constant, 3 slopes, 3 curvatures, 3 products; 2 spare; the top
    assert run("quadratic", space, (0, 0, 7), height, 14)[-1] == top == (4, 1, 30)


def test_the_design_of_the_surface_settles_every_coefficient():
    asked = run("quadratic", SQUARE, (3, 3), lambda point: 0.0, 6)
    at = np.array(asked) / 15.0 - 0.5
    a, b = at.T
    terms = np.column_stack([np.ones(len(at)), a, b, a * a, b * b, a * b])
    assert np.linalg.matrix_rank(terms) == 6


def test_a_sweep_finds_the_top_of_a_separable_parabola():
    space = Space((axis("a", 9), axis("b", 31)))
    asked = run(
        "sweep", space, (0, 0), lambda p: -((p[0] - 6) ** 2) - (p[1] - 22) ** 2, 60
    )
    assert (6, 22) in asked
    assert len(asked) < 25


def test_a_sweep_changes_one_axis_after_the_other_and_the_finest_first():
    space = Space((axis("a", 9), axis("b", 31)))
    asked = run("sweep", space, (0, 0), lambda point: float(sum(point)), 60)
    moves_a = [point[0] != 0 for point in asked]
    assert moves_a == sorted(moves_a)
    assert not all(moves_a[1:])
