"""What readings say where earlier searches are known: one patient beside others.

A reading is a constant of its search, a smooth function that all patients share, one of
the patient's own, and an error. How large, how smooth and how much is shared nobody
knows beforehand: every combination of a small grid is weighted by how well it explains
all readings, of before and of now. Where patients have nothing in common the weight
goes to nothing shared, and what others showed counts for nothing. Earlier visits of the
same patient have the patient's own function too; their constant is another, since they
were read against another reference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.spatial.distance import cdist

from optimizers.posterior import matern, probability_positive, reading_error
from optimizers.problem import Observation, PastSearch, Problem
from optimizers.space import FloatArray, Point, Space

LENGTHS = (0.3, 0.8)
"""Distances in scaled coordinates over which the values vary."""

SHARED = (0.0, 0.75, 2.0)
"""SD of what all patients share, in noise SDs; at 0 nobody learns from others."""

OWN = (0.5, 1.5)
"""SD of what is the patient's own, in noise SDs."""

OFFSET = 10.0
"""SD of the constant of a search, in noise SDs: as good as unknown."""

_LEAST_ERROR = 1e-3  # of a reading, in noise SDs
_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class PooledReadings:
    """Usable readings of all searches: n of them, in noise SDs.

    Attributes
    ----------
    places : (n, d)
        Where, in the scaled coordinates of the present space.
    values, errors : (n,)
    search, patient : (n,)
        Number of the search, 0 the present one, and of the patient, 0 who is here.
    """

    places: FloatArray
    values: FloatArray
    errors: FloatArray
    search: NDArray[np.intp]
    patient: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class SharedBelief:
    """Belief of m points and the reference behind them, under h combinations.

    Attributes
    ----------
    weight : (h,)
        Probability of each combination, sum 1.
    mean, sd : (h, m)
        Of the values.
    gain_mean, gain_sd : (h, m)
        Of the excess over the reference.
    unit
        One noise SD: all others are in the unit of the observations.
    """

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
        sizes = np.array([shared for _, shared, _ in _grid()])
        return float(self.weight[sizes > 0.0].sum())


def shared_belief(
    problem: Problem, log: Sequence[Observation], points: Sequence[Point]
) -> SharedBelief:
    """Return what the present log and the problem's history say of some points.

    Parameters
    ----------
    log
        At least one observation that can be used; ValueError otherwise.
    """
    usable = [seen.value for seen in log if seen.usable]
    if not usable:
        raise ValueError("beliefs need at least one usable reading, got none")
    unit = problem.noise_sd or float(np.std(usable)) or 1.0
    read = pooled_readings(problem, log, unit)
    asked = np.array([*points, problem.reference]) * problem.space.steps
    distances = (
        cdist(read.places, read.places),
        cdist(read.places, asked),
        cdist(asked, asked[-1:]),
    )
    fits = [_fit(read, distances, *sizes) for sizes in _grid()]
    evidence = np.array([fit[0] for fit in fits])
    weight = np.exp(evidence - evidence.max())
    rows = (unit * np.array([fit[k] for fit in fits]) for k in range(1, 5))
    mean, sd, gain_mean, gain_sd = rows
    return SharedBelief(
        weight / weight.sum(), mean[:, :-1], sd[:, :-1], gain_mean, gain_sd, unit
    )


def pooled_readings(
    problem: Problem, log: Sequence[Observation], unit: float
) -> PooledReadings:
    """Return the readings of now and before that can be told in the present space."""
    rows = [
        (problem.space.steps * seen.tested, seen, 0, 0) for seen in log if seen.usable
    ]
    rows += _earlier(problem)
    floor = _LEAST_ERROR
    errors = [reading_error(problem, seen) / unit for _, seen, _, _ in rows]
    return PooledReadings(
        np.array([place for place, _, _, _ in rows]),
        np.array([seen.value for _, seen, _, _ in rows]) / unit,
        np.maximum(errors, floor),
        np.array([search for _, _, search, _ in rows]),
        np.array([patient for _, _, _, patient in rows]),
    )


def _earlier(problem: Problem) -> list[tuple[FloatArray, Observation, int, int]]:
    return [
        (place, seen, number, 0 if past.same_patient else number)
        for number, past in enumerate(problem.history, start=1)
        for place, seen in _readings_of(past, problem.space)
    ]


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


def _grid() -> list[tuple[float, float, float]]:
    """Return length, what is shared and what is one's own, of every combination."""
    return list(product(LENGTHS, SHARED, OWN))


def _fit(
    read: PooledReadings,
    distances: tuple[FloatArray, FloatArray, FloatArray],
    length: float,
    shared: float,
    own: float,
) -> tuple[float, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Condition on all readings: Rasmussen and Williams, 2006, algorithm 2.1.

    Returns log evidence, then mean and SD of values (m + 1,), of excesses (m,).
    """
    among, across, to_reference = (matern(far / length) for far in distances)
    same_search = read.search[:, None] == read.search
    same_patient = read.patient[:, None] == read.patient
    covariance = among * (shared**2 + own**2 * same_patient)
    covariance += OFFSET**2 * same_search + np.diag(read.errors**2)
    mine = (read.patient == 0)[:, None]
    of_value = across * (shared**2 + own**2 * mine)
    of_constant = OFFSET**2 * (read.search == 0)
    root = cholesky(covariance, lower=True)
    columns = np.column_stack([of_value, of_constant, read.values])
    # one solve serves all: it is most of the time
    white = solve_triangular(root, columns, lower=True, check_finite=False)
    values, constant, told = white[:, :-2], white[:, -2:-1], white[:, -1]
    at_all = values + constant
    # the constant is no part of an excess, which has its own covariance
    away = values[:, :-1] - values[:, -1:]
    size = shared**2 + own**2
    drawn = 2.0 * size * (1.0 - to_reference[:-1, 0])
    left = size + OFFSET**2 - np.sum(at_all**2, axis=0)
    return (
        float(-0.5 * told @ told - np.log(np.diag(root)).sum()),
        at_all.T @ told,
        np.sqrt(np.maximum(left, _LEAST_VARIANCE)),
        away.T @ told,
        np.sqrt(np.maximum(drawn - np.sum(away**2, axis=0), 0.0)),
    )
