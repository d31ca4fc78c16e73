"""A coarse grid first, then repeats of what led."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from optimizers.posterior import pool
from optimizers.problem import Asking, Observation, Problem
from optimizers.recommend import tolerated_points
from optimizers.registry import strategy
from optimizers.space import Point, Space

GRID_SHARE = 0.5
"""Part of the expected tests that the grid may use; the rest repeats."""


@strategy("grid-replicate", summary="coarse grid, then repeats of the better half")
def grid_replicate(problem: Problem, rng: np.random.Generator) -> Asking:
    """Test a grid in random order, then halve the field after each round of repeats.

    Sequential halving (Karnin, Koren and Somekh, 2013) on the points of a grid. The
    last two are repeated until the budget is spent; the mean of all readings of a
    point decides, and what is not tolerated leaves the field.
    """
    log: list[Observation] = []
    n_points = int(GRID_SHARE * problem.expected_evaluations)
    grid = coarse_grid(problem.space, max(2, n_points))
    field = [grid[row] for row in rng.permutation(len(grid)).tolist()]
    while field:
        for point in field:
            seen = yield point
            if any(seen is known for known in log):  # answered from the search's log
                return None
            log.append(seen)
        field = better_half(problem, log, field)
    return None


def coarse_grid(space: Space, n_points: int) -> list[Point]:
    """Return the allowed points of the finest grid of about equal spacing.

    At most `n_points`, if that is one or more for each axis that varies; each axis has
    the middles of equal shares of its values. An axis with the widest share is divided
    first.
    """
    shares = [1] * len(space.shape)
    while True:
        finer = [
            axis
            for axis, n_values in enumerate(space.shape)
            if shares[axis] < n_values
            and np.prod(shares) // shares[axis] * (shares[axis] + 1) <= n_points
        ]
        if not finer:
            break
        shares[min(finer, key=lambda axis: shares[axis])] += 1
    places = [
        [int((2 * i + 1) * n_values / (2 * share)) for i in range(share)]
        for n_values, share in zip(space.shape, shares, strict=True)
    ]
    grid = [point for point in product(*places) if space.contains(point)]
    return grid or [next(space.points())]


def better_half(
    problem: Problem, log: Sequence[Observation], field: Sequence[Point]
) -> list[Point]:
    """Return the half of a field with the higher means, two or more if there are."""
    readings = pool(problem, log)
    mean = dict(zip(readings.points, readings.mean.tolist(), strict=True))
    tolerated = set(tolerated_points(problem, log))
    left = [point for point in field if point in tolerated]
    left.sort(key=lambda point: (-mean[point], point))
    return left[: max(2, (len(left) + 1) // 2)]
