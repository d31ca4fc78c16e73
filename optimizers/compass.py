"""Compass search: look along each axis, go where it is better, look nearer."""

from collections.abc import Iterator
from math import inf

import numpy as np

from optimizers.posterior import pool
from optimizers.problem import Asking, Observation, Problem
from optimizers.recommend import tolerated_points
from optimizers.registry import strategy
from optimizers.space import Point

FIRST_STEP = 0.25
"""First step as a part of each axis; at least one lattice step."""


@strategy(
    "compass", summary="looks along each axis, halves the step when none is better"
)
def compass(problem: Problem, rng: np.random.Generator) -> Asking:
    """Poll both ways on every axis and move to the first better reading.

    Compass search (Kolda, Lewis and Torczon, 2003) on the lattice: it ends where no
    neighbour one lattice step away reads better, and then returns that point. A point
    is read once; what is not tolerated is never moved to. Needs no random number.
    """
    log: list[Observation] = [(yield problem.first)]
    point = problem.first
    steps = [max(1, round(FIRST_STEP * (n - 1))) for n in problem.space.shape]
    while True:
        for other in _around(problem, point, steps):
            if all(seen.asked != other for seen in log):
                log.append((yield other))
            if _height(problem, log, other) > _height(problem, log, point):
                point = other
                break
        else:
            if max(steps) == 1:
                return point
            steps = [max(1, step // 2) for step in steps]


def _around(problem: Problem, point: Point, steps: list[int]) -> Iterator[Point]:
    for axis, step in enumerate(steps):
        for way in (step, -step):
            other = (*point[:axis], point[axis] + way, *point[axis + 1 :])
            if problem.space.contains(other):
                yield other


def _height(problem: Problem, log: list[Observation], point: Point) -> float:
    """Return the mean reading of a point, -inf without one or when not tolerated."""
    if point not in tolerated_points(problem, log):
        return -inf
    readings = pool(problem, log)
    return float(readings.mean[readings.points.index(point)])
