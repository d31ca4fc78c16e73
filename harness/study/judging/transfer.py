"""Searches that are told of earlier patients, beside the same ones told of nobody.

What others showed may mislead: who loses more by it, how many and in which laws, is
named, however the mean turns out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.study.judging.cells import Cell
from harness.study.judging.knowledge import laws_of
from harness.study.judging.numbers import (
    Estimate,
    FloatArray,
    mean,
    mean_of_lowest,
    rate_pct,
    sign_flip_p,
)
from harness.study.judging.paired import MARGIN_POINTS
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from harness.study.judging.twins import on_both, twins

HISTORY: Final = "history"
BY: Final = "history_by"
WORST: Final = 0.05
NO_LAW: Final = "none shown"


def transfer_sheet(
    cells: Sequence[Cell], contenders: Sequence[Mapping[str, Any]]
) -> TidySheet:
    """Return what it is worth to be told of earlier patients.

    Parameters
    ----------
    cells
        Contenders of one plan and budget, on one group of patients.
    contenders
        As the study's file has them, by their labels.
    """
    by_name = {one.contender: one for one in cells}
    rows = [
        _row(by_name[str(own["label"])], by_name[beside], own)
        for own, beside in twins(contenders, HISTORY, BY)
        if str(own["label"]) in by_name and beside in by_name
    ]
    return TidySheet(
        "transfer",
        "What earlier patients teach",
        "Each search that is told what was seen in earlier patients of a study, beside "
        "the same one that is not, on the same patients: points of utility saved, p of "
        "a two-sided sign-flip test, how many patients it saves or costs at least "
        f"{MARGIN_POINTS:g} points, the mean of the {WORST:.0%} whom it costs most. "
        "Negative transfer: the laws under which the 95 % interval of what is saved "
        "lies below 0.",
        (
            SheetColumn("contender", "Contender"),
            SheetColumn("beside", "Beside"),
            SheetColumn("told_of", "Told of"),
            SheetColumn("saved", "Points saved, mean", "Above 0 history helps.", 3),
            SheetColumn("p", "p", "Of no difference.", 4, is_p=True),
            SheetColumn("helped_pct", "Helped, %", "Patients; Wilson interval.", 0),
            SheetColumn("misled_pct", "Misled, %", "Patients; Wilson interval.", 0),
            SheetColumn("worst_saved", "The worst, mean", "Below 0 it costs them.", 2),
            SheetColumn("negative", "Negative transfer"),
        ),
        tuple(rows),
    )


def _row(own: Cell, beside: Cell, told: Mapping[str, Any]) -> dict[str, Value]:
    mine, theirs = on_both(own, beside, "points_lost")
    saved = theirs - mine
    each = np.arange(saved.size)
    return {
        "contender": own.contender,
        "beside": beside.contender,
        "told_of": f"{told[HISTORY]} earlier, seen by {told.get(BY, 'sobol')}",
        "saved": mean(saved),
        "p": sign_flip_p(saved),
        "helped_pct": rate_pct(saved >= MARGIN_POINTS, each),
        "misled_pct": rate_pct(saved <= -MARGIN_POINTS, each),
        "worst_saved": mean_of_lowest(saved, WORST),
        "negative": ", ".join(_negative(own, beside)) or NO_LAW,
    }


def _negative(own: Cell, beside: Cell) -> list[str]:
    """Return the laws under which being told costs more than chance may explain."""
    found = []
    families = laws_of(own)
    for law in sorted(set(families.tolist())):
        whom = own.patients[families == law]
        if _saved_of(own, beside, whom).high < 0.0:
            found.append(law)
    return found


def _saved_of(own: Cell, beside: Cell, whom: NDArray[np.int64]) -> Estimate:
    both = np.intersect1d(np.intersect1d(own.patients, beside.patients), whom)
    mine, theirs = (_at(one, both) for one in (own, beside))
    saved = theirs - mine
    return mean(saved[np.isfinite(saved)])


def _at(cell: Cell, whom: NDArray[np.int64]) -> FloatArray:
    return cell.per_patient("points_lost")[np.searchsorted(cell.patients, whom)]
