"""What earlier searches say under one combination of a belief, worked out once.

The readings of before do not change while somebody is searched in. What they cost is
therefore paid at the first question: the factor of their covariance, and what a place
shares with them once somebody asks for it. A question later needs products alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.spatial.distance import cdist

from optimizers.posterior import matern, reading_error
from optimizers.problem import Observation, PastSearch, Problem
from optimizers.products import each_alike, lower_times, upper_times
from optimizers.space import FloatArray, Point, Space

OFFSET = 10.0
"""SD of the constant of a search, in noise SDs: as good as unknown."""

_LEAST_ERROR = 1e-3  # of a reading, in noise SDs


@dataclass(frozen=True, slots=True)
class Combination:
    """How smooth values are, and how large what all share and what is one's own.

    `length` is a distance in scaled coordinates, `shared` and `own` are SDs in noise
    SDs.
    """

    length: float
    shared: float
    own: float

    @property
    def size(self) -> float:
        """Variance of a value, the constant of its search left out."""
        return self.shared**2 + self.own**2


@dataclass(frozen=True, slots=True, eq=False)
class PooledReadings:
    """Usable readings of some searches: n of them, in noise SDs.

    Attributes
    ----------
    points
        Where, in the present space; of the present search alone.
    places : (n, d)
        The same in the scaled coordinates of the present space.
    values, errors : (n,)
    search, patient : (n,)
        Number of the search, 0 the present one, and of the patient, 0 who is here.
    """

    points: tuple[Point, ...]
    places: FloatArray
    values: FloatArray
    errors: FloatArray
    search: NDArray[np.intp]
    patient: NDArray[np.intp]


def near(length: float, one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the correlation of values at some places, (n, m)."""
    return matern(cdist(one, other) / length)


def readings_now(
    problem: Problem, log: Sequence[Observation], unit: float
) -> PooledReadings:
    """Return the usable readings of the present search."""
    used = [seen for seen in log if seen.usable]
    rows = [(problem.space.steps * seen.tested, seen, 0, 0) for seen in used]
    return _pooled(problem, rows, unit, tuple(seen.tested for seen in used))


def readings_before(problem: Problem, unit: float) -> PooledReadings:
    """Return the usable readings of earlier searches, told in the present space."""
    rows = [
        (place, seen, number, 0 if past.same_patient else number)
        for number, past in enumerate(problem.history, start=1)
        for place, seen in _readings_of(past, problem.space)
    ]
    return _pooled(problem, rows, unit, ())


def _pooled(
    problem: Problem,
    rows: list[tuple[FloatArray, Observation, int, int]],
    unit: float,
    points: tuple[Point, ...],
) -> PooledReadings:
    shape = (len(rows), len(problem.space.axes))
    errors = np.array([reading_error(problem, seen) / unit for _, seen, _, _ in rows])
    return PooledReadings(
        points,
        np.array([place for place, _, _, _ in rows]).reshape(shape),
        np.array([seen.value for _, seen, _, _ in rows]) / unit,
        np.maximum(errors, _LEAST_ERROR),
        np.array([search for _, _, search, _ in rows], dtype=np.intp),
        np.array([patient for _, _, _, patient in rows], dtype=np.intp),
    )


def _readings_of(
    past: PastSearch, space: Space
) -> Iterator[tuple[FloatArray, Observation]]:
    """Yield the usable readings with their places in another space.

    None where the earlier space lacks an axis, so that its readings mean another thing.
    """
    names = past.space.names
    if not set(space.names) <= set(names):
        return
    for seen in past.log:
        if seen.usable:
            values = dict(past.space.as_dict(seen.tested))
            at = [
                np.interp(values[axis.name], axis.values, np.arange(len(axis.values)))
                for axis in space.axes
            ]
            yield np.array(at) * space.steps, seen


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """What n readings of before make of a value of now, under one combination.

    Attributes
    ----------
    shares
        (n,) covariance of each with a value of now at the same place.
    inverse_root
        (n, n) inverse of the lower root of their covariance; (0, 0) where nothing is
        shared, so that they say nothing of now.
    told, drawn_to
        (n,) their values times it, and the mean's weights.
    log_evidence
        Of their values.
    """

    combination: Combination
    steps: FloatArray
    places: FloatArray
    shares: FloatArray
    inverse_root: FloatArray
    told: FloatArray
    drawn_to: FloatArray
    log_evidence: float
    _columns: dict[Point, tuple[FloatArray, FloatArray]] = field(default_factory=dict)
    _explained: dict[Point, float] = field(default_factory=dict)

    @classmethod
    def of(cls, steps: FloatArray, read: PooledReadings, given: Combination) -> Self:
        """Condition on the readings: Rasmussen and Williams, 2006, algorithm 2.1."""
        same_search = read.search[:, None] == read.search
        same_patient = read.patient[:, None] == read.patient
        covariance = near(given.length, read.places, read.places)
        covariance *= given.shared**2 + given.own**2 * same_patient
        covariance += OFFSET**2 * same_search + np.diag(read.errors**2)
        root, n = covariance, len(read.values)
        if n:
            root = cholesky(covariance, lower=True)
        inverse = solve_triangular(root, np.eye(n), lower=True) if n else root
        told = lower_times(inverse, read.values[:, None])[:, 0]
        evidence = -0.5 * float(told @ told) - float(np.log(np.diag(root)).sum())
        shares = given.shared**2 + given.own**2 * (read.patient == 0)
        n_kept = n if shares.any() else 0
        return cls(
            given,
            steps,
            read.places[:n_kept],
            shares[:n_kept],
            inverse[:n_kept, :n_kept],
            told[:n_kept],
            upper_times(inverse[:n_kept, :n_kept].T, told[:n_kept, None])[:, 0],
            evidence,
        )

    def shared_with(self, places: FloatArray) -> FloatArray:
        """Return the covariance of the readings with values at m places, (n, m)."""
        if not len(self.places):
            return np.empty((0, len(places)))
        alike = near(self.combination.length, self.places, places)
        return np.asarray(self.shares[:, None] * alike)

    def columns(self, points: Sequence[Point]) -> tuple[FloatArray, FloatArray]:
        """Return what some points share, times inverse root and inverse, (n, m) each.

        Kept: a test adds one point. No digit hangs on what else was asked.
        """
        if not len(self.places):
            none = np.empty((0, len(points)))
            return none, none
        new = [point for point in dict.fromkeys(points) if point not in self._columns]
        if new:
            white = self._white(self.shared_with(np.array(new) * self.steps))
            weights = each_alike(partial(upper_times, self.inverse_root.T), white)
            for k, point in enumerate(new):
                self._columns[point] = white[:, k], weights[:, k]
        found = [self._columns[point] for point in points]
        return np.column_stack([w for w, _ in found]), np.column_stack(
            [b for _, b in found]
        )

    def explained(self, points: Sequence[Point], shared: FloatArray) -> FloatArray:
        """Return the variance that the readings explain of values at m points, (m,).

        `shared` is what `shared_with` returns of them. Kept too.
        """
        if not len(self.places):
            return np.zeros(len(points))
        new = [k for k, point in enumerate(points) if point not in self._explained]
        if new:
            explained = np.sum(self._white(shared[:, new]) ** 2, axis=0)
            for k, variance in zip(new, explained.tolist(), strict=True):
                self._explained[points[k]] = variance
        return np.array([self._explained[point] for point in points])

    def _white(self, shared: FloatArray) -> FloatArray:
        return each_alike(partial(lower_times, self.inverse_root), shared)
