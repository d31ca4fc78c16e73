"""The figures of a landscape: curves and a map of one patient, yardsticks of laws."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.figure import Figure

from harness.common.drawing import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    STYLE,
    VERMILION,
    new_figure,
    svg_file,
)
from harness.evidence.landscape.law_cell import BINS_PCT, LEAST_RULE_PCT
from harness.evidence.landscape.suite import Suite
from harness.evidence.landscape.survey import Survey
from sim.units import PCT_PER_FRAC

MARKS: Final = {
    "start": (INK, "D", "kept as found"),
    "factory": (BLUE, "o", "factory settings"),
    "textbook": (ORANGE, "P", "textbook rule"),
    "fitted": (VERMILION, "s", "best rule, fitted on this law"),
    "told": (GREEN, "^", "told search (idealised)"),
}
_BINS: Final = (BLUE, GREEN, ORANGE, VERMILION, PURPLE)
_HATCHES: Final = ("", "//", "..", "xx", "--")


@dataclass(frozen=True, slots=True)
class TruthFigure:
    """A figure: its file's name, what it shows, how to read it, the file."""

    name: str
    title: str
    caption: str
    svg: bytes


Parts = tuple[str, str, str, Figure]


def survey_figures(survey: Survey) -> tuple[TruthFigure, ...]:
    """Draw one patient's curves, and a map where two axes are searched."""
    return _drawn(_of_survey(survey))


def suite_figures(suite: Suite) -> tuple[TruthFigure, ...]:
    """Draw what the yardsticks give away under each law, and the factory's bins."""
    return _drawn(_of_suite(suite))


def _drawn(parts: Iterator[Parts]) -> tuple[TruthFigure, ...]:
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings must not change the bytes
        rcParams.update(STYLE)
        return tuple(
            TruthFigure(name, title, caption, svg_file(name, figure, title, caption))
            for name, title, caption, figure in parts
        )


def _of_survey(survey: Survey) -> Iterator[Parts]:
    yield (
        "curves",
        "Utility along each axis, through the best tolerated setting",
        "One axis varies, the others stay at the best tolerated setting. Filled: "
        "tolerated; open: not. Dashed: CCM off.",
        _curves(survey),
    )
    if len(survey.around.space.axes) > 1:
        yield (
            "map",
            "Utility over two axes, the others at the best tolerated setting",
            "Dots: not tolerated. Star: the best tolerated setting; diamond: as found. "
            "Empty: may not be programmed.",
            _map(survey),
        )


def _curves(survey: Survey) -> Figure:
    truth, space = survey.truth, survey.around.space
    figure = new_figure(2.6)
    panels: Any = figure.subplots(1, len(space.axes), sharey=True, squeeze=False)[0]
    best = np.array(truth.best)
    for place, (axes, axis) in enumerate(zip(panels, space.axes, strict=True)):
        others = np.delete(np.arange(best.size), place)
        rows = np.flatnonzero((truth.points[:, others] == best[others]).all(axis=1))
        x = np.array(axis.values)[truth.points[rows, place]]
        y, kept = truth.utility_pct[rows], truth.tolerated[rows]
        axes.plot(x, y, color=BLUE, linewidth=1.0)
        axes.plot(x[kept], y[kept], "o", color=BLUE, markersize=3.5)
        axes.plot(x[~kept], y[~kept], "o", color=BLUE, markersize=3.5, mfc="none")
        axes.axhline(truth.off_gain_pct, color=INK, linestyle="--", linewidth=0.8)
        axes.xaxis.get_major_locator().set_params(integer=not axis.unit)
        axes.set_xlabel(_label(axis.name, axis.unit))
    panels[0].set_ylabel("utility, points")
    return figure


