"""The report as one HTML file that needs nothing from anywhere else.

The frame goes through the sections in order; each fills its own template, which takes
its tables from `tools.html.j2`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from markupsafe import Markup

from harness.common.drawing import inline
from harness.common.pages import environment
from harness.common.words import EN_DASH, NOT_AVAILABLE
from harness.report.contents import Report
from harness.report.figures.gallery import Figures, figures
from harness.report.figures.plot import Picture
from harness.report.parts import Interval, PairRow, Quantity
from harness.report.section import shown

FRAME: Final = "report.html.j2"
ROOM: Final = "harness.report"


def render_html(report: Report, drawn: Figures | None = None) -> str:
    """Return the page. The same report gives the same text, character by character.

    Parameters
    ----------
    report
        What to render.
    drawn
        Its figures, where they have been drawn already.
    """
    known = figures(report) if drawn is None else drawn
    sections = shown(report)
    pages = environment(ROOM, *(section.package for section in sections))
    pages.filters["dash"] = _dash
    pages.tests["beyond_systolic"] = _beyond_systolic
    return pages.get_template(FRAME).render(
        r=report, sections=sections, figures=dict(_figures(known))
    )


def _figures(drawn: Figures) -> Iterator[tuple[str, Mapping[str, str]]]:
    svg = inline({name: figure.svg for name, figure in drawn.items()})
    for name, figure in drawn.items():
        yield name, _figure(figure, svg[name])


def _figure(figure: Picture, svg: str) -> Mapping[str, str]:
    return {"svg": Markup(svg), "caption": figure.caption, "closes": figure.closes}


def _dash(item: Quantity | Interval) -> str:
    """Return a number without its unit; a dash where there is none, in narrow columns.

    Parameters
    ----------
    item
        Its unit stands at the head of the column.
    """
    return EN_DASH if item.text == NOT_AVAILABLE else item.number


def _beyond_systolic(rows: Sequence[PairRow]) -> bool:
    """Tell whether the reading is another quantity than systolic pressure."""
    return any(row.primary != row.systolic for row in rows)
