"""What readings say where earlier searches are known: one patient beside others.

A reading is a constant of its search, a smooth function that all patients share, one of
the patient's own, and an error. How large, how smooth and how much is shared nobody
knows beforehand: every combination of a small grid is weighted by how well it explains
all readings, of before and of now. Where patients have nothing in common the weight
goes to nothing shared, and what others showed counts for nothing. Earlier visits of the
same patient have the patient's own function too; their constant is another, since they
were read against another reference.

A combination of less weight than `LEAST_WEIGHT` is not asked what it believes: twelve
of them would shift an expected value by at most a thousandth of their differences, and
with fifteen searches before most of the time would be spent on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from optimizers.earlier import (
    OFFSET,
    Combination,
    Earlier,
    PooledReadings,
    near,
    readings_before,
    readings_now,
)
from optimizers.posterior import probability_positive
from optimizers.problem import Budget, Observation, Problem
from optimizers.products import times
from optimizers.space import FloatArray, Point

LENGTHS = (0.3, 0.8)
"""Distances in scaled coordinates over which the values vary."""

SHARED = (0.0, 0.75, 2.0)
"""SD of what all patients share, in noise SDs; at 0 nobody learns from others."""

OWN = (0.5, 1.5)
"""SD of what is the patient's own, in noise SDs."""

LEAST_WEIGHT = 1e-4
"""Combinations that are less probable than this are left out."""

_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class SharedBelief:
    """Belief of m points and the reference behind them, under h combinations.

    Attributes
    ----------
    combinations, weight : (h,)
        Those that are probable enough, and the probability of each, sum 1.
    mean, sd : (h, m)
        Of the values.
    gain_mean, gain_sd : (h, m)
        Of the excess over the reference.
    unit
        One noise SD: all others are in the unit of the observations.
    """

    combinations: tuple[Combination, ...]
    weight: FloatArray
    mean: FloatArray
    sd: FloatArray
    gain_mean: FloatArray
    gain_sd: FloatArray
    unit: float

    @property
    def value(self) -> FloatArray:
        """Expected value, (m,)."""
        return np.asarray(self.weight @ self.mean)

    @property
    def gain(self) -> tuple[FloatArray, FloatArray]:
        """Mean and SD of the excess over the reference, (m,) each."""
        mean = self.weight @ self.gain_mean
        second = self.weight @ (self.gain_mean**2 + self.gain_sd**2)
        return mean, np.sqrt(np.maximum(second - mean**2, 0.0))

    @property
    def probability_better(self) -> FloatArray:
        """Chance that the excess over the reference is above 0, (m,)."""
        chance = probability_positive(self.gain_mean, self.gain_sd)
        return np.asarray(self.weight @ chance)

    def shared_share(self) -> float:
        """Return the probability that patients have something in common."""
        sizes = np.array([one.shared for one in self.combinations])
        return float(self.weight[sizes > 0.0].sum())


def shared_belief(
    problem: Problem, log: Sequence[Observation], points: Sequence[Point]
) -> SharedBelief:
    """Return what the present log and the problem's history say of some points.

    What can be said of the history alone is kept from one call to the next, as long as
    the unit is the same: not where readings are exact and their spread is the unit.

    Parameters
    ----------
    log
        At least one observation that can be used; ValueError otherwise.
    """
    usable = [seen.value for seen in log if seen.usable]
    if not usable:
        raise ValueError("beliefs need at least one usable reading, got none")
    unit = problem.noise_sd or float(np.std(usable)) or 1.0
    read = readings_now(problem, log, unit)
    before = _earlier(_bare(problem), unit)
    among = {length: near(length, read.places, read.places) for length in LENGTHS}
    fits = [_conditioned(one, read, among[one.combination.length]) for one in before]
    evidence = np.array([fit.log_evidence for fit in fits])
    weight = np.exp(evidence - evidence.max())
    weight /= weight.sum()
    kept = np.flatnonzero(weight > LEAST_WEIGHT)
    asked = _AskedAbout.of(problem, read, points)
    rows = [_believed(fits[k], read.points, asked) for k in kept]
    mean, sd, gain_mean, gain_sd = (
        unit * np.array(each) for each in zip(*rows, strict=True)
    )
    combinations = tuple(fits[k].earlier.combination for k in kept)
    weight = weight[kept] / weight[kept].sum()
    return SharedBelief(combinations, weight, mean, sd, gain_mean, gain_sd, unit)


