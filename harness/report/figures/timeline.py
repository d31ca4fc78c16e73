"""When each phase of the visit took place, each test, and each adverse event."""

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.common.drawing import HALF_IN, INK, SKY, VERMILION
from harness.common.margins import row_figure
from harness.report.contents import Report
from harness.report.figures.plot import Plot, always, number_of


def timeline_figure(report: Report) -> Figure:
    """Draw when each phase took place, each test, and each adverse event."""
    phases = report.encounter.phases
    figure = row_figure(0.145 * len(phases) + 0.45, HALF_IN)
    axes = figure.add_subplot()
    for row, phase in enumerate(phases):
        start, length = number_of(phase.start), number_of(phase.duration)
        axes.barh(row, length, left=start, height=0.55, color=SKY)
        axes.annotate(
            phase.duration.text,
            (start + length, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    _tests_on_timeline(axes, report)
    axes.set_yticks(range(len(phases)), [phase.name for phase in phases])
    axes.invert_yaxis()
    axes.set_xlabel("time since check-in, min")
    axes.set_xlim(
        0.0, 1.06 * max(number_of(p.start) + number_of(p.duration) for p in phases)
    )
    return figure


def _tests_on_timeline(axes: Axes, report: Report) -> None:
    names = [phase.name for phase in report.encounter.phases]
    if "titration" in names and report.tests.rows:
        row = names.index("titration")
        at = [number_of(tested.start) for tested in report.tests.rows]
        axes.vlines(at, row - 0.275, row + 0.275, color=INK, linewidth=0.8)
    adverse = [number_of(event.at) for event in report.observation.adverse]
    if adverse:
        axes.plot(
            adverse,
            [-0.8] * len(adverse),
            "v",
            color=VERMILION,
            clip_on=False,
            label="adverse event",
        )
        axes.legend(loc="lower right")


def _words(report: Report) -> str:
    parts = ", ".join(f"{p.name} {p.duration.text}" for p in report.encounter.phases)
    return f"{parts}."


TIMELINE: Final = Plot(
    name="timeline",
    has_data=lambda report: bool(report.encounter.phases),
    draw=timeline_figure,
    title=always("Phases of the visit over time"),
    words=_words,
    caption=always(
        "Timeline of the visit. Lines within titration: start of each test."
    ),
)
