"""The list of figures: one row each, in the order in which they are drawn.

Every series differs by marker or line style as well as by colour (Okabe-Ito). The same
report gives the same bytes.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from matplotlib import rc_context, rcdefaults, rcParams

from harness.common.drawing import STYLE, svg_file
from harness.report.contents import Report
from harness.report.figures.ecg import ECG_FINAL, ECG_FOUND
from harness.report.figures.plot import Picture, Plot
from harness.report.figures.pressure import PRESSURE
from harness.report.figures.pv_loop import PV_LOOP
from harness.report.figures.response import RESPONSE
from harness.report.figures.surface import SURFACE
from harness.report.figures.timeline import TIMELINE
from harness.report.figures.timing import TIMING

Figures = Mapping[str, Picture]

FIGURES: Final[tuple[Plot, ...]] = (
    ECG_FOUND,
    ECG_FINAL,
    RESPONSE,
    SURFACE,
    PRESSURE,
    TIMING,
    TIMELINE,
    PV_LOOP,
)


def figures(report: Report, plots: Iterable[Plot] = FIGURES) -> dict[str, Picture]:
    """Return every figure that the report has data for, by its name."""
    with rc_context():
        rcdefaults()  # a reader's own matplotlib settings must not change the bytes
        rcParams.update(STYLE)
        return {p.name: _drawn(p, report) for p in plots if p.has_data(report)}


def _drawn(plot: Plot, report: Report) -> Picture:
    title, words = plot.title(report), plot.words(report)
    return Picture(
        svg=svg_file(plot.name, plot.draw(report), title, words),
        title=title,
        words=words,
        caption=plot.caption(report),
        closes=plot.closes,
    )
