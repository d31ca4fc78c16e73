"""Whatever is handed to a pool of processes, or comes from one, crosses as it is."""

import importlib
import pickle
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
import optimizers
import sim
from harness.common.alike import alike
from harness.common.faults import Fault, FaultsError, ScenarioError
from harness.evidence.fit.measurements import MeasurementsError
from harness.play.environment import VisitEnvironment
from harness.play.order import order_of, task_of
from harness.play.run import Run, run_scenario
from harness.play.scenario import Scenario, load_scenario
from harness.report.build import report_of
from harness.study.sweep import sweep
from harness.truth.answer_key import truth_of
from harness.truth.landscape import landscape
from optimizers.problem import StrategyFailedError
from optimizers.registry import strategies
from optimizers.space import Axis, Space
from sim.carried import Carried
from sim.device.settings import Conflict, ConflictError, Settings
from sim.heart.repeating import ImplausibleHeartError, NotSettledError
from sim.patient import known_phenotypes, phenotype, sample_cohort
from sim.patient.checks import PatientTableError, TableFault
from sim.patient.solve import UnreachableTargetError
from sim.visit.pairs import StoppedError
from sim.visit.safety import Stop

SHORT = {
    "visit.titration_min": 4,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}


@cache
def scenario() -> Scenario:
    return load_scenario("first_visit").changed(SHORT)


@cache
def run() -> Run:
    return run_scenario(scenario(), recorded=True)


def true_landscape() -> Any:
    space = Space((Axis("amplitude_v", "V", (4.5, 6.0)),))
    return landscape(phenotype("hfref-ischaemic"), Settings(), space)


SENT: dict[str, Callable[[], Any]] = {
    "scenario": scenario,
    "run": run,
    "truth": lambda: truth_of(run().played),
    "report": lambda: report_of(run(), truth_of(run().played)),
    "order": lambda: order_of(scenario()),
    "task": lambda: task_of(scenario().search, scenario().device, order_of(scenario())),
    "phenotypes": lambda: [phenotype(name) for name in known_phenotypes()],
    "cohort": lambda: sample_cohort(2, np.random.default_rng(1)),
    "strategies": lambda: list(strategies().values()),
    "landscape": true_landscape,
    "sweep": lambda: dict(sweep(["hfref-ischaemic"], {"amplitude_v": [5.0]})),
}


@pytest.mark.parametrize("name", SENT)
def test_what_scripts_hold_comes_back_from_a_pickle_equal(name: str) -> None:
    sent = SENT[name]()
    assert alike(pickle.loads(pickle.dumps(sent)), sent)


def test_the_place_of_an_agent_can_be_sent_before_its_first_visit() -> None:
    agent = pickle.loads(pickle.dumps(VisitEnvironment(scenario())))
    assert isinstance(agent, VisitEnvironment)


FAULT = Fault("visit.readout", "must be one of cuff, got 'cufff'")
ERRORS: list[Exception] = [
    ScenarioError("mine.toml", [FAULT, FAULT]),
    FaultsError([FAULT]),
    MeasurementsError("ward.csv", [FAULT]),
    ConflictError((Conflict(("amplitude_v",), "too loud"),)),
    PatientTableError("mine.toml", [TableFault("age", "is none")]),
    UnreachableTargetError("edv_ml", 900.0, 400.0),
    NotSettledError("lv_ml", 2.0, tol=0.1, n_beats=5),
    ImplausibleHeartError("sv_ml", 1.0, 5.0, 250.0),
    StoppedError(Stop("felt", "felt")),
    StrategyFailedError("mine.py:search", RecursionError("too deep")),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_crosses_with_its_message_and_what_it_knows(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
    known, kept = vars(again), vars(error)
    if isinstance(error, StrategyFailedError):  # it keeps what was told of the error
        known, kept = {"told": known["told"]}, {"told": kept["told"]}
    assert known == kept


def errors_of(package: Any) -> set[type[Exception]]:
    found: set[type[Exception]] = set()
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith(("__main__", "harness.clinic.server")):
            continue
        names = vars(importlib.import_module(module.name))
        found |= {
            kind
            for kind in names.values()
            if isinstance(kind, type)
            and issubclass(kind, Exception)
            and kind.__module__ == module.name
        }
    return found


@pytest.mark.slow  # imports every module there is
@pytest.mark.parametrize("package", [sim, optimizers, harness])
def test_every_error_that_takes_more_than_a_message_is_carried(package: Any) -> None:
    own = {kind for kind in errors_of(package) if "__init__" in vars(kind)}
    assert own
    carried = {kind for kind in own if issubclass(kind, Carried)}
    assert own - carried <= {StrategyFailedError}
    assert carried <= {type(error) for error in ERRORS}


POOL = """
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from harness import load_scenario, run_scenario
from sim import sample_cohort

if __name__ == "__main__":
    scenario = load_scenario("first_visit").changed(CHANGES)
    people = sample_cohort(2, np.random.default_rng(1)).patients
    with ProcessPoolExecutor(2) as pool:
        futures = [pool.submit(run_scenario, scenario, patient=who) for who in people]
        faulty = pool.submit(load_scenario, "first_vist")
        print([run.result() == run_scenario(scenario, patient=who)
               for run, who in zip(futures, people)])
        print(faulty.exception())
"""


@pytest.mark.slow  # starts processes
def test_a_pool_over_patients_is_one_line_and_tells_a_fault_as_it_is(
    tmp_path: Path,
) -> None:
    script = tmp_path / "pool.py"
    script.write_text(POOL.replace("CHANGES", repr(SHORT)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True
    )
    same, fault = done.stdout.splitlines()
    assert same == "[True, True]"
    assert "nearest is 'first_visit'" in fault
