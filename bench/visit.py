"""What one visit costs, and how long a user waits for the first one."""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, timed_row
from bench.timing import Timing, timed, timed_process
from harness.play.order import order_of, task_of
from harness.play.played import play
from harness.play.scenario import load_scenario
from harness.play.search import SearchAdvisor
from sim.heart.circulation import ClosedLoop
from sim.visit.record import VisitRecord

VISIT_BEATS = 6700
SCENARIO = "first_visit"
SHORT_MIN, LONG_MIN = 5.0, 60.0
"""Observation, minutes: the beats between the two are nothing but beats."""


def rows() -> list[Row]:
    """Return every figure of this module."""
    return [*visit_rows(), *process_rows()]


def visit_rows() -> list[Row]:
    """Return what a visit costs once everything is compiled."""
    visit, n_beats = visit_timing({})
    short, n_short = visit_timing({"visit.observation_min": SHORT_MIN})
    long, n_long = visit_timing({"visit.observation_min": LONG_MIN})
    a_beat = (long - short) / (n_long - n_short)
    besides = visit - a_beat * n_beats
    around = visit / n_beats - kernel_timing()
    return [
        timed_row("visit of 6,700 beats", visit * (VISIT_BEATS / n_beats), "s", 0.45),
        timed_row("rhythm, device, reading, records, SimPy", around, "us/beat", 25.0),
        timed_row("a beat of the observation, all of it", a_beat, "us/beat"),
        timed_row("a visit besides its beats", besides, "s"),
        timed_row(f"the {SCENARIO} visit as it is, {n_beats} beats", visit, "s"),
    ]


def visit_timing(changes: dict[str, object]) -> tuple[Timing, int]:
    """Return what a visit takes with some values changed, and how many beats it has."""
    once = visit_maker(changes)
    return timed(once), once().beats.rows.shape[0]


def visit_maker(changes: dict[str, object]) -> Callable[[], VisitRecord]:
    """Return what plays the visit of the scenario, its patient solved beforehand."""
    scenario = load_scenario(SCENARIO).changed(changes)
    order = order_of(scenario, seed=7)
    task = task_of(scenario.search, scenario.device, order)
    return lambda: play(order, SearchAdvisor.at(order, task)).record


def kernel_timing() -> Timing:
    """Return what a beat of the scenario's heart takes, in the kernel alone."""
    patient = order_of(load_scenario(SCENARIO), seed=7).patient
    heart = ClosedLoop(patient.circulation)
    rr_s = 60.0 / patient.rhythm.heart_rate_bpm
    return timed(lambda: heart.beat(rr_s), calls=1000)


def process_rows() -> list[Row]:
    """Return what fresh processes take, and their children."""
    command = Path(sys.executable).with_name("ccmlab")
    with TemporaryDirectory() as folder:
        run = [command, "run", SCENARIO, "--quiet", "--out", f"{folder}/run", "--force"]
        first = "first visit in a fresh process, warm cache"
        return [
            timed_row("import sim", imported("sim"), "s", 0.25),
            timed_row("import harness", imported("harness"), "s", 0.3),
            timed_row("ccmlab --help", timed_process([command, "--help"]), "s", 0.3),
            timed_row(first, timed_process(run), "s", 3.0),
        ]


def imported(package: str) -> Timing:
    """Return what a fresh process takes that does nothing but import."""
    return timed_process([sys.executable, "-c", f"import {package}"])
