"""The true pressure-volume loops of the left ventricle: part of the answer key."""

from typing import Final

from matplotlib.figure import Figure

from harness.common.drawing import BLUE, HALF_IN, INK
from harness.common.margins import row_figure
from harness.report.contents import Report
from harness.report.figures.plot import Plot, always
from harness.report.sections.answer_key import LoopPart


def loop_figure(report: Report) -> Figure:
    """Draw the true pressure-volume loops at the reference and the final values."""
    figure = row_figure(2.3, HALF_IN)
    axes = figure.add_subplot()
    looks = ((INK, (0, (4, 2))), (BLUE, "-"))
    for (label, loop), (colour, style) in zip(_loops(report), looks, strict=True):
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
        f"{name.capitalize()} values: {min(loop.volume_ml):.0f} to "
        f"{max(loop.volume_ml):.0f} mL, highest pressure "
        f"{max(loop.pressure_mmhg):.0f} mmHg."
        for name, loop in _loops(report)
    )


def _loops(report: Report) -> tuple[tuple[str, LoopPart], ...]:
    key = report.answer_key
    if key is None or not key.final_loop.volume_ml:
        return ()
    return ("reference", key.reference_loop), ("final", key.final_loop)


PV_LOOP: Final = Plot(
    name="pv_loop",
    has_data=lambda report: bool(_loops(report)),
    draw=loop_figure,
    title=always("True left ventricular pressure-volume loops"),
    words=_words,
    caption=always("True pressure-volume loops, settled: reference and final values."),
)
