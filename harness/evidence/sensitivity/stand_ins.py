"""What stands in for simulations: a curve through hearts, and the chance of a verdict.

A few hundred hearts are simulated; the many thousands that Sobol' indices ask for are
read from a curve through them, and no visit is played to its verdict. Both say how well
they stand in: the curve by the hearts left out of it, the chance by its assumptions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from scipy.special import ndtr, stdtrit
from scipy.stats import chi2

from sim.heart.parameters import FloatArray

_LEAST = 1e-9
_NODES: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class FittedQuadratic:
    """A quadratic in the coordinates, fitted by least squares.

    Every input has a straight and a squared term; those `paired` have the products of
    each two as well.

    `predictivity` is 1 less the share of the variance that hearts left out of the fit
    keep around it (leave-one-out); 1 is a perfect curve.
    """

    weights: FloatArray
    centre: FloatArray
    scale: FloatArray
    paired: tuple[int, ...]
    predictivity: float
    n_hearts: int

    def __call__(self, inputs: FloatArray) -> FloatArray:
        """Return the curve's values `(n,)` at inputs `(n, k)`."""
        at = (inputs - self.centre) / self.scale
        value: FloatArray = _terms(at, self.paired) @ self.weights
        return value


def fit_curve(
    inputs: FloatArray,
    values: FloatArray,
    *,
    paired: Sequence[int],
    weight: FloatArray,
) -> FittedQuadratic:
    """Return the quadratic through points.

    Parameters
    ----------
    inputs : (n, k)
        Where hearts were simulated; n must exceed the number of terms.
    values : (n,)
        What they gave.
    paired
        Inputs that act on each other.
    weight : (n,)
        What the values are multiplied by in use, so that errors are weighed and the
        predictivity is judged on that product.
    """
    centre, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    terms = _terms((inputs - centre) / scale, paired)
    n, n_terms = terms.shape
    if n <= n_terms:
        raise ValueError(f"a curve of {n_terms} terms needs more hearts, got {n}")
    rows, told = terms * weight[:, None], values * weight
    weights = np.asarray(np.linalg.lstsq(rows, told)[0], dtype=np.float64)
    left = np.linalg.svd(rows, full_matrices=False)[0]
    leverage = (left**2).sum(axis=1)
    missed = (told - rows @ weights) / np.maximum(1.0 - leverage, _LEAST)
    spread = float(((told - told.mean()) ** 2).sum())
    predictivity = 1.0 - float((missed**2).sum()) / spread if spread > 0.0 else 1.0
    return FittedQuadratic(weights, centre, scale, tuple(paired), predictivity, n)


def _terms(at: FloatArray, paired: Sequence[int]) -> FloatArray:
    """Return `(n, t)`: 1, every input, its square, products of the paired ones."""
    products = [at[:, i] * at[:, j] for i, j in combinations(paired, 2)]
    return np.column_stack((np.ones(len(at)), at, at**2, *products))


def improved_probability(
    gain_pct: FloatArray, pair_sd_pct: float, n_pairs: int, least_gain_pct: float
) -> FloatArray:
    """Return the probability of the verdict "improved".

    Pairs are taken as independent and normal. Improved means: the lower limit of the
    95 % t-interval is above 0 and the mean at least the least relevant gain
    (protocol, 5). Given the spread that the pairs show, the mean has to pass the
    larger of two bounds; the average over that spread is a quadrature.

    Parameters
    ----------
    gain_pct : (n,)
        True window gain.
    pair_sd_pct
        Standard deviation of one pair, above 0.
    n_pairs
        Pairs of the verification, at least 2.
    least_gain_pct
        Least relevant gain.

    Returns
    -------
    (n,)
        Fractions, 0 to 1.
    """
    if not pair_sd_pct > 0.0:
        raise ValueError(f"pair_sd_pct must be above 0 %, got {pair_sd_pct:g} %")
    if n_pairs < 2:
        raise ValueError(f"n_pairs must be at least 2, got {n_pairs}")
    at, weights = np.polynomial.legendre.leggauss(_NODES)
    share, weights = 0.5 * (at + 1.0), 0.5 * weights
    degrees = n_pairs - 1
    seen_sd = pair_sd_pct * np.sqrt(chi2.ppf(share, degrees) / degrees)
    error = pair_sd_pct / np.sqrt(n_pairs)
    reach = float(stdtrit(degrees, 0.975)) * seen_sd / np.sqrt(n_pairs)
    bound = np.maximum(reach, least_gain_pct)
    passed = ndtr((np.asarray(gain_pct)[:, None] - bound) / error)
    probability: FloatArray = passed @ weights
    return probability
