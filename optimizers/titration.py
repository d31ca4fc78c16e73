"""What a careful clinician does at the programmer, one quantity at a time.

Amplitude goes up a step at a time, each step tested once, because more is believed to
be better until it is felt. Delay has a best place in the middle, so it is swept and a
parabola is laid through the readings. Wider and more pulses are tried once at the top.
What is left of the time repeats the leading settings against each other, since one
reading says little.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from optimizers.contenders import contender
from optimizers.posterior import pool
from optimizers.problem import Asking, Observation, Problem
from optimizers.recommend import first_highest, tolerated_points
from optimizers.registry import strategy
from optimizers.space import Point

FELT_GRADE = 1.0
"""Sensation grade from which the clinician goes back one step."""

RISING = ("phase_duration_ms", "n_pulses")
"""Axes of which more is believed to be better; tried at the top after the delay."""

N_SWEEP = 7
"""Values of a sweep, the one in use included, when the budget is long enough."""

N_PARABOLA = 3
"""Tests at the top of the parabola."""

SWEEP_SHARE = 0.5
"""Part of the tests still expected that one sweep may use."""

Step = Generator[Point, Observation, Point]
"""A part of the titration: tests some points and returns the one to go on from."""


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """The clinician's notes."""

    problem: Problem
    log: list[Observation] = field(default_factory=list)

    def test(self, point: Point) -> Generator[Point, Observation, Observation]:
        """Ask for a point and write down what was seen, each reading once."""
        seen = yield point
        if not any(seen is known for known in self.log):  # answered from the log
            self.log.append(seen)
        return seen

    @property
    def tests_left(self) -> int:
        """Tests still expected."""
        return max(0, self.problem.expected_evaluations - len(self.log))

    def moved(self, point: Point, axis: int, place: int) -> Point | None:
        """Return a point with another value on one axis, or None if not allowed."""
        other = (*point[:axis], place, *point[axis + 1 :])
        return other if self.problem.space.contains(other) else None

    def places(self, point: Point, axis: int) -> list[int]:
        """Return the places on an axis that are allowed with the rest of a point."""
        n_values = self.problem.space.shape[axis]
        return [i for i in range(n_values) if self.moved(point, axis, i) is not None]


@strategy(
    "titration",
    summary="as a clinician: amplitude up, delay sweep, pulse width, repeats",
)
def titration(problem: Problem, rng: np.random.Generator) -> Asking:
    """Raise, sweep, try the top, and repeat the leaders; needs no random number."""
    chart, names = Chart(problem), problem.space.names
    point = problem.first
    seen = yield from chart.test(point)
    if "amplitude_v" in names:
        point = yield from _climb(chart, seen, names.index("amplitude_v"))
    for name in sorted(names, key="delay_ms".__ne__):  # delay first
        if name != "amplitude_v" and name not in RISING:
            point = yield from _sweep(chart, point, names.index(name))
    for name in RISING:
        if name in names:
            point = yield from _try_top(chart, point, names.index(name))
    n_known = 0
    while len(chart.log) > n_known:
        n_known = len(chart.log)
        yield from chart.test(contender(problem, chart.log))
    return None


def _climb(chart: Chart, seen: Observation, axis: int) -> Step:
    """Go up while nothing is felt, or down while something is; return the best."""
    point, way = seen.tested, -1 if _felt(seen) else 1
    while (higher := chart.moved(point, axis, point[axis] + way)) is not None:
        seen = yield from chart.test(higher)
        if seen.tested[axis] == point[axis] or (way > 0 and _felt(seen)):
            return point
        point = seen.tested
        if way < 0 and not _felt(seen):
            return point
    return point


def _sweep(chart: Chart, point: Point, axis: int) -> Step:
    """Read a few values over the whole axis, then the top of their parabola."""
    allowed = chart.places(point, axis)
    n_values = int(np.clip(SWEEP_SHARE * chart.tests_left + 1, 3, N_SWEEP))
    spread = _spread(allowed, n_values)
    highest_allowed = allowed[-1]
    for place in sorted(spread, key=lambda i: (i < point[axis], abs(i - point[axis]))):
        if place != point[axis] and place <= highest_allowed:
            seen = yield from chart.test(_at(point, axis, place))
            if place > point[axis] and not seen.tolerated:
                highest_allowed = place - 1
    for _ in range(min(N_PARABOLA, chart.tests_left // 3)):
        yield from chart.test(_top_of_parabola(chart, point, axis))
    return _top_of_parabola(chart, point, axis)


def _try_top(chart: Chart, point: Point, axis: int) -> Step:
    """Test the highest value of an axis once; keep it if the reading is no worse."""
    top = chart.places(point, axis)[-1]
    if top == point[axis]:
        return point
    seen = yield from chart.test(_at(point, axis, top))
    return point if _felt(seen) or not seen.usable else seen.tested


def _top_of_parabola(chart: Chart, point: Point, axis: int) -> Point:
    """Return the tolerated place nearest to the top, or the best reading's.

    The parabola is fitted by least squares to the readings along the axis; the best
    reading counts where it does not bend down or there are fewer than four places.
    """
    line = _line(chart, point, axis)
    if not line:
        return point
    places, means, errors = (np.array(column) for column in zip(*line, strict=True))
    best = int(places[first_highest(means, [(int(i),) for i in places])])
    top = float(best)
    if len(places) > 3:
        terms = np.vander(places.astype(np.float64), 3) / errors[:, None]
        bend, slope, _ = np.linalg.lstsq(terms, means / errors)[0].tolist()
        if bend < 0.0:
            top = float(np.clip(-slope / (2.0 * bend), places.min(), places.max()))
    allowed = chart.places(point, axis)
    return _at(point, axis, min(allowed, key=lambda i: (abs(i - top), i)))


def _line(chart: Chart, point: Point, axis: int) -> list[tuple[int, float, float]]:
    """Return place, mean and standard error of what was tolerated along an axis."""
    readings = pool(chart.problem, chart.log)
    tolerated = set(tolerated_points(chart.problem, chart.log))
    rows = zip(readings.points, readings.mean, readings.standard_error, strict=True)
    return [
        (tested[axis], float(mean), float(error))
        for tested, mean, error in rows
        if tested in tolerated and _at(tested, axis, point[axis]) == point
    ]


def _spread(allowed: list[int], n_values: int) -> list[int]:
    """Return the middles of equal parts of the allowed places."""
    n_parts = min(n_values, len(allowed))
    edges = np.linspace(0, len(allowed), n_parts + 1)
    return [allowed[int((low + high - 1) / 2)] for low, high in pairwise(edges)]


def _at(point: Point, axis: int, place: int) -> Point:
    return (*point[:axis], place, *point[axis + 1 :])


def _felt(seen: Observation) -> bool:
    return not seen.tolerated or seen.sensation_grade >= FELT_GRADE
