"""A study as other benchmark tools see it: functions, instances, runs.

A function is one response family from one start, under one measuring plan and budget;
an instance is a patient, a run is one visit. What such tools plot against evaluations
is the true gain of the settings that were tested.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.common.files import check_name
from harness.study.tables import StudyTables
from harness.truth.landscape import FLAT_PCT
from optimizers.problem import INTOLERABLE_GRADE
from sim.visit.start import GIVEN

Columns = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Function:
    """One response family, plan, budget and start; `number` counts from 1."""

    number: int
    family: str
    plan: str
    budget_min: float
    start: str = GIVEN

    @property
    def name(self) -> str:
        """Name made of letters, digits and dashes."""
        named = "" if self.start == GIVEN else f"-{self.start}"
        return slug(f"{self.family}-{self.plan}-{self.budget_min:g}min{named}")


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One visit; each array is `(n,)`, one member for each evaluation.

    Attributes
    ----------
    instance
        Number of the patient, from 1; replicates of a patient share it.
    true_gain_pct
        Window gain of the tested settings; that of CCM off where the test was broken
        off or felt, since such settings cannot be kept.
    regret_frac
        The same as a share of what lies between off (1) and the highest gain (0).
    measured_pct
        Utility as read, nan where the test was broken off.
    minutes, unpleasant_events
        Spent by then.
    incumbent_gain_pct
        Window gain of what the recommender would have chosen by then.
    settings
        `(n, 3)`: amplitude (V), phase duration (ms), delay (ms).
    """

    instance: int
    true_gain_pct: NDArray[np.float64]
    regret_frac: NDArray[np.float64]
    measured_pct: NDArray[np.float64]
    minutes: NDArray[np.float64]
    unpleasant_events: NDArray[np.float64]
    incumbent_gain_pct: NDArray[np.float64]
    settings: NDArray[np.float64]

    @property
    def n_evaluations(self) -> int:
        """Number of evaluations."""
        return int(self.true_gain_pct.size)


AXES = ("amplitude_v", "phase_duration_ms", "delay_ms")


def slug(text: str) -> str:
    """Return text as a file name: letters, digits, dots and dashes alone.

    >>> slug("../gp (40 min)")
    'gp-40-min'
    """
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.") or "unnamed"


def contenders(tables: StudyTables) -> list[str]:
    """Return the labels of the contenders, sorted."""
    return sorted({str(label) for label in tables.visits["contender"]})


def functions(tables: StudyTables) -> list[Function]:
    """Return what the contenders were run on, in a fixed order."""
    visits = tables.visits
    names = ("family", "plan", "budget_min", "start")
    kinds = {
        (str(family), str(plan), float(budget), str(start))
        for family, plan, budget, start in zip(
            *(visits[name] for name in names), strict=True
        )
    }
    return [
        Function(number, *kind) for number, kind in enumerate(sorted(kinds), start=1)
    ]


def rows_by_key(evaluations: Columns) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each visit's evaluations, in their order."""
    order = np.lexsort((evaluations["number"], evaluations["key"]))
    keys, starts = np.unique(evaluations["key"][order], return_index=True)
    parts = np.split(order, starts[1:])
    return dict(zip((str(key) for key in keys), parts, strict=True))


def runs(
    tables: StudyTables,
    rows_of: Mapping[str, NDArray[np.intp]],
    contender: str,
    function: Function,
) -> Iterator[Trajectory]:
    """Yield the visits of one contender on one function that were evaluated at all.

    `rows_of` is what `rows_by_key` made of the study's evaluations.
    """
    visits = tables.visits
    chosen = (
        (visits["contender"] == contender)
        & (visits["family"] == function.family)
        & (visits["plan"] == function.plan)
        & (visits["budget_min"] == function.budget_min)
        & (visits["start"] == function.start)
    )
    rows = np.flatnonzero(chosen)
    order = np.lexsort((visits["replicate"][rows], visits["patient"][rows]))
    for row in rows[order]:
        own = rows_of.get(str(visits["key"][row]))
        if own is not None:
            yield _run(visits, int(row), tables.evaluations, own)


def _run(
    visits: Columns, row: int, evaluations: Columns, own: NDArray[np.intp]
) -> Trajectory:
    def column(name: str) -> NDArray[np.float64]:
        return np.asarray(evaluations[name][own], dtype=np.float64)

    off = float(visits["off_gain_pct"][row])
    best = float(visits["attainable_gain_pct"][row])
    kept = (evaluations["aborted"][own] == "") & (
        column("sensation_grade") < INTOLERABLE_GRADE
    )
    gain = np.where(kept, column("true_gain_pct"), off)
    span = best - off
    regret = (best - gain) / span if span >= FLAT_PCT else np.zeros_like(gain)
    return Trajectory(
        instance=int(visits["patient"][row]) + 1,
        true_gain_pct=gain,
        regret_frac=np.maximum(regret, 0.0),
        measured_pct=column("value_pct"),
        minutes=column("minutes"),
        unpleasant_events=column("unpleasant_events"),
        incumbent_gain_pct=column("incumbent_gain_pct"),
        settings=np.column_stack([column(name) for name in AXES]),
    )


def fresh_folder(folder: Path) -> Path:
    """Make a folder that is new or empty; a ValueError otherwise."""
    check_name(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} must be a new or empty folder, it holds something")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
