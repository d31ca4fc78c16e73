"""The figure of a sweep: what each patient shows over one setting, and the median."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from harness.common.drawing import FAINT, INK, drawn
from harness.common.tidy import TidyTable
from harness.common.words import axis_words
from sim.sources import unit_of

STROKES: Final = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))
"""Medians differ by line and marker: the figure is printed in grey."""
LABELS: Final = {
    "window_gain_pct": "true gain over the device as found, %",
    "gain_pct": "gain read in visits, %",
}
_HEIGHT_IN: Final = 2.9
_MOST_GROUPS: Final = 8


def sweep_figure(
    table: TidyTable, varied: Sequence[str], measured: str, *, width: str
) -> Figure:
    """Return the figure of a column over the first varied setting.

    A grey line is one patient, a black one the median of all; with further settings
    each of their combinations has its own median, eight at most.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        groups = list(_groups(table, varied[1:]))[:_MOST_GROUPS]
        for (told, rows), stroke in zip(groups, cycle(STROKES), strict=False):
            if len(groups) == 1:
                _patients(axes, rows, varied[0], measured)
            _median(axes, rows, varied[0], measured, stroke=stroke, told=told)
        axes.axhline(0.0, color=INK, linewidth=0.6, zorder=0)
        axes.set_xlabel(axis_words(varied[0]))
        axes.set_ylabel(LABELS[measured])
        axes.legend(loc="best")

    return drawn(draw, height_in=_HEIGHT_IN, width=width)


def _groups(table: TidyTable, others: Sequence[str]) -> Iterator[tuple[str, TidyTable]]:
    """Yield the rows of each combination of the other settings, with its label."""
    keys = list(zip(*(table[name].tolist() for name in others), strict=True))
    if not keys:
        yield f"median of {np.unique(table['patient']).size}", table
        return
    for key in dict.fromkeys(keys):
        pairs = zip(others, key, strict=True)
        told = ", ".join(f"{_value(name, value)}" for name, value in pairs)
        yield told, table.where(np.array([other == key for other in keys]))


def _value(name: str, value: Any) -> str:
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{number} {unit_of(name)}".rstrip()


def _patients(axes: Axes, table: TidyTable, name: str, measured: str) -> None:
    for number in np.unique(table["patient"]):
        own = table.where(table["patient"] == number)
        axes.plot(own[name], own[measured], color=FAINT, linewidth=0.6, alpha=0.7)


def _median(
    axes: Axes,
    table: TidyTable,
    name: str,
    measured: str,
    *,
    stroke: tuple[str, str],
    told: str,
) -> None:
    places = np.unique(table[name])
    median = [_middle(table[measured][table[name] == place]) for place in places]
    line, marker = stroke
    axes.plot(places, median, line, marker=marker, color=INK, markersize=4, label=told)


def _middle(values: NDArray[np.float64]) -> float:
    read = values[np.isfinite(values)]
    return float(np.median(read)) if read.size else np.nan
