"""Intervals and tests: Wilson, bootstrap over patients, sign flips, Holm."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, isfinite, nan, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.units import PCT_PER_FRAC

FloatArray = NDArray[np.float64]

SEED: Final = 417
"""The same tables give the same intervals, whoever makes them."""
N_RESAMPLES: Final = 2000
FEWEST_RESAMPLES: Final = 500
MOST_DRAWN: Final = 4_000_000
"""Patients drawn in all: above 2,000 patients there are fewer resamples."""
N_FLIPS: Final = 99_999
ALL_FLIPPED: Final = 16
"""Up to so many patients every pattern of signs is looked at, and p is exact."""
QUARTILES: Final = (0.25, 0.5, 0.75)
_Z95: Final = 1.959963984540054
_LIMITS: Final = (0.025, 0.975)
_AT_ONCE: Final = 4096
"""Patterns of signs in memory."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval (nan where it has none).

    `n` counts what it rests on: visits for a rate, patients for anything else. `error`
    is the Monte Carlo error, the standard error that so few patients leave.
    `at_most` where the value is the least that could have been found, so that the
    truth may be smaller.
    """

    value: float = nan
    low: float = nan
    high: float = nan
    n: int = 0
    at_most: bool = False
    error: float = nan

    @property
    def known(self) -> bool:
        """Whether there is a number at all."""
        return isfinite(self.value)

    def times(self, factor: float) -> "Estimate":
        """Return the estimate in another unit; `factor` is above 0."""
        low, high = self.low * factor, self.high * factor
        error = self.error * factor
        return Estimate(self.value * factor, low, high, self.n, error=error)


NOTHING: Final = Estimate()


def wilson(k: float, n: float) -> tuple[float, float]:
    """Return the Wilson 95 % limits of a share, fractions.

    Parameters
    ----------
    k, n
        Hits among trials, 0 <= k <= n; n may be an effective number.
    """
    if not 0.0 <= k <= n:
        raise ValueError(f"hits must be 0 to {n:g} trials, got {k:g}")
    if n == 0:
        return nan, nan
    share, z2 = k / n, _Z95**2
    middle = share + z2 / (2.0 * n)
    reach = _Z95 * sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n))
    low, high = ((middle + side * reach) / (1.0 + z2 / n) for side in (-1.0, 1.0))
    # at 0 and at n hits the limit is exact, but for rounding
    return (0.0 if k == 0 else low), (1.0 if k == n else high)


def rate_pct(hits: NDArray[np.bool_], patients: NDArray[np.int64]) -> Estimate:
    """Return a share of visits with its Wilson interval, percent.

    Visits of one patient are no independent trials: their number is divided by the
    design effect that their clustering shows (1 with one visit a patient). Where all
    or none are hits nothing is shown, and each patient counts as one trial.

    Parameters
    ----------
    hits, patients : (n,)
        What happened in each visit, and whose visit it was.
    """
    n, k = int(hits.size), int(np.count_nonzero(hits))
    if n == 0:
        return NOTHING
    effective = n / _design_effect(hits, patients)
    low, high = wilson(k / n * effective, effective)
    # the binomial error would be 0 where all or none are hits
    error = (high - low) / (2.0 * _Z95)
    return Estimate(k / n, low, high, n, error=error).times(PCT_PER_FRAC)


def _design_effect(hits: NDArray[np.bool_], patients: NDArray[np.int64]) -> float:
    whose, place = np.unique(patients, return_inverse=True)
    share = float(np.mean(hits))
    if share in (0.0, 1.0):
        return hits.size / whose.size
    off_by = np.bincount(place, weights=hits - share)
    clustered = float(np.sum(off_by**2)) / hits.size
    return max(1.0, clustered / (share * (1.0 - share)))


@lru_cache(maxsize=2)
def resamples(n: int) -> NDArray[np.int32]:
    """Return which of n patients stand in each bootstrap sample, (samples, n)."""
    rng = np.random.default_rng(np.random.SeedSequence([SEED, n]))
    n_samples = min(N_RESAMPLES, max(FEWEST_RESAMPLES, MOST_DRAWN // n))
    return rng.integers(0, n, size=(n_samples, n), dtype=np.int32)


def sorted_resamples(values: FloatArray) -> FloatArray:
    """Return the bootstrap samples of `(n,)` values, each in rising order."""
    ordered: FloatArray = np.sort(values[resamples(values.size)], axis=1)
    return ordered


def quantiles_of(ordered: FloatArray, shares: Sequence[float]) -> FloatArray:
    """Return quantiles along the last axis of what is in rising order.

    Returns
    -------
    (len(shares), ...)
        Linear between neighbours, as `numpy.quantile`.
    """
    at = np.asarray(shares) * (ordered.shape[-1] - 1)
    below = np.floor(at).astype(np.intp)
    above = np.minimum(below + 1, ordered.shape[-1] - 1)
    parts = (at - below) * (ordered[..., above] - ordered[..., below])
    return np.moveaxis(ordered[..., below] + parts, -1, 0)


def _estimate(value: float, drawn: FloatArray, n: int) -> Estimate:
    if n < 2:
        return Estimate(value, n=n)
    low, high = quantiles_of(np.sort(drawn), _LIMITS)
    return Estimate(value, float(low), float(high), n, error=float(np.std(drawn)))


def mean(values: FloatArray) -> Estimate:
    """Return a mean over patients with its percentile bootstrap interval."""
    if values.size == 0:
        return NOTHING
    drawn = values[resamples(values.size)].mean(axis=1)
    return _estimate(float(values.mean()), drawn, values.size)


def mean_of_lowest(values: FloatArray, share: float) -> Estimate:
    """Return the mean of the lowest share of values, one at least, with interval."""
    if values.size == 0:
        return NOTHING
    n = max(1, ceil(share * values.size))
    drawn = sorted_resamples(values)[:, :n].mean(axis=1)
    return _estimate(float(np.sort(values)[:n].mean()), drawn, values.size)


def quantiles(values: FloatArray, shares: Sequence[float]) -> list[Estimate]:
    """Return quantiles over patients, each with its bootstrap interval."""
    if values.size == 0:
        return [NOTHING for _ in shares]
    found = quantiles_of(np.sort(values), shares)
    drawn = quantiles_of(sorted_resamples(values), shares)
    return [
        _estimate(float(value), of_one, values.size)
        for value, of_one in zip(found, drawn, strict=True)
    ]


def quantile_differences(
    values: FloatArray, others: FloatArray, shares: Sequence[float]
) -> list[Estimate]:
    """Return how far quantiles of paired values lie apart, with intervals.

    Both are resampled by the same patients.
    """
    if values.size == 0:
        return [NOTHING for _ in shares]
    found = quantiles_of(np.sort(values), shares)
    found = found - quantiles_of(np.sort(others), shares)
    drawn = quantiles_of(sorted_resamples(values), shares)
    drawn = drawn - quantiles_of(sorted_resamples(others), shares)
    return [
        _estimate(float(value), of_one, values.size)
        for value, of_one in zip(found, drawn, strict=True)
    ]


def ratio(over: FloatArray, under: FloatArray) -> Estimate:
    """Return sum over sum of paired values with its bootstrap interval."""
    total = float(under.sum())
    if under.size == 0 or total <= 0.0:
        return NOTHING
    drawn = resamples(under.size)
    sums, totals = over[drawn].sum(axis=1), under[drawn].sum(axis=1)
    found = sums[totals > 0.0] / totals[totals > 0.0]
    return _estimate(float(over.sum()) / total, found, under.size)


def sign_flip_p(differences: FloatArray) -> Estimate:
    """Return the two-sided p of a mean difference of 0, by flipping signs.

    Exact for few patients; for more, of signs drawn at random, and then never below
    one in as many as were drawn and one.

    Parameters
    ----------
    differences : (n,)
        One a patient.
    """
    return sign_flip_ps([differences])[0]


def sign_flip_ps(differences: Sequence[FloatArray]) -> list[Estimate]:
    """Return `sign_flip_p` of several comparisons.

    Those of equally many patients are held against the same flips, which are drawn
    once for all of them.
    """
    found = [NOTHING] * len(differences)
    for n in sorted({one.size for one in differences}):
        places = [i for i, one in enumerate(differences) if one.size == n]
        ps = _of_same_size(np.column_stack([differences[i] for i in places]))
        for place, p in zip(places, ps, strict=True):
            found[place] = p
    return found


def _of_same_size(differences: FloatArray) -> list[Estimate]:
    """Return the p of each column; a row a patient."""
    n, k = differences.shape
    if n == 0:
        return [NOTHING] * k
    seen = np.abs(differences.sum(axis=0))
    least = seen - 1e-9 * np.abs(differences).sum(axis=0)  # ties by rounding count
    reached = np.zeros(k, dtype=np.int64)
    for signs in _flips(n):
        reached += np.count_nonzero(np.abs(signs @ differences) >= least, axis=0)
    if n <= ALL_FLIPPED:
        return [Estimate(count / 2**n, n=n) for count in reached.tolist()]
    return [
        Estimate((1 + count) / (N_FLIPS + 1), n=n, at_most=count == 0)
        for count in reached.tolist()
    ]


def _flips(n: int) -> Iterator[FloatArray]:
    """Yield patterns of signs of n patients: all of them, or many at random."""
    if n <= ALL_FLIPPED:
        every = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1
        yield np.asarray(2.0 * every - 1.0, dtype=np.float64)
        return
    rng = np.random.default_rng(np.random.SeedSequence([SEED, n, 1]))
    for first in range(0, N_FLIPS, _AT_ONCE):
        n_patterns = min(_AT_ONCE, N_FLIPS - first)
        drawn = np.frombuffer(rng.bytes(n_patterns * -(-n // 8)), np.uint8)
        bits = np.unpackbits(drawn.reshape(n_patterns, -1), axis=1, count=n)
        yield np.asarray(2.0 * bits - 1.0, dtype=np.float64)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for their number after Holm; nan stays out of it."""
    adjusted = [nan] * len(p_values)
    order = [i for i in np.argsort(p_values, kind="stable") if isfinite(p_values[i])]
    largest = 0.0
    for place, i in enumerate(order):
        largest = max(largest, (len(order) - place) * p_values[i])
        adjusted[i] = min(1.0, largest)
    return adjusted
