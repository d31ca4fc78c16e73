"""What the readings say when it is known how people differ: a weighted crowd.

A patient's value is that of some simulated person times a height, plus a discrepancy: a
smooth function by which this patient differs from everybody simulated. People are
weighted by how well each explains readings and grades, the height being integrated out,
so that a few of a law stand for many who differ in size alone. How large and how smooth
the discrepancy is nobody knows beforehand, so a small grid is weighted as well, none at
all included. A population that is right is then used to the full, and one that is wrong
costs little: nobody in it explains the readings, and the weight goes to a large
discrepancy. People of several laws are a mixture whose laws are weighted by the same
rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from optimizers.last import LastAnswer
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

HEIGHT_SD = 0.3
"""SD of a patient's height, 1 being a simulated person's own; no height is known where
no population is."""

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
    """How a patient may differ from everybody: variance, length, chance beforehand.

    `height_sd` is how much higher or lower than anybody he may answer, as a share.
    """

    variance: float
    length: float
    chance: float
    height_sd: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """What one discrepancy makes of n readings and m people.

    Attributes
    ----------
    inverse
        (n, n) of the readings' covariance.
    told
        (n, m) the same times what each person leaves unexplained at his own height.
    height, height_variance
        (m,) what the readings make of each person's height: mean and variance.
    log_evidence
        (m,) for each person.
    """

    discrepancy: Discrepancy
    inverse: FloatArray
    told: FloatArray
    height: FloatArray
    height_variance: FloatArray
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
        values = self._values(rows)
        mean = weighted((self.weight * self._height).sum(axis=0), values)
        for n, shared in enumerate(self._between(rows, self.read)):
            told = self.hypotheses[n].told @ self.weight[n]
            mean += self.offset**2 * told.sum() + shared @ told
        return mean

    def spread(self, rows: Rows) -> FloatArray:
        """Return the SD of some points' excess over the reference, (k,).

        What people and their heights leave open, and what the discrepancies do, each
        taken by itself; `gain` has their joint spread, at a hundred times the cost.
        """
        values = self._values(rows)
        left_open = np.array([belief.height_variance for belief in self.hypotheses])
        height = self._height
        centre = weighted((self.weight * height).sum(axis=0), values)
        squares = (self.weight * (height**2 + left_open)).sum(axis=0)
        people = weighted(squares, values**2) - centre**2
        variances = [variance for _, variance in self._discrepant(rows)]
        total = np.maximum(people, 0.0) + self.weight.sum(axis=1) @ np.array(variances)
        return np.asarray(np.sqrt(np.maximum(total, 0.0)))

    def gain(self, rows: Rows) -> tuple[FloatArray, FloatArray]:
        """Return mean and SD of some points' excess over the reference, (k,)."""
        mean, variance = self._gains(rows)
        centre = np.einsum("hm,hmk->k", self.weight, mean)
        second = np.einsum("hm,hmk->k", self.weight, mean**2 + variance)
        return centre, np.sqrt(np.maximum(second - centre**2, 0.0))

    def probability_better(
        self, rows: Rows, more: FloatArray | float = 0.0
    ) -> FloatArray:
        """Return the chance that some points exceed the reference, (k,).

        `more`, (k,), is what else each has over it, known for sure.
        """
        mean, variance = self._gains(rows)
        chance = probability_positive(mean + more, np.sqrt(variance))
        return np.asarray(np.einsum("hm,hmk->k", self.weight, chance))

    def covariance(self, one: Rows, other: Rows, n_people: int) -> FloatArray:
        """Return the covariance of some points' excess over the reference, (k, l).

        So many people stand for all, each as often as it is probable.
        """
        share = np.cumsum(self.person_weight)
        middles = (np.arange(n_people) + 0.5) / n_people * share[-1]
        drawn = np.searchsorted(share, middles)
        left, right = (
            self.population.values[np.ix_(drawn, rows)].astype(np.float64)
            for rows in (one, other)
        )
        height, left_open = (number[drawn, None] for number in self._heights)
        total = times((left_open * left).T, right)
        left, right = height * left, height * right
        left, right = left - left.mean(axis=0), right - right.mean(axis=0)
        total = (total + times(left.T, right)) / n_people
        pairs = zip(
            self.weight.sum(axis=1),
            self.hypotheses,
            self._between(one, other),
            self._between(one, self._base),
            self._between(self._base, other),
            self._discrepant(one),
            self._discrepant(other),
            strict=True,
        )
        for chance, belief, alike, first, second, (away, _), (across, _) in pairs:
            drawn_apart = alike - first - second + belief.discrepancy.variance
            total += chance * (drawn_apart - away @ times(belief.inverse, across.T))
        return np.asarray(total)

    def felt(self, rows: Rows, grade: float = INTOLERABLE_GRADE) -> FloatArray:
        """Return the chance that some points are felt at a grade or more, (k,)."""
        reached = self.population.sensation[:, rows] >= grade
        return weighted(self.person_weight, reached.astype(np.float32))

    def _values(self, rows: Rows) -> NDArray[np.floating]:
        """Return everybody's values at some points, (m, k); the last ones are kept."""
        asked = rows.tobytes()
        if asked not in self._told_values:
            self._told_values.clear()
            self._told_values[asked] = self.population.values[:, rows]
        return self._told_values[asked]

    @cached_property
    def _told_values(self) -> dict[bytes, NDArray[np.floating]]:
        return {}

    @property
    def _height(self) -> FloatArray:
        """Expected height of each person under each hypothesis, (h, m)."""
        return np.array([belief.height for belief in self.hypotheses])

    @property
    def _heights(self) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of each person's height over the hypotheses, both (m,)."""
        chance = np.maximum(self.person_weight, np.finfo(np.float64).tiny)
        left_open = np.array([belief.height_variance for belief in self.hypotheses])
        mean = (self.weight * self._height).sum(axis=0) / chance
        square = (self.weight * (self._height**2 + left_open)).sum(axis=0) / chance
        return mean, np.maximum(square - mean**2, 0.0)

    def _gains(self, rows: Rows) -> tuple[FloatArray, FloatArray]:
        """Return excess over the reference: mean and variance, both (h, m, k).

        The last answer is kept: whoever asks for a gain asks for its chance too.
        """
        asked = rows.tobytes()
        if asked not in self._told_gains:
            found = self._found_gains(rows)
            self._told_gains.clear()
            self._told_gains[asked] = found
        return self._told_gains[asked]

    @cached_property
    def _told_gains(self) -> dict[bytes, tuple[FloatArray, FloatArray]]:
        return {}

    def _found_gains(self, rows: Rows) -> tuple[FloatArray, FloatArray]:
        values = self.population.values
        expected = (values[:, rows] - values[:, self._base]).astype(np.float64)
        read = values[:, self.read].T
        means, variances = [], []
        for belief, (away, left) in zip(
            self.hypotheses, self._discrepant(rows), strict=True
        ):
            means.append(belief.height[:, None] * expected + times(away, belief.told).T)
            # the discrepancy at the points read follows the height the other way
            shape = expected - times(away, times(belief.inverse, read)).T
            variances.append(left + belief.height_variance[:, None] * shape**2)
        return np.array(means), np.array(variances)

    @property
    def _base(self) -> Rows:
        """The row of the reference, (1,)."""
        return np.array([row_of(self.problem.space, self.problem.reference)])

    def _discrepant(self, rows: Rows) -> list[tuple[FloatArray, FloatArray]]:
        """Return what each discrepancy's excess over the reference is, by hypothesis.

        Its covariance with the readings, (k, n), and the variance they leave, (k,).
        """
        base = self._base
        found = []
        for belief, read, read_base, alike in zip(
            self.hypotheses,
            self._between(rows, self.read),
            self._between(base, self.read),
            self._between(rows, base),
            strict=True,
        ):
            away = read - read_base
            drawn = 2.0 * (belief.discrepancy.variance - alike[:, 0])
            left = drawn - np.sum(away.T * times(belief.inverse, away.T), axis=0)
            found.append((away, np.maximum(left, 0.0)))
        return found

    def _between(self, one: Rows, other: Rows) -> list[FloatArray]:
        """Return the covariance of the discrepancy at some points by hypothesis."""
        places = self.problem.space.places
        far = cdist(places[one], places[other])
        grid = [belief.discrepancy for belief in self.hypotheses]
        near = {length: matern(far / length) for length in {d.length for d in grid}}
        return [d.variance * near[d.length] for d in grid]


