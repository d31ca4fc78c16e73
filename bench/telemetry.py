"""What strips cost: a sample of a trace, and a visit with all of them on the disk."""

import resource
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row, timed_row
from bench.timing import Timing, timed
from harness.archive.strips import recording_of, write_strips
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario
from sim.telemetry.channels import Recording
from sim.visit.record import VisitRecord

SCENARIO = "first_visit"
INVASIVE: dict[str, object] = {"visit.readout": "invasive-dpdt"}
LENGTHS: tuple[dict[str, object], ...] = (
    {
        "visit.titration_min": 5,
        "visit.observation_min": 5,
        "visit.verification_pairs": 4,
    },
    {
        "visit.titration_min": 20,
        "visit.observation_min": 10,
        "visit.verification_pairs": 6,
    },
    {
        "visit.titration_min": 120,
        "visit.observation_min": 60,
        "visit.verification_pairs": 20,
    },
)
IN_AF = "atrial_fibrillation"
HZ = 500
HOUR_S = 3600
PIECE_S = 60
MB_PER_BYTE = 1e-6


def rows() -> list[Row]:
    """Return the cost of synthesis, of files, and the memory that a visit takes."""
    record = run_scenario(load_scenario(SCENARIO).changed(INVASIVE)).record
    recording = recording_of(record, HZ)
    in_af = recording_of(run_scenario(load_scenario(IN_AF)).record, HZ)
    minutes = recording.end_s / 60.0
    with TemporaryDirectory() as folder:
        whole = timed(lambda: kept(record, "whole", Path(folder)))
        events = timed(lambda: kept(record, "events", Path(folder)))
    n_traces = len(recording.channels)
    files = f"{n_traces} traces at {HZ} Hz, WFDB and EDF+"
    return [
        timed_row(
            "synthesis, sinus rhythm", a_sample(recording), "ns/sample/lead", 50.0
        ),
        timed_row("synthesis, fibrillation", a_sample(in_af), "ns/sample/lead", 50.0),
        timed_row(f"90 min, {files}", whole * (90.0 / minutes), "s", 1.5),
        timed_row(f"60 min, {files}", whole * (60.0 / minutes), "s", 1.0),
        timed_row("strips around events of a visit", events, "s"),
        *(memory_row(length) for length in LENGTHS),
    ]


def memory_row(length: Mapping[str, object]) -> Row:
    """Return the most memory of a fresh process with a visit and all its strips."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        minutes, memory_mb = fresh.submit(visit_with_strips, dict(length)).result()
    return Row(f"most memory, visit of {minutes:.0f} min", memory_mb, "MB", 600.0)


def visit_with_strips(length: dict[str, object]) -> tuple[float, float]:
    """Play a visit, keep all its strips; return its minutes and the most memory, MB."""
    record = run_scenario(load_scenario(SCENARIO).changed(INVASIVE | length)).record
    with TemporaryDirectory() as folder:
        kept(record, "whole", Path(folder))
    return recording_of(record, HZ).end_s / 60.0, most_memory_mb()


def a_sample(recording: Recording) -> Timing:
    """Return CPU time of a sample of one trace, over an hour drawn in pieces."""
    pieces = range(0, HOUR_S * HZ, PIECE_S * HZ)

    def draw() -> None:
        for first in pieces:
            recording.counts(first, PIECE_S * HZ)

    n_samples = HOUR_S * HZ * len(recording.channels)
    return timed(draw) / n_samples


def kept(record: VisitRecord, keep: str, folder: Path) -> None:
    """Write strips as a run does, over those of the call before."""
    write_strips(record, folder, keep=keep, sampling_hz=HZ)  # type: ignore[arg-type]


def most_memory_mb() -> float:
    """Return the most memory that this process has had."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used * MB_PER_BYTE * (1 if sys.platform == "darwin" else 1024)
