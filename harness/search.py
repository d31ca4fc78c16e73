"""The search as the visit's advisor: points to settings, what was seen to utility."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import nan
from statistics import fmean
from typing import Self

import numpy as np

from harness.population import population_of
from optimizers.dialogue import OnFinish
from optimizers.problem import Budget, Observation, Population, Problem, Strategy
from optimizers.recommend import GATE_PROBABILITY, Recommendation
from optimizers.search import Duplicates, Search
from optimizers.space import Axis, Point, Space
from sim.device.lattice import parameters
from sim.device.settings import Settings, with_dependents
from sim.sources import sourced, unit_of
from sim.visit.plan import PROTOCOL
from sim.visit.record import Choice, Tested
from sim.visit.safety import RULES

STEPPED_AXIS = "amplitude_v"
"""Axis that the safety filter lets rise by one step at a time."""

MOST_FREE_ANSWERS = 3
"""Times in a row that asking for the reference is answered without a test."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What a search maximizes: gain less what energy and discomfort cost, in points."""

    energy_weight: float = sourced(0.5, PROTOCOL, "1, utility", "assumed")
    discomfort_weight: float = sourced(1.0, PROTOCOL, "1, utility", "assumed")

    def utility_pct(
        self, gain_pct: float, energy_frac: float, sensation_grade: float
    ) -> float:
        """Return the utility of one setting."""
        cost = self.energy_weight * energy_frac
        return gain_pct - cost - self.discomfort_weight * sensation_grade


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How the settings to try are chosen.

    `noise_sd_pct` is the SD of one test's reading under the visit's measuring plan, and
    `knows_reference` whether that plan makes the reference's gain zero by construction,
    but for an error of `reference_se_pct` that all tests share.
    Strategy and recommender may know how simulated people answer to every setting,
    unless `knows_population` is False.
    """

    strategy: str | Strategy = "titration"
    axes: tuple[str, ...] = ("amplitude_v", "phase_duration_ms", "delay_ms")
    limits: tuple[tuple[str, float, float], ...] = ()
    model: str = "CCM X11"
    solve_dependents: bool = True
    budget: Budget = field(default_factory=Budget)
    recommender: str = "posterior_mean"
    on_finish: OnFinish = "replicate"
    duplicates: Duplicates = "remeasure"
    gate_probability: float = GATE_PROBABILITY
    noise_sd_pct: float = 2.0
    knows_reference: bool = True
    reference_se_pct: float = 0.0
    readout: str = "finger-pressure"
    knows_population: bool = True
    objective: Objective = field(default_factory=Objective)


@lru_cache(maxsize=64)
def therapy_space(
    reference: Settings,
    axes: tuple[str, ...],
    limits: tuple[tuple[str, float, float], ...],
    *,
    model: str,
    solve_dependents: bool,
) -> Space:
    """Return the lattice around a reference, without the settings that conflict.

    Cached, since deciding which of thousands of settings conflict takes longer than
    a test; the result is immutable.
    """
    table = parameters(model)
    bounds = {name: (low, high) for name, low, high in limits}

    def allowed(point: Point) -> bool:
        settings = settings_at(
            reference, space, point, model=model, solve_dependents=solve_dependents
        )
        return not settings.conflicts(model)

    space = Space(
        tuple(
            Axis(
                name,
                unit_of(name),
                _values([float(v) for v in table[name].values], bounds.get(name)),
            )
            for name in axes
        ),
        allowed,
    )
    return space


def _values(
    values: Sequence[float], bounds: tuple[float, float] | None
) -> tuple[float, ...]:
    if bounds is None:
        return tuple(values)
    return tuple(value for value in values if bounds[0] <= value <= bounds[1])


def settings_at(
    reference: Settings,
    space: Space,
    point: Point,
    *,
    model: str,
    solve_dependents: bool,
) -> Settings:
    """Return the reference with the searched values of one point."""
    values = dict(space.as_dict(point))
    if "n_pulses" in values:
        values["n_pulses"] = int(values["n_pulses"])
    settings = reference.with_values(values)
    return with_dependents(settings, model) if solve_dependents else settings


class SearchAdvisor:
    """A strategy at the bedside. Use it as a context manager.

    Where the plan knows the reference, asking for it is answered without a test: its
    gain is zero by construction. Everything else is tested by the visit.
    """

    def __init__(self, plan: SearchPlan, rng: np.random.Generator) -> None:
        self.plan = plan
        self._rng = rng
        self._search: Search | None = None
        self._asked: Point = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Lay out the lattice around the reference and start the strategy."""
        plan = self.plan
        self.close()
        self._reference = reference
        self._space = therapy_space(
            reference,
            plan.axes,
            plan.limits,
            model=plan.model,
            solve_dependents=plan.solve_dependents,
        )
        found = self._space.nearest([getattr(reference, name) for name in plan.axes])
        problem = Problem(
            self._space,
            found,
            plan.budget,
            noise_sd=plan.noise_sd_pct,
            # a known reference counts, but takes no time
            planned_evaluations=n_tests + int(plan.knows_reference),
            population=self._population(),
            gradual=tuple(name for name in plan.axes if name == STEPPED_AXIS),
        )
        self._search = Search(
            plan.strategy,
            problem,
            self._rng,
            on_finish=plan.on_finish,
            recommender=plan.recommender,
            duplicates=plan.duplicates,
            gate_probability=plan.gate_probability,
        )

    def propose(self) -> Settings | None:
        """Return the next settings that need a test, or None at the search's end."""
        search = self._running()
        for _ in range(MOST_FREE_ANSWERS):
            point = search.ask()
            if point != search.problem.reference or not self.plan.knows_reference:
                break
            search.tell(self._known_reference(point))
        point = search.ask()
        if point is None:
            return None
        self._asked = point
        is_reference = point == search.problem.reference
        return self._reference if is_reference else self.settings_of(point)

    def learn(self, tested: Tested) -> None:
        """Turn what the visit saw into the strategy's observation."""
        self._running().tell(self._observation(tested))

    def recommend(self) -> Choice:
        """Return the recommender's choice behind the do-no-harm gate."""
        search = self._running()
        search.close()
        choice = search.recommend()
        objective = self.plan.objective
        cost = objective.energy_weight * self._energy_frac(choice.point)
        cost += objective.discomfort_weight * self._mean_grade(choice.point)
        return Choice(
            settings=self.chosen(choice),
            expected_gain_pct=choice.value + cost,
            probability_better=choice.probability_better,
            gated=choice.gated,
            reason=choice.reason,
        )

    def chosen(self, choice: Recommendation) -> Settings:
        """Return the settings of a recommendation; the reference is kept as it is."""
        if choice.point == self._running().problem.reference:
            return self._reference
        return self.settings_of(choice.point)

    @property
    def n_asked(self) -> int:
        """Number of observations so far, the free ones of the reference included."""
        return len(self._search.log) if self._search is not None else 0

    @property
    def problem(self) -> Problem:
        """The problem as the strategy was given it."""
        return self._running().problem

    @property
    def log(self) -> tuple[Observation, ...]:
        """What the strategy has been told so far."""
        return self._running().log

    def close(self) -> None:
        """Stop the strategy and whatever thread it has."""
        if self._search is not None:
            self._search.close()

    def _population(self) -> Population | None:
        """Return how simulated people would answer, which is known of nobody here."""
        plan = self.plan
        if not plan.knows_population:
            return None
        return population_of(
            self._reference,
            self._space,
            readout=plan.readout,
            energy_weight=plan.objective.energy_weight,
            discomfort_weight=plan.objective.discomfort_weight,
        )

    def _running(self) -> Search:
        if self._search is None:
            raise ValueError("begin was not called: the reference is not known")
        return self._search

    def settings_of(self, point: Point) -> Settings:
        """Return the settings of a point of the lattice."""
        return settings_at(
            self._reference,
            self._space,
            point,
            model=self.plan.model,
            solve_dependents=self.plan.solve_dependents,
        )

    def _mean_grade(self, point: Point) -> float:
        """Return the mean sensation told at a point, 0 where it was not tested."""
        log = self._running().log
        grades = [seen.sensation_grade for seen in log if seen.tested == point]
        return fmean(grades) if grades else 0.0

    def _energy_frac(self, point: Point) -> float:
        return pulse_energy(self.settings_of(point)) / pulse_energy(Settings())

    def _known_reference(self, point: Point) -> Observation:
        energy = self._energy_frac(point)
        return Observation(
            point,
            point,
            self.plan.objective.utility_pct(0.0, energy, 0.0),
            standard_error=self.plan.reference_se_pct,
            channels={"benefit": 0.0, "sensation": 0.0, "energy": energy},
        )

    def _observation(self, tested: Tested) -> Observation:
        gain = tested.gain_pct
        utility = self.plan.objective.utility_pct(
            gain, tested.energy_frac, tested.sensation_grade
        )
        refused = tested.aborted.startswith("refused")
        point = self._asked
        if not refused:
            point = self._space.nearest(
                [getattr(tested.settings, name) for name in self.plan.axes]
            )
        felt = tested.sensation_grade >= RULES.intolerable_grade
        stopped = bool(tested.aborted) and not refused
        return Observation(
            self._asked,
            point,
            nan if tested.aborted else utility,
            standard_error=tested.standard_error_pct,
            channels={
                "benefit": gain,
                "sensation": float(tested.sensation_grade),
                "ectopy": float(tested.n_ectopics),
                "delivery": tested.delivered_frac,
                "energy": tested.energy_frac,
            },
            aborted=tested.aborted or None,
            minutes=tested.minutes,
            beats=tested.n_beats,
            events=int(felt or stopped),
        )


def pulse_energy(settings: Settings) -> float:
    """Return the daily energy up to a factor that all settings share."""
    per_train = settings.amplitude_v**2 * settings.train_ms * settings.n_leads
    return per_train * settings.ccm_hours_per_day