def _bare(problem: Problem) -> Problem:
    """Return a problem without what the readings of before do not hang on."""
    return Problem(
        problem.space,
        problem.reference,
        Budget(),
        noise_sd=problem.noise_sd,
        history=problem.history,
    )


@lru_cache(maxsize=2)
def _earlier(problem: Problem, unit: float) -> tuple[Earlier, ...]:
    """Return what the searches before say under every combination."""
    read = readings_before(problem, unit)
    return tuple(
        Earlier.of(problem.space.steps, read, Combination(*sizes))
        for sizes in product(LENGTHS, SHARED, OWN)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Conditioned:
    """One combination after n readings of now, whose covariance has this inverse.

    `told`, (n,), is the inverse times what the readings of before leave unexplained.
    """

    earlier: Earlier
    inverse: FloatArray
    told: FloatArray
    log_evidence: float


def _conditioned(
    earlier: Earlier, read: PooledReadings, alike: FloatArray
) -> _Conditioned:
    """Condition on the readings of now: a second block below those of before."""
    white, _ = earlier.columns(read.points)
    covariance = earlier.combination.size * alike + OFFSET**2
    covariance += np.diag(read.errors**2) - times(white.T, white)
    factor = cho_factor(covariance, lower=True)
    inverse = np.asarray(cho_solve(factor, np.eye(len(read.values))))
    left = read.values - white.T @ earlier.told
    told = inverse @ left
    evidence = -0.5 * float(left @ told) - float(np.log(np.diag(factor[0])).sum())
    return _Conditioned(earlier, inverse, told, earlier.log_evidence + evidence)


@dataclass(frozen=True, slots=True, eq=False)
class _AskedAbout:
    """The m points asked about and the reference behind them.

    `alike` is by length, (n + 1, m + 1), how the values at the n points read, and that
    at the reference, go with theirs.
    """

    points: tuple[Point, ...]
    places: FloatArray
    alike: Mapping[float, FloatArray]

    @classmethod
    def of(
        cls, problem: Problem, read: PooledReadings, points: Sequence[Point]
    ) -> "_AskedAbout":
        """Return them with what does not hang on what was read."""
        asked = (*points, problem.reference)
        places = np.array(asked) * problem.space.steps
        known = np.vstack([read.places, places[-1:]])
        alike = {length: near(length, known, places) for length in LENGTHS}
        return cls(asked, places, alike)


def _believed(
    fit: _Conditioned, read: tuple[Point, ...], asked: _AskedAbout
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return mean and SD of m values, and of their excess over the reference."""
    earlier, size = fit.earlier, fit.earlier.combination.size
    shared = earlier.shared_with(asked.places)
    _, weights = earlier.columns((*read, asked.points[-1]))
    # what the readings of before leave of the covariances, and of the variance
    alike = asked.alike[earlier.combination.length]
    covariance = size * alike - times(weights.T, shared)
    across, to_reference = covariance[:-1], covariance[-1]
    alone = size - earlier.explained(asked.points, shared)
    expected = times(earlier.drawn_to[None], shared)[0]

    at_all = across + OFFSET**2
    mean = expected + fit.told @ at_all
    left = alone + OFFSET**2 - _explained(fit.inverse, at_all)
    # the constant is no part of an excess, which has its own covariance
    away = across[:, :-1] - across[:, -1:]
    drawn = alone[:-1] + alone[-1] - 2.0 * to_reference[:-1]
    away_left = drawn - _explained(fit.inverse, away)
    # of the reference itself round-off alone would be left
    differs = away_left > _LEAST_VARIANCE
    excess = expected[:-1] - expected[-1] + fit.told @ away
    return (
        mean[:-1],
        np.sqrt(np.maximum(left, _LEAST_VARIANCE))[:-1],
        np.where(differs, excess, 0.0),
        np.sqrt(np.where(differs, away_left, 0.0)),
    )


def _explained(inverse: FloatArray, shared: FloatArray) -> FloatArray:
    """Return the variance that readings explain at each point, (m,)."""
    return np.asarray(np.sum(shared * times(inverse, shared), axis=0))
