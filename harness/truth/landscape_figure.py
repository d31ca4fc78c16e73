"""The figure of a landscape: utility along each axis of the search."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from harness.common.drawing import FAINT, INK, drawn
from harness.common.words import axis_words
from harness.truth.landscape import Landscape
from optimizers.space import Point
from sim.device.lattice import place_of, value_at

_HEIGHT_IN: Final = 2.7


def landscape_figure(found: Landscape, *, width: str) -> Figure:
    """Return the figure for a journal, a panel for each axis that has two values.

    A panel shows the best that the other axes allow at each value, and what is had
    with the others as in the reference.
    """
    axes_shown = [i for i, axis in enumerate(found.space.axes) if len(axis.values) > 1]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(axes_shown), sharey=True, squeeze=False)[0]
        for panel, place in zip(panels, axes_shown, strict=True):
            _panel(panel, found, place)
        panels[0].set_ylabel("utility, % of the readout")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=4)

    return drawn(draw, height_in=_HEIGHT_IN, width=width)


def _panel(panel: Axes, found: Landscape, place: int) -> None:
    axis, column = found.space.axes[place], found.points[:, place]
    values = np.array(axis.values)
    worth = np.where(found.tolerated, found.utility_pct, np.nan)
    best = [_highest(worth[column == i]) for i in range(len(values))]
    panel.axhline(found.off_gain_pct, color=INK, linestyle=":", label="CCM off")
    panel.plot(values, best, "-", color=INK, label="others at their best")
    own = _along(found, place)
    panel.plot(values, own, "--", color=FAINT, label="others as in the reference")
    top = found.row(found.best)
    panel.plot(
        [values[column[top]]], [worth[top]], "D", color=INK, label="best tolerated"
    )
    panel.set_xlabel(axis_words(axis.name))
    if isinstance(value_at(axis.name, axis.values[0]), str):
        names = [str(value_at(axis.name, value)) for value in axis.values]
        panel.set_xticks(values, names)


def _along(found: Landscape, place: int) -> NDArray[np.float64]:
    """Return the utility at each value of an axis, nan where it is not allowed."""
    names, reference = found.space.names, found.reference
    start = found.space.nearest([place_of(n, getattr(reference, n)) for n in names])
    own = np.full(len(found.space.axes[place].values), np.nan)
    for index in range(own.size):
        point: Point = (*start[:place], index, *start[place + 1 :])
        if found.space.contains(point):
            own[index] = found.utility_pct[found.row(point)]
    return own


def _highest(values: NDArray[np.float64]) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else np.nan
