"""A response surface of second degree, fitted to all readings."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from optimizers.posterior import pool
from optimizers.problem import Asking, Observation, Problem, refused_points
from optimizers.recommend import first_highest
from optimizers.registry import strategy
from optimizers.space import FloatArray, Space

N_SPARE = 2
"""Tests of the design beyond the number of coefficients."""

RIDGE = 1e-3
"""Prior information on each coefficient, so that a small design can be compared."""


@strategy("quadratic", summary="response surface: a design, then the fitted top")
def quadratic(problem: Problem, rng: np.random.Generator) -> Asking:
    """Test a design, fit a quadratic surface with all products, test its top, refit.

    Response surface methodology (Box and Wilson, 1951); the design adds the point that
    the surface knows least about, one by one (Wynn, 1970). Needs no random number.
    """
    space, log = problem.space, list[Observation]()
    points = list(space.points())
    row_of = {point: row for row, point in enumerate(points)}
    terms = surface_terms(space, space.indices)
    inverse = np.eye(terms.shape[1]) / RIDGE  # of the information so far
    ignorance = np.sum(terms**2, axis=1) / RIDGE
    row = row_of[problem.first]
    for _ in range(terms.shape[1] + N_SPARE):
        log.append((yield points[row]))
        told = inverse @ terms[row]
        scale = 1.0 + ignorance[row]
        inverse -= np.outer(told, told) / scale  # Sherman and Morrison, 1950
        ignorance -= (terms @ told) ** 2 / scale
        row = first_highest(ignorance, points)
    while any(seen.usable for seen in log):
        heights = terms @ fitted_surface(problem, log)
        heights[[row_of[p] for p in refused_points(log) if p in row_of]] = -np.inf
        if np.isneginf(heights).all():
            return None
        seen = yield points[first_highest(heights, points)]
        if any(seen is known for known in log):  # answered from the search's log
            return None
        log.append(seen)
    return None


def fitted_surface(problem: Problem, log: Sequence[Observation]) -> FloatArray:
    """Return the coefficients fitted by weighted least squares, (terms,)."""
    readings = pool(problem, log)
    weight = 1.0 / readings.standard_error
    terms = surface_terms(problem.space, readings.points) * weight[:, None]
    return np.asarray(np.linalg.lstsq(terms, readings.mean * weight)[0])


def surface_terms(space: Space, indices: ArrayLike) -> FloatArray:
    """Return constant, slopes, curvatures and products of the axes, (n, terms).

    An axis of two values has no curvature, one of a single value has no term.
    """
    scaled = np.asarray(indices, dtype=np.float64) * space.steps - 0.5
    shape = np.array(space.shape)
    varies, curved = np.flatnonzero(shape > 1), np.flatnonzero(shape > 2)
    products = [scaled[:, a] * scaled[:, b] for a, b in combinations(varies, 2)]
    columns = [np.ones(len(scaled)), *scaled[:, varies].T, *scaled[:, curved].T ** 2]
    return np.column_stack([*columns, *products])
