"""The gain of every test with its interval, and below it the settings that varied."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import BLUE, FAINT, INK, SKY, VERMILION, WIDTH_IN
from harness.common.margins import row_figure
from harness.common.words import setting_text
from harness.report.contents import Report
from harness.report.figures.plot import Plot, always, number_of
from harness.report.sections.tests import TestedRow


def response_figure(report: Report) -> Figure:
    """Draw the gain of every test with its 95 % interval, settings below."""
    figure = row_figure(2.7, WIDTH_IN)
    axes = figure.add_subplot()
    rows = report.tests.rows
    _verified_band(axes, report)
    axes.axhline(0.0, color=INK, linewidth=0.8)
    looks = (
        ("kept", [r for r in rows if _read(r) and r.kept], "o", BLUE, BLUE),
        ("rejected", [r for r in rows if _read(r) and not r.kept], "s", FAINT, "none"),
    )
    for label, chosen, marker, colour, fill in looks:
        if chosen:
            axes.errorbar(
                [r.number for r in chosen],
                [number_of(r.gain) for r in chosen],
                yerr=np.array([_reach(r) for r in chosen]).T,
                fmt=marker,
                color=colour,
                markerfacecolor=fill,
                markersize=6,
                capsize=2.5,
                linewidth=1.1,
                label=label,
            )
    unread = [r.number for r in rows if not _read(r)]
    if unread:
        low = axes.get_ylim()[0]
        axes.plot(
            unread,
            [low] * len(unread),
            "x",
            color=VERMILION,
            markersize=7,
            clip_on=False,
            label="ended early or void",
        )
    axes.set_ylabel("gain against reference, %")
    _setting_ticks(axes, report)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4)
    return figure


def _reach(row: TestedRow) -> tuple[float, float]:
    """Return how far the interval reaches below and above the gain."""
    gain, limits = number_of(row.gain), row.interval_95
    low, high = limits.low, limits.high
    return (
        0.0 if low is None else gain - low,
        0.0 if high is None else high - gain,
    )


def _read(row: TestedRow) -> bool:
    return row.gain.value is not None


def _verified_band(axes: Axes, report: Report) -> None:
    limits, gain = report.verdict.interval_95, report.verdict.gain
    if limits.low is None or limits.high is None or gain.value is None:
        return
    axes.axhspan(limits.low, limits.high, color=SKY, alpha=0.25, linewidth=0)
    axes.axhline(
        gain.value, color=SKY, linestyle=(0, (5, 2)), label="verified, 95 % interval"
    )


def _setting_ticks(axes: Axes, report: Report) -> None:
    rows, columns = report.tests.rows, report.tests.columns
    varied = [
        k for k in range(len(columns)) if len({row.values[k] for row in rows}) > 1
    ][:4]
    names = [
        f"{columns[k].short.lower()}, {columns[k].unit}".rstrip(", ") for k in varied
    ]
    labels = [
        "\n".join(
            [
                str(row.number),
                *(setting_text(row.values[k], "", columns[k].digits) for k in varied),
            ]
        )
        for row in rows
    ]
    size = 8.5 if len(rows) <= 14 else 7.0 if len(rows) <= 24 else 6.0
    axes.set_xticks([row.number for row in rows], labels, fontsize=size)
    axes.set_xlim(rows[0].number - 0.7, rows[-1].number + 0.7)
    axes.annotate(
        "\n".join(["test", *(name.strip() for name in names)]),
        (0.0, 0.0),
        xytext=(-8.0, -6.5),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=size,
    )


def _words(report: Report) -> str:
    read = [row for row in report.tests.rows if _read(row)]
    best = max(read, key=lambda row: number_of(row.gain))
    return (
        f"{len(read)} tests with a valid reading; the highest single reading is "
        f"{best.gain.text} in test {best.number}. Verified gain "
        f"{report.verdict.gain.text}, 95 % interval {report.verdict.interval_95.text}. "
        "All values are in the table of tested settings."
    )


RESPONSE: Final = Plot(
    name="response",
    has_data=lambda report: any(_read(row) for row in report.tests.rows),
    draw=response_figure,
    title=always("Gain of each setting tested, with its 95 % interval"),
    words=_words,
    caption=always(
        "Gain of each test with the 95 % interval expected of one reading. Below the "
        "axis: the values that varied. Band: verified gain with its 95 % interval."
    ),
)
