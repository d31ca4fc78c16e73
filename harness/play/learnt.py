"""What all readings together say of the gain over the whole lattice, and how sure.

The belief is that of `optimizers.posterior`: a Gaussian process over the scaled values,
its size and smoothness weighted by the evidence. Here it is fitted to the gains, with
the reference at exactly 0, so that the report can draw it in percent.

Information content is the fall in entropy of where the highest gain lies (Hennig and
Schuler 2012, Journal of Machine Learning Research 13, 1809), by draws of the belief.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from optimizers.posterior import (
    LENGTHS,
    SIGNAL_OVER_NOISE,
    Readings,
    believe,
    matern,
    pool,
)
from optimizers.problem import Budget, Observation, Problem
from optimizers.space import FloatArray, Point, Space

MOST_VALUES: Final = 7  # of an axis: neighbours nobody could tell apart are one place
N_DRAWS: Final = 2000
NORMAL_95: Final = 1.959964
_SEED: Final = 1  # the draws only do an integral: same readings, same number
_JITTER: Final = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """Gain of some points against the reference in percent: mean and SD, each (m,)."""

    mean_pct: FloatArray
    sd_pct: FloatArray

    @property
    def low_pct(self) -> FloatArray:
        """Lower 95 % limit, (m,)."""
        return self.mean_pct - NORMAL_95 * self.sd_pct

    @property
    def high_pct(self) -> FloatArray:
        """Upper 95 % limit, (m,)."""
        return self.mean_pct + NORMAL_95 * self.sd_pct


@dataclass(frozen=True, slots=True, eq=False)
class Information:
    """Where the highest gain lies, in bits, before and after the readings.

    `share_best` has the probability of each point asked about to be the best of them;
    `shortfall_pct` is the gain that the best place is expected to have over the chosen
    point, in points.
    """

    n_places: int
    before_bits: float
    after_bits: float
    share_best: FloatArray
    shortfall_pct: float

    @property
    def gained_bits(self) -> float:
        """Information that the readings brought."""
        return self.before_bits - self.after_bits


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """The readings of a visit as gains over a lattice."""

    problem: Problem
    readings: Readings

    def at(self, points: Sequence[Point]) -> Belief:
        """Return the belief at some points, read or not."""
        told = believe(self.problem, self.readings, points)
        mean = (told.weight @ told.gain_mean)[:-1]
        second = (told.weight @ (told.gain_mean**2 + told.gain_sd**2))[:-1]
        return Belief(mean, np.sqrt(np.maximum(second - mean**2, 0.0)))

    def information(self, asked: Sequence[Point], chosen: Point) -> Information:
        """Return how far the readings narrowed down where the highest gain lies."""
        places = coarse_grid(self.problem.space)
        points = list(dict.fromkeys([*places, *asked, chosen]))
        place_of = {point: k for k, point in enumerate(points)}
        prior, after = _draws(self.problem, self.readings, points)
        grid = [place_of[point] for point in places]
        compared = [place_of[point] for point in asked]
        shares = _share_best(after[:, compared])
        best = np.maximum(after[:, grid].max(axis=1), after[:, place_of[chosen]])
        return Information(
            n_places=len(places),
            before_bits=entropy_bits(_share_best(prior[:, grid])),
            after_bits=entropy_bits(_share_best(after[:, grid])),
            share_best=shares,
            shortfall_pct=float(np.mean(best - after[:, place_of[chosen]])),
        )


def learnt(
    space: Space, reference: Point, read: Sequence[tuple[Point, float, float]]
) -> Learnt | None:
    """Return what gains and their standard errors say; None without a reading.

    Parameters
    ----------
    read
        Point, gain in percent, standard error in percent of each valid reading.
    """
    if not read:
        return None
    noise_sd = float(np.mean([error for _, _, error in read]))
    problem = Problem(space, reference, Budget(), noise_sd=noise_sd)
    known = Observation(reference, reference, 0.0, standard_error=0.0)
    log = [
        Observation(point, point, gain, standard_error=error)
        for point, gain, error in read
    ]
    return Learnt(problem, pool(problem, [known, *log]))


def coarse_grid(space: Space) -> tuple[Point, ...]:
    """Return the allowed points among few values of each axis, its ends included."""
    values = [_spread(np.unique(column)) for column in space.indices.T]
    points = product(*(axis.tolist() for axis in values))
    return tuple(point for point in points if space.mask[point])


def _spread(values: NDArray[np.intp]) -> NDArray[np.intp]:
    n_kept = min(len(values), MOST_VALUES)
    rows = np.linspace(0, len(values) - 1, n_kept).round().astype(np.intp)
    return values.take(rows)


def entropy_bits(probability: FloatArray) -> float:
    """Return the entropy of a distribution in bits, 0 log 0 being 0."""
    known = probability[probability > 0.0]
    return float(-(known * np.log2(known)).sum()) + 0.0


def _share_best(draws: FloatArray) -> FloatArray:
    """Return how often each column is the highest, (columns,)."""
    counts = np.bincount(draws.argmax(axis=1), minlength=draws.shape[1])
    return counts / len(draws)


def _draws(
    problem: Problem, readings: Readings, points: Sequence[Point]
) -> tuple[FloatArray, FloatArray]:
    """Draw the function at some points before and after the readings, (draws, m)."""
    steps, n_sizes = problem.space.steps, len(SIGNAL_OVER_NOISE)
    at, read = np.array(points) * steps, np.array(readings.points) * steps
    weight = believe(problem, readings, points[:1]).weight
    normal = np.random.default_rng(_SEED).standard_normal((N_DRAWS, len(points)))
    prior_of = _shares(np.full(len(LENGTHS), 1.0 / len(LENGTHS)))
    after_of = _shares(weight)
    prior, after = [], []
    for k, length in enumerate(LENGTHS):
        among = matern(cdist(at, at) / length)
        prior.append(normal[prior_of == k] @ _root(among).T)
        for j, ratio in enumerate(SIGNAL_OVER_NOISE):
            rows = normal[after_of == k * n_sizes + j]
            if rows.size:
                size = (ratio * problem.noise_sd) ** 2
                correlations = (
                    among,
                    matern(cdist(read, read) / length),
                    matern(cdist(read, at) / length),
                )
                mean, covariance = _conditioned(size, correlations, readings)
                after.append(mean + rows @ _root(covariance).T)
    return np.vstack(prior), np.vstack(after)


def _shares(weight: FloatArray) -> NDArray[np.intp]:
    """Return which combination each draw is of, in proportion to the weights."""
    bounds = np.cumsum(weight) / weight.sum()
    middles = (np.arange(N_DRAWS) + 0.5) / N_DRAWS
    return np.minimum(np.searchsorted(bounds, middles), len(weight) - 1)


def _conditioned(
    size: float, correlations: tuple[FloatArray, ...], readings: Readings
) -> tuple[FloatArray, FloatArray]:
    """Return mean and covariance given the readings, the constant integrated out.

    Rasmussen and Williams 2006, eq. 2.41 and 2.42.
    """
    among, between, across = correlations
    noisy = size * between + np.diag(readings.standard_error**2)
    inverse = np.linalg.inv(noisy)
    one = np.ones(len(noisy))
    total = one @ inverse @ one
    level = one @ inverse @ readings.mean / total
    to_points = size * across.T @ inverse
    left = 1.0 - to_points @ one
    mean = level + to_points @ (readings.mean - level)
    covariance = size * among - to_points @ (size * across)
    return mean, covariance + np.outer(left, left) / total


def _root(covariance: FloatArray) -> FloatArray:
    """Return a Cholesky factor, of the nearest matrix that surely has one."""
    jitter = _JITTER * float(np.trace(covariance)) / len(covariance)
    regular = covariance + jitter * np.eye(len(covariance))
    return np.asarray(np.linalg.cholesky(regular), dtype=np.float64)
