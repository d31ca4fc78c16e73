"""What one visit costs, and how long a user waits for the first one."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, best_cpu_s
from harness.play.order import order_of, task_of
from harness.play.played import play
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario
from harness.play.search import SearchAdvisor
from sim.heart.circulation import ClosedLoop

VISIT_BEATS = 6700
SCENARIO = "first_visit"


def rows() -> list[Row]:
    """Return every figure of this module."""
    return [*visit_rows(), *process_rows()]


def visit_rows() -> list[Row]:
    """Return what a visit costs once everything is compiled."""
    scenario = load_scenario(SCENARIO)
    order = order_of(scenario, seed=7)
    patient = order.patient
    task = task_of(scenario.search, scenario.device, order)
    n_beats = run_scenario(scenario).record.beats.rows.shape[0]
    visit_s = best_cpu_s(lambda: play(order, SearchAdvisor.at(order, task)))
    heart = ClosedLoop(patient.circulation)
    rr_s = 60.0 / patient.rhythm.heart_rate_bpm
    beat_s = best_cpu_s(lambda: [heart.beat(rr_s) for _ in range(1000)]) / 1000
    around_us = 1e6 * (visit_s / n_beats - beat_s)
    return [
        Row("visit of 6,700 beats", visit_s * VISIT_BEATS / n_beats, "s", 0.45),
        Row("rhythm, device, reading, records, SimPy", around_us, "us/beat", 25.0),
        Row(f"the {SCENARIO} visit as it is, {n_beats} beats", visit_s, "s"),
    ]


def process_rows() -> list[Row]:
    """Return how long fresh processes take, on the clock."""
    command = Path(sys.executable).with_name("ccmlab")
    with TemporaryDirectory() as folder:
        run = [command, "run", SCENARIO, "--quiet", "--out", f"{folder}/run"]
        return [
            Row("import sim", fresh_s([sys.executable, "-c", "import sim"]), "s", 0.25),
            Row("ccmlab --help", fresh_s([command, "--help"]), "s", 0.3),
            Row(
                "first visit in a fresh process, warm cache",
                fresh_s([*run, "--force"]),
                "s",
                3.0,
            ),
        ]


def fresh_s(command: list[object], *, repeats: int = 3) -> float:
    """Return the least wall seconds of a command, after one call to warm it up."""
    spent: list[float] = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
        spent.append(time.perf_counter() - started)
    return min(spent[1:])
