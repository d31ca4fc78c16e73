"""Verdicts against the truth: a small table of counts, and the rates that matter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.study.judging.cells import BoolArray, Cell
from harness.study.judging.numbers import Estimate, rate_pct
from harness.truth.landscape import FLAT_PCT

VERDICTS: Final = ("improved", "no difference shown", "harmful", "stopped", "none")
TRUTHS: Final = ("relevant gain", "smaller gain", "no gain")


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of visits: a row for each of `TRUTHS`, a column for each of `VERDICTS`."""

    counts: tuple[tuple[int, ...], ...]

    @property
    def n_visits(self) -> int:
        """All visits of the table."""
        return sum(map(sum, self.counts))


NO_VISITS: Final = Confusion(((0,) * len(VERDICTS),) * len(TRUTHS))


def confusion(cell: Cell) -> Confusion:
    """Count what the visits said, by what is true of their candidate."""
    said = _said(cell)
    return Confusion(
        tuple(
            tuple(int(np.count_nonzero(true & says)) for says in said.values())
            for true in _true(cell).values()
        )
    )


def verdict_rates(cell: Cell) -> Mapping[str, Estimate]:
    """Return how often the verdicts are right, wrong and cover the truth."""
    said, patients = _said(cell), cell.of("patient")
    improved = said["improved"]
    changed = improved | said["harmful"]  # whose candidate is CCM off
    truth = _true(cell)
    relevant, none = truth["relevant gain"], truth["no gain"]
    null = cell.of("attainable_gain_pct") < FLAT_PCT
    has, holds = _intervals(cell)

    def among(hits: BoolArray, whom: BoolArray) -> Estimate:
        return rate_pct(hits[whom], patients[whom])

    everybody = np.ones_like(improved)
    return {
        "verdict_right_pct": among(changed == relevant, everybody),
        "improved_pct": among(improved, everybody),
        "found_pct": among(changed, relevant),
        "wrong_improved_pct": among(none, improved),
        "null_improved_pct": among(improved, null),
        "stopped_pct": among(_said(cell)["stopped"], everybody),
        "coverage_pct": among(holds, has),
        "coverage_improved_pct": among(holds, has & improved),
    }


def _said(cell: Cell) -> dict[str, BoolArray]:
    verdict, done = cell.of("verdict"), cell.done
    improved = done & np.asarray(verdict == "improved")
    stopped = done & np.asarray(verdict == "stopped for safety")
    nothing = done & np.isin(verdict, ("equivalent", "inconclusive"))
    harmful = done & np.asarray(verdict == "harmful as found")
    none = ~(improved | stopped | nothing | harmful)
    found = (improved, nothing, harmful, stopped, none)
    return dict(zip(VERDICTS, found, strict=True))


def _true(cell: Cell) -> dict[str, BoolArray]:
    gain = cell.of("candidate_gain_pct")
    relevant, none = gain >= cell.of("least_relevant_gain_pct"), ~(gain > 0.0)
    return dict(zip(TRUTHS, (relevant, ~relevant & ~none, none), strict=True))


def _intervals(cell: Cell) -> tuple[BoolArray, BoolArray]:
    low, high = cell.of("ci95_low_pct"), cell.of("ci95_high_pct")
    gain = cell.of("candidate_gain_pct")
    has = cell.done & np.isfinite(low) & np.isfinite(high)
    return has, has & (low <= gain) & (gain <= high)
