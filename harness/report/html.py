"""The report as one HTML file that needs nothing from anywhere else."""

from collections.abc import Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from harness.report.drawing import inline
from harness.report.figures import figures
from harness.report.model import (
    EN_DASH,
    NOT_AVAILABLE,
    Interval,
    PairRow,
    Quantity,
    Report,
)
from harness.report.values import setting_text

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
    return _template().render(r=report, figures=marked)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["setting"] = setting_text
    environment.filters["dash"] = _dash
    environment.tests["beyond_systolic"] = _beyond_systolic
    return environment.get_template(TEMPLATE)


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
