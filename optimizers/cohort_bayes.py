"""Bayesian search that knows how people differ: knowledge gradient on a crowd.

The next test is the one from which the best expected value is hoped to rise most, as if
several of the tests that are left were spent on it. A point counts only if it can be
reached and is probably not felt. The last tests go to the point expected to be best, so
that it has been tried before it is recommended. Without a population this is a Gaussian
process with a knowledge gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizers.population import Insight, Rows, infer, row_of
from optimizers.problem import Asking, Observation, Problem
from optimizers.registry import strategy
from optimizers.space import FloatArray

MOST_RISK_TESTED = 0.35
"""Highest chance of being felt too much at which a point is tested."""

HALF_TOLD_LEVEL = 1.5
"""What is felt at this level is told as the intolerable grade as often as not."""

N_LOOKED_AT = 1000
"""Points of a larger space that are looked at for each test, drawn anew."""

N_CANDIDATES = 80
"""Points compared for each test: the best quarter by expectation, others drawn."""

N_TARGETS = 200
"""Points that may turn out to be the best, chosen the same way."""

N_PEOPLE = 150
"""People who stand for all where points are compared."""

HORIZON = 5
"""Tests that are thought to be spent on one point, at most those left."""

N_LAST = 2
"""Tests at the end that are kept for the point expected to be best."""

REFERENCE_EVERY = 4
"""Every test of this number is the reference, unless its value is exactly known."""

N_NODES = 7
"""Outcomes of a test that are looked at: nodes of Gauss and Hermite."""

_LEAST_VARIANCE = 1e-12
_NEAR = 9  # decimals to which scores are compared


@strategy(
    "cohort-bayes",
    summary="knowledge gradient on a population of simulated people",
    recommender="population",
    knows="people",
)
def cohort_bayes(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask for the point whose test promises most, given readings and population.

    Knowledge gradient for correlated beliefs (Frazier, Powell and Dayanik, 2009), its
    normal belief with the mean and covariance of the weighted crowd.
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
    open_ = reachable(problem, log, n_steps=1)
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
    known = _bearable(insight, _looked_at(problem, tested, rng))
    near = known.within(open_)
    if not len(near.rows):
        return None
    best, tried = near.best, np.intersect1d(near.rows, tested)
    # what is recommended must have been tested, so that a test is kept for it
    if left <= N_LAST and best not in tried:
        return best
    targets = tried
    if left > N_LAST:
        # what more steps may reach counts as an aim, though not as the next test
        later = known.within(reachable(problem, log, n_steps=left))
        targets = later.thinned(N_TARGETS, rng)
    compared = np.union1d(near.thinned(N_CANDIDATES, rng), tried)
    hopes = knowledge_gradient(insight, compared, targets, n_tests=min(left, HORIZON))
    return int(compared[_highest(hopes)]) if hopes.any() else best


@dataclass(frozen=True, slots=True, eq=False)
class Prospects:
    """Some points by row, rising, and what is expected of each, both (k,)."""

    rows: Rows
    mean: FloatArray

    @property
    def best(self) -> int:
        """The row of the highest expectation, the first of equals."""
        return int(self.rows[_highest(self.mean)])

    def within(self, open_: NDArray[np.bool_]) -> "Prospects":
        """Return those that are open, of a mask of all points."""
        kept = open_[self.rows]
        return Prospects(self.rows[kept], self.mean[kept])

    def thinned(self, n_kept: int, rng: np.random.Generator) -> Rows:
        """Return the best quarter of so many by expectation, the others drawn."""
        if len(self.rows) <= n_kept:
            return self.rows
        order = self.rows[np.argsort(-np.round(self.mean, _NEAR), kind="stable")]
        best, rest = np.split(order, [n_kept // 4])
        drawn = rng.choice(rest, size=n_kept - len(best), replace=False)
        return np.sort(np.concatenate([best, drawn]))


def _looked_at(problem: Problem, tested: Rows, rng: np.random.Generator) -> Rows:
    """Return every point of a small space, of a large one some and those tested."""
    size = problem.space.size
    if size <= N_LOOKED_AT:
        return np.arange(size)
    return np.union1d(rng.choice(size, size=N_LOOKED_AT, replace=False), tested)


def _bearable(insight: Insight, rows: Rows) -> Prospects:
    """Return the points that are probably not felt too much."""
    kept = rows[insight.felt(rows, HALF_TOLD_LEVEL) <= MOST_RISK_TESTED]
    return Prospects(kept, insight.mean(kept))


def knowledge_gradient(
    insight: Insight, compared: Rows, targets: Rows, *, n_tests: int
) -> FloatArray:
    """Return how far the best expected value is hoped to rise, (k,), 0 or more.

    Parameters
    ----------
    compared
        (k,) points, each to be tested `n_tests` times.
    targets
        (l,) points one of which is chosen afterwards, or else the tested one.
    """
    either = np.union1d(compared, targets)
    joint = insight.covariance(compared, either, N_PEOPLE)
    chosen, own = (np.searchsorted(either, rows) for rows in (targets, compared))
    each = np.arange(len(compared))
    # one noisy test seldom changes a choice, and its gradient would be 0 everywhere
    noise = insight.problem.noise_sd**2 / n_tests
    spread = np.sqrt(np.maximum(joint[each, own] + noise, _LEAST_VARIANCE))
    slope = joint / spread[:, None]
    target_mean, own_mean = insight.mean(targets), insight.mean(compared)
    # seven nodes: the maximum of lines is piecewise linear, exact enough for a rank
    nodes, weights = np.polynomial.hermite_e.hermegauss(N_NODES)
    rises = [
        np.maximum(
            (target_mean + node * slope[:, chosen]).max(axis=1),
            own_mean + node * slope[each, own],
        )
        for node in nodes
    ]
    now = np.maximum(target_mean.max(), own_mean)
    hopes = (weights / weights.sum()) @ np.array(rises) - now
    return np.asarray(np.maximum(np.round(hopes, _NEAR), 0.0))


def reachable(
    problem: Problem, log: Sequence[Observation], *, n_steps: int
) -> NDArray[np.bool_]:
    """Return which points may be tested within some steps up gradual axes, (size,).

    Nothing counts that goes at least as far on every axis as what was not tolerated, or
    as what was asked when something else was tested.
    """
    indices = problem.space.indices
    open_ = np.ones(len(indices), dtype=np.bool_)
    gradual = [problem.space.names.index(name) for name in problem.gradual]
    for axis in gradual:
        known = [seen.tested[axis] for seen in log if seen.tolerated]
        highest = max([problem.reference[axis], *known])
        open_ &= indices[:, axis] <= highest + n_steps
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


def _highest(values: FloatArray) -> int:
    """Return the place of the highest value, the first of equals."""
    # rounded, so that two machines whose last bit differs test the same point
    return int(np.argmax(np.round(values, _NEAR)))
