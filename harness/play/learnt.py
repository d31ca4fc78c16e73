"""What all readings together say of the gain over the whole lattice, and how sure.

The belief is that of `optimizers.posterior`: a Gaussian process over the scaled values,
its size and smoothness weighted by the evidence. Here it is fitted to the gains, with
the reference at exactly 0, so that the report can draw it in percent.

Information content is the fall in entropy of where the highest gain lies (Hennig and
Schuler 2012, Journal of Machine Learning Research 13, 1809), by draws of the belief.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf
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
_STRIP: Final = 48


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
        points = tuple(dict.fromkeys([*places, *asked, chosen]))
        place_of = {point: k for k, point in enumerate(points)}
        parts = _after(self.problem, self.readings, points, len(points))
        after = np.vstack([part.drawn for part in parts])
        grid = after[:, : len(places)]
        compared = [place_of[point] for point in asked]
        best = np.maximum(grid.max(axis=1), after[:, place_of[chosen]])
        return Information(
            n_places=len(places),
            before_bits=self._before_bits(places, len(points)),
            after_bits=entropy_bits(_share_best(grid)),
            share_best=_share_best(after[:, compared]),
            shortfall_pct=float(np.mean(best - after[:, place_of[chosen]])),
        )

    def gained_bits(self, asked: Sequence[Point]) -> float:
        """Return the `gained_bits` of `information` alone, whatever is chosen of these.

        Nothing is drawn but the places where the highest gain may lie.
        """
        places = coarse_grid(self.problem.space)
        points = tuple(dict.fromkeys([*places, *asked]))
        parts = _after(self.problem, self.readings, points, len(places))
        best = np.concatenate([part.highest() for part in parts])
        share = _shares_of(best, len(places))
        return self._before_bits(places, len(points)) - entropy_bits(share)

    def _before_bits(self, places: tuple[Point, ...], n_points: int) -> float:
        steps = tuple(self.problem.space.steps.tolist())
        return _bits_without_readings(places, steps, n_points)


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
    kept = np.argwhere(space.mask[np.ix_(*values)])
    points = np.column_stack(
        [axis[row] for axis, row in zip(values, kept.T, strict=True)]
    )
    return tuple(map(tuple, points.tolist()))


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
    return _shares_of(draws.argmax(axis=1), draws.shape[1])


def _shares_of(best: NDArray[np.intp], n_columns: int) -> FloatArray:
    """Return how often each column was the highest, (columns,)."""
    return np.bincount(best, minlength=n_columns) / len(best)


@lru_cache(maxsize=256)
def _bits_without_readings(
    places: tuple[Point, ...], steps: tuple[float, ...], n_points: int
) -> float:
    """Return the entropy of where the highest gain lies before any reading.

    The places are the first of `n_points` that are drawn.
    """
    share = _shares(np.full(len(LENGTHS), 1.0 / len(LENGTHS)))
    normal = _normal(n_points)[:, : len(places)]
    draws = [
        normal[share == k] @ _root(among.copy(), _JITTER).T
        for k, among in enumerate(_among(places, steps))
    ]
    return entropy_bits(_share_best(np.vstack(draws)))


@dataclass(frozen=True, slots=True, eq=False)
class _BeliefDraws:
    """Draws of the function at n points, of normals (k, n), mean (n,) and root (n, n).

    The root is a lower triangle.
    """

    normal: FloatArray
    mean: FloatArray
    root: FloatArray

    @property
    def drawn(self) -> FloatArray:
        """The function at each point, (k, n)."""
        return self.mean + self.normal @ self.root.T

    def highest(self) -> NDArray[np.intp]:
        """Return at which point each draw is the highest, (k,).

        For that the last digit of a draw does not matter, and only what is below the
        diagonal of the root is multiplied, a strip of points at a time.
        """
        n = len(self.mean)
        drawn = np.empty((len(self.normal), n))
        firsts = range(0, max(n - _STRIP // 2, 1), _STRIP)
        for first, last in pairwise((*firsts, n)):
            strip = self.root[first:last, :last].T
            np.matmul(self.normal[:, :last], strip, out=drawn[:, first:last])
        drawn += self.mean
        highest: NDArray[np.intp] = drawn.argmax(axis=1)
        return highest


def _after(
    problem: Problem, readings: Readings, points: tuple[Point, ...], n_drawn: int
) -> Iterator[_BeliefDraws]:
    """Yield draws of the function at the first points after the readings.

    Of each size and length as many as it is likely, `N_DRAWS` together.
    """
    steps, n_sizes = problem.space.steps, len(SIGNAL_OVER_NOISE)
    at, read = np.array(points) * steps, np.array(readings.points) * steps
    between, across = cdist(read, read), cdist(read, at)
    among = _among(points[:n_drawn], tuple(steps.tolist()))
    weight = believe(problem, readings, points[:1]).weight
    normal = _normal(len(points))[:, :n_drawn]
    bounds = np.searchsorted(_shares(weight), np.arange(len(weight) + 1)).tolist()
    for k, length in enumerate(LENGTHS):
        first, *ends = bounds[k * n_sizes : (k + 1) * n_sizes + 1]
        drawn_of = [end > begin for begin, end in pairwise((first, *ends))]
        sizes = (np.array(SIGNAL_OVER_NOISE)[drawn_of] * problem.noise_sd) ** 2
        of_read, to_points = matern(between / length), matern(across / length)
        told = _conditioned(sizes, (among[k], of_read, to_points), readings)
        for end, (mean, root) in zip(compress(ends, drawn_of), told, strict=True):
            yield _BeliefDraws(normal[first:end], mean, root)
            first = end


_normals: list[FloatArray] = []


def _normal(n_points: int) -> FloatArray:
    """Return the unit normals of all draws, (draws, n_points), read-only.

    They are the first of one stream, whose longest part so far is kept.
    """
    n = N_DRAWS * n_points
    if not _normals or _normals[0].size < n:
        _normals[:] = [np.random.default_rng(_SEED).standard_normal(n)]
        _normals[0].flags.writeable = False
    return _normals[0][:n].reshape(N_DRAWS, n_points)


@lru_cache(maxsize=4)
def _among(
    points: tuple[Point, ...], steps: tuple[float, ...]
) -> tuple[FloatArray, ...]:
    """Return the correlations among some points, (m, m) for each length, read-only."""
    at = np.array(points) * steps
    far = cdist(at, at)
    found = tuple(matern(far / length) for length in LENGTHS)
    for correlations in found:
        correlations.flags.writeable = False
    return found


def _shares(weight: FloatArray) -> NDArray[np.intp]:
    """Return which combination each draw is of, in proportion to the weights."""
    bounds = np.cumsum(weight) / weight.sum()
    middles = (np.arange(N_DRAWS) + 0.5) / N_DRAWS
    return np.minimum(np.searchsorted(bounds, middles), len(weight) - 1)


def _conditioned(
    sizes: FloatArray, correlations: tuple[FloatArray, ...], readings: Readings
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield mean and Cholesky factor given the readings, the constant integrated out.

    Rasmussen and Williams 2006, eq. 2.41 and 2.42, for each size (variance) of one
    length. Both are of the first of the points that the readings are told of, as many
    as there are correlations among.
    """
    among, between, across = correlations
    size, read = sizes[:, None, None], readings.mean
    inverse = np.linalg.inv(size * between + np.diag(readings.standard_error**2))
    one = np.ones(len(read))
    ones = one[None, None] @ inverse
    total = ones @ one[:, None]
    level = ones @ read[:, None] / total
    told = size * across
    to_points = told.transpose(0, 2, 1) @ inverse
    left = 1.0 - to_points @ one
    mean = level[:, 0] + (to_points @ (read[:, None] - level))[:, :, 0]
    explained = (to_points.transpose(0, 2, 1) * told).sum(axis=1)
    variance = size[:, 0] - explained + left**2 / total[:, 0]
    # a constant that is not known adds to what the readings leave: one product of both
    n = len(among)
    taken = np.concatenate([told[:, :, :n], left[:, None, :n]], axis=1)
    by = np.concatenate([to_points[:, :n], left[:, :n, None] / -total], axis=2)
    for k, variance_k in enumerate(variance):
        covariance = size[k] * among
        covariance -= by[k] @ taken[k]
        yield mean[k, :n], _root(covariance, _JITTER * variance_k.mean())


def _root(covariance: FloatArray, jitter: float) -> FloatArray:
    """Return a Cholesky factor, of the nearest matrix that surely has one.

    The covariance is overwritten.
    """
    np.fill_diagonal(covariance, covariance.diagonal() + jitter)
    # transposed it is in the order that LAPACK works in place
    root, failed = dpotrf(covariance.T, lower=1, clean=1, overwrite_a=1)
    if failed:
        raise LinAlgError(f"no Cholesky factor of {len(root)} places: LAPACK {failed}")
    return np.asarray(root, dtype=np.float64)
