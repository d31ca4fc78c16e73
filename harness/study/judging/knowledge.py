"""What is known beforehand, and what it is worth: gaps closed from stay to told.

A search that is told the law of its patient is a ceiling: nobody has that knowledge.
One that knows all laws but the patient's shows what is left of a prior where it is
wrong.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.study.judging.board import TOLD
from harness.study.judging.cells import Cell
from harness.study.judging.laws import column_of
from harness.study.judging.numbers import Estimate, mean, ratio
from harness.study.judging.sheets import SheetColumn, TidySheet, Value
from sim.units import PCT_PER_FRAC

GAP_PCT: Final = 10.0
"""Share of the span from which the gap of a law is worth telling."""


def knowledge_sheet(cells: Sequence[Cell]) -> TidySheet:
    """Return points lost by what is known, and the gap closed where one is told.

    The gap is what keeping the reference loses less what the told search loses, on the
    patients that both saw; of several told ones the best is the ceiling.
    """
    ceiling = ceiling_of(cells)
    laws = sorted({law for one in cells for law in laws_of(one)})
    rows = [_row(one, ceiling, laws) for one in cells]
    who = f" ({ceiling.contender})" if ceiling else ""
    return TidySheet(
        "knowledge",
        "What is known beforehand, and the gap it closes",
        "The gap lies between what is lost by keeping what was found and by the search "
        f"told the patient's law{who}: 0 % is staying, 100 % that ceiling. Sums over "
        "sums, over all and law by law; told of no law whose gap is below "
        f"{GAP_PCT:g} % of the span. Other laws: all but the patient's, a prior where "
        "it is wrong.",
        (
            SheetColumn("contender", "Contender"),
            SheetColumn("knows", "Knows beforehand"),
            SheetColumn("points_lost", "Points lost, mean", "Mean over patients."),
            SheetColumn("share_pct", "Of the span, %", "Sum over sum.", 1),
            SheetColumn("closed_pct", "Gap closed, %", "From staying to told.", 0),
            *(
                SheetColumn(_closed(law), f"{law}, %", "Gap closed under it.", 0)
                for law in laws
            ),
        ),
        tuple(rows),
    )


def ceiling_of(cells: Sequence[Cell]) -> Cell | None:
    """Return the contender that is told the law and loses least; None without one."""
    told = [one for one in cells if str(one.of("knows")[0]) == TOLD]
    lost = [float(np.nanmean(one.per_patient("points_lost"))) for one in told]
    return told[int(np.argmin(lost))] if told else None


def _closed(law: str) -> str:
    return column_of(law).replace("share_pct", "closed_pct")


def _row(own: Cell, ceiling: Cell | None, laws: Sequence[str]) -> dict[str, Value]:
    lost, span = own.per_patient("points_lost"), own.per_patient("span_points")
    told = np.isfinite(lost) & np.isfinite(span)
    row: dict[str, Value] = {
        "contender": own.contender,
        "knows": str(own.of("knows")[0]),
        "points_lost": mean(lost[told]),
        "share_pct": ratio(lost[told], span[told]).times(PCT_PER_FRAC),
    }
    if ceiling is None:
        return row
    families = laws_of(own)
    row["closed_pct"] = gap_closed_pct(own, ceiling)
    for law in laws:
        whom = own.patients[families == law]
        row[_closed(law)] = gap_closed_pct(own, ceiling, whom, least_pct=GAP_PCT)
    return row


def laws_of(cell: Cell) -> NDArray[np.str_]:
    """Return the law of each patient of a cell, (len(patients),)."""
    first = np.unique(cell.place, return_index=True)[1]
    return np.asarray(cell.of("family")[first].astype(str))


def gap_closed_pct(
    own: Cell,
    ceiling: Cell,
    whom: NDArray[np.int64] | None = None,
    *,
    least_pct: float = 0.0,
) -> Estimate:
    """Return the share of the gap from staying to the ceiling that a contender closes.

    Parameters
    ----------
    own, ceiling
        Cells of one plan and budget.
    whom
        Numbers of the patients; all that both saw by default.
    least_pct
        Share of the span below which a gap is too small to be told.
    """
    both = np.intersect1d(own.patients, ceiling.patients)
    if whom is not None:
        both = np.intersect1d(both, whom)
    at = np.searchsorted(own.patients, both)
    there = np.searchsorted(ceiling.patients, both)
    lost = own.per_patient("points_lost")[at]
    stay = own.per_patient("reference_points_lost")[at]
    span = own.per_patient("span_points")[at]
    best = ceiling.per_patient("points_lost")[there]
    known = np.isfinite(lost + stay + span + best)
    saved, gap = (stay - lost)[known], (stay - best)[known]
    if not saved.size or gap.sum() <= least_pct / PCT_PER_FRAC * span[known].sum():
        return Estimate()
    return ratio(saved, gap).times(PCT_PER_FRAC)
