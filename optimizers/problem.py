"""What a strategy is given and told: problem, budget, observation."""

import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, fields
from math import inf, isfinite, nan
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optimizers.space import Point, Space

INTOLERABLE_GRADE = 2.0
"""Sensation grade (0 to 4) from which a setting is never recommended."""

MINUTES_PER_EVALUATION = 2.0
"""Usual cost of one paired reading, to plan with when only minutes are budgeted."""

USUAL_EVALUATIONS = 20
"""Readings to plan with when the budget names neither evaluations nor minutes."""

_LONGEST_ERROR: Final = 400
_NO_CHANNELS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen when a point was tested.

    Parameters
    ----------
    asked, tested
        The point the strategy asked for and the one that was tested; they differ when
        a safety filter stepped in. A refused point is reported as tested and aborted.
    value
        Utility, higher is better: gain over the reference less its costs; nan when
        aborted.
    standard_error
        Of `value`, same unit; nan when unknown (the problem's noise SD is then used);
        0 for a value known by construction, such as that of the reference.
    channels
        The parts kept apart: benefit, sensation (grade 0 to 4), ectopy, delivery,
        energy.
    aborted
        Why the test was broken off, or None when it was completed.
    minutes, beats, events
        What the test cost: patient minutes, heart beats, unpleasant events.
    """

    asked: Point
    tested: Point
    value: float
    _: KW_ONLY
    standard_error: float = nan
    channels: Mapping[str, float] = field(default_factory=lambda: _NO_CHANNELS)
    aborted: str | None = None
    minutes: float = 0.0
    beats: int = 0
    events: int = 0

    @property
    def sensation_grade(self) -> float:
        """Grade of sensation, 0 when nobody asked."""
        return self.channels.get("sensation", 0.0)

    @property
    def tolerated(self) -> bool:
        """Whether the test was completed below the grade that excludes a setting."""
        return self.aborted is None and self.sensation_grade < INTOLERABLE_GRADE

    @property
    def usable(self) -> bool:
        """Whether the value may be learned from."""
        return self.aborted is None and isfinite(self.value)


def refused_points(log: Sequence[Observation]) -> set[Point]:
    """Return what was not tolerated, both as asked and as tested."""
    felt = [seen for seen in log if not seen.tolerated]
    return {seen.asked for seen in felt} | {seen.tested for seen in felt}


def _limit(low: float, high: float) -> Any:
    """Return a limit that is none, with the range that a scenario file may give."""
    return field(default=None, metadata={"allowed": (low, high)})


@dataclass(frozen=True, slots=True)
class Budget:
    """What a search may cost; None is unlimited, the first limit reached ends it.

    A test is begun only while something of every limit is left, so that evaluations
    are never exceeded; minutes, beats and events may be, by the last test.
    """

    evaluations: int | None = _limit(1, 1000)
    minutes: float | None = _limit(1.0, 240.0)
    beats: int | None = _limit(1, 1_000_000)
    unpleasant_events: int | None = _limit(1, 1000)

    def __post_init__(self) -> None:
        for item in fields(self):
            limit = getattr(self, item.name)
            if limit is not None and not limit >= 0:
                raise ValueError(
                    f"budget {item.name} must be 0 or more, or None, got {limit}"
                )


@dataclass(frozen=True, slots=True)
class Spent:
    """What a search has cost so far."""

    evaluations: int = 0
    minutes: float = 0.0
    beats: int = 0
    unpleasant_events: int = 0

    def plus(self, observation: Observation) -> "Spent":
        """Return the cost with one more test."""
        return Spent(
            self.evaluations + 1,
            self.minutes + observation.minutes,
            self.beats + observation.beats,
            self.unpleasant_events + observation.events,
        )

    def exhausts(self, budget: Budget) -> bool:
        """Return whether any limit of a budget has been reached."""
        for item in fields(budget):
            limit = getattr(budget, item.name)
            if limit is not None and getattr(self, item.name) >= limit:
                return True
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """What simulated people would make of every allowed point of a space.

    Parameters
    ----------
    values
        `(m, size)`: utility of each of m people at each point of `Space.indices`, less
        that of the reference; 0 at the reference.
    sensation
        `(m, size)`: what each would feel there, on the scale of the grades but not
        rounded, and below 0 the further below any sensation.

    Raises ValueError for arrays of another shape or with values that are not finite.
    """

    values: NDArray[np.floating]
    sensation: NDArray[np.floating]

    def __post_init__(self) -> None:
        shape = self.values.shape
        if len(shape) != 2 or 0 in shape or self.sensation.shape != shape:
            raise ValueError(
                "values and sensation must both be (people, points) with at least one "
                f"of each, got {shape} and {self.sensation.shape}"
            )
        for name in ("values", "sensation"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} of a population must be finite numbers")

    @property
    def intolerable(self) -> NDArray[np.bool_]:
        """Whom each point disturbs too much to be recommended, `(m, size)`."""
        return np.asarray(self.sensation >= INTOLERABLE_GRADE)


@dataclass(frozen=True, slots=True, eq=False)
class PastSearch:
    """What an earlier search saw, of somebody else or at an earlier visit; no truth.

    Parameters
    ----------
    space, reference
        Its lattice, which may differ from that of now, and its reference.
    log
        Every observation, in order; values are against that reference.
    same_patient
        Whether it was a visit of the patient who is here now.
    """

    space: Space
    reference: Point
    log: tuple[Observation, ...]
    same_patient: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """All that a strategy knows before the first test.

    Parameters
    ----------
    space, reference
        The lattice, and its point that is programmed now; it is always tested first.
    budget
        The search ends when any of its limits is reached.
    noise_sd
        SD of one reading of `Observation.value`, same unit; 0 when exact.
    start
        Where to begin; the reference unless a search was restarted.
    planned_evaluations
        Tests there will be time for, where whoever keeps the clock knows.
    population
        What simulated people would make of every point, where that is known.
    gradual
        Axes on which a test may go one value beyond the highest tolerated so far;
        whoever tests holds a point that asks for more to that value.
    listed
        The points that somebody wants tested, where a list was given.
    history
        Earlier searches, the latest last, for a strategy that declares to use them.

    Raises ValueError for a point outside the space, a negative noise SD, a
    population of another space, and a gradual axis that the space does not have.
    """

    space: Space
    reference: Point
    budget: Budget
    _: KW_ONLY
    noise_sd: float
    start: Point | None = None
    planned_evaluations: int | None = None
    population: Population | None = None
    gradual: tuple[str, ...] = ()
    listed: tuple[Point, ...] = ()
    history: tuple[PastSearch, ...] = ()

    def __post_init__(self) -> None:
        named = [("reference", self.reference), ("start", self.start)]
        for name, point in (*named, *(("listed", point) for point in self.listed)):
            if point is not None and not self.space.contains(point):
                raise ValueError(f"{name} {point} is not an allowed point of the space")
        if not 0.0 <= self.noise_sd < inf:
            raise ValueError(f"noise_sd must be 0 or more, got {self.noise_sd:g}")
        self._check_knowledge()

    def _check_knowledge(self) -> None:
        for axis in self.gradual:
            if axis not in self.space.names:
                raise ValueError(
                    f"the space has no gradual axis {axis}; "
                    f"it has {', '.join(self.space.names)}"
                )
        if self.population is not None:
            n_points = self.population.values.shape[1]
            if n_points != self.space.size:
                raise ValueError(
                    f"population must know the {self.space.size} points of the space, "
                    f"it knows {n_points}"
                )

    @property
    def first(self) -> Point:
        """The point to begin at: `start`, or the reference."""
        return self.reference if self.start is None else self.start

    @property
    def expected_evaluations(self) -> int:
        """Number of tests to plan with, from the budget or from usual practice."""
        if self.planned_evaluations is not None:
            return self.planned_evaluations
        if self.budget.evaluations is not None:
            return self.budget.evaluations
        if self.budget.minutes is not None:
            return max(1, int(self.budget.minutes / MINUTES_PER_EVALUATION))
        return USUAL_EVALUATIONS

    def point(self, **values: float) -> Point:
        """Return the allowed point nearest to physical values by axis name.

        Axes that are not named keep the reference's value. Raises ValueError for a
        name that the space does not have.
        """
        known = self.space.as_dict(self.reference)
        for name in values:
            if name not in known:
                raise ValueError(
                    f"the space has no axis {name}; it has {', '.join(known)}"
                )
        return self.space.nearest(known | values)


class BudgetSpent(Exception):  # noqa: N818 a turn of events, not an error
    """Thrown into a strategy at its `yield` when no further test will be made.

    The strategy may catch it and return the point it recommends.
    """


class StrategyError(ValueError):
    """A strategy asked for something that is not a point of its space."""

    strategy = ""
    """Its name, where it is known."""


class StrategyFailedError(Exception):
    """A strategy's own code raised, be it to end the program; told with its place.

    `told` is what went wrong in one line, without the name of the strategy.
    """

    def __init__(self, strategy: str, error: BaseException | str) -> None:
        self.strategy, self.error = strategy, error
        self.told = error if isinstance(error, str) else error_told(error)
        super().__init__(f"{strategy}: {self.told}")

    def __reduce__(self) -> tuple[object, ...]:
        # what was raised may be of a class that only its own process knows
        return type(self), (self.strategy, self.told)


class StrategyOverdueError(StrategyFailedError):
    """A strategy did not answer in the time it has."""


class HostLostError(RuntimeError):
    """What runs somebody's strategy failed, through no fault of the strategy."""


@contextmanager
def code_of(strategy: str) -> Iterator[None]:
    """Run a strategy's code: what it raises is StrategyFailedError, never our end.

    Ctrl-C stays what it is, and so do faults that are told already.
    """
    try:
        yield
    except StrategyError as error:
        error.strategy = strategy
        raise
    except (StrategyFailedError, HostLostError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise StrategyFailedError(strategy, error) from error


def error_told(error: BaseException) -> str:
    """Return an error in one line of printable text, with the place that raised it."""
    frames = traceback.extract_tb(_raiser(error).__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    try:
        text = str(error)[:_LONGEST_ERROR]
    except Exception as fault:  # noqa: BLE001 anybody's own exception is asked here
        text = f"its text cannot be had, {type(fault).__name__}"
    told = " ".join(f"{type(error).__name__}: {text}{place}".split())
    told = told.replace(": (", " (")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in told)


def _raiser(error: BaseException) -> BaseException:
    """Return the error in whose stead Python raises another one (PEP 479)."""
    cause = error.__cause__
    return cause if isinstance(cause, StopIteration) else error


Asking = Generator[Point, Observation, Point | None]
"""A running strategy: yields points, is sent observations, may return its choice."""

Strategy = Callable[[Problem, np.random.Generator], Asking]
"""A generator function that searches."""
