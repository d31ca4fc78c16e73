"""The search as the visit's advisor: points to settings, what was seen to utility.

The life of a question. The visit asks for settings; the search asks its strategy for a
point, which the lattice around the reference turns into settings. The visit tests them,
or others that are safer, and tells what was seen in the clinic's words; the objective
makes one value of it, with its error, and the strategy is told that. A broken-off test
has no value, and what ended it is an event that the strategy learns of.
"""

from math import nan
from statistics import fmean
from typing import Self

import numpy as np

from harness.play.host.hosted import Hosted, hosted
from harness.play.stopping import Outlook, SearchEnd, SearchEnding, outlook_of
from harness.task.lattice import TherapySpace
from harness.task.population import population_of
from harness.task.task import Task
from optimizers.problem import (
    Observation,
    PastSearch,
    Population,
    Problem,
    Strategy,
    code_of,
)
from optimizers.recommend import Recommendation
from optimizers.registry import uses_history
from optimizers.search import Search
from optimizers.space import Point
from sim.device.energy import energy_frac
from sim.device.settings import Settings
from sim.visit.order import VisitOrder
from sim.visit.record import Choice, Ended, Tested, TitrationEnd
from sim.visit.safety import RULES

STEPPED_AXIS = "amplitude_v"
"""Axis that the safety filter lets rise by one step at a time."""

MOST_FREE_ANSWERS = 3
"""Times in a row that asking for the reference is answered without a test."""


