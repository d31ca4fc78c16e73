"""What the readings say about each point: a Gaussian process over the lattice.

A point's value is a constant plus a smooth function of the scaled coordinates. How
large and how smooth it is nobody knows beforehand, so every combination on a small grid
is weighted by how well it explains the readings, and beliefs are the weighted mixture.
Few or poor readings leave weight on the flat combinations, which is what shrinks the
luckiest reading towards the reference.

The mixture is exact and has no optimizer in it: with ten to forty readings the
likelihood of size and length is nearly flat, and a maximum of it would swing from one
reading to the next. Here one more reading moves a weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dsyevd, dsyevd_lwork
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from optimizers.last import LastAnswer
from optimizers.problem import Observation, Problem
from optimizers.space import FloatArray, Point, Space

SIGNAL_OVER_NOISE = (0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.0, 8.0)
"""SD of the smooth function over the SD of one reading, each as likely beforehand.

Several are too small to see: the patient whose settings are all equal is expected.
"""

LENGTHS = (0.15, 0.3, 0.6, 1.2)
"""Distance in scaled coordinates over which it varies, each as likely beforehand."""

_EXACT = 1e-3  # a reading's SE is taken as at least this share of the noise SD


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """The usable readings, replicates of a point pooled by inverse variance.

    `points` has n members in order of the first test; `mean` and `standard_error` are
    (n,), in the unit of the observations' value.
    """

    points: tuple[Point, ...]
    mean: FloatArray
    standard_error: FloatArray


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What is believed of some points' true values, given the readings.

    Parameters
    ----------
    points
        The m points asked about; each row below has the reference after them.
    weight
        (h,) probability of each combination of size and smoothness, sum 1.
    mean, sd
        (h, m + 1) belief under each combination.
    gain_mean, gain_sd
        (h, m + 1) the same for the difference from the reference.
    """

    points: tuple[Point, ...]
    weight: FloatArray
    mean: FloatArray
    sd: FloatArray
    gain_mean: FloatArray
    gain_sd: FloatArray

    @cached_property
    def value(self) -> FloatArray:
        """Posterior mean, (m,)."""
        return (self.weight @ self.mean)[:-1]

    @cached_property
    def standard_error(self) -> FloatArray:
        """Posterior SD of the mixture, (m,)."""
        second = self.weight @ (self.mean**2 + self.sd**2)
        return _root(second[:-1] - self.value**2)

    @cached_property
    def probability_better(self) -> FloatArray:
        """Probability that the true value exceeds the reference's, (m,)."""
        return (self.weight @ probability_positive(self.gain_mean, self.gain_sd))[:-1]


def probability_positive(mean: ArrayLike, sd: ArrayLike) -> FloatArray:
    """Return the chance that a normal variable exceeds 0; 0 when it is exactly 0."""
    centre, spread = np.asarray(mean, dtype=np.float64), np.asarray(sd)
    uncertain = spread > 0.0
    chance = ndtr(centre / np.where(uncertain, spread, 1.0))
    return np.where(uncertain, chance, np.where(centre > 0.0, 1.0, 0.0))


def reading_error(problem: Problem, observation: Observation) -> float:
    """Return a reading's standard error; the problem's noise SD when it has none."""
    error = observation.standard_error
    return error if 0.0 <= error < inf else problem.noise_sd  # nan compares false


def pool(problem: Problem, log: Sequence[Observation]) -> Readings:
    """Pool the usable readings of each tested point by inverse variance.

    The last answer is kept, for recommender, gate and strategy: it must not be changed.
    """
    return _LAST.to((problem, *log), lambda: _pool(problem, log))


_LAST: Final = LastAnswer[Readings]()


def _pool(problem: Problem, log: Sequence[Observation]) -> Readings:
    by_point: dict[Point, list[tuple[float, float]]] = {}
    # an exact reading would give infinite weight, and no inverse
    floor = _EXACT * (problem.noise_sd or 1.0)
    for seen in log:
        if seen.usable:
            variance = max(reading_error(problem, seen), floor) ** 2
            # by what was tested, not asked: the filter may have changed it
            by_point.setdefault(seen.tested, []).append((seen.value, 1.0 / variance))
    pooled = [_pooled(readings) for readings in by_point.values()]
    return Readings(
        tuple(by_point),
        np.array([mean for mean, _ in pooled]),
        np.array([error for _, error in pooled]),
    )


def _pooled(readings: list[tuple[float, float]]) -> tuple[float, float]:
    total = sum(weight for _, weight in readings)
    return sum(value * weight for value, weight in readings) / total, total**-0.5


def believe(problem: Problem, readings: Readings, points: Sequence[Point]) -> Beliefs:
    """Return what the readings say of some points, tested or not.

    Parameters
    ----------
    readings
        At least one; ValueError otherwise.
    points
        The points asked about, m of them.
    """
    if not readings.points:
        raise ValueError("beliefs need at least one usable reading, got none")
    # last, so that every gain is a difference within one joint belief
    asked = (*points, problem.reference)
    sizes = (_scale(problem, readings) * np.array(SIGNAL_OVER_NOISE)) ** 2
    maps = _correlations(problem.space, readings.points, asked)
    log_evidence, *rows = _fit(sizes[:, None], maps, readings)
    evidence = log_evidence.reshape(-1)
    # the largest is 1, so that none underflows to no weight at all
    weight = np.exp(evidence - evidence.max())
    columns = (row.reshape(-1, len(asked)) for row in rows)
    return Beliefs(tuple(points), weight / weight.sum(), *columns)


