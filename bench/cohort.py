"""Speed of cohorts: patients drawn and solved, written and read."""

import tempfile
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np

from bench.report import Row, timed_row
from bench.timing import timed
from harness.evidence.cohort_table import read_cohort, write_cohort
from sim.patient import sample_cohort

_N = 1000


def rows() -> list[Row]:
    """Measure drawing with solving, and both kinds of table."""
    drawn = timed(lambda: sample_cohort(_N, np.random.default_rng(1)))
    cohort = sample_cohort(_N, np.random.default_rng(1))
    found = [timed_row(f"{_N} patients drawn and solved", drawn, "s", 60)]
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("csv", "parquet"):
            path = Path(folder) / f"cohort.{ending}"
            written = timed(partial(write_cohort, cohort, path))
            read = timed(partial(read_cohort, path))
            found.append(timed_row(f"written as {ending}", written, "ms"))
            found.append(timed_row(f"read from {ending}", read, "ms"))
    share = 100.0 * cohort.n_redrawn / _N
    missed = 100.0 * mean(not member.dbp_met for member in cohort.members)
    found.append(Row("draws refused, of 100 patients", share, "draws"))
    found.append(Row("patients whose diastolic pressure is not met", missed, "%"))
    return found
