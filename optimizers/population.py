"""What the readings say when it is known how people differ: a weighted crowd.

A patient's value is that of some simulated person plus a discrepancy: a smooth function
by which this patient differs from everybody simulated. People are weighted by how well
each explains readings and grades. How large and how smooth the discrepancy is nobody
knows beforehand, so a small grid is weighted as well, none at all included. A
population that is right is then used to the full, and one that is wrong costs little:
nobody in it explains the readings, and the weight goes to a large discrepancy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from optimizers.posterior import Readings, matern, pool, probability_positive
from optimizers.problem import INTOLERABLE_GRADE, Observation, Population, Problem
from optimizers.products import times, weighted
from optimizers.space import FloatArray, Point, Space

SIZES = (0.15, 0.4)
"""SD of a discrepancy, in noise SDs; none at all is weighed beside these."""

SIZES_ALONE = (0.5, 2.0)
"""The same where no population is known, and the discrepancy is all there is."""

LENGTHS = (0.25, 0.6)
"""Distance over which it varies; each axis runs from 0 to 1 over its allowed values."""

NONE_SHARE = 0.5
"""Probability beforehand that there is no discrepancy; the others share the rest."""

OFFSET = 100.0
"""SD of the value of the reference, in noise SDs: as good as unknown."""

REPORT_SD = 0.4
"""Error of a reported grade before it is rounded."""

MISREPORTED = 0.01
"""Chance that a grade says nothing of what is felt."""

_N_GRADES = 5
_LEAST_ERROR = 1e-3  # of a reading, in noise SDs

Rows = NDArray[np.intp]
"""Points by their place in `Space.indices`."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """How a patient may differ from everybody: variance, length, chance beforehand."""

    variance: float
    length: float
    chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """What one discrepancy makes of n readings and m people.

    Attributes
    ----------
    inverse
        (n, n) of the readings' covariance.
    told
        (n, m) the same times what each person leaves unexplained.
    log_evidence
        (m,) for each person.
    """

    discrepancy: Discrepancy
    inverse: FloatArray
    told: FloatArray
    log_evidence: FloatArray


@dataclass(frozen=True, eq=False)
class Insight:
    """What is believed of every point, given readings and grades.

    Attributes
    ----------
    population
        The m people; one to whom all points are alike where none are known.
    weight
        (h, m) probability of each discrepancy with each person, sum 1.
    read
        (n,) the points read, replicates pooled.
    offset
        SD of the value of the reference beforehand.
    """

    problem: Problem
    population: Population
    hypotheses: tuple[Hypothesis, ...]
    weight: FloatArray
    read: Rows
    offset: float

    @cached_property
    def person_weight(self) -> FloatArray:
        """Probability of each person, (m,)."""
        return np.asarray(self.weight.sum(axis=0))

    def mean(self, rows: Rows) -> FloatArray:
        """Return the expected value of some points, (k,)."""
        mean = weighted(self.person_weight, self.population.values[:, rows])
        for n, shared in enumerate(self._between(rows, self.read)):
            told = self.hypotheses[n].told @ self.weight[n]
            mean += self.offset**2 * told.sum() + shared @ told
        return mean

    def gain(self, rows: Rows) -> tuple[FloatArray, FloatArray]:
        """Return mean and SD of some points' excess over the reference, (k,)."""
        mean, variance = self._gains(rows)
        centre = np.einsum("hm,hmk->k", self.weight, mean)
        second = np.einsum("hm,hmk->k", self.weight, mean**2)
        second += self.weight.sum(axis=1) @ variance
        return centre, np.sqrt(np.maximum(second - centre**2, 0.0))

    def probability_better(self, rows: Rows) -> FloatArray:
        """Return the chance that some points exceed the reference, (k,)."""
        mean, variance = self._gains(rows)
        spread = np.broadcast_to(np.sqrt(variance)[:, None, :], mean.shape)
        chance = probability_positive(mean, spread)
        return np.asarray(np.einsum("hm,hmk->k", self.weight, chance))

    def covariance(self, one: Rows, other: Rows, n_people: int) -> FloatArray:
        """Return the covariance of the values of some points, (k, l).

        So many people stand for all, each as often as it is probable.
        """
        share = np.cumsum(self.person_weight)
        middles = (np.arange(n_people) + 0.5) / n_people * share[-1]
        crowd = self.population.values[np.searchsorted(share, middles)]
        left, right = (crowd[:, rows].astype(np.float64) for rows in (one, other))
        left, right = left - left.mean(axis=0), right - right.mean(axis=0)
        total = times(left.T, right) / n_people
        prior, read_one, read_other = (
            [covariance + self.offset**2 for covariance in self._between(*pair)]
            for pair in ((one, other), (one, self.read), (other, self.read))
        )
        for n, chance in enumerate(self.weight.sum(axis=1)):
            told = times(self.hypotheses[n].inverse, read_other[n].T)
            total += chance * (prior[n] - times(read_one[n], told))
        return total

    def felt(self, rows: Rows, grade: float = INTOLERABLE_GRADE) -> FloatArray:
        """Return the chance that some points are felt at a grade or more, (k,)."""
        reached = self.population.sensation[:, rows] >= grade
        return weighted(self.person_weight, reached.astype(np.float32))

    def _gains(self, rows: Rows) -> tuple[FloatArray, FloatArray]:
        """Return excess over the reference: mean (h, m, k), variance (h, k)."""
        space = self.problem.space
        base = np.array([row_of(space, self.problem.reference)])
        people = (self.population.values[:, r] for r in (rows, base))
        expected = np.subtract(*people).astype(np.float64)
        read, read_base = (self._between(r, self.read) for r in (rows, base))
        alike = self._between(rows, base)
        means, variances = [], []
        for n, belief in enumerate(self.hypotheses):
            away = read[n] - read_base[n]
            means.append(expected + times(away, belief.told).T)
            drawn = 2.0 * (belief.discrepancy.variance - alike[n][:, 0])
            left = drawn - np.sum(away.T * times(belief.inverse, away.T), axis=0)
            variances.append(np.maximum(left, 0.0))
        return np.array(means), np.array(variances)

    def _between(self, one: Rows, other: Rows) -> list[FloatArray]:
        """Return the covariance of the discrepancy at some points by hypothesis."""
        places = places_of(self.problem.space)
        far = cdist(places[one], places[other])
        grid = [belief.discrepancy for belief in self.hypotheses]
        near = {length: matern(far / length) for length in {d.length for d in grid}}
        return [d.variance * near[d.length] for d in grid]


