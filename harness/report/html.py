"""The report as one HTML file that needs nothing from anywhere else."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from harness.common.drawing import inline
from harness.common.pages import environment
from harness.common.words import EN_DASH, NOT_AVAILABLE
from harness.report.figures.visit import figures
from harness.report.model import Interval, PairRow, Quantity, Report

TEMPLATE = "report.html.j2"


def render_html(report: Report, drawn: Mapping[str, bytes] | None = None) -> str:
    """Return the page. The same report gives the same text, character by character.

    Parameters
    ----------
    report
        What to render.
    drawn
        Its figures, where they have been drawn already.
    """
    svg = inline(figures(report) if drawn is None else drawn)
    marked = {name: Markup(text) for name, text in svg.items()}
    pages = environment("harness.report")
    pages.filters["dash"] = _dash
    pages.tests["beyond_systolic"] = _beyond_systolic
    return pages.get_template(TEMPLATE).render(r=report, figures=marked)


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
