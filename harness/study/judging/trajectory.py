"""What would have been chosen at each minute of the searches of one cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import FloatArray
from harness.study.judging.outcomes import TARGETS
from harness.study.judging.reading import Columns
from harness.truth.landscape import FLAT_PCT
from sim.units import PCT_PER_FRAC

_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Evaluations:
    """The evaluations of a study, found by the key of their visit."""

    table: Columns
    places: Mapping[str, slice] = field(repr=False)

    def of(self, key: str, name: str) -> FloatArray:
        """Return one column of one visit, in order; empty where it has none."""
        column: FloatArray = self.table[name][self.places.get(key, slice(0))]
        return column


def evaluations_by_visit(table: Columns) -> Evaluations:
    """Find the rows of each visit; the table must be ordered by key."""
    keys, starts = np.unique(table["key"].astype(str), return_index=True)
    stops = np.append(starts, table["key"].size)[1:]
    places = zip(keys.tolist(), starts.tolist(), stops.tolist(), strict=True)
    return Evaluations(table, {key: slice(a, b) for key, a, b in places})


def regret_over_minutes(
    cell: Cell, evaluations: Evaluations, minutes: FloatArray
) -> FloatArray:
    """Return the regret of each patient's choice had the search ended then.

    Before the first observation, and in a visit that came to nothing, it is the
    reference's. Replicates are averaged.

    Returns
    -------
    (patients, minutes)
    """
    start = cell.of("reference_regret_pct")
    sums = np.zeros((cell.patients.size, minutes.size))
    for row, place in enumerate(cell.place):
        column = (evaluations, "incumbent_regret_pct")
        sums[place] += _chosen(cell, row, column, minutes, float(start[row]))
    return np.asarray(sums / np.bincount(cell.place)[:, None])


def solved_over_minutes_pct(
    cell: Cell, evaluations: Evaluations, minutes: FloatArray
) -> FloatArray:
    """Return the share of (visit, target) pairs solved, had the search ended then.

    Solved is a choice with at least the target's share of the attainable gain. A hit
    that the search gives up again counts only while it lasts. Patients with nothing to
    gain are left out.

    Returns
    -------
    (minutes,)
        Percent; nan without such patients.
    """
    attainable = cell.of("attainable_gain_pct")
    rows = np.flatnonzero(attainable >= FLAT_PCT)
    if not rows.size:
        return np.full(minutes.size, np.nan)
    solved = np.zeros(minutes.size)
    for row in rows.tolist():
        gain = _chosen(cell, row, (evaluations, "incumbent_gain_pct"), minutes, 0.0)
        share = gain / float(attainable[row])
        solved += np.sum([share >= target - _ROUNDING for target in TARGETS], axis=0)
    return np.asarray(PCT_PER_FRAC * solved / (rows.size * len(TARGETS)))


def _chosen(
    cell: Cell,
    row: int,
    column: tuple[Evaluations, str],
    minutes: FloatArray,
    start: float,
) -> FloatArray:
    """Return a column of the choice at each minute; `start` before there is one."""
    key, (evaluations, name) = cell.of("key")[row], column
    spent = evaluations.of(key, "minutes")
    if not cell.done[row] or not spent.size:
        return np.full(minutes.size, start)
    known = np.concatenate([[start], evaluations.of(key, name)])
    return np.asarray(known[np.searchsorted(spent, minutes, side="right")])
