"""What a reader must know before comparing: who and what is not the same."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from harness.archive.side_by_side.visits import (
    StoredVisit,
    moved_hidden,
    moved_names,
    setting_rows,
)
from harness.common.words import NOT_AVAILABLE, plain, setting_text
from harness.report.contents import Report
from harness.report.parts import fact_text
from harness.report.sections.method import READOUT
from harness.report.sections.visit import PSEUDONYM
from harness.report.values import SCHEDULE

CAUTION: Final = (
    "Each interval belongs to one visit. Intervals that overlap do not show that two "
    "visits agree, and to choose the visit with the highest gain repeats the error of "
    "believing the best single reading."
)


def reading_notes(visits: Sequence[StoredVisit]) -> tuple[str, ...]:
    """Return what a reader must know before comparing."""
    found = (
        _same_run(visits),
        _patients(visits),
        *(_unlike(visits, *question) for question in QUESTIONS),
        _references(visits),
        CAUTION,
    )
    return tuple(note for note in found if note)


def _same_run(visits: Sequence[StoredVisit]) -> str:
    for visit in visits:
        twins = [other for other in visits if other.report == visit.report]
        if len(twins) > 1:
            return f"Visits {_numbers(twins)} are the same run: they agree by nature."
    return ""


def _patients(visits: Sequence[StoredVisit]) -> str:
    """Tell by all that is stated of the patient; a pseudonym alone proves nothing."""
    groups = _groups(visits, lambda r: fact_text(r.encounter.facts, PSEUDONYM))
    reports = [visit.report for visit in visits]
    moved, hidden = moved_names(map(_known, reports)), moved_hidden(reports)
    if not moved and not hidden and len(groups) == 1:
        return f"All visits are of the same virtual patient, {next(iter(groups))}."
    if not moved and not hidden:
        return (
            "All that is stated of the patient is the same, but the pseudonyms differ: "
            f"{_listed(groups)}. Rhythm, reading errors and symptoms were drawn anew."
        )
    shown = ", ".join(moved) if moved else "nothing that the clinic knows"
    more = "; the answer key tells what it does not know" if hidden else ""
    if len({visit.course for visit in visits}) == 1 and visits[0].course:
        return (
            "All visits are of one course: the same virtual patient at several times, "
            f"under the pseudonyms {_listed(groups)}. What has moved since: {shown}"
            f"{more}."
        )
    return (
        f"Patients differ: {_listed(groups)}. Not the same: {shown}{more}. It is "
        "another patient, or the same one at another time; what differs between the "
        "visits may come from that."
    )


def _known(report: Report) -> dict[str, str]:
    return {item.label: item.text for item in report.encounter.patient}


Question = tuple[str, Callable[[Report], str], str]
QUESTIONS: Final[tuple[Question, ...]] = (
    (
        "Readouts differ",
        lambda r: fact_text(r.method.facts, READOUT),
        "Their gains are not the same quantity.",
    ),
)


def _unlike(
    visits: Sequence[StoredVisit], what: str, find: Callable[[Report], str], so: str
) -> str:
    groups = _groups(visits, find)
    return f"{what}: {_listed(groups)}. {so}".strip() if len(groups) > 1 else ""


def _references(visits: Sequence[StoredVisit]) -> str:
    """Tell which values of the references are not the same."""
    rows = [setting_rows(visit.report) for visit in visits]
    symbols = dict.fromkeys(symbol for of_visit in rows for symbol in of_visit)
    groups = {
        symbol: _groups(visits, partial(_reference, symbol))
        for symbol in symbols
        if symbol not in SCHEDULE
    }
    told = [_listed(group) for group in groups.values() if len(group) > 1]
    if not told:
        return ""
    return (
        f"Reference values differ: {'; '.join(told)}. Each gain is over the reference "
        "of its own visit."
    )


def _reference(symbol: str, report: Report) -> str:
    row = setting_rows(report).get(symbol)
    if row is None:
        return f"{symbol} {NOT_AVAILABLE}"
    return f"{row.label} {setting_text(row.reference, row.unit, row.digits)}"


def _groups(
    visits: Sequence[StoredVisit], find: Callable[[Report], str]
) -> dict[str, list[StoredVisit]]:
    groups: dict[str, list[StoredVisit]] = {}
    for visit in visits:
        groups.setdefault(plain(find(visit.report)), []).append(visit)
    return groups


def _listed(groups: dict[str, list[StoredVisit]]) -> str:
    return "; ".join(f"{text} (visit {_numbers(of)})" for text, of in groups.items())


def _numbers(visits: Iterable[StoredVisit]) -> str:
    return ", ".join(str(visit.number) for visit in visits)
