"""Bayesian search that knows how people differ: a bold look at a crowd.

The next test is where the expected value, and twice its spread among the people that
the readings still allow, are highest together. A point counts only if it can be reached
and is probably not felt. The last tests go to the point expected to be best, so that it
has been tried before it is recommended. Without a population this is a Gaussian process
with an upper confidence bound.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optimizers.population import Insight, Rows, infer, row_of
from optimizers.problem import Asking, Observation, Problem
from optimizers.registry import strategy
from optimizers.space import FloatArray, Point

MOST_RISK_TESTED = 0.35
"""Highest chance of being felt too much at which a point is tested."""

HALF_TOLD_LEVEL = 1.5
"""What is felt at this level is told as the intolerable grade as often as not."""

N_LOOKED_AT = 1000
"""Points of a larger space that are looked at for each test, drawn anew."""

BOLDNESS = 2.0
"""Spreads that are added to the expectation; 1 tests too much of what looks good."""

N_LAST = 2
"""Tests at the end that are kept for the point expected to be best."""

REFERENCE_EVERY = 4
"""Every test of this number is the reference, unless its value is exactly known."""

NEAR = 9
"""Decimals to which scores are compared."""


@strategy(
    "cohort-bayes",
    summary="upper confidence bound on a population of simulated people",
    recommender="population",
    knows="people",
)
def cohort_bayes(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask for the point whose test promises most, given readings and population.

    Upper confidence bound (Srinivas, Krause, Kakade and Seeger, 2010) with mean and
    spread of the weighted crowd.
    """
    log: list[Observation] = [(yield problem.reference)]
    repeats = True  # until one is seen to be answered from the search's log
    while (row := _next_row(problem, log, rng, repeats=repeats)) is not None:
        seen = yield tuple(problem.space.indices[row].tolist())
        if any(seen is known for known in log):
            repeats = False
        else:
            log.append(seen)
    return None


def _next_row(
    problem: Problem,
    log: Sequence[Observation],
    rng: np.random.Generator,
    *,
    repeats: bool,
) -> int | None:
    """Return the row to test next: now and then a reference that is not known."""
    open_ = reachable(problem, log)
    base = row_of(problem.space, problem.reference)
    drifts = log[0].standard_error != 0.0  # of paired readings none is left
    # unpaired readings share a drift that only the reference, read again, shows
    if drifts and repeats and open_[base] and len(log) % REFERENCE_EVERY == 0:
        return base
    # paired readings are differences from it already: testing it tells nothing
    open_[base] = False
    if not repeats:
        open_[tested_rows(problem, log)] = False
        open_[[row_of(problem.space, seen.asked) for seen in log]] = False
    return most_promising(infer(problem, log), log, open_, rng)


def most_promising(
    insight: Insight,
    log: Sequence[Observation],
    open_: NDArray[np.bool_],
    rng: np.random.Generator,
) -> int | None:
    """Return the row of the most promising of the points that are open, (size,)."""
    problem, tested = insight.problem, tested_rows(insight.problem, log)
    left = max(problem.expected_evaluations - len(log), 1)
    looked_at = _looked_at(problem, tested, rng)
    near = bearable(insight, looked_at[open_[looked_at]])
    if not len(near):
        return None
    mean = insight.mean(near)
    best = int(near[_highest(mean)])
    # what is recommended must have been tested, so that a test is kept for it
    if left <= N_LAST and best not in tested:
        return best
    return int(near[_highest(mean + BOLDNESS * insight.spread(near))])


def _looked_at(problem: Problem, tested: Rows, rng: np.random.Generator) -> Rows:
    """Return every point of a small space, of a large one some and those tested."""
    size = problem.space.size
    if size <= N_LOOKED_AT:
        return np.arange(size)
    return np.union1d(rng.choice(size, size=N_LOOKED_AT, replace=False), tested)


def bearable(insight: Insight, rows: Rows) -> Rows:
    """Return those of some points that are probably not felt too much."""
    return rows[insight.felt(rows, HALF_TOLD_LEVEL) <= MOST_RISK_TESTED]


def reachable(problem: Problem, log: Sequence[Observation]) -> NDArray[np.bool_]:
    """Return which points may be tested within one step up gradual axes, (size,)."""
    near = problem.space.indices <= within_reach(problem, log)
    return np.asarray(near.all(axis=1) & not_ruled_out(problem, log))


def within_reach(problem: Problem, log: Sequence[Observation]) -> Point:
    """Return the furthest place on each axis to which a test may go now, (d,)."""
    furthest = [size - 1 for size in problem.space.shape]
    for axis in _gradual_axes(problem):
        known = [seen.tested[axis] for seen in log if seen.tolerated]
        furthest[axis] = max([problem.reference[axis], *known]) + 1
    return tuple(furthest)


def not_ruled_out(problem: Problem, log: Sequence[Observation]) -> NDArray[np.bool_]:
    """Return which points no test has ruled out, (size,).

    Ruled out is what goes at least as far on every axis as what was not tolerated, or
    as what was asked when something else was tested.
    """
    indices, gradual = problem.space.indices, _gradual_axes(problem)
    open_ = np.ones(len(indices), dtype=np.bool_)
    for seen in log:
        # where the filter stepped in, what was asked is as good as refused
        limit = np.array(seen.tested if not seen.tolerated else seen.asked)
        # on a gradual axis the filter only delays: the next step may still be allowed
        limit[gradual] = np.array(seen.tested)[gradual]
        if not seen.tolerated or (limit != seen.tested).any():
            open_ &= ~(indices >= limit).all(axis=1)
    return open_


def tested_rows(problem: Problem, log: Sequence[Observation]) -> Rows:
    """Return the rows of the points that were read, (n,)."""
    points = {seen.tested for seen in log if seen.usable}
    inside = (point for point in points if problem.space.contains(point))
    return np.array(sorted(row_of(problem.space, p) for p in inside), dtype=np.intp)


def _gradual_axes(problem: Problem) -> list[int]:
    return [problem.space.names.index(name) for name in problem.gradual]


def _highest(values: FloatArray) -> int:
    """Return the place of the highest value, the first of equals."""
    # rounded, so that two machines whose last bit differs test the same point
    return int(np.argmax(np.round(values, NEAR)))
