"""The search as the visit's advisor: points to settings, what was seen to utility."""

from math import nan
from statistics import fmean
from typing import Self

import numpy as np

from harness.task.lattice import settings_at, therapy_space
from harness.task.objective import pulse_energy
from harness.task.plan import SearchPlan
from harness.task.population import population_of
from optimizers.problem import Observation, Population, Problem
from optimizers.recommend import Recommendation
from optimizers.search import Search
from optimizers.space import Point
from sim.device.settings import Settings
from sim.visit.record import Choice, Tested
from sim.visit.safety import RULES

STEPPED_AXIS = "amplitude_v"
"""Axis that the safety filter lets rise by one step at a time."""

MOST_FREE_ANSWERS = 3
"""Times in a row that asking for the reference is answered without a test."""


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
