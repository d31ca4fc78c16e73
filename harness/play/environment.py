"""A visit as an environment for learning agents: `reset`, then `step` by `step`.

With the extra `gym` it is a Gymnasium environment, registered as
`ccmlab/ProgrammingVisit-v0`; without it the same class has the same methods. An action
is a point of the lattice and whether it is recommended; the reward is the utility as
read, with all its noise. Only `record`, once an episode is over, knows the patient; an
agent that is to be judged must not look there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.play.order import order_of, task_of
from harness.play.played import play
from harness.play.scenario import Scenario, load_scenario
from harness.play.search import SearchAdvisor
from harness.task.task import Task
from optimizers.handoff import Worker
from optimizers.problem import Asking, Observation, Problem
from optimizers.space import Point
from sim.patient import Patient, sample_cohort
from sim.visit.order import VisitOrder
from sim.visit.record import VisitRecord

NAME: Final = "ccmlab/ProgrammingVisit-v0"

UNREAD_REWARD: Final = -2.0
"""Reward of a test that was refused, broken off or void, in points of utility."""

MOST_UTILITY: Final = 100.0
MOST_GRADE: Final = 4.0
MOST_MINUTES: Final = 1440.0
"""Bounds of an observation; a reading beyond them is shown as the bound."""

MOST_DRAWS: Final = 20
"""Patients drawn in a row of whom nothing is titrated, before that is an error."""

_LARGEST_SEED: Final = 2**31
_INSTALLED: Final = find_spec("gymnasium") is not None
_FAMILIES: Final[Mapping[str, float]] = MappingProxyType({"saturating": 1.0})

Step = tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]


class _Plain:
    """What `gymnasium.Env` gives, where it is not installed."""

    np_random: np.random.Generator

    def reset(self, *, seed: int | None = None) -> None:
        if seed is not None or not hasattr(self, "np_random"):
            self.np_random = np.random.default_rng(seed)


_Base: Any = import_module("gymnasium").Env if _INSTALLED else _Plain
Own = TypeVar("Own", bound="VisitEnvironment")


class VisitEnvironment(_Base):  # type: ignore[misc]  # its base is found when it runs
    """The titration of a visit, played by an agent. Close it, or use `with`.

    Each `reset` draws a patient and the visit's seed from the environment's own
    generator. An action is `(n_axes + 1,)`: a point, and 1 to recommend it and end the
    search (only what was tested and tolerated is taken), 0 to test it; a point that the
    rules do not allow stands for the nearest that they do. An observation is
    `(n_axes + 3,)`: the tested point in scaled coordinates (0 to 1), utility as read (0
    where unread), grade of sensation, minutes spent. The last one of an episode is that
    of the last test. What was felt, broken off or refused is no part of the reward but
    counted in `info["cost"]`; the last `info` has the verdict.

    Parameters
    ----------
    scenario
        A validated scenario, or what `load_scenario` understands.
    families
        Shares of the response laws among the patients drawn; empty plays the scenario's
        own patient every time.
    """

    metadata: Final = {"render_modes": ()}

    def __init__(
        self,
        scenario: Scenario | str = "first_visit",
        *,
        families: Mapping[str, float] = _FAMILIES,
    ) -> None:
        if isinstance(scenario, str):
            scenario = load_scenario(scenario)
        self.scenario: Scenario = scenario
        self._families = dict(families)
        self._worker: Worker[Observation, Point | None] | None = None
        self.record: VisitRecord | None = None
        order = order_of(self.scenario)
        lattice = self._task(order).lattice.around(order.found.settings)
        self.nvec: tuple[int, ...] = lattice.space.shape
        if _INSTALLED:
            self.action_space, self.observation_space = _spaces(self.nvec)

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Begin a visit and return what is known of the reference.

        `seed` seeds the draws of this and later resets. `options` may fix `patient` (a
        `Patient`) and `seed` (the visit's), which are drawn otherwise. Raises
        ValueError where nothing is titrated.
        """
        super().reset(seed=seed)
        fixed = dict(options or {})
        drawn = bool(self._families) and "patient" not in fixed
        for _ in range(MOST_DRAWS if drawn else 1):
            first = self._begin(fixed)
            if first is not None:
                return self._seen(first), self._info(first)
        raise ValueError("nothing was titrated in this visit; see its record")

    def step(self, action: Sequence[int] | NDArray[np.integer]) -> Step:
        """Test or recommend, and return observation, reward, two ends and info.

        The first end is that of the visit; an episode is never cut short.
        """
        if self._worker is None or self.record is not None:
            raise ValueError("the visit is over or was never begun; call reset")
        point, self._recommended = self._asked(action)
        n_before = self._n_tests
        try:
            self._worker.answer(point)
        except BaseException:
            self.close()  # nobody plays that visit any more
            raise
        seen, over = self._last, self.record is not None
        if self._n_tests == n_before:  # nothing was tested any more
            return self._seen(seen), 0.0, over, False, self._info(None)
        reward = seen.value if seen.usable else UNREAD_REWARD
        return self._seen(seen), float(reward), over, False, self._info(seen)

    def close(self) -> None:
        """Leave the visit where it is."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _begin(self, fixed: Mapping[str, Any]) -> Observation | None:
        """Begin a visit and return what was seen first, if anything."""
        self.close()
        self.record, self._minutes, self._n_tests = None, 0.0, 0
        patient = fixed["patient"] if "patient" in fixed else self._patient()
        seed = fixed.get("seed")
        if seed is None:
            seed = int(self.np_random.integers(_LARGEST_SEED))
        order = order_of(self.scenario, seed=seed, patient=patient)
        worker = Worker[Observation, Point | None](lambda ask: self._play(ask, order))
        self._worker = worker
        try:
            return worker.start()
        except BaseException:
            self.close()
            raise

    def _task(self, order: VisitOrder) -> Task:
        """Return the task of a visit, of which the agent alone recommends."""
        task = task_of(self.scenario.search, self.scenario.device, order)
        return replace(task, recommender="own", on_finish="stop")

    def _asked(self, action: Sequence[int] | NDArray[np.integer]) -> tuple[Point, bool]:
        """Return the allowed point of an action, and whether it is recommended."""
        numbers = [int(index) for index in action]
        if len(numbers) != len(self.nvec) + 1:
            raise ValueError(
                f"an action must be {len(self.nvec) + 1} integers, a point and whether "
                f"it is recommended, got {len(numbers)}"
            )
        *point, recommended = numbers
        place = np.asarray(point, dtype=np.float64) * self.problem.space.steps
        return self.problem.space.from_scaled(place), bool(recommended)

    def _patient(self) -> Patient | None:
        if not self._families:
            return None
        [drawn] = sample_cohort(1, self.np_random, families=self._families).patients
        return drawn

    def _play(
        self, ask: Callable[[Observation], Point | None], order: VisitOrder
    ) -> None:
        task = self._task(order)
        advisor = _AgentAdvisor.at(order, task)

        def agent(problem: Problem, rng: np.random.Generator) -> Asking:
            self.problem = problem
            self._last = yield problem.reference
            while not advisor.ends:
                point = ask(self._last)
                if self._recommended:
                    return point
                self._last = yield point or problem.reference
                self._n_tests += 1
                self._minutes += self._last.minutes
            return None

        advisor.task = replace(task, strategy=agent)
        self._recommended = False
        self.record = play(order, advisor).record

    def _seen(self, seen: Observation) -> NDArray[np.float64]:
        value = seen.value if seen.usable else 0.0
        place = self.problem.space.scaled(seen.tested)
        told = np.array([*place, value, seen.sensation_grade, self._minutes])
        low, high = _bounds(len(self.nvec))
        return np.asarray(np.clip(told, low, high))

    def _info(self, seen: Observation | None) -> dict[str, Any]:
        """Return what an agent may be told beside the observation: plain values."""
        felt = seen is not None and not seen.tolerated and seen.aborted is None
        aborted = seen is not None and seen.aborted is not None
        moved = seen is not None and seen.tested != seen.asked
        told: dict[str, Any] = {
            "cost": float(felt) + float(aborted),
            "felt": felt,
            "aborted": seen.aborted or "" if seen is not None else "",
            "held_back": moved,
        }
        if self.record is not None:
            verdict = self.record.verdict
            told["verdict"] = verdict.kind
            told["verified_gain_pct"] = float(verdict.gain_pct)
        return told


class _AgentAdvisor(SearchAdvisor):
    """A search that tells its agent when nothing more will be tested."""

    ends = False

    def close(self) -> None:
        """Let the agent see the last reading, and stop it."""
        self.ends = True
        super().close()


def _bounds(n_axes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = np.array([0.0] * n_axes + [-MOST_UTILITY, 0.0, 0.0])
    high = np.array([1.0] * n_axes + [MOST_UTILITY, MOST_GRADE, MOST_MINUTES])
    return low, high


def _spaces(nvec: Sequence[int]) -> tuple[Any, Any]:
    """Return the spaces of actions and of observations, as Gymnasium has them."""
    spaces = import_module("gymnasium").spaces
    low, high = _bounds(len(nvec))
    seen = spaces.Box(low, high, dtype=np.float64)
    return spaces.MultiDiscrete([*nvec, 2]), seen


def register() -> None:
    """Register the environment with Gymnasium, once."""
    gymnasium = import_module("gymnasium")
    if NAME not in gymnasium.registry:
        gymnasium.register(
            id=NAME, entry_point="harness.play.environment:VisitEnvironment"
        )


if _INSTALLED:
    register()
