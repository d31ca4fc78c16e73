"""When a search ends: whoever searches, once no further tests are worth their price.

The belief of the recommender says what further tests can still win of what the visit
will program for good, gate and verification included. They are not worth their price
when no number of them is: neither one, nor all that are left. The verification stays as
it was fixed, so that how often a verdict errs does not hang on when the search ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean
from typing import Final

from harness.task.lattice import TherapySpace, lattice_train
from harness.task.task import Task
from optimizers.problem import Observation, Problem
from optimizers.prospect import Proof, Prospect, prospect
from optimizers.space import FloatArray
from sim.device.energy import energy_frac
from sim.visit.record import TitrationEnd


class SearchEnd(Enum):
    """Why a search ended."""

    NOT_BEGUN = "not begun: nothing was titrated"
    CLOCK = "the titration clock left no time for another test"
    BUDGET = "the budget of the search was spent"
    FINISHED = "the search had nothing more to ask"
    WORTH = "further tests were not worth their price"
    PERSON = "ended by hand"
    SAFETY = "ended for safety"


_BY_VISIT: Final = {
    TitrationEnd.NOT_BEGUN: SearchEnd.NOT_BEGUN,
    TitrationEnd.CLOCK: SearchEnd.CLOCK,
    TitrationEnd.SAFETY: SearchEnd.SAFETY,
}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was to be won when it was asked last, in points of utility.

    `n_tests` further ones could be expected to win `win_points` over choosing at once,
    the best that any number of them could do beyond their price of `price_points`.
    """

    n_tests: int
    win_points: float
    price_points: float

    @property
    def worth_it(self) -> bool:
        """Whether they win more than they cost."""
        return self.win_points > self.price_points


@dataclass(frozen=True, slots=True)
class SearchEnding:
    """Why a search ended, and the outlook by which, where prices were stated."""

    kind: SearchEnd = SearchEnd.CLOCK
    outlook: Outlook | None = None

    @classmethod
    def of(
        cls, by_visit: TitrationEnd, by_advisor: SearchEnd, outlook: Outlook | None
    ) -> "SearchEnding":
        """Return the ending by what the visit saw, and what its advisor knows."""
        return cls(_BY_VISIT.get(by_visit, by_advisor), outlook)

    @property
    def text(self) -> str:
        """The same for a reader."""
        if self.outlook is None:
            return self.kind.value
        told = self.outlook
        tests = "1 more test" if told.n_tests == 1 else f"{told.n_tests} more tests"
        return (
            f"{self.kind.value}; when it was last asked, {tests} could be expected to "
            f"win {told.win_points:.2f} points, for {told.price_points:.2f} points"
        )


BY_CLOCK: Final = SearchEnding()
"""How most searches end."""


def outlook_of(
    task: Task, problem: Problem, log: Sequence[Observation], space: TherapySpace
) -> Outlook | None:
    """Return what further tests can win, by the belief of the task's recommender.

    None while nothing has a price, nothing was read, or no test is left.
    """
    if not task.prices.stated:
        return None
    left = problem.expected_evaluations - len(log)
    expected = task.expected
    found = prospect(
        problem,
        log,
        recommender=task.recommender,
        proof=Proof(
            task.gate_probability, expected.proof_error_pct, expected.proof_least_pct
        ),
        n_left=left,
        cost=_energy_cost_pct(task, space),
    )
    return None if found is None else _outlook(found, price_of_next(task, log))


def price_of_next(task: Task, log: Sequence[Observation]) -> float:
    """Return the price of the next test: as long as those so far, as often felt."""
    tests = [seen for seen in log if seen.minutes > 0.0]
    return task.prices.of_test(
        minutes=fmean(seen.minutes for seen in tests)
        if tests
        else task.expected.test_min,
        beats=fmean(seen.beats for seen in tests)
        if tests
        else task.expected.test_beats,
        n_events=sum(seen.events for seen in tests),
        n=len(tests),
    )


def _outlook(found: Prospect, price: float) -> Outlook:
    """Return the number of tests that does best beyond its price, if only by least."""
    each = [
        Outlook(n, win, n * price)
        for n, win in zip(found.n_tests, found.win, strict=True)
    ]
    return max(each, key=lambda one: one.win_points - one.price_points)


def _energy_cost_pct(task: Task, space: TherapySpace) -> FloatArray:
    """Return what the energy of each point costs: the verification does not see it."""
    train = lattice_train(space.reference, space.space)
    energy = energy_frac(space.reference, task.ohms, train)
    cost: FloatArray = task.objective.energy_cost_pct(energy)
    return cost
