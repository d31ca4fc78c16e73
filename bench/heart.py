"""Speed of the heart kernels, each figure beside its budget (DESIGN.md section 8)."""

from collections.abc import Callable

import numpy as np

from bench.report import Row, timed_row
from bench.timing import Loop, Timing, timed
from sim.heart.batch import ClosedLoopBatch, repeating_beats
from sim.heart.circulation import BEAT_FIELDS, ClosedLoop
from sim.heart.parameters import HFREF, NORMAL, Circulation
from sim.heart.repeating import repeating_beat

LANES = 64


def rows() -> list[Row]:
    """Return every figure of this module."""
    patients = (("HFrEF, 74/min", HFREF), ("normal, 68/min", NORMAL))
    one = compiled(lambda: repeating_beat(HFREF), calls=10)
    return [
        *(
            timed_row(f"a beat, {name}", beat(who), "us", 33.0)
            for name, who in patients
        ),
        *batch_rows(),
        timed_row("settling one patient", one, "us"),
        timed_row("settling a patient of a batch", settled(), "us"),
    ]


def compiled(work: Callable[[], object], *, calls: int) -> Timing:
    """Return what one call of a kernel takes, beside the compiled loop."""
    return timed(work, calls=calls, repeats=11, loop=Loop.COMPILED)


def beat(circulation: Circulation) -> Timing:
    """Return the cost of one call of one heart."""
    heart, row, rr_s = (
        ClosedLoop(circulation),
        np.empty(len(BEAT_FIELDS)),
        circulation.rr_s,
    )
    return compiled(lambda: heart.beat(rr_s, out=row), calls=1000)


def batch_rows() -> list[Row]:
    """Return the cost of a patient's beat in a batch of settings and of patients."""
    batch = ClosedLoopBatch([HFREF] * LANES)
    strength = np.linspace(0.9, 1.2, LANES)
    rr_s = HFREF.rr_s * np.random.default_rng(1).normal(1.0, 0.03, LANES)
    same = compiled(lambda: batch.beat(HFREF.rr_s, contractility=strength), calls=30)
    own = compiled(lambda: batch.beat(rr_s), calls=30)
    return [
        timed_row(f"a beat in a batch of {LANES} settings", same / LANES, "us", 10.0),
        timed_row(f"a beat in a batch of {LANES} intervals", own / LANES, "us", 10.0),
    ]


def settled() -> Timing:
    """Return the cost of settling per patient of a batch."""
    many = [HFREF] * LANES
    return compiled(lambda: repeating_beats(many), calls=1) / LANES
