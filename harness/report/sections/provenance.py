"""Where the numbers come from: those of the patient stand in the answer key alone."""

from collections.abc import Iterable, Mapping
from typing import Final

from harness.common.words import plain
from harness.play.provenance import PATIENT, run_numbers
from harness.report.case import Case
from harness.report.parts import Part
from harness.report.section import Section
from sim.sources import SourcedNumber, references


class SourceRow(Part):
    """Where one number of the simulation comes from."""

    part: str
    name: str
    value: str
    unit: str
    reference: str
    place: str
    standing: str


class ReferenceRow(Part):
    """A work that numbers are credited to."""

    key: str
    title: str
    authors: str
    year: int | None
    identifier: str


class Provenance(Part):
    """Every sourced number of the run and the works behind them."""

    statement: str
    rows: tuple[SourceRow, ...]
    references: tuple[ReferenceRow, ...]


def provenance_part(case: Case) -> Provenance:
    """Return every sourced number that the clinic may know, and the works behind."""
    return provenance_of(
        {part: rows for part, rows in _numbers(case).items() if part != PATIENT}
    )


def hidden_part(case: Case) -> Provenance:
    """Return the sourced numbers of patient and response law, which nobody knew."""
    return provenance_of({PATIENT: _numbers(case)[PATIENT]})


def together(hidden: Provenance | None, known: Provenance) -> Provenance:
    """Return every sourced number of a run; a hand-out has only those known.

    Parameters
    ----------
    hidden, known
        Of the answer key, and of the method.
    """
    if hidden is None:
        return known
    rows = (*hidden.rows, *known.rows)
    works = {work.key: work for work in (*hidden.references, *known.references)}
    return Provenance(
        statement=_statement(rows),
        rows=rows,
        references=tuple(works[key] for key in sorted(works)),
    )


def _numbers(case: Case) -> Mapping[str, list[SourcedNumber]]:
    return run_numbers(case.run.facts.scenario, case.run.played.order)


def provenance_of(numbers: Mapping[str, list[SourcedNumber]]) -> Provenance:
    """Return numbers, by the part that they belong to, as a section of a report."""
    rows = tuple(_source_rows(numbers))
    return Provenance(
        statement=_statement(rows),
        rows=rows,
        references=_references({row.reference for row in rows}),
    )


def _statement(rows: tuple[SourceRow, ...]) -> str:
    standing = sorted({row.standing for row in rows})
    counts = ", ".join(
        f"{sum(row.standing == word for row in rows)} {word}" for word in standing
    )
    return f"{len(rows)} numbers: {counts}."


def _source_rows(parts: Mapping[str, list[SourcedNumber]]) -> Iterable[SourceRow]:
    for part, numbers in parts.items():
        for number in numbers:
            yield SourceRow(
                part=part,
                name=number.name,
                value=_value_text(number.value),
                unit=number.unit,
                reference=number.source.reference,
                place=plain(number.source.place),
                standing=number.source.standing,
            )


def _value_text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "not set"}[value]
    if isinstance(value, float | int):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        return ", ".join(_value_text(item) for item in value)
    return plain(str(value))


def _references(used: set[str]) -> tuple[ReferenceRow, ...]:
    known = references()
    return tuple(
        ReferenceRow(
            key=work.key,
            title=work.title,
            authors=work.authors,
            year=work.year,
            identifier=work.identifier,
        )
        for work in (known[key] for key in sorted(used) if key in known)
    )


PROVENANCE: Final = Section(name="provenance", build=provenance_part)
