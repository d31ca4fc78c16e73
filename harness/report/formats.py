"""The formats of a report: which file each makes, and how."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import Final

from harness.report.contents import Report
from harness.report.fhir import fhir_bytes
from harness.report.figures.gallery import Figures, figures
from harness.report.hl7 import hl7_bytes
from harness.report.html import render_html
from harness.report.pdf import render_pdf


class Material:
    """A report, and what several formats share: made once, and only when asked."""

    def __init__(self, report: Report, drawn: Figures | None = None) -> None:
        self.report = report
        self._drawn = drawn

    @cached_property
    def figures(self) -> Figures:
        """The figures."""
        return figures(self.report) if self._drawn is None else self._drawn

    @cached_property
    def pdf(self) -> bytes:
        """The report as PDF, which is also part of Bundle and HL7 message."""
        return render_pdf(self.report, self.figures)


@dataclass(frozen=True, slots=True)
class Format:
    """A file of the run's folder, and what makes it."""

    file: str
    render: Callable[[Material], bytes]


def _html(of: Material) -> bytes:
    return render_html(of.report, of.figures).encode()


def _json(of: Material) -> bytes:
    return of.report.model_dump_json(indent=2).encode() + b"\n"


ALWAYS: Final = "json"
"""The format that the others are rendered from: a run always has it."""

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "html": Format("report.html", _html),
        "pdf": Format("report.pdf", lambda of: of.pdf),
        "json": Format("report.json", _json),
        "fhir": Format("report.fhir.json", lambda of: fhir_bytes(of.report, of.pdf)),
        "hl7": Format("report.hl7", lambda of: hl7_bytes(of.report, of.pdf)),
    }
)


def formats_named(text: str) -> tuple[str, ...]:
    """Return the formats that a list with commas names; ValueError names the others."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in FORMATS:
            near = get_close_matches(name, FORMATS, n=1)
            hint = f" (nearest is {near[0]!r})" if near else ""
            raise ValueError(f"takes {', '.join(FORMATS)}, got {name!r}{hint}")
    return names


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
    material = Material(report, drawn)
    chosen = (FORMATS[name] for name in names)
    return {form.file: form.render(material) for form in chosen}
