"""The formats of a report: which file each makes, and how."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from harness.report.figures import figures
from harness.report.html import render_html
from harness.report.model import Report
from harness.report.pdf import render_pdf

Figures = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """A file of the run's folder, and what makes it of a report and its figures."""

    file: str
    render: Callable[[Report, Figures], bytes]


def _html(report: Report, drawn: Figures) -> bytes:
    return render_html(report, drawn).encode()


def _json(report: Report, _: Figures) -> bytes:
    return report.model_dump_json(indent=2).encode() + b"\n"


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "html": Format("report.html", _html),
        "pdf": Format("report.pdf", render_pdf),
        "json": Format("report.json", _json),
    }
)


def renderings(
    report: Report, names: Iterable[str] = tuple(FORMATS), drawn: Figures | None = None
) -> dict[str, bytes]:
    """Return the files of a report in the formats named: file name to content.

    Parameters
    ----------
    report
        What to render.
    names
        Keys of `FORMATS`.
    drawn
        The figures, where they have been drawn already.
    """
    svg = figures(report) if drawn is None else drawn
    chosen = (FORMATS[name] for name in names)
    return {form.file: form.render(report, svg) for form in chosen}
