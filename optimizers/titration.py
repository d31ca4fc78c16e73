"""What a careful clinician does at the programmer, one quantity at a time.

Amplitude goes up a step at a time, each step tested once, because more is believed to
be better until it is felt. Delay has a best place in the middle, so it is swept and a
parabola is laid through the readings. Wider and more pulses are tried once at the top.
What is left of the time repeats the leading settings against each other, since one
reading says little.
"""

from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np

from optimizers.posterior import pool
from optimizers.problem import Asking, Observation, Problem
from optimizers.recommend import tolerated_points
from optimizers.registry import strategy
from optimizers.rivals import leader_or_rival
from optimizers.space import FloatArray, Point

STEP_BACK_GRADE = 1.0
"""Sensation grade from which the clinician goes back one step."""

RISING = ("phase_duration_ms", "n_pulses")
"""Axes of which more is believed to be better; tried at the top after the delay."""

N_SWEEP = 7
"""Values of a sweep, the one in use included, when the budget is long enough."""

N_PARABOLA = 2
"""Tests at the top of the parabola."""

N_FITTED = 5
"""Neighbouring places of a sweep that one parabola is laid through."""

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

    def reached(self, seen: Observation) -> Point:
        """Return where a test has led: what was tested, if the rules allow it."""
        allowed = self.problem.space.contains(seen.tested)
        return seen.tested if allowed else seen.asked

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
    knows="noise",
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
            point = yield from sweep_axis(chart, point, names.index(name))
    for name in RISING:
        if name in names:
            point = yield from _try_top(chart, point, names.index(name))
    n_known = 0
    while len(chart.log) > n_known:
        n_known = len(chart.log)
        yield from chart.test(leader_or_rival(problem, chart.log))
    return None


def _climb(chart: Chart, seen: Observation, axis: int) -> Step:
    """Go up while nothing is felt, or down while something is; return the best."""
    point, way = chart.reached(seen), -1 if _felt(seen) else 1
    while (higher := chart.moved(point, axis, point[axis] + way)) is not None:
        seen = yield from chart.test(higher)
        progress = (seen.tested[axis] - point[axis]) * way
        if progress <= 0 or (way > 0 and _felt(seen)):
            return point
        point = chart.reached(seen)
        if way < 0 and not _felt(seen):
            return point
    return point


def sweep_axis(chart: Chart, point: Point, axis: int) -> Step:
    """Read a few values over the whole axis, then the top of their parabola."""
    allowed = chart.places(point, axis)
    if len(allowed) < 2:
        return point
    n_values = int(np.clip(SWEEP_SHARE * chart.tests_left + 1, 3, N_SWEEP))
    spread = _spread(allowed, n_values, point[axis])
    highest = allowed[-1]  # of the places not yet refused
    for place in sorted(spread, key=lambda i: (i < point[axis], abs(i - point[axis]))):
        if place <= highest:
            seen = yield from chart.test(_at(point, axis, place))
            if place > point[axis] and not seen.tolerated:
                highest = place - 1
    for _ in range(min(N_PARABOLA, chart.tests_left // 3)):
        yield from chart.test(_top_of_parabola(chart, point, axis))
    return _top_of_parabola(chart, point, axis)


def _try_top(chart: Chart, point: Point, axis: int) -> Step:
    """Test the highest value of an axis once; keep it unless it was felt."""
    top = max(chart.places(point, axis), default=point[axis])
    if top == point[axis]:
        return point
    seen = yield from chart.test(_at(point, axis, top))
    return point if _felt(seen) or not seen.usable else chart.reached(seen)


def _top_of_parabola(chart: Chart, point: Point, axis: int) -> Point:
    """Return the allowed place nearest to the top of the readings along an axis.

    The parabola is fitted by least squares to the `N_FITTED` places around the highest
    smoothed reading; where it does not bend down, that place itself is the top.
    """
    line = sorted(_line(chart, point, axis))
    if not line:
        return point
    places, means, errors = (np.array(column) for column in zip(*line, strict=True))
    centre = int(np.argmax(_smoothed(means)))
    first = int(np.clip(centre - N_FITTED // 2, 0, max(0, len(line) - N_FITTED)))
    near = slice(first, first + N_FITTED)
    top = _vertex(places[near].astype(float), means[near], errors[near])
    goal = float(places[centre]) if top is None else top
    allowed = chart.places(point, axis)
    return _at(point, axis, min(allowed, key=lambda i: (abs(i - goal), i)))


def _smoothed(means: FloatArray) -> FloatArray:
    """Return averages of neighbours with weights 1, 2, 1; the ends have one each."""
    padded = np.concatenate([means[:1], means, means[-1:]])
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]


def _vertex(places: FloatArray, means: FloatArray, errors: FloatArray) -> float | None:
    """Return the top of the parabola inside the places, or None without one."""
    if len(places) < 4:
        return None
    weights = 1.0 / np.maximum(errors, np.finfo(float).tiny)
    terms = np.vander(places, 3) * weights[:, None]
    bend, slope, _ = np.linalg.lstsq(terms, means * weights)[0].tolist()
    if bend >= 0.0:
        return None
    return float(np.clip(-slope / (2.0 * bend), places[0], places[-1]))


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


def _spread(allowed: list[int], n_values: int, known: int) -> list[int]:
    """Return the middles of equal parts of the allowed places, but the known one's."""
    parts = np.array_split(allowed, min(n_values, len(allowed)))
    return [int(part[(len(part) - 1) // 2]) for part in parts if known not in part]


def _at(point: Point, axis: int, place: int) -> Point:
    return (*point[:axis], place, *point[axis + 1 :])


def _felt(seen: Observation) -> bool:
    return not seen.tolerated or seen.sensation_grade >= STEP_BACK_GRADE
