"""Choices made again from stored searches: other recommenders, other gates.

A recommender reads the log of a search, and picks one of the settings that were
tested. Both are stored, with the truth of every tested setting: nothing is played
again. What a verification of another choice would have said is not known, so harm is
that before it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isfinite
from typing import Any, Final, Self

import numpy as np

from harness.play.tables import SearchTable, VisitTable
from harness.study.judging.cells import Cell
from harness.study.judging.numbers import FloatArray
from harness.study.judging.trajectory import Evaluations
from harness.task.lattice import PULSE, Lattice
from harness.task.task import Expectation
from optimizers.problem import Budget, Observation, Problem
from optimizers.recommend import HARM_PCT, Candidate, gate, recommender_named
from optimizers.space import Point, Space
from sim.heart.sensation import INTOLERABLE_GRADE

READABLE: Final = ("posterior_mean", "best_mean", "best_observed", "quadratic", "own")
"""Recommenders that need nothing but the log: no people known beforehand."""
FREE: Final = "known"
"""How an observation ended that needed no test: the reference's, by construction."""
UNBROKEN: Final = ("done", FREE)
"""How a test ended that was not broken off."""
OF_STRIPS: Final = ("strip_noise",)
"""Tables of a visit that have no part in its readings."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a choice gives away of the best, in points, and whether it harms."""

    points_lost: float
    harms: bool


@dataclass(frozen=True, slots=True, eq=False)
class StoredSearch:
    """The search of one visit as its recommender read it, with what is true of it.

    `choices` are the tested points by what they give away; `kept` is the reference.
    """

    problem: Problem
    log: tuple[Observation, ...]
    own: Point | None
    choices: Mapping[Point, Chosen]
    kept: Chosen

    def candidate(self, recommender: str) -> Candidate | None:
        """Return what a recommender picks, before the gate."""
        return recommender_named(recommender)(self.problem, self.log, self.own)

    def chosen(self, candidate: Candidate | None, gate_probability: float) -> Chosen:
        """Return what comes of a candidate behind a gate."""
        told = gate(
            self.problem, self.log, candidate, gate_probability=gate_probability
        )
        if told.point == self.problem.reference:
            return self.kept
        return self.choices[told.point]


@dataclass(frozen=True, slots=True, eq=False)
class SearchLayout:
    """Space and noise of a contender's searches, and the gate behind them."""

    space: Space
    noise_sd: float
    gate_probability: float

    @classmethod
    def of(cls, study: Mapping[str, Any], cell: Cell) -> Self | None:
        """Return what a study's file said of one contender's visits.

        None where an axis was searched whose values are not stored.
        """
        given = study.get("contenders", ())
        own: Mapping[str, Any] = next(
            (one for one in given if one["label"] == cell.contender), {}
        )
        search = {**SearchTable().model_dump(), **study.get("search", {}), **own}
        axes = tuple(search["axes"])
        if not set(axes) <= set(PULSE):
            return None
        limits = tuple((n, *ends) for n, ends in search["limits"].items())
        model = study.get("device", {}).get("model", Lattice().model)
        visit = study.get("visit", {})
        read = tuple((n, visit[n]) for n in visit if n not in OF_STRIPS)
        noise = _noise_sd(read, cell.plan)
        space = Lattice(axes, limits, model).every
        return cls(space, noise, search["gate_probability"])


@cache
def _noise_sd(visit: tuple[tuple[str, Any], ...], plan: str) -> float:
    """Return the SD of one test that a search was told of."""
    table = VisitTable.model_validate({**dict(visit), "plan": plan})
    return Expectation.of(table.visit_plan).sd_pct


def searches(
    cell: Cell, layout: SearchLayout, evaluations: Evaluations
) -> Iterator[StoredSearch | None]:
    """Yield the search of each visit of a cell; None where nothing was stored."""
    for row in range(cell.place.size):
        key = cell.of("key")[row]
        read = {name: evaluations.of(key, name) for name in evaluations.table}
        visit = {name: values[row] for name, values in cell.visits.items()}
        names = layout.space.names
        known = all(isfinite(visit[f"reference_{name}"]) for name in names)
        stored = cell.done[row] and read["number"].size and known
        yield _search(visit, layout, read) if stored else None


def _search(
    visit: Mapping[str, Any], layout: SearchLayout, read: Mapping[str, Any]
) -> StoredSearch:
    space = layout.space
    found = {name: np.array([visit[f"reference_{name}"]]) for name in space.names}
    (reference,) = _points(space, found)
    points = _points(space, read)
    problem = Problem(space, reference, Budget(), noise_sd=layout.noise_sd)
    log = tuple(
        Observation(
            point,
            point,
            float(read["value_pct"][i]),
            standard_error=float(read["standard_error_pct"][i]),
            channels={"sensation": float(read["sensation_grade"][i])},
            aborted=None if read["ended"][i] in UNBROKEN else str(read["ended"][i]),
        )
        for i, point in enumerate(points)
    )
    returned = np.flatnonzero(read["returned"])
    return StoredSearch(
        problem,
        log,
        points[returned[0]] if returned.size else None,
        dict(zip(points, _truths(visit, read), strict=True)),
        Chosen(float(visit["reference_points_lost"]), harms=False),
    )


def _points(space: Space, columns: Mapping[str, Any]) -> list[Point]:
    """Return the points nearest to settings, of the whole lattice."""
    places = [
        np.abs(np.array(axis.values)[:, None] - columns[axis.name]).argmin(axis=0)
        for axis in space.axes
    ]
    return [tuple(row) for row in np.column_stack(places).tolist()]


def _truths(visit: Mapping[str, Any], read: Mapping[str, Any]) -> Iterator[Chosen]:
    """Yield what each tested setting gives away, and whether it does harm."""
    off = float(visit["off_gain_pct"])
    best = off + float(visit["span_points"])
    can_be_harmed = float(visit["reference_sensation"]) < INTOLERABLE_GRADE
    columns = ("true_utility_pct", "true_gain_pct", "true_sensation")
    for worth, gain, felt in zip(*(read[name] for name in columns), strict=True):
        tolerated = felt < INTOLERABLE_GRADE
        lost = best - (worth if tolerated else min(worth, off))
        worse = gain <= -HARM_PCT or not tolerated
        yield Chosen(float(lost), harms=bool(worse and can_be_harmed))


def chosen_again(
    cell: Cell,
    found: Sequence[StoredSearch | None],
    candidates: Sequence[Candidate | None],
    gate_probability: float,
) -> Cell:
    """Return a cell with its choices made again: points lost, harm of the candidate.

    Visits without a stored search keep the reference, as they are judged anyway.
    """
    lost: FloatArray = cell.of("reference_points_lost").astype(np.float64)
    harms = np.zeros(lost.size, dtype=np.bool_)
    for row, (search, candidate) in enumerate(zip(found, candidates, strict=True)):
        if search is not None:
            chosen = search.chosen(candidate, gate_probability)
            lost[row], harms[row] = chosen.points_lost, chosen.harms
    columns = {**cell.visits, "points_lost": lost, "candidate_harms": harms}
    return replace(cell, visits=columns)
