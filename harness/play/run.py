"""One run: a scenario becomes a visit that was played, and how it was made."""

import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from harness.play.order import order_of, task_of
from harness.play.played import Played, play
from harness.play.scenario import Scenario
from harness.play.search import SearchAdvisor
from optimizers.registry import strategies
from sim.visit.order import VisitOrder
from sim.visit.record import VisitRecord
from sim.visit.visit import Progress

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

    Only `timings_s` differs between two runs of the same seed.
    """

    facts: RunFacts
    played: Played
    timings_s: Mapping[str, float]

    @property
    def record(self) -> VisitRecord:
        """What happened."""
        return self.played.record


def run_scenario(
    scenario: Scenario,
    *,
    scenario_name: str = "",
    strategy: str = "",
    seed: int | None = None,
    replicate: int = 0,
    progress: Progress | None = None,
) -> Run:
    """Play the visit of a scenario.

    Parameters
    ----------
    scenario
        A validated scenario.
    scenario_name
        Under which name the report shows it.
    strategy, seed
        Replace what the scenario says.
    replicate
        Number of the visit of this patient: another draw of all that is random.
    progress
        Called with simulated seconds, phase and text for each line of the visit's log.
    """
    start_s = time.perf_counter()
    order = order_of(scenario, seed=seed, replicate=replicate)
    ready_s = time.perf_counter() - start_s
    run = run_order(
        order,
        scenario,
        scenario_name=scenario_name,
        strategy=strategy,
        progress=progress,
    )
    return replace(run, timings_s={"patient_s": ready_s, **run.timings_s})


def run_order(
    order: VisitOrder,
    scenario: Scenario,
    *,
    scenario_name: str = "",
    strategy: str = "",
    progress: Progress | None = None,
) -> Run:
    """Play a visit that is not a scenario's first, searched as the scenario says.

    Parameters
    ----------
    order
        The visit; patient and device may have moved on since the scenario's.
    scenario
        How the settings are searched, and what the report and files say of the visit.
    scenario_name, strategy, progress
        As in `run_scenario`.
    """
    start_s = time.perf_counter()
    task = task_of(scenario.search, scenario.device, order, strategy=strategy)
    played = play(order, SearchAdvisor.at(order, task), progress=progress)
    facts = RunFacts(scenario, scenario_name, versions(), git_revision())
    return Run(facts, played, {"visit_s": time.perf_counter() - start_s})


def strategy_summary(name: str) -> str:
    """Return what a registered strategy does, empty for somebody's own."""
    known = strategies()
    return known[name].summary if name in known else ""


def versions() -> dict[str, str]:
    """Return the versions of everything that the numbers depend on."""
    return {"python": platform.python_version()} | {n: version(n) for n in PACKAGES}


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
