"""A visit as an environment for learning agents: `reset`, then `step` by `step`.

In the manner of Gymnasium, without needing it: an action is a point of the lattice,
the reward is the utility as read, with all its noise. Only the record at the end of an
episode knows the patient; an agent that is to be judged must not look there.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.play.order import order_of, task_of
from harness.play.played import play
from harness.play.scenario import Scenario
from harness.play.search import SearchAdvisor
from optimizers.handoff import Worker
from optimizers.problem import Asking, Observation, Problem
from optimizers.space import Point
from sim.visit.record import VisitRecord

UNREAD_REWARD: Final = -2.0
"""Reward of a test that was refused, broken off or void, in points of utility."""

Step = tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]


class VisitEnvironment:
    """The titration of one scenario, played by an agent. Close it, or use `with`.

    An observation is `(n_axes + 3,)`: the tested point in scaled coordinates (0 to 1),
    utility as read (0 where unread), grade of sensation, minutes spent. `nvec` is the
    number of values of each axis, once `reset` was called; a point that the rules do
    not allow stands for the nearest that they do. The episode is over when the visit
    is; `info` then has the `record` of the whole visit.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._worker: Worker[Observation, Point] | None = None
        self.record: VisitRecord | None = None
        self.nvec: tuple[int, ...] = ()

    def reset(
        self, *, seed: int | None = None, options: None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Begin a visit and return what is known of the reference."""
        self.close()
        seed = self._scenario.seed if seed is None else seed
        self.record, self._minutes = None, 0.0
        self._worker = Worker(lambda ask: self._play(ask, seed))
        first = self._worker.start()
        if first is None:
            raise ValueError("nothing was titrated in this visit; see its record")
        return self._seen(first), {"problem": self._problem}

    def step(self, action: Sequence[int]) -> Step:
        """Test a point and return observation, reward, terminated, truncated, info."""
        if self._worker is None or self.record is not None:
            raise ValueError("the visit is over or was never begun; call reset")
        asked = np.asarray(action, dtype=np.float64) * self._problem.space.steps
        seen = self._worker.answer(self._problem.space.from_scaled(asked))
        if seen is None:
            nothing = np.zeros(len(self.nvec) + 3)
            return nothing, 0.0, True, False, {"record": self.record}
        self._minutes += seen.minutes
        reward = seen.value if seen.usable else UNREAD_REWARD
        return self._seen(seen), reward, False, False, {"observation": seen}

    def close(self) -> None:
        """Leave the visit where it is."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def __enter__(self) -> "VisitEnvironment":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _play(self, ask: Callable[[Observation], Point], seed: int) -> None:
        def agent(problem: Problem, rng: np.random.Generator) -> Asking:
            self._problem, self.nvec = problem, problem.space.shape
            seen = yield problem.reference
            while True:
                seen = yield ask(seen)

        scenario = self._scenario
        order = order_of(scenario, seed=seed)
        task = task_of(scenario.search, scenario.device, order)
        advisor = SearchAdvisor.at(order, replace(task, strategy=agent))
        self.record = play(order, advisor).record

    def _seen(self, seen: Observation) -> NDArray[np.float64]:
        value = seen.value if seen.usable else 0.0
        place = self._problem.space.scaled(seen.tested)
        return np.array([*place, value, seen.sensation_grade, self._minutes])
