"""The figure of single patients: what each gained for good, and who was harmed."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import BLUE, FAINT, INK, VERMILION, new_figure
from harness.study.judging.cells import Cell
from harness.study.judging.strokes import shown_name

ROW_IN: Final = 1.7


def waterfall_figure(cells: Sequence[Cell]) -> Figure:
    """Draw the true gain of the permanent settings, patients sorted, a row a contender.

    Harmed patients are vermilion with a cross below; a grey dash tells what each could
    have gained.
    """
    figure = new_figure(0.5 + ROW_IN * len(cells))
    rows = figure.subplots(len(cells), 1, sharey=True, squeeze=False)[:, 0]
    for axes, cell in zip(rows, cells, strict=True):
        _bars(axes, cell)
    rows[-1].set_xlabel("patients, by what they gained")
    figure.supylabel("true gain for good over the reference, %", fontsize=9.0)
    return figure


def _bars(axes: Axes, cell: Cell) -> None:
    gain = cell.per_patient("final_gain_pct")
    attainable = cell.per_patient("attainable_gain_pct")
    harmed = cell.per_patient("harmed") > 0.0
    order = np.lexsort((-attainable, harmed, -gain))
    x = np.arange(order.size)
    hurt = harmed[order]
    axes.plot(x, attainable[order], "_", color=FAINT, markersize=5)
    axes.bar(
        x, gain[order], width=0.85, color=np.where(hurt, VERMILION, BLUE), linewidth=0
    )
    axes.axhline(0.0, color=INK, linewidth=0.8)
    under = np.minimum(gain[order][hurt], 0.0) - 0.35
    axes.plot(x[hurt], under, "x", color=VERMILION, markersize=4)
    axes.set_xticks([])
    axes.set_xlim(-0.8, order.size - 0.2)
    axes.set_title(_title(shown_name(cell.contender), cell), loc="left")


def waterfall_words(cell: Cell) -> str:
    """Return what the figure shows of one contender."""
    return _title(cell.contender, cell)


def _title(name: str, cell: Cell) -> str:
    gained = int(np.count_nonzero(cell.per_patient("final_gain_pct") > 0.0))
    harmed = int(np.count_nonzero(cell.per_patient("harmed") > 0.0))
    return f"{name}: {gained} of {cell.patients.size} gained, {harmed} harmed"
