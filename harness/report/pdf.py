"""The report as PDF/UA, set by typst: the same report gives the same bytes.

The typst source is put together from files alone: tools, frame, sections in order. The
report travels beside it as JSON, so that no text of a scenario is ever read as typst
markup.
"""

from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from harness.report.compiled import compiled
from harness.report.contents import Report
from harness.report.figures.gallery import Figures, figures
from harness.report.section import Section, declared, shown
from harness.report.typeset import printable, printed

FRAME: Final = "report.typ"
TOOLS: Final = "tools.typ"
ROOM: Final = "harness.report"


def render_pdf(report: Report, drawn: Figures | None = None) -> bytes:
    """Return the report as a tagged PDF with embedded fonts.

    Parameters
    ----------
    report
        What to render.
    drawn
        Its figures, where they have been drawn already.
    """
    known = figures(report) if drawn is None else drawn
    sections = shown(report)
    inputs = {
        "report": _report(report),
        "figures": _figures(known),
        "sections": {section.name: _place(section) for section in sections},
    }
    return compiled(_source(sections), inputs)


def _report(report: Report) -> dict[str, Any]:
    """Return what stands on the page of each part, as its section has it printed."""
    ways: dict[str, Callable[[Any], Any]]
    ways = dict.fromkeys(type(report).model_fields, printed)
    # a section that shows another's part has no say in how it is printed
    ways |= {field: s.printed for field, s in declared(type(report)) if s.build}
    return {field: way(getattr(report, field)) for field, way in ways.items()}


def _figures(drawn: Figures) -> dict[str, dict[str, str]]:
    return {
        name: {
            "svg": figure.svg.decode(),
            "alt": printable(f"{figure.title}. {figure.words}"),
            "caption": printable(figure.caption),
            "closes": figure.closes,
        }
        for name, figure in drawn.items()
    }


def _place(section: Section) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "holds_truth": section.holds_truth,
    }


def _source(sections: Iterable[Section]) -> bytes:
    """Return one source: each section's file is content, so its names stay inside."""
    parts = [_template(ROOM, TOOLS), _template(ROOM, FRAME)]
    for section in sections:
        body = _template(section.package, f"sections/{section.name}.typ")
        parts.append(b'#section("%s")[\n%s]\n' % (section.name.encode(), body))
    return b"\n".join(parts)


@cache
def _template(package: str, name: str) -> bytes:
    return (files(package) / "templates" / name).read_bytes()
