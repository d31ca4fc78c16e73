"""One axis after another, each at its best before the next."""

import numpy as np

from optimizers.problem import Asking, Problem
from optimizers.registry import strategy
from optimizers.titration import Chart, sweep_axis


@strategy(
    "sweep", summary="one axis after another, a parabola through each, no repeats"
)
def sweep(problem: Problem, rng: np.random.Generator) -> Asking:
    """Sweep every axis once from the first point on, the finest axis first.

    One factor at a time (Friedman and Savage, 1947): a few values over the whole axis,
    then the top of the parabola laid through them, as `titration` does with the delay.
    Needs no random number, and ends after one round.
    """
    chart = Chart(problem)
    seen = yield from chart.test(problem.first)
    point = chart.reached(seen)
    shape = problem.space.shape
    for axis in sorted(range(len(shape)), key=lambda axis: -shape[axis]):
        point = yield from sweep_axis(chart, point, axis)
    return point