class SearchAdvisor:
    """A strategy at the bedside. Use it as a context manager.

    Somebody else's strategy is in a process of its own, begun on entering and gone when
    the search is closed.
    Where the measuring plan knows the reference, asking for it is answered without a
    test: its gain is zero by construction. Everything else is tested by the visit.
    `space` is the lattice around the visit's reference, laid out by `begin`.
    """

    space: TherapySpace

    def __init__(self, task: Task, rng: np.random.Generator) -> None:
        self.task = task
        self._rng = rng
        self._search: Search | None = None
        self._hosted: Hosted | None = None
        self._asked: Point = ()
        self._outlook: Outlook | None = None
        self._outlook_at = -1

    @classmethod
    def at(cls, order: VisitOrder, task: Task) -> Self:
        """Return who searches in one visit: of the order it gets a random stream."""
        return cls(task, order.rng("strategy"))

    def __enter__(self) -> Self:
        self._strategy()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Lay out the lattice around the reference and start the strategy."""
        task = self.task
        self._outlook, self._outlook_at = None, -1
        self._end_search()  # begun again, no strategy of before may live on
        self.space = task.lattice.around(reference)
        problem = Problem(
            self.space.space,
            self.space.reference_point,
            task.budget,
            noise_sd=task.expected.sd_pct,
            # a known reference counts, but takes no time
            planned_evaluations=n_tests + int(task.expected.knows_reference),
            population=self._population(),
            gradual=tuple(name for name in task.lattice.axes if name == STEPPED_AXIS),
            listed=tuple(self.space.point_with(given) for given in task.listed),
            history=self._history(),
        )
        self._search = Search(
            self._strategy(),
            problem,
            self._rng,
            on_finish=task.on_finish,
            recommender=task.recommender,
            duplicates=task.duplicates,
            gate_probability=task.gate_probability,
        )

    def propose(self) -> Settings | None:
        """Return the next settings that need a test, or None at the search's end."""
        search = self._running()
        if not self._worth_it():
            return None
        free = search.problem.reference if self.task.expected.knows_reference else None
        # an answer that takes no time would let a strategy ask for ever
        for _ in range(MOST_FREE_ANSWERS):
            point = self._ask()
            if point is None or point != free:
                break
            search.tell(self._known_reference(point))
        point = self._ask()
        if point is None:
            return None
        self._asked = point
        return self._settings_at(point)

    def _worth_it(self) -> bool:
        """Tell whether further tests are worth their price, by the log as it is."""
        search = self._running()
        if self._outlook_at != len(search.log):
            self._outlook_at = len(search.log)
            self._outlook = outlook_of(
                self.task, search.problem, search.log, self.space
            )
        return self._outlook is None or self._outlook.worth_it

    def ending(self, by_visit: TitrationEnd) -> SearchEnding:
        """Return why the search ended, given what ended the titration."""
        search = self._running()
        kind = SearchEnd.FINISHED
        if self._outlook is not None and not self._outlook.worth_it:
            kind = SearchEnd.WORTH
        elif search.spent.exhausts(search.problem.budget):
            kind = SearchEnd.BUDGET
        return SearchEnding.of(by_visit, kind, self._outlook)

    def _ask(self) -> Point | None:
        with code_of(self.task.strategy_name):
            return self._running().ask()

    def learn(self, tested: Tested) -> None:
        """Turn what the visit saw into the strategy's observation."""
        self._running().tell(self._observation(tested))

    def learn_of_another(self, tested: Tested) -> None:
        """Tell the strategy of a test that somebody else asked for.

        It is told what came of its own question, as when the safety filter had changed
        it; a strategy that asks nothing more is told nothing.
        """
        if self.propose() is not None:
            self.learn(tested)

    def recommend(self) -> Choice:
        """Return the recommender's choice behind the do-no-harm gate."""
        search = self._running()
        self.close()  # first: the strategy sees its last reading, and may choose by it
        choice = search.recommend()
        objective = self.task.objective
        cost = objective.energy_cost_pct(self._energy_frac(choice.point))
        cost += objective.discomfort_cost_pct(self._mean_grade(choice.point))
        # a search values utility, a visit speaks of gain: what was taken off comes back
        return Choice(
            settings=self.chosen(choice),
            expected_gain_pct=choice.value + cost,
            probability_better=choice.probability_better,
            gated=choice.gated,
            reason=choice.reason,
        )

    def leading(self) -> Settings:
        """Return what would be chosen now; the search goes on."""
        return self.chosen(self._running().recommend())

    def chosen(self, choice: Recommendation) -> Settings:
        """Return the settings of a recommendation; the reference is kept as it is."""
        return self._settings_at(choice.point)

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

    @property
    def own(self) -> Point | None:
        """The point that the strategy itself returned at its end, if it did."""
        return self._running().own

    def close(self) -> None:
        """Stop the strategy and whatever thread or process it has."""
        try:
            self._end_search()
        finally:
            if self._hosted is not None:
                self._hosted.close()

    def _strategy(self) -> Strategy | str:
        """Return what the search is to run; code of others is read by its host now."""
        task = self.task
        if self._hosted is None:
            self._hosted = hosted(task.strategy, task.limits)
        if self._hosted is None:
            return task.strategy
        self._hosted.load()
        return self._hosted

    def _end_search(self) -> None:
        if self._search is not None:
            with code_of(self.task.strategy_name):
                self._search.close()

    def _population(self) -> Population | None:
        """Return how simulated people would answer, which is known of nobody here."""
        task = self.task
        if not task.knows_population:
            return None
        return population_of(
            self.space.reference,
            self.space.space,
            readout=task.expected.readout,
            objective=task.objective,
            ohms=task.ohms,
            laws=task.people_laws,
        )

    def _history(self) -> tuple[PastSearch, ...]:
        """Return earlier searches, which only a strategy that declares it is given."""
        task = self.task
        named = task.strategy
        if task.history and isinstance(named, str) and not uses_history(named):
            return ()
        return task.history

    def _running(self) -> Search:
        if self._search is None:
            raise ValueError("begin was not called: the reference is not known")
        return self._search

    def _settings_at(self, point: Point) -> Settings:
        """Return the settings of a point; the reference is kept as it is."""
        if point == self.space.reference_point:
            return self.space.reference
        return self.space.settings_of(point)

    def _mean_grade(self, point: Point) -> float:
        """Return the mean sensation told at a point, 0 where it was not tested."""
        log = self._running().log
        grades = [seen.sensation_grade for seen in log if seen.tested == point]
        return fmean(grades) if grades else 0.0

    def _energy_frac(self, point: Point) -> float:
        return energy_frac(self.space.settings_of(point), self.task.ohms)

    def _known_reference(self, point: Point) -> Observation:
        energy = self._energy_frac(point)
        return Observation(
            point,
            point,
            self.task.objective.utility_pct(0.0, energy, 0.0),
            standard_error=self.task.expected.reference_se_pct,
            channels={"benefit": 0.0, "sensation": 0.0, "energy": energy},
        )

    def _observation(self, tested: Tested) -> Observation:
        gain = tested.gain_pct
        utility = self.task.objective.utility_pct(
            gain, tested.energy_frac, tested.sensation_grade
        )
        refused = tested.ended is Ended.REFUSED
        point = self._asked
        if not refused:
            # the filter may have put another setting in the place of the one asked
            point = self.space.point_of(tested.settings)
        felt = tested.sensation_grade >= RULES.intolerable_grade
        stopped = not (tested.completed or refused)
        return Observation(
            self._asked,
            point,
            utility if tested.completed else nan,
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
