"""What would have been lost had each search ended after so many readings."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from harness.study.judging.cells import Cell
from harness.study.judging.numbers import FloatArray, quantiles
from harness.study.judging.outcomes import MEDIAN, known
from harness.study.judging.rechoosing import FREE
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from harness.study.judging.trajectory import Evaluations

READINGS: Final = (5, 10, 20, 40)


def readings_sheet(cells: Sequence[Cell], evaluations: Evaluations) -> TidySheet:
    """Return each contender's median regret after some numbers of readings.

    A number that no search of a contender reached is left out of its row.
    """
    rows: list[dict[str, Value]] = []
    for one in cells:
        row: dict[str, Value] = {"contender": one.contender}
        for n in READINGS:
            regret, reached = regret_after(one, evaluations, n)
            if reached:
                row[f"regret_{n}_pct"] = quantiles(known(regret), MEDIAN)[0]
        if len(row) > 1:
            rows.append(row)
    return TidySheet(
        "readings",
        "If fewer readings had to do",
        "Median regret of what would have been chosen, behind the gate, after so many "
        "readings; of a search that ended before, its last choice. The reference that "
        "is known without a test is no reading. Searches planned for their own budget.",
        (
            SheetColumn("contender", "Contender"),
            *(
                SheetColumn(f"regret_{n}_pct", f"After {n}, %", "Median regret.", 1)
                for n in READINGS
            ),
        ),
        tuple(rows),
    )


def regret_after(
    cell: Cell, evaluations: Evaluations, n: int
) -> tuple[FloatArray, bool]:
    """Return each patient's regret after n readings, and if any search had as many.

    Before the first reading, and in a visit that came to nothing, it is that of the
    reference.
    """
    regret: FloatArray = cell.of("reference_regret_pct").astype(np.float64)
    reached = False
    for row in np.flatnonzero(cell.done):
        key = cell.of("key")[row]
        read = evaluations.of(key, "ended") != FREE
        within = np.flatnonzero(np.cumsum(read) <= n)
        reached |= int(np.count_nonzero(read)) >= n
        if within.size:
            chosen = evaluations.of(key, "incumbent_regret_pct")
            regret[row] = chosen[within[-1]]
    told = replace(cell, visits={"regret_then_pct": regret})
    return told.per_patient("regret_then_pct"), reached
