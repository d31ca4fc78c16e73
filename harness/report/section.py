"""What a section declares, once: place, title, data, and how each format renders it.

A section is a field of the report that carries its `Section` as annotation::

    class Report(Part):
        verdict: Annotated[VerdictPart, VERDICT]

The field's type is the model, so that JSON, its schema and a type checker know it. HTML
and PDF take the files of the section's name from `templates/sections` of its package;
JSON needs nothing. No format knows any section by name.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.report.case import Case
from harness.report.fhir_terms import Json, Names
from harness.report.parts import Part
from harness.report.typeset import printed


def untold(part: Any, names: Names) -> Iterable[tuple[str, Json]]:
    """Tell nothing in FHIR."""
    return ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report.

    Parameters
    ----------
    name
        Its anchor on the page, and the name of its files `{name}.html.j2` and
        `{name}.typ` in `templates/sections`.
    order, title
        Where it stands, in steps of ten, and its heading. Without a title it has no
        place of its own: its data is shown by other sections.
    short
        Its line in the table of contents, where the title is too long.
    build
        Returns its part of the data. None for a section that shows another's.
    printed
        Returns the part as texts and numbers for the PDF.
    fhir
        Yields the resources that tell of it, each with a key of its own.
    holds_truth
        Whether it tells what nobody in the visit knew; it is then set apart, and its
        field is None in a hand-out.
    package
        Where its templates are, for a section of another distribution.
    """

    name: str
    order: int = 0
    title: str = ""
    short: str = ""
    build: Callable[[Case], Any] | None = None
    printed: Callable[[Any], Any] = printed
    fhir: Callable[[Any, Names], Iterable[tuple[str, Json]]] = untold
    holds_truth: bool = False
    package: str = "harness.report"


def declared(report: type[Part]) -> Iterator[tuple[str, Section]]:
    """Yield each section with the field of its data, in the order of the data."""
    for field, info in report.model_fields.items():
        for mark in info.metadata:
            if isinstance(mark, Section):
                yield field, mark


def placed(report: type[Part]) -> list[Section]:
    """Return the sections that have a place of their own, in the order of the page."""
    sections = (section for _, section in declared(report) if section.title)
    return sorted(sections, key=lambda section: section.order)


def shown(report: Part) -> list[Section]:
    """Return the sections that stand on the page of one report: a hand-out has less."""
    kind = type(report)
    left_out = {s.name for f, s in declared(kind) if getattr(report, f) is None}
    return [section for section in placed(kind) if section.name not in left_out]
