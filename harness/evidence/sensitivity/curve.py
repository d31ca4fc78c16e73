"""A smooth curve through a few hundred simulated hearts, and how well it predicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sim.heart.parameters import FloatArray

_LEAST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
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
) -> Curve:
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
    return Curve(weights, centre, scale, tuple(paired), predictivity, n)


def _terms(at: FloatArray, paired: Sequence[int]) -> FloatArray:
    """Return `(n, t)`: 1, every input, its square, products of the paired ones."""
    products = [at[:, i] * at[:, j] for i, j in combinations(paired, 2)]
    return np.column_stack((np.ones(len(at)), at, at**2, *products))