def _map(survey: Survey) -> Figure:
    truth, space = survey.truth, survey.around.space
    across, up = _two(space.names)
    best = np.array(truth.best)
    fixed = [i for i in range(best.size) if i not in (across, up)]
    rows = np.flatnonzero((truth.points[:, fixed] == best[fixed]).all(axis=1))
    shape = (space.shape[up], space.shape[across])
    worth, felt = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    at = (truth.points[rows, up], truth.points[rows, across])
    worth[at], felt[at] = truth.utility_pct[rows], ~truth.tolerated[rows]
    figure = new_figure(3.4)
    axes = figure.add_subplot()
    x, y = (np.array(space.axes[place].values) for place in (across, up))
    shown = np.ix_(~np.isnan(worth).all(axis=1), ~np.isnan(worth).all(axis=0))
    x, y = x[shown[1].ravel()], y[shown[0].ravel()]
    # edges of their own colour: without, the page shines through between the cells
    drawn = axes.pcolormesh(
        x, y, worth[shown], cmap="cividis", shading="nearest", edgecolors="face"
    )
    dots = np.argwhere(felt[shown])
    axes.plot(x[dots[:, 1]], y[dots[:, 0]], ".", color=INK, markersize=2.5)
    for point, marker in ((truth.best, "*"), (survey.around.reference_point, "D")):
        axes.plot(
            [space.axes[across].values[point[across]]],
            [space.axes[up].values[point[up]]],
            marker,
            color="white",
            mec=INK,
            markersize=9,
        )
    axes.set_xlabel(_label(space.axes[across].name, space.axes[across].unit))
    axes.set_ylabel(_label(space.axes[up].name, space.axes[up].unit))
    bar = figure.colorbar(drawn, ax=axes)
    bar.set_label("utility, points")
    return figure


def _two(names: Sequence[str]) -> tuple[int, int]:
    """Return the axes of the map: delay across and amplitude up, where searched."""
    wanted = [name for name in ("delay_ms", "amplitude_v") if name in names]
    chosen = [*wanted, *(name for name in names if name not in wanted)][:2]
    return names.index(chosen[0]), names.index(chosen[1])


def _label(name: str, unit: str) -> str:
    words = name.removesuffix(f"_{unit.lower()}").removeprefix("n_").replace("_", " ")
    return f"{words}, {unit}" if unit else words


def _of_suite(suite: Suite) -> Iterator[Parts]:
    for start in dict.fromkeys(cell.start for cell in suite.cells):
        yield (
            f"yardsticks-{start}",
            f"What is given away under each law, start {start}",
            "Median share of the span over patients whose span is a point or more, "
            f"with its 95 % bootstrap interval. Dashed: the {LEAST_RULE_PCT:g} % from "
            "which a law is worth searching.",
            _yardsticks(suite, start),
        )
        yield (
            f"factory-{start}",
            f"Share of the span that the factory settings give away, start {start}",
            "Share of the patients whose span is a point or more, in bins of what the "
            "factory settings, brought down to what is tolerated, give away.",
            _factory(suite, start),
        )


def _yardsticks(suite: Suite, start: str) -> Figure:
    cells = [cell for cell in suite.cells if cell.start == start]
    figure = new_figure(1.2 + 0.62 * len(cells))
    axes = figure.add_subplot()
    for place, (name, (color, marker, label)) in enumerate(MARKS.items()):
        shift = (place - (len(MARKS) - 1) / 2.0) * 0.15
        for row, cell in enumerate(cells):
            found = cell.lost[name].median_pct
            if found.known:
                axes.plot([found.low, found.high], [row + shift] * 2, color=color)
                axes.plot([found.value], [row + shift], marker, color=color, ms=5)
        axes.plot([], [], marker, color=color, label=label)
    axes.axvline(LEAST_RULE_PCT, color=FAINT, linestyle="--", linewidth=0.9)
    axes.set_yticks(range(len(cells)), [cell.label for cell in cells])
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.set_xlabel("given away, median share of the span, %")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return figure


def _factory(suite: Suite, start: str) -> Figure:
    cells = [cell for cell in suite.cells if cell.start == start]
    figure = new_figure(1.4 + 0.4 * len(cells))
    axes = figure.add_subplot()
    left = np.zeros(len(cells))
    counts = np.array([cell.binned for cell in cells], dtype=np.float64)
    shares = PCT_PER_FRAC * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    for place, words in enumerate(bin_words()):
        axes.barh(
            np.arange(len(cells)),
            shares[:, place],
            left=left,
            label=words,
            color=_BINS[place],
            hatch=_HATCHES[place],
            edgecolor=INK,
            linewidth=0.4,
        )
        left += shares[:, place]
    axes.set_yticks(range(len(cells)), [cell.label for cell in cells])
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.set_xlabel("patients, %")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
    return figure


def bin_words() -> list[str]:
    """Return the bins of what the factory settings give away, in words."""
    ends = (0.0, *BINS_PCT)
    inside = [f"{low:g} to {high:g} %" for low, high in pairwise(ends)]
    return [*inside, f"over {BINS_PCT[-1]:g} %"]
