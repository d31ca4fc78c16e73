"""One run: a scenario becomes a visit that was played, and how it was made."""

import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from harness.common.alike import alike
from harness.play.asked import asked_for, name_of
from harness.play.order import order_of, task_of
from harness.play.played import Played, play
from harness.play.scenario import Scenario, one_visit
from harness.play.search import SearchAdvisor
from harness.play.stream.actions import ActionLog
from harness.play.stream.live import LiveVisit
from harness.play.stream.transcript import Scribe, Transcript
from harness.task.limits import USUAL_LIMITS, StrategyLimits
from optimizers.problem import PastSearch
from optimizers.registry import strategies
from sim.device.settings import Settings
from sim.patient import Patient
from sim.visit.order import VisitOrder
from sim.visit.record import BeatTable, VisitRecord
from sim.visit.visit import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PACKAGES: Final = (
    "ccmlab",
    "numpy",
    "scipy",
    "simpy",
    "numba",
    "matplotlib",
    "pydantic",
    "duckdb",
)


@dataclass(frozen=True, slots=True, eq=False)
class RunFacts:
    """What a visit was played by: with its order and task, all to make it again."""

    scenario: Scenario
    scenario_name: str
    versions: Mapping[str, str]
    git_revision: str


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One visit played as a scenario says. It holds no truth.

    Only `timings_s` differs between two runs of the same seed, and is left out of
    what makes them equal. `actions` plays it
    again; a visit of a course, which begins where the one before ended, has none.
    `transcript` is what was told of it at the bedside, where that was recorded.
    """

    facts: RunFacts
    played: Played
    timings_s: Mapping[str, float] = field(compare=False)
    actions: ActionLog | None = None
    transcript: Transcript | None = None

    @property
    def record(self) -> VisitRecord:
        """What happened."""
        return self.played.record

    def __eq__(self, other: object) -> bool:
        """Tell whether all but the times is the same, down to the last beat."""
        return alike(self, other) if isinstance(other, Run) else NotImplemented

    def __hash__(self) -> int:
        order = self.played.order
        return hash((order.seed, order.replicate, self.played.task.strategy_name))

    def __repr__(self) -> str:
        order, facts = self.played.order, self.facts
        name = facts.scenario_name or facts.scenario.title
        return (
            f"Run of {name}: seed {order.seed}, replicate {order.replicate}, "
            f"strategy {self.played.task.strategy_name}\n{self.record!r}"
        )

    def _repr_html_(self) -> str:
        drawn = import_module("harness.play.run_figure")
        page: str = drawn.run_html(repr(self), self.record)
        return page

    def plot(self, *, width: str = "double") -> "Figure":
        """Return the figure: each test with its interval, then the verified gain.

        Parameters
        ----------
        width
            "double" or "single" column of a journal.
        """
        drawn = import_module("harness.play.run_figure")  # loads matplotlib
        figure: Figure = drawn.run_figure(self.record, width=width)
        return figure


def without_beats(run: Run) -> Run:
    """Return a run of whose record every beat is left out: what takes the memory."""
    record = run.record
    beats = BeatTable(record.beats.columns, np.empty((0, len(record.beats.columns))))
    played = replace(run.played, record=replace(record, beats=beats))
    return replace(run, played=played, transcript=None)


def run_scenario(
    scenario: Scenario | str | Path,
    *,
    patient: Patient | str | None = None,
    settings: Settings | None = None,
    scenario_name: str = "",
    strategy: str = "",
    seed: int | None = None,
    replicate: int = 0,
    limits: StrategyLimits = USUAL_LIMITS,
    progress: Progress | None = None,
    recorded: bool = False,
) -> Run:
    """Play the visit of a scenario; ScenarioError for a course of visits.

    Parameters
    ----------
    scenario
        A scenario, the name of a shipped one, or a path.
    patient, settings
        Who comes, a patient or the name of a phenotype, and how the device is found, in
        place of what the scenario says; the scenario of the run states them.
    scenario_name
        Under which name the report shows it; that of the scenario where it was named.
    strategy, seed
        Replace what the scenario says.
    replicate
        Number of the visit of this patient: another draw of all that is random.
    limits
        What somebody else's strategy may use; it has a process of its own.
    progress
        Called with simulated seconds, phase and text for each line of the visit's log.
    recorded
        Whether the run keeps what was told at the bedside, for its folder; nothing is
        kept of a visit by table, which has no beats to tell of.
    """
    scenario_name = scenario_name or name_of(scenario)
    scenario = asked_for(scenario, patient=patient, settings=settings)
    one_visit(scenario, "run_course plays it")
    start_s = time.perf_counter()
    order = order_of(scenario, seed=seed, replicate=replicate)
    ready_s = time.perf_counter() - start_s
    log = _log_of(order, scenario, scenario_name, strategy)
    run = _run_log(log, order, limits=limits, progress=progress, recorded=recorded)
    return replace(run, timings_s={"patient_s": ready_s, **run.timings_s})


def run_order(
    order: VisitOrder,
    scenario: Scenario,
    *,
    scenario_name: str = "",
    strategy: str = "",
    limits: StrategyLimits = USUAL_LIMITS,
    progress: Progress | None = None,
    recorded: bool = False,
    history: tuple[PastSearch, ...] = (),
) -> Run:
    """Play a visit that is not a scenario's first, searched as the scenario says.

    Parameters
    ----------
    order
        The visit; patient and device may have moved on since the scenario's.
    scenario
        How the settings are searched, and what the report and files say of the visit.
    scenario_name, strategy, limits, progress, recorded
        As in `run_scenario`.
    history
        Earlier searches, for a strategy that declares to use them.
    """
    log = _log_of(order, scenario, scenario_name, strategy)
    run = _run_log(
        log,
        order,
        limits=limits,
        progress=progress,
        recorded=recorded,
        history=history,
    )
    # played from the scenario alone, it would begin as the first one
    return replace(run, actions=None)


def _log_of(
    order: VisitOrder, scenario: Scenario, scenario_name: str, strategy: str
) -> ActionLog:
    return ActionLog(
        scenario=scenario,
        scenario_name=scenario_name,
        seed=order.seed,
        replicate=order.replicate,
        strategy=strategy or scenario.search.strategy,
    )


def _run_log(
    log: ActionLog,
    order: VisitOrder,
    *,
    limits: StrategyLimits,
    progress: Progress | None,
    recorded: bool,
    history: tuple[PastSearch, ...] = (),
) -> Run:
    start_s = time.perf_counter()
    # by table no beat is kept: there is nothing to be told of each
    scribe = Scribe() if recorded and order.engine == "beats" else None
    if scribe is None:
        played = _played(log, order, limits, progress, history)
    else:
        played = _told(log, order, limits, progress, scribe, history)
    facts = RunFacts(log.scenario, log.scenario_name, versions(), git_revision())
    timings_s = {"visit_s": time.perf_counter() - start_s}
    transcript = None if scribe is None else scribe.transcript
    return Run(facts, played, timings_s, log, transcript)


def _played(
    log: ActionLog,
    order: VisitOrder,
    limits: StrategyLimits,
    progress: Progress | None,
    history: tuple[PastSearch, ...],
) -> Played:
    search, device = log.scenario.search, log.scenario.device
    task = task_of(search, device, order, strategy=log.strategy)
    task = replace(task, limits=limits, history=history)
    advisor = SearchAdvisor.at(order, task)
    return play(order, advisor, progress=progress)


def _told(
    log: ActionLog,
    order: VisitOrder,
    limits: StrategyLimits,
    progress: Progress | None,
    scribe: Scribe,
    history: tuple[PastSearch, ...],
) -> Played:
    live = LiveVisit(
        log,
        strips=False,
        order=order,
        limits=limits,
        progress=progress,
        listener=scribe,
        history=history,
    )
    live.forget_flow()
    with live:
        live.advance(inf)
        return live.played()


def strategy_summary(name: str) -> str:
    """Return what a registered strategy does, empty for somebody's own."""
    known = strategies()
    return known[name].summary if name in known else ""


def versions() -> dict[str, str]:
    """Return the versions of everything that the numbers depend on."""
    return {"python": platform.python_version()} | {n: _version(n) for n in PACKAGES}


_version = cache(version)  # it reads and parses a file each time


def git_revision() -> str:
    """Return the revision of the checkout this code runs from, empty without one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
