"""Bayesian optimization: a Gaussian process, expected improvement, a safety channel.

The readings are a constant, a smooth function of the setting, a drift over the tests
and an error. How smooth, how large and how much drift nobody knows beforehand: every
combination of a small grid is weighted by how well it explains the readings. The grade
of sensation has a process of its own, and a setting counts by its expected improvement
times its chance to be tolerated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from optimizers.posterior import matern, reading_error
from optimizers.problem import (
    INTOLERABLE_GRADE,
    Asking,
    Observation,
    Problem,
    refused_points,
)
from optimizers.products import times
from optimizers.registry import strategy
from optimizers.sobol import spread_points
from optimizers.space import FloatArray, Point

LENGTHS = (0.3, 0.8)
"""Distances in scaled coordinates over which the values vary."""

SIZES = (0.5, 1.5, 4.0)
"""SD of the smooth function, in noise SDs."""

DRIFTS = (0.0, 0.5)
"""SD of the drift from one test to the next, in noise SDs; a random walk."""

OFFSET = 10.0
"""SD of the constant, in noise SDs: as good as unknown."""

DESIGN_SHARE = 0.2
"""Part of the expected tests that are spread evenly before the model is asked."""

REFERENCE_EVERY = 4
"""Every test of this number is the reference, unless its value is exactly known."""

N_CANDIDATES = 300
"""Settings looked at for each test, drawn anew, beside those tested before."""

GRADE_LENGTH, GRADE_SD, GRADE_ERROR_SD = 0.6, 1.5, 0.5
"""Process of the sensation grade; its mean far from all tests is 0, not felt."""

_LEAST_ERROR = 1e-3  # of a reading, in noise SDs


@strategy(
    "gp",
    summary="Gaussian process with drift, expected improvement, safety",
    knows="noise",
)
def gp(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask for the setting with the highest expected improvement that is tolerated.

    Expected improvement over the highest posterior mean (Mockus, 1975; Jones, Schonlau
    and Welch, 1998), weighted by feasibility (Gardner et al., 2014).
    """
    log: list[Observation] = [(yield problem.reference)]
    n_design = int(DESIGN_SHARE * problem.expected_evaluations)
    design = list(islice(spread_points(problem.space, rng), n_design))
    repeats = True  # until one is seen to be answered from the search's log
    while (point := _next(problem, log, design, rng, repeats=repeats)) is not None:
        seen = yield point
        # the very object again: answered from the log, so that repeats cost nothing and
        # tell nothing
        if any(seen is known for known in log):
            repeats = False
        else:
            log.append(seen)
    return None


def _next(
    problem: Problem,
    log: Sequence[Observation],
    design: Sequence[Point],
    rng: np.random.Generator,
    *,
    repeats: bool,
) -> Point | None:
    """Return the point to test next, None when nothing is left to test."""
    refused, tried = refused_points(log), {seen.asked for seen in log}
    drifts = log[0].standard_error != 0.0  # of paired readings none is left
    # a reference read now and then is what separates drift from gain
    due = drifts and repeats and len(log) % REFERENCE_EVERY == 0
    if due and problem.reference not in refused:
        return problem.reference
    for point in design:
        if point not in refused and point not in tried:
            return point
    candidates = candidates_now(problem, log, rng)
    if not repeats:
        tried |= {seen.tested for seen in log}
        candidates = [point for point in candidates if point not in tried]
    if not candidates:
        return None
    if not any(seen.usable for seen in log):
        return candidates[int(rng.integers(len(candidates)))]
    scores = improvements(problem, log, candidates, drifts=drifts)
    return candidates[int(np.argmax(scores))]


