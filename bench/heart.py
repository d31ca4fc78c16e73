"""Speed of the heart kernels, each figure beside its budget (DESIGN.md section 8).

CPU time of this process on one core, median; run with `python -m bench.heart` or
`python bench/heart.py` from the top folder.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sim.heart.batch import HeartBatch, settle_batch
from sim.heart.circulation import BEAT_FIELDS, Heart
from sim.heart.parameters import HFREF, NORMAL, FloatArray
from sim.heart.settle import settle

US_PER_NS = 1e-3


def median_us(work: Callable[[], object], n_runs: int) -> float:
    """Return the median CPU time of one call, microseconds."""
    work()
    spans = []
    for _ in range(n_runs):
        start = time.process_time_ns()
        work()
        spans.append(time.process_time_ns() - start)
    return float(np.median(spans)) * US_PER_NS


def show(what: str, value: float, budget: float | None, unit: str = "us") -> None:
    """Print one figure and whether it keeps to its budget."""
    verdict = ""
    if budget is not None:
        verdict = f"  budget {budget:g} {unit}  {'ok' if value <= budget else 'OVER'}"
    print(f"{what:<52}{value:10.2f} {unit}{verdict}")


def main() -> None:
    """Measure and print."""
    start = time.process_time()
    Heart(HFREF).beat(HFREF.rr_s)
    show("first beat: compile or load", time.process_time() - start, None, "s")
    for name, circulation in (("HFrEF, 74/min", HFREF), ("normal, 68/min", NORMAL)):
        heart, row = Heart(circulation), np.empty(len(BEAT_FIELDS))
        rr_s = circulation.rr_s

        def beat(
            heart: Heart = heart, rr_s: float = rr_s, row: FloatArray = row
        ) -> object:
            return heart.beat(rr_s, out=row)

        for _ in range(50):
            beat()
        show(f"one beat, 1 ms, {name}", median_us(beat, 2000), 33.0)
    rng = np.random.default_rng(1)
    for n in (8, 64):
        batch = HeartBatch([HFREF] * n)
        contractility = np.linspace(0.9, 1.2, n)
        rr_s = HFREF.rr_s * rng.normal(1.0, 0.03, n)

        def same(batch: HeartBatch = batch, c: FloatArray = contractility) -> object:
            return batch.beat(HFREF.rr_s, contractility=c)

        def own(batch: HeartBatch = batch, rr_s: FloatArray = rr_s) -> object:
            return batch.beat(rr_s)

        show(f"batch of {n}, settings, a beat", median_us(same, 300) / n, 10.0)
        show(f"batch of {n}, own intervals, a beat", median_us(own, 300) / n, 10.0)
    show("settle, one patient", median_us(lambda: settle(HFREF), 50), None)
    many = [HFREF] * 64
    show("settle, batch of 64", median_us(lambda: settle_batch(many), 3) / 64, None)


if __name__ == "__main__":
    main()