def infer(problem: Problem, log: Sequence[Observation]) -> Insight:
    """Return what the readings and grades of a log say of every point.

    The last answer is kept: the recommender asks what the strategy then asks again.
    """
    return _LAST.to((problem, *log), lambda: _inferred(problem, log))


_LAST: Final = LastAnswer[Insight]()


def _inferred(problem: Problem, log: Sequence[Observation]) -> Insight:
    population = problem.population or _nobody(problem.space)
    readings, read = _inside(problem.space, pool(problem, log))
    unit = problem.noise_sd or _spread(readings) or 1.0
    noise = np.maximum(readings.standard_error, _LEAST_ERROR * unit)
    fixed = (OFFSET * unit) ** 2 + np.diag(noise**2)
    shown = population.values[:, read].T.astype(np.float64)
    places = problem.space.places[read]
    hypotheses = tuple(
        _hypothesis(discrepancy, fixed, places, readings.mean, shown)
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
    height_sd = 0.0 if alone else HEIGHT_SD
    some = [
        Discrepancy((unit * size) ** 2, length, share, height_sd)
        for size, length in grid
    ]
    none = Discrepancy(0.0, LENGTHS[0], NONE_SHARE, height_sd)
    return some if alone else [none, *some]


def _hypothesis(
    discrepancy: Discrepancy,
    fixed: FloatArray,
    places: FloatArray,
    read: FloatArray,
    shown: FloatArray,
) -> Hypothesis:
    """Condition on n readings: Rasmussen and Williams, 2006, algorithm 2.1.

    `shown`, (n, m), is what each person shows there at the height 1. The height is one
    more coefficient with a normal prior: their equations 2.41 to 2.43.
    """
    near = matern(cdist(places, places) / discrepancy.length)
    covariance = fixed + discrepancy.variance * near
    unexplained, height_variance = read[:, None] - shown, discrepancy.height_sd**2
    if not len(places):
        one = np.ones(shown.shape[1])
        sure = np.log(discrepancy.chance) * one
        open_ = height_variance * one
        return Hypothesis(discrepancy, covariance, unexplained, one, open_, sure)
    factor = cho_factor(covariance, lower=True)
    inverse = np.asarray(cho_solve(factor, np.eye(len(places))))
    told, shown_told = times(inverse, unexplained), times(inverse, shown)
    log_evidence = -0.5 * np.sum(unexplained * told, axis=0)
    log_evidence += np.log(discrepancy.chance) - np.log(np.diag(factor[0])).sum()
    surer = 1.0 + height_variance * np.sum(shown * shown_told, axis=0)
    left_open, pull = height_variance / surer, np.sum(shown * told, axis=0)
    log_evidence += 0.5 * (left_open * pull**2 - np.log(surer))
    higher = left_open * pull
    told = told - shown_told * higher
    return Hypothesis(discrepancy, inverse, told, 1.0 + higher, left_open, log_evidence)


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
    return int(space.rows[point])


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