@dataclass(frozen=True, slots=True, eq=False)
class _Correlations:
    """Correlations for l lengths: readings (l, n, n), readings and asked (l, n, m + 1).

    `with_reference` has those of the last point asked about, (l, 1, m + 1).
    """

    among: FloatArray
    across: FloatArray
    with_reference: FloatArray


def _fit(
    size: FloatArray, maps: _Correlations, readings: Readings
) -> tuple[FloatArray, ...]:
    """Condition on the readings, for every length and every size (variance) at once.

    One eigendecomposition of the whitened correlations serves all sizes. The constant
    has a flat prior and is integrated out: Rasmussen and Williams 2006, eq. 2.41-2.45.
    Returned are log evidence (l, s, 1), and mean, SD, gain and its SD (l, s, m + 1)
    for l lengths and s sizes; `size` is (s, 1).
    """
    white = 1.0 / readings.standard_error[:, None]
    spectrum, turned = _eigenvectors(white * maps.among * white.T)
    # round-off may leave an eigenvalue just below zero
    shrink = 1.0 / (1.0 + size * np.maximum(spectrum, 0.0)[:, None])
    # the flat constant takes it up; without it digits cancel
    centre = readings.mean.mean()
    read = turned @ (white * (readings.mean - centre)[:, None])
    one = turned @ white
    across = turned @ (white * maps.across)

    # from here on in the eigenvectors' basis, a row per size
    ones = shrink @ one**2
    level = shrink @ (one * read) / ones
    of_one = size * (shrink @ (one * across))
    mean = level + size * (shrink @ (read * across)) - level * of_one
    explained = size**2 * (shrink @ across**2)
    shared = size**2 * (shrink @ (across * across[:, :, -1:]))

    left = 1.0 - of_one  # what the constant's own uncertainty adds
    spread = size - explained
    covariance = size * maps.with_reference - shared
    # the gain's variance has its own covariance: two marginals would overstate it
    gain_left = left - left[:, :, -1:]
    gain_spread = spread + spread[:, :, -1:] - 2.0 * covariance
    misfit = shrink @ read**2 - level**2 * ones
    log_evidence = np.log(shrink).sum(axis=2, keepdims=True) - np.log(ones) - misfit
    return (
        0.5 * log_evidence,
        centre + mean,
        _root(spread + left**2 / ones),
        mean - mean[:, :, -1:],
        _root(gain_spread + gain_left**2 / ones),
    )


def _eigenvectors(symmetric: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return eigenvalues (l, n) and eigenvectors in rows (l, n, n) of l matrices.

    Asked of LAPACK itself: what `scipy.linalg.eigh` adds takes as long again.
    """
    values, vectors = np.empty(symmetric.shape[:2]), np.empty(symmetric.shape)
    n_floats, n_integers = _workspace(symmetric.shape[1])
    for k, one in enumerate(symmetric):
        # numpy's eigh and a Cholesky solve spin for ms between BLAS threads; evd does
        # not
        values[k], columns, failed = dsyevd(
            one, lower=1, lwork=n_floats, liwork=n_integers
        )
        if failed:
            raise LinAlgError(f"eigenvalues of {len(one)} readings: LAPACK {failed}")
        vectors[k] = columns.T
    return values, vectors


@lru_cache(maxsize=128)
def _workspace(n: int) -> tuple[int, int]:
    """Return how many numbers LAPACK wants to work in, of both kinds."""
    n_floats, n_integers, _ = dsyevd_lwork(n, lower=1)
    return int(n_floats), int(n_integers)


def _correlations(
    space: Space, read: Sequence[Point], asked: Sequence[Point]
) -> _Correlations:
    """Return the correlations for each of `LENGTHS`."""
    # most of what is asked about was read: each distance is taken once
    rows = tuple(dict.fromkeys((*read, asked[-1])))
    place = {point: k for k, point in enumerate(dict.fromkeys((*rows, *asked)))}
    at = np.array(tuple(place)) * space.steps
    near = matern(cdist(at[: len(rows)], at) / np.array(LENGTHS)[:, None, None])
    n, to_asked = len(read), near.take([place[point] for point in asked], axis=2)
    reference = place[asked[-1]]
    return _Correlations(
        near[:, :n, :n], to_asked[:, :n], to_asked[:, reference : reference + 1]
    )


def matern(distance: FloatArray) -> FloatArray:
    """Return the Matern 5/2 correlation at a distance in units of the length."""
    reach = sqrt(5.0) * distance
    return (1.0 + reach + reach**2 / 3.0) * np.exp(-reach)


def _root(variance: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(variance, 0.0))


def _scale(problem: Problem, readings: Readings) -> float:
    """Return the noise SD; for exact readings their own spread, for one of them 1."""
    # sizes are relative to one reading's error, whatever the unit
    return problem.noise_sd or float(np.std(readings.mean)) or 1.0
