"""The true pressure-volume loops of the left ventricle: part of the answer key."""

from typing import Final

from matplotlib.figure import Figure

from harness.common.drawing import BLUE, HALF_IN, INK, new_figure
from harness.report.contents import Report
from harness.report.figures.plot import Plot, always


def loop_figure(report: Report) -> Figure:
    """Draw the true pressure-volume loops at the reference and the final values."""
    figure = new_figure(2.3, HALF_IN)
    axes = figure.add_subplot()
    key = report.answer_key
    looks = (
        ("reference", key.reference_loop, INK, (0, (4, 2))),
        ("final", key.final_loop, BLUE, "-"),
    )
    for label, loop, colour, style in looks:
        axes.plot(
            loop.volume_ml,
            loop.pressure_mmhg,
            color=colour,
            linestyle=style,
            label=label,
        )
    axes.set_xlabel("left ventricular volume, mL")
    axes.set_ylabel("left ventricular pressure, mmHg")
    axes.set_ylim(bottom=0.0)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return figure


def _words(report: Report) -> str:
    return " ".join(
        f"{name} values: {min(loop.volume_ml):.0f} to {max(loop.volume_ml):.0f} mL, "
        f"highest pressure {max(loop.pressure_mmhg):.0f} mmHg."
        for name, loop in (
            ("Reference", report.answer_key.reference_loop),
            ("Final", report.answer_key.final_loop),
        )
    )


PV_LOOP: Final = Plot(
    name="pv_loop",
    has_data=lambda report: bool(report.answer_key.final_loop.volume_ml),
    draw=loop_figure,
    title=always("True left ventricular pressure-volume loops"),
    words=_words,
    caption=always("True pressure-volume loops, settled: reference and final values."),
)
