"""Two figures of one mark a contender or plan: the price of regret."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import BLUE, FAINT, GREEN, INK, VERMILION, new_figure
from harness.study.judging.board import Judged, Line
from harness.study.judging.cells import Cell
from harness.study.judging.numbers import FloatArray, quantiles_of
from harness.study.judging.outcomes import known as finite
from harness.study.judging.strokes import OTHER, Stroke, shown_name

HEIGHT_IN: Final = 4.0
POINTS_AN_INCH: Final = 72.0
_OFFSETS_PT: Final = tuple(
    (dx, dy) for dy in (0.0, 7.0, -7.0, 12.0, -12.0) for dx in (5.0, -5.0)
)
_OFF_THE_BARS_PT: Final = tuple(
    (dx, dy) for dy in (9.0, -9.0, 14.0, -14.0) for dx in (6.0, -6.0)
)
Box = tuple[float, float, float, float]
Offset = tuple[float, float]
_QUARTERS: Final = (0.25, 0.5, 0.75)
_PLANS: Final = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (INK, "D"))


def price_figure(lines: Sequence[Line], known: Mapping[str, Stroke]) -> Figure:
    """Draw regret against unpleasant events, a mark a contender."""
    figure = new_figure(HEIGHT_IN)
    axes = figure.add_subplot()
    shown = [line for line in lines if line["regret_median_pct"].known]
    for line in sorted(shown, key=lambda line: line.contender in known):
        _mark(axes, line, known.get(line.contender, OTHER))
    axes.set_ylim(bottom=0.0)
    axes.margins(x=0.12)
    axes.set_xlabel("unpleasant events a visit, mean")
    axes.set_ylabel("regret of the choice, median over patients, %")
    figure.draw_without_rendering()  # settles where the marks are
    _names(axes, shown, known)
    return figure


def _mark(axes: Axes, line: Line, stroke: Stroke) -> None:
    events, regret = line["unpleasant_events_mean"], line["regret_median_pct"]
    if stroke is not OTHER:
        across = ([events.low, events.high], [regret.value] * 2)
        along = ([events.value] * 2, [regret.low, regret.high])
        for x, y in (across, along):
            axes.plot(x, y, color=stroke.color, linewidth=0.9)
    axes.plot(
        [events.value],
        [regret.value],
        linestyle="",
        marker="o" if stroke is OTHER else stroke.marker,
        color=stroke.color,
        markersize=3.5 if stroke is OTHER else 7,
    )


def _names(axes: Axes, lines: Sequence[Line], known: Mapping[str, Stroke]) -> None:
    """Write each name where it covers no mark and no other name, if there is room."""
    at = [
        (line["unpleasant_events_mean"].value, line["regret_median_pct"].value)
        for line in lines
    ]
    to_points = POINTS_AN_INCH / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    marks = to_points * axes.transData.transform(at)
    frame = to_points * axes.get_window_extent().get_points()
    taken: list[Box] = [(x - 2.5, y - 2.5, x + 2.5, y + 2.5) for x, y in marks]
    order = sorted(range(len(lines)), key=lambda i: lines[i].contender not in known)
    for i in order:
        stroke = known.get(lines[i].contender, OTHER)
        text = shown_name(lines[i].contender)
        plain = stroke is OTHER
        size_pt = 6.5 if plain else 8.5
        offsets = _OFFSETS_PT if plain else _OFF_THE_BARS_PT
        boxes = _boxes(offsets, size_pt, len(text), marks[i])
        offset = _free_place(boxes, frame, taken)
        if offset is not None:
            written = axes.annotate(
                text,
                at[i],
                xytext=offset,
                textcoords="offset points",
                ha="left" if offset[0] > 0.0 else "right",
                va="center",
                fontsize=size_pt,
                alpha=0.8 if plain else 1.0,
            )
            written.set_in_layout(False)  # names must not move the marks


def _boxes(
    offsets: Sequence[Offset], size_pt: float, n_letters: int, mark: FloatArray
) -> Iterator[tuple[Offset, Box]]:
    """Yield where a name would lie at each offset from its mark, points."""
    width, height = 0.62 * size_pt * n_letters, 1.2 * size_pt
    for dx, dy in offsets:
        x, y = float(mark[0]) + dx, float(mark[1]) + dy
        left = x if dx > 0.0 else x - width
        box = (left, y - height / 2.0, left + width, y + height / 2.0)
        yield (dx, dy), box


def _free_place(
    boxes: Iterable[tuple[Offset, Box]], frame: FloatArray, taken: list[Box]
) -> Offset | None:
    """Return the first offset whose box is inside and free, and take that place."""
    for offset, box in boxes:
        inside = frame[0, 0] <= box[0] and box[2] <= frame[1, 0]
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return offset
    return None


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def readings_figure(judged: Judged, cells: Sequence[Cell]) -> Figure:
    """Draw beats per test against number of tests: one mark a plan and budget.

    Medians over visits with quartiles, all contenders; dashed: the same beats in all.
    Beside each mark stands the lowest median regret that any contender reached there.
    """
    figure = new_figure(HEIGHT_IN)
    axes = figure.add_subplot()
    places = {(c.plan, c.budget_min): None for c in cells}
    plans = list(dict.fromkeys(plan for plan, _ in places))
    reached = []
    for plan, budget in places:
        tests, beats = readings_of(
            [c for c in cells if (c.plan, c.budget_min) == (plan, budget)]
        )
        if not tests.size:
            continue
        x, y = (quantiles_of(np.sort(values), _QUARTERS) for values in (tests, beats))
        reached.append((float(x[1]), float(y[1])))
        color, marker = _PLANS[plans.index(plan) % len(_PLANS)]
        axes.plot(x[[0, 2]], [y[1]] * 2, color=color, linewidth=1.0)
        axes.plot([x[1]] * 2, y[[0, 2]], color=color, linewidth=1.0)
        axes.plot([x[1]], [y[1]], marker, color=color, markersize=7)
        _tell(axes, judged, (plan, budget), reached[-1])
    axes.margins(0.25)
    _same_beats(axes, reached)
    axes.set_xlabel("tests of settings in a search")
    axes.set_ylabel("beats of patient time a test")
    return figure


def readings_of(cells: Sequence[Cell]) -> tuple[FloatArray, FloatArray]:
    """Return tests of each search, and beats that a test took."""
    tests = np.concatenate([cell.of("n_tests") for cell in cells])
    beats = np.concatenate([cell.of("beats") for cell in cells])
    usable = np.isfinite(tests) & np.isfinite(beats) & (np.nan_to_num(tests) > 0)
    return finite(tests[usable]), finite(beats[usable] / tests[usable])


def _tell(
    axes: Axes,
    judged: Judged,
    place: tuple[str, float],
    at: tuple[float, float],
) -> None:
    best = judged.table(judged.main.name, *place)[0]
    axes.annotate(
        f"{shown_name(place[0])}, {place[1]:g} min\n"
        f"lowest regret {best['regret_median_pct'].value:.1f} %",
        at,
        xytext=(7, 7),
        textcoords="offset points",
        fontsize=8.0,
    )


def _same_beats(axes: Axes, reached: Sequence[tuple[float, float]]) -> None:
    """Draw through each mark the line of equal beats in all."""
    if not reached:
        return
    limits = axes.get_xlim(), axes.get_ylim()
    x = np.linspace(max(limits[0][0], 0.5), limits[0][1], 100)
    for tests, beats in reached:
        axes.plot(x, tests * beats / x, "--", color=FAINT, linewidth=0.7)
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])