def improvements(
    problem: Problem,
    log: Sequence[Observation],
    candidates: Sequence[Point],
    *,
    drifts: bool,
) -> FloatArray:
    """Return how much is hoped for at some points, (m,), 1 for the best of them.

    Parameters
    ----------
    log
        At least one observation that can be used.
    drifts
        Whether the readings may drift from test to test.
    """
    steps, asked = problem.space.steps, np.array(candidates)
    used = [number for number, seen in enumerate(log) if seen.usable]
    values = np.array([log[number].value for number in used])
    # in noise SDs, so that the grid above needs no unit
    unit = problem.noise_sd or float(np.std(values)) or 1.0
    errors = np.array([reading_error(problem, log[number]) for number in used])
    noise = np.diag(np.maximum(errors / unit, _LEAST_ERROR) ** 2)
    read = np.array([log[number].tested for number in used]) * steps
    # covariance of a random walk: what two tests share is the path up to the earlier
    walk = np.minimum.outer(used, used)
    far = cdist(read, read), cdist(read, asked * steps)
    tested = {seen.tested for seen in log if seen.usable}
    known = np.array([point in tested for point in candidates])

    beliefs = []
    for length in LENGTHS:
        among, across = (matern(distance / length) for distance in far)
        for size, drift in product(SIZES, DRIFTS if drifts else (0.0,)):
            prior = size**2 + OFFSET**2
            covariance = size**2 * among + OFFSET**2 + drift**2 * walk + noise
            shared = size**2 * across + OFFSET**2
            beliefs.append(condition(covariance, shared, prior, values / unit))
    evidence = np.array([belief.log_evidence for belief in beliefs])
    weights = np.exp(evidence - evidence.max())
    hopes: FloatArray = weights @ [expected_gain(belief, known) for belief in beliefs]
    hopes = hopes * tolerated_chance(problem, log, asked * steps)
    highest = float(hopes.max())
    # rounded, so that two machines whose last bit differs test the same point
    return np.round(hopes / (highest or 1.0), 9)


@dataclass(frozen=True, slots=True, eq=False)
class GpBelief:
    """Posterior mean and SD at m points, both (m,), and the evidence behind them."""

    mean: FloatArray
    sd: FloatArray
    log_evidence: float


def condition(
    covariance: FloatArray, shared: FloatArray, prior: float, values: FloatArray
) -> GpBelief:
    """Condition on n values: Rasmussen and Williams, 2006, algorithm 2.1."""
    factor = cho_factor(covariance, lower=True)
    inverse = cho_solve(factor, np.eye(len(values)))
    weights = inverse @ values
    variance = prior - _explained(inverse, shared)
    evidence = -0.5 * values @ weights - np.log(np.diag(factor[0])).sum()
    sd = np.sqrt(np.maximum(variance, 1e-12 * prior))
    return GpBelief(weights @ shared, sd, float(evidence))


def _explained(inverse: FloatArray, shared: FloatArray) -> FloatArray:
    """Return the variance that the values explain at each point, (m,)."""
    return np.asarray(np.sum(shared * times(inverse, shared), axis=0))


def expected_gain(belief: GpBelief, tested: FloatArray) -> FloatArray:
    """Return the expected improvement over the highest mean of a tested point."""
    # over the best mean, not the best reading, which was partly luck
    among = belief.mean[tested] if tested.any() else belief.mean
    z = (belief.mean - among.max()) / belief.sd
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return np.asarray(belief.sd * (z * ndtr(z) + density))


def tolerated_chance(
    problem: Problem, log: Sequence[Observation], asked: FloatArray
) -> FloatArray:
    """Return the chance that the grade stays below the one that excludes, (m,)."""
    read = np.array([seen.tested for seen in log]) * problem.space.steps
    grades = np.array([_grade(seen) for seen in log])
    among, across = (
        GRADE_SD**2 * matern(cdist(read, places) / GRADE_LENGTH)
        for places in (read, asked)
    )
    covariance = among + GRADE_ERROR_SD**2 * np.eye(len(grades))
    belief = condition(covariance, across, GRADE_SD**2, grades)
    return np.asarray(ndtr((INTOLERABLE_GRADE - belief.mean) / belief.sd))


def _grade(seen: Observation) -> float:
    grade = seen.sensation_grade
    # broken off for another reason than sensation: just as little to be repeated
    return grade if seen.tolerated else max(grade, INTOLERABLE_GRADE)


def candidates_now(
    problem: Problem, log: Sequence[Observation], rng: np.random.Generator
) -> list[Point]:
    """Return settings drawn at random and those tested, in lattice order."""
    indices = problem.space.indices
    # drawn anew each time, so that no part of the lattice is never looked at
    n_drawn = min(N_CANDIDATES, len(indices))
    drawn = indices[rng.choice(len(indices), size=n_drawn, replace=False)]
    tested = {seen.tested for seen in log if problem.space.contains(seen.tested)}
    points = {tuple(row) for row in drawn.tolist()} | tested
    # a set has no order of its own, and ties go to the first
    return sorted(points - refused_points(log))
