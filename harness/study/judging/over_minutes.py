"""Two figures over patient minutes: regret, and targets solved."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

from harness.common.drawing import INK, new_figure
from harness.study.judging.board import Judged
from harness.study.judging.cells import Cell
from harness.study.judging.numbers import FloatArray
from harness.study.judging.paired import KEPT
from harness.study.judging.strokes import BASELINE, OTHER, Label, Stroke, end_labels
from harness.study.judging.trajectory import (
    Evaluations,
    regret_over_minutes,
    solved_over_minutes_pct,
)

HEIGHT_IN: Final = 4.0
STEP_MIN: Final = 0.5
FEWEST: Final = 6
"""Patients from which the extremes hold the median 95 % of the time."""
_LIMITS: Final = (0.025, 0.975)


def grid_min(cells: Sequence[Cell]) -> FloatArray:
    """Return the minutes at which searches are looked at."""
    longest = max(cell.budget_min for cell in cells)
    return np.arange(0.0, longest + STEP_MIN / 2.0, STEP_MIN)


def regret_figure(
    judged: Judged,
    cells: Sequence[Cell],
    evaluations: Evaluations,
    known: Mapping[str, Stroke],
) -> Figure:
    """Draw median regret over the minutes of the longest searches.

    Markers with bars: where searches of each budget ended, with the interval of the
    median, for those who stand out. Dotted: the reference kept.

    Parameters
    ----------
    cells
        All of one plan in the main group.
    """
    figure = new_figure(HEIGHT_IN)
    axes = figure.add_subplot()
    minutes = grid_min(cells)
    labels = [_kept_line(axes, cells)]
    for cell in _later(_longest(cells), known):
        stroke = known.get(cell.contender, OTHER)
        regret = np.sort(regret_over_minutes(cell, evaluations, minutes), axis=0)
        middle = np.median(regret, axis=0)
        _line(axes, minutes, middle, stroke)
        if stroke is not OTHER and cell.contender != judged.baseline:
            _band(axes, minutes, regret, stroke)
            labels.append(Label(cell.contender, float(middle[-1]), stroke))
    _ends(axes, judged, cells, known)
    axes.set_xlim(0.0, minutes[-1] * 1.02)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("titration minutes")
    axes.set_ylabel("regret of the choice, median over patients, %")
    end_labels(axes, labels)
    return figure


def solved_figure(
    judged: Judged,
    cells: Sequence[Cell],
    evaluations: Evaluations,
    known: Mapping[str, Stroke],
) -> Figure:
    """Draw the share of (visit, target) pairs solved over minutes."""
    figure = new_figure(HEIGHT_IN)
    axes = figure.add_subplot()
    minutes = grid_min(cells)
    labels = []
    for cell in _later(_longest(cells), known):
        stroke = known.get(cell.contender, OTHER)
        share = solved_over_minutes_pct(cell, evaluations, minutes)
        _line(axes, minutes, share, stroke)
        if stroke is not OTHER:
            labels.append(Label(cell.contender, float(share[-1]), stroke))
    axes.set_xlim(0.0, minutes[-1] * 1.02)
    axes.set_ylim(0.0, 100.0)
    axes.set_xlabel("titration minutes")
    axes.set_ylabel("(patient, target) pairs solved, %")
    end_labels(axes, labels)
    return figure


def median_limits(ordered: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return 95 % limits of the median from order statistics, along the first axis.

    The bootstrap distribution of a median is binomial in the ranks, so nothing is
    drawn. `ordered` rises along the first axis.
    """
    n = ordered.shape[0]
    low, high = (int(rank) for rank in binom.ppf(_LIMITS, n, 0.5))
    return ordered[max(low - 1, 0)], ordered[min(high, n - 1)]


def _longest(cells: Sequence[Cell]) -> list[Cell]:
    longest = max(cell.budget_min for cell in cells)
    return [cell for cell in cells if cell.budget_min == longest]


def _later(cells: Sequence[Cell], known: Mapping[str, Stroke]) -> list[Cell]:
    """Return those who stand out last, so that they lie above."""
    return sorted(cells, key=lambda cell: cell.contender in known)


def _line(axes: Axes, x: FloatArray, y: FloatArray, stroke: Stroke) -> None:
    thin = stroke is OTHER
    axes.plot(
        x,
        y,
        drawstyle="steps-post",
        color=stroke.color,
        linestyle=stroke.dashes,
        linewidth=0.7 if thin else 1.7,
        alpha=0.55 if thin else 1.0,
        marker="" if thin else stroke.marker,
        markevery=20,
        markersize=4,
    )


def _band(axes: Axes, x: FloatArray, ordered: FloatArray, stroke: Stroke) -> None:
    """Shade the interval of the median; too few patients have none."""
    if ordered.shape[0] >= FEWEST:
        low, high = median_limits(ordered)
        axes.fill_between(
            x, low, high, step="post", color=stroke.color, alpha=0.15, linewidth=0
        )


def _kept_line(axes: Axes, cells: Sequence[Cell]) -> Label:
    """Draw the median regret of the settings as found, which the truth gives."""
    cell = max(cells, key=lambda one: one.patients.size)
    kept = float(np.median(cell.per_patient("reference_regret_pct")))
    axes.axhline(kept, color=INK, linestyle=BASELINE.dashes, linewidth=1.2)
    return Label(KEPT, kept, BASELINE)


def _ends(
    axes: Axes, judged: Judged, cells: Sequence[Cell], known: Mapping[str, Stroke]
) -> None:
    names = [name for name in known if name != judged.baseline]
    for cell in cells:
        if cell.contender not in names:
            continue
        stroke = known[cell.contender]
        line = next(
            line
            for line in judged.table(judged.main.name, cell.plan, cell.budget_min)
            if line.contender == cell.contender
        )
        found = line["regret_median_pct"]
        shift = 0.012 * (names.index(cell.contender) - (len(names) - 1) / 2.0)
        at = cell.budget_min * (1.0 + shift)
        axes.plot([at, at], [found.low, found.high], color=stroke.color, linewidth=1.0)
        axes.plot(
            [at],
            [found.value],
            stroke.marker,
            color=stroke.color,
            markersize=6,
            markerfacecolor="none",
        )