def infer(problem: Problem, log: Sequence[Observation]) -> Insight:
    """Return what the readings and grades of a log say of every point."""
    population = problem.population or _nobody(problem.space)
    readings, read = _inside(problem.space, pool(problem, log))
    unit = problem.noise_sd or _spread(readings) or 1.0
    noise = np.maximum(readings.standard_error, _LEAST_ERROR * unit)
    fixed = (OFFSET * unit) ** 2 + np.diag(noise**2)
    unexplained = readings.mean[:, None] - population.values[:, read].T
    places = places_of(problem.space)[read]
    hypotheses = tuple(
        _hypothesis(discrepancy, fixed, places, unexplained)
        for discrepancy in discrepancies(unit, alone=problem.population is None)
    )
    log_weight = np.array([belief.log_evidence for belief in hypotheses])
    log_weight += grade_evidence(problem.space, population, log)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    return Insight(problem, population, hypotheses, weight, read, OFFSET * unit)


def discrepancies(unit: float, *, alone: bool) -> list[Discrepancy]:
    """Return the grid of discrepancies for a noise SD; `alone` without a population."""
    sizes = SIZES_ALONE if alone else SIZES
    grid = list(product(sizes, LENGTHS))
    share = (1.0 if alone else 1.0 - NONE_SHARE) / len(grid)
    some = [Discrepancy((unit * size) ** 2, length, share) for size, length in grid]
    return some if alone else [Discrepancy(0.0, LENGTHS[0], NONE_SHARE), *some]


def _hypothesis(
    discrepancy: Discrepancy,
    fixed: FloatArray,
    places: FloatArray,
    unexplained: FloatArray,
) -> Hypothesis:
    """Condition on n readings: Rasmussen and Williams, 2006, algorithm 2.1."""
    near = matern(cdist(places, places) / discrepancy.length)
    covariance = fixed + discrepancy.variance * near
    if not len(places):
        nothing = np.zeros(unexplained.shape[1]) + np.log(discrepancy.chance)
        return Hypothesis(discrepancy, covariance, unexplained, nothing)
    factor = cho_factor(covariance, lower=True)
    inverse = np.asarray(cho_solve(factor, np.eye(len(places))))
    told = times(inverse, unexplained)
    log_evidence = -0.5 * np.sum(unexplained * told, axis=0)
    log_evidence += np.log(discrepancy.chance) - np.log(np.diag(factor[0])).sum()
    return Hypothesis(discrepancy, inverse, told, log_evidence)


def grade_evidence(
    space: Space, population: Population, log: Sequence[Observation]
) -> FloatArray:
    """Return the log of each person's chance to tell the grades of a log, (m,).

    A test that was broken off for another reason than sensation tells no grade.
    """
    told = [
        (row_of(space, seen.tested), seen.sensation_grade)
        for seen in log
        if "sensation" in seen.channels and space.contains(seen.tested)
        if seen.aborted is None or seen.sensation_grade >= INTOLERABLE_GRADE
    ]
    rows = np.array([row for row, _ in told], dtype=np.intp)
    grades = np.array([grade for _, grade in told])
    level = population.sensation[:, rows].astype(np.float64)
    above = np.where(grades < _N_GRADES - 1, grades + 0.5, np.inf)
    below = np.where(grades > 0.0, grades - 0.5, -np.inf)
    chance = ndtr((above - level) / REPORT_SD) - ndtr((below - level) / REPORT_SD)
    chance = MISREPORTED / _N_GRADES + (1.0 - MISREPORTED) * chance
    return np.asarray(np.log(chance).sum(axis=1))


def row_of(space: Space, point: Point) -> int:
    """Return the place of an allowed point in `Space.indices`."""
    before = int(np.ravel_multi_index(point, space.shape))
    return int(np.count_nonzero(space.mask.reshape(-1)[:before]))


def places_of(space: Space) -> FloatArray:
    """Return all points, each axis from 0 to 1 over its allowed values, (size, d)."""
    indices = space.indices.astype(np.float64)
    lowest, highest = indices.min(axis=0), indices.max(axis=0)
    return np.asarray((indices - lowest) / np.maximum(highest - lowest, 1.0))


def _inside(space: Space, readings: Readings) -> tuple[Readings, Rows]:
    """Return the readings of allowed points alone, and the rows of these points."""
    kept = [n for n, point in enumerate(readings.points) if space.contains(point)]
    points = tuple(readings.points[n] for n in kept)
    rows = np.array([row_of(space, point) for point in points], dtype=np.intp)
    which = np.array(kept, dtype=np.intp)
    return Readings(points, readings.mean[which], readings.standard_error[which]), rows


def _spread(readings: Readings) -> float:
    return float(np.std(readings.mean)) if readings.points else 0.0


def _nobody(space: Space) -> Population:
    """Return one person to whom every point is alike: no knowledge at all."""
    nothing = np.zeros((1, space.size))
    return Population(nothing, nothing)
