"""What each axis of a lattice explains of a truth: Shapley effects, exact.

The value of some axes is the variance of the truth's mean given them (Owen 2014), over
all points alike; an axis has the mean of what it adds, over all orders of adding. They
add up to the variance, also where rules leave holes in the lattice.
"""

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def shapley_effects(points: NDArray[np.intp], values: FloatArray) -> FloatArray:
    """Return the part of the variance of some values that each axis explains.

    Parameters
    ----------
    points : (n, d)
        Lattice indices, each point once.
    values : (n,)
        The truth at each.

    Returns
    -------
    (d,)
        Parts of the variance, 0 or more, in the square of the unit; their sum is it.
    """
    n_axes = points.shape[1]
    axes = range(n_axes)
    known = {
        some: _explained(points[:, list(some)], values)
        for size in range(n_axes + 1)
        for some in combinations(axes, size)
    }
    effects = np.zeros(n_axes)
    for axis in axes:
        for some, explained in known.items():
            if axis not in some:
                more = known[tuple(sorted((*some, axis)))]
                weight = 1.0 / (n_axes * comb(n_axes - 1, len(some)))
                effects[axis] += weight * (more - explained)
    return effects


def shapley_shares(points: NDArray[np.intp], values: FloatArray) -> FloatArray:
    """Return the effects as shares of the variance, `(d,)`; 0 where nothing varies."""
    effects, total = shapley_effects(points, values), float(values.var())
    return effects / total if total > 0.0 else np.zeros(effects.size)


def _explained(given: NDArray[np.intp], values: FloatArray) -> float:
    """Return the variance of the mean of the values given some of the axes."""
    if given.shape[1] == 0:
        return 0.0
    _, group = np.unique(given, axis=0, return_inverse=True)
    group = group.ravel()
    counts = np.bincount(group)
    means = np.bincount(group, weights=values) / counts
    return float(np.average((means - values.mean()) ** 2, weights=counts))
