"""Generators that suggest and ingest, as strategies, and strategies as such generators.

The gest-api standard (Xopt, libEnsemble and blop speak it) knows a generator with
`suggest(n)`, `ingest(results)` and `finalize()`; points and results are dicts by name.
Nothing of it is needed here: whatever has these methods will do.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from math import nan
from typing import Any, Final, Protocol

import numpy as np

from optimizers.problem import (
    INTOLERABLE_GRADE,
    Asking,
    Budget,
    Observation,
    Problem,
    Strategy,
)
from optimizers.search import Search
from optimizers.space import Axis, Point, Space

UTILITY: Final = "utility"
SENSATION: Final = "sensation"
ID: Final = "_id"
STEPS: Final = 21
"""Values that a continuous variable is searched at, its ends among them."""

Values = dict[str, Any]


class Suggesting(Protocol):
    """What speaks the standard."""

    def suggest(self, num_points: int | None) -> Sequence[Mapping[str, Any]]:
        """Return points to test, by name."""

    def ingest(self, results: list[Values]) -> None:
        """Take in what was seen."""

    def finalize(self) -> None:
        """End the search."""


def vocs_words(problem: Problem) -> dict[str, Any]:
    """Return what the standard's `VOCS` is made of, for a problem.

    Axes of one value are constants; the utility is maximized, and a sensation from the
    grade that excludes a setting violates the constraint.
    """
    axes = problem.space.axes
    return {
        "variables": {
            axis.name: [axis.values[0], axis.values[-1]]
            for axis in axes
            if len(axis.values) > 1
        },
        "constants": {a.name: a.values[0] for a in axes if len(a.values) == 1},
        "objectives": {UTILITY: "MAXIMIZE"},
        "constraints": {SENSATION: ["LESS_THAN", INTOLERABLE_GRADE]},
    }


def played_by(make: Callable[[Problem, np.random.Generator], Suggesting]) -> Strategy:
    """Return the strategy that asks what a generator suggests.

    Each suggestion stands for the nearest allowed point. What comes back are the values
    that were tested; the name of a suggestion goes along only where it was not changed.
    A value that could not be read is nan.

    Parameters
    ----------
    make
        Makes a generator for one visit, of its problem and random numbers.
    """

    def strategy(problem: Problem, rng: np.random.Generator) -> Asking:
        generator = make(problem, rng)
        try:
            while suggested := generator.suggest(1):
                for one in suggested:
                    known = problem.space.as_dict(problem.first)
                    named = {name: float(one.get(name, known[name])) for name in known}
                    seen = yield problem.space.nearest(named)
                    generator.ingest([_result(problem.space, seen, one)])
        finally:
            generator.finalize()
        return None

    return strategy


def _result(space: Space, seen: Observation, suggested: Mapping[str, Any]) -> Values:
    told: Values = dict(space.as_dict(seen.tested))
    told[UTILITY] = seen.value if seen.usable else nan
    told[SENSATION] = seen.sensation_grade
    if ID in suggested and seen.tested == seen.asked:
        told[ID] = suggested[ID]
    return told


_Base: Any = (
    import_module("gest_api.generator").Generator if find_spec("gest_api") else object
)


class SearchGenerator(_Base):  # type: ignore[misc]  # its base is found when it runs
    """One of our searches as a generator of the standard: a point at a time.

    Parameters
    ----------
    vocs
        The standard's `VOCS`, or what has its `variables` (each with a `domain` or with
        `values`) and one entry in `objectives`. A constraint named `sensation` has
        values of grades.
    strategy
        What `Search` understands.
    reference
        Values that are in use now, by name; they are suggested first. The lowest of
        each variable where nothing is said.
    evaluations, noise_sd
        Results there will be, and the SD of one.
    seed
        Of the strategy's random numbers.
    steps
        Values of a continuous variable.

    Raises ValueError for another number of objectives than one, and for one that is
    neither minimized nor maximized.
    """

    returns_id = False

    def __init__(
        self,
        vocs: Any,
        strategy: Strategy | str = "gp",
        *,
        reference: Mapping[str, float] | None = None,
        evaluations: int = 20,
        noise_sd: float = 0.0,
        seed: int = 0,
        steps: int = STEPS,
    ) -> None:
        self._validate_vocs(vocs)
        [(self._objective, kind)] = vocs.objectives.items()
        self._sign = -1.0 if _direction(kind) == "MINIMIZE" else 1.0
        self._space = Space(
            tuple(_axis(name, one, steps) for name, one in vocs.variables.items())
        )
        first = {axis.name: axis.values[0] for axis in self._space.axes}
        self._search = Search(
            strategy,
            Problem(
                self._space,
                self._space.nearest(first | dict(reference or {})),
                Budget(evaluations=evaluations),
                noise_sd=noise_sd,
            ),
            np.random.default_rng(seed),
        )

    def suggest(self, num_points: int | None = None) -> list[Values]:
        """Return the next point; none when the search is over.

        Raises ValueError for more than one at a time.
        """
        if num_points not in (None, 1):
            raise ValueError(
                f"this search suggests 1 point at a time, not {num_points}"
            )
        point = self._search.ask()
        return [] if point is None else [dict(self._space.as_dict(point))]

    def ingest(self, results: list[Values]) -> None:
        """Take in what was seen after the point that was suggested last.

        A result at another point counts as what was tested instead of it. Raises
        ValueError when the search is over.
        """
        for result in results:
            asked = self._search.ask()
            if asked is None:
                raise ValueError("the search is over: it takes no more results")
            value = self._sign * float(result[self._objective])
            grade = float(result.get(SENSATION, 0.0))
            tested = self._tested(result)
            channels = {SENSATION: grade}
            self._search.tell(Observation(asked, tested, value, channels=channels))

    def finalize(self) -> None:
        """End the search."""
        self._search.close()

    def recommend(self) -> Values:
        """Return what the search would choose by now, behind its gate."""
        return dict(self._space.as_dict(self._search.recommend().point))

    def _tested(self, result: Mapping[str, Any]) -> Point:
        names = self._space.names
        return self._space.nearest({name: float(result[name]) for name in names})

    def _validate_vocs(self, vocs: Any) -> None:
        if len(vocs.objectives) != 1:
            named = ", ".join(vocs.objectives) or "none"
            raise ValueError(f"a search has one objective, got {named}")
        _direction(next(iter(vocs.objectives.values())))


def _direction(objective: Any) -> str:
    """Return the direction of an objective: a word, or the class that stands for it."""
    word = objective if isinstance(objective, str) else type(objective).__name__
    for known in ("MINIMIZE", "MAXIMIZE"):
        if word.upper().startswith(known):
            return known
    raise ValueError(f"an objective is to be minimized or maximized, got {word}")


def _axis(name: str, variable: Any, steps: int) -> Axis:
    values = getattr(variable, "values", None)
    if values is not None:
        return Axis(name, "", tuple(sorted(float(value) for value in values)))
    low, high = variable.domain
    return Axis(name, "", tuple(np.linspace(low, high, steps).tolist()))
