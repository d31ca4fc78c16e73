"""Speed of the heart kernels, each figure beside its budget (DESIGN.md section 8).

CPU time of this process on one core, median of many calls: `python -m bench heart`.
"""

import time
from collections.abc import Callable

import numpy as np

from bench.report import Row
from sim.heart.batch import ClosedLoopBatch, repeating_beats
from sim.heart.circulation import BEAT_FIELDS, ClosedLoop
from sim.heart.parameters import HFREF, NORMAL, Circulation
from sim.heart.repeating import repeating_beat

US_PER_NS = 1e-3
LANES = 64


def rows() -> list[Row]:
    """Return every figure of this module."""
    patients = (("HFrEF, 74/min", HFREF), ("normal, 68/min", NORMAL))
    return [
        *(Row(f"a beat, {name}", beat_us(who), "us", 33.0) for name, who in patients),
        *batch_rows(),
        Row("settling one patient", median_us(lambda: repeating_beat(HFREF), 50), "us"),
        Row("settling a patient of a batch", settled_us(), "us"),
    ]


def median_us(work: Callable[[], object], n_runs: int) -> float:
    """Return the median CPU time of one call, microseconds."""
    work()
    spans = []
    for _ in range(n_runs):
        start = time.process_time_ns()
        work()
        spans.append(time.process_time_ns() - start)
    return float(np.median(spans)) * US_PER_NS


def beat_us(circulation: Circulation) -> float:
    """Return the cost of one call of one heart."""
    heart, row, rr_s = (
        ClosedLoop(circulation),
        np.empty(len(BEAT_FIELDS)),
        circulation.rr_s,
    )
    for _ in range(50):
        heart.beat(rr_s)
    return median_us(lambda: heart.beat(rr_s, out=row), 2000)


def batch_rows() -> list[Row]:
    """Return the cost of a patient's beat in a batch of settings and of patients."""
    batch = ClosedLoopBatch([HFREF] * LANES)
    strength = np.linspace(0.9, 1.2, LANES)
    rr_s = HFREF.rr_s * np.random.default_rng(1).normal(1.0, 0.03, LANES)
    same = median_us(lambda: batch.beat(HFREF.rr_s, contractility=strength), 300)
    own = median_us(lambda: batch.beat(rr_s), 300)
    return [
        Row(f"a beat in a batch of {LANES} settings", same / LANES, "us", 10.0),
        Row(f"a beat in a batch of {LANES} intervals", own / LANES, "us", 10.0),
    ]


def settled_us() -> float:
    """Return the cost of settling per patient of a batch."""
    many = [HFREF] * LANES
    return median_us(lambda: repeating_beats(many), 3) / LANES
