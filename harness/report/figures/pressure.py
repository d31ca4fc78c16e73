"""Each verification pair: both of its readings, and beside them the change."""

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import BLUE, FAINT, INK, VERMILION, WIDTH_IN
from harness.common.margins import row_figure
from harness.report.contents import Report
from harness.report.figures.plot import Plot, always, number_of
from harness.report.parts import PairRow

BEYOND: Final = 2  # the mean stands so many pairs behind the last one


def pressure_figure(report: Report) -> Figure:
    """Draw each verification pair: both readings, and beside them the change."""
    figure = row_figure(2.2, WIDTH_IN)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    rows = report.analysis.pairs
    _pair_lines(left, rows)
    left.set_xlabel("pair")
    left.set_ylabel(report.analysis.reading_unit.replace(", ", ",\n", 1))
    left.set_xticks([row.number for row in rows])
    left.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
    valid = [row for row in rows if row.primary.value is not None]
    right.axhline(0.0, color=INK, linewidth=0.8)
    right.plot(
        [row.number for row in valid],
        [number_of(row.primary) for row in valid],
        "D",
        color=FAINT,
        markerfacecolor="none",
        markersize=5,
    )
    ticks = {row.number: str(row.number) for row in rows[::2]}
    last = max((row.number for row in rows), default=1)
    if _mean_with_interval(right, report, last + BEYOND):
        ticks[last + BEYOND] = "mean,\n95 %"
    right.set_xlabel("pair")
    right.set_xticks(list(ticks), list(ticks.values()))
    right.set_ylabel("change, %")
    return figure


def _pair_lines(axes: Axes, rows: tuple[PairRow, ...]) -> None:
    for row in rows:
        ends = [number_of(row.reference), number_of(row.tested)]
        axes.plot([row.number] * 2, ends, color=FAINT, linewidth=1.0)
    looks = (("reference", "s", INK, "none"), ("tested", "o", BLUE, BLUE))
    for name, marker, colour, fill in looks:
        axes.plot(
            [row.number for row in rows],
            [number_of(getattr(row, name)) for row in rows],
            marker,
            color=colour,
            markerfacecolor=fill,
            markersize=5,
            label=name,
        )
    void = [row for row in rows if row.void]
    if void:
        axes.plot(
            [row.number for row in void],
            [number_of(row.tested) for row in void],
            "x",
            color=VERMILION,
            markersize=8,
            label="void",
        )


def _mean_with_interval(axes: Axes, report: Report, at: int) -> bool:
    """Draw the mean with its interval, and tell whether there is one."""
    gain, limits = report.verdict.gain, report.verdict.interval_95
    if gain.value is None or limits.low is None or limits.high is None:
        return False
    axes.errorbar(
        [at],
        [gain.value],
        yerr=[[gain.value - limits.low], [limits.high - gain.value]],
        fmt="o",
        color=BLUE,
        capsize=4,
        markersize=7,
    )
    axes.set_xlim(right=at + 1.0)
    return True


def _words(report: Report) -> str:
    return (
        f"{len(report.analysis.pairs)} verification pairs; mean change "
        f"{report.verdict.gain.text}, 95 % interval {report.verdict.interval_95.text}. "
        "All values are in the table of verification pairs."
    )


PRESSURE: Final = Plot(
    name="pressure",
    has_data=lambda report: bool(report.analysis.pairs),
    draw=pressure_figure,
    title=always("Readings at the reference and at the tested values, pair by pair"),
    words=_words,
    caption=always(
        "Verification pairs. Left: mean reading at the reference and at the tested "
        "values. Right: change in each pair, and their mean with its 95 % interval."
    ),
)
