"""One run: a scenario becomes a visit, its record and the answer key."""

import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from harness.play.scenario import Scenario
from harness.play.search import SearchAdvisor
from harness.play.tables import DeviceTable, SearchTable, VisitTable
from harness.task.objective import Objective
from harness.task.plan import SearchPlan
from harness.truth.answer_key import AnswerKey, answer_key
from optimizers.registry import strategies
from sim.patient import Patient
from sim.streams import stream
from sim.visit.clinic import Progress
from sim.visit.measuring import (
    expected_sd_pct,
    measuring_plan,
    reference_error_pct,
)
from sim.visit.record import VisitRecord
from sim.visit.visit import run_visit

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
    """How a run was made: all that it takes to make it again."""

    scenario: Scenario
    scenario_name: str
    seed: int
    strategy: str
    strategy_summary: str
    recommender: str
    n_asked: int
    versions: Mapping[str, str]
    git_revision: str
    replicate: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One finished run. Only `timings_s` differs between two runs of the same seed."""

    facts: RunFacts
    record: VisitRecord
    answer_key: AnswerKey
    timings_s: Mapping[str, float]


def run_scenario(
    scenario: Scenario,
    *,
    scenario_name: str = "",
    strategy: str | None = None,
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
    strategy = strategy or scenario.search.strategy
    seed = scenario.seed if seed is None else seed
    patient = patient_of(scenario)
    ready_s = time.perf_counter()
    plan = search_plan(
        scenario.search, scenario.visit, scenario.device, strategy=strategy
    )
    with SearchAdvisor(
        plan, stream(seed, name="strategy", replicate=replicate)
    ) as advisor:
        record = run_visit(
            patient,
            scenario.visit.visit_plan,
            scenario.device.found_device,
            advisor=advisor,
            seed=seed,
            replicate=replicate,
            progress=progress,
        )
        n_asked = advisor.n_asked
    visited_s = time.perf_counter()
    key = answer_key(record)
    done_s = time.perf_counter()
    facts = RunFacts(
        scenario=scenario,
        scenario_name=scenario_name,
        seed=seed,
        strategy=strategy,
        strategy_summary=strategy_summary(strategy),
        recommender=plan.recommender,
        n_asked=n_asked,
        versions=versions(),
        git_revision=git_revision(),
        replicate=replicate,
    )
    timings_s = {
        "patient_s": ready_s - start_s,
        "visit_s": visited_s - ready_s,
        "answer_key_s": done_s - visited_s,
    }
    return Run(facts, record, key, timings_s)


def patient_of(scenario: Scenario) -> Patient:
    """Return the virtual patient of a scenario."""
    return scenario.patient.patient


def search_plan(
    search: SearchTable, table: VisitTable, device: DeviceTable, *, strategy: str = ""
) -> SearchPlan:
    """Return how the settings to try are chosen, from the tables of a scenario.

    `strategy` replaces what the table of the search says.
    """
    visit = table.visit_plan
    return SearchPlan(
        strategy=strategy or search.strategy,
        axes=search.axes,
        limits=tuple((name, *bounds) for name, bounds in search.limits.items()),
        model=device.model,
        solve_dependents=device.dependents == "solved",
        budget=search.budget.budget,
        recommender=search.recommender_for(strategy),
        on_finish=search.on_finish,
        duplicates=search.duplicates,
        gate_probability=search.gate_probability,
        noise_sd_pct=expected_sd_pct(visit),
        knows_reference=measuring_plan(visit.plan).knows_reference,
        reference_se_pct=reference_error_pct(visit),
        readout=visit.readout,
        knows_population=search.population,
        objective=Objective(search.energy_weight, search.discomfort_weight),
    )


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
