"""What the visits found, row by row, a column a visit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.archive.side_by_side.visits import (
    StoredVisit,
    hidden_numbers,
    moved_hidden,
    naive_claim,
    setting_rows,
)
from harness.common.words import NOT_AVAILABLE, plain, setting_text
from harness.report.contents import Report
from harness.report.parts import SettingRow, fact_text
from harness.report.sections.analysis import (
    CANDIDATE,
    EXCESS,
    LEAST_GAIN,
    PAIRS_DONE,
)
from harness.report.sections.tests import TestedRow
from harness.report.sections.visit import LENGTH, Phase
from harness.report.values import quantity
from sim.visit.safety import RULES


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One finding of every visit; `differs` when they are not all the same."""

    label: str
    cells: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the visits are not all the same here."""
        return len(set(self.cells)) > 1


@dataclass(frozen=True, slots=True)
class ComparedTable:
    """Rows under one heading, a column a visit."""

    name: str
    caption: str
    rows: tuple[ComparedRow, ...]


def all_tables(visits: Sequence[StoredVisit]) -> dict[str, ComparedTable]:
    """Return every table of the page by its name."""
    tables = (
        _table(visits, "verdict", "Verdict and gain", VERDICT),
        _values_table(visits),
        _table(visits, "tests", "Settings tested", TESTS),
        _minutes_table(visits),
        _table(visits, "harms", "Unpleasant events", HARMS),
        _method_table(visits),
        _answer_key_table(visits),
    )
    return {table.name: table for table in tables}


Finding = tuple[str, Callable[[Report], str]]

VERDICT: Final[tuple[Finding, ...]] = (
    ("Verdict", lambda r: r.verdict.kind),
    ("Verified gain", lambda r: r.verdict.gain.text),
    ("95 % interval", lambda r: r.verdict.interval_95.text),
    ("90 % interval", lambda r: r.verdict.interval_90.text),
    ("Standard error", lambda r: r.verdict.standard_error.text),
    ("Naive claim: best single reading", lambda r: naive_claim(r).text),
    ("Naive claim less verified gain", lambda r: fact_text(r.analysis.facts, EXCESS)),
    ("Pairs of readings done", lambda r: fact_text(r.analysis.facts, PAIRS_DONE)),
    (
        "Least gain the visit could have shown",
        lambda r: fact_text(r.analysis.facts, LEAST_GAIN),
    ),
    ("Because", lambda r: r.verdict.reason),
)
TESTS: Final[tuple[Finding, ...]] = (
    ("Tests", lambda r: str(len(r.tests.rows))),
    ("Different settings", lambda r: str(len(r.tests.pooled))),
    ("Without a valid reading", lambda r: _count(r, lambda t: t.gain.value is None)),
    ("Highest gain of one test", lambda r: _highest(r)),
    ("Kept", lambda r: _count(r, lambda t: t.kept)),
    ("Candidate", lambda r: fact_text(r.analysis.choice, CANDIDATE)),
)
HARMS: Final[tuple[Finding, ...]] = (
    (
        f"Tests felt at grade {RULES.intolerable_grade} or more",
        lambda r: _count(r, lambda t: _grade(t) >= RULES.intolerable_grade),
    ),
    (
        "Worst grade felt (of 4)",
        lambda r: str(max(map(_grade, r.tests.rows), default=0)),
    ),
    (
        "Ectopic beats during tests",
        lambda r: str(sum(t.ectopics for t in r.tests.rows)),
    ),
    (
        "Of these tied to trains",
        lambda r: str(sum(t.train_ectopics for t in r.tests.rows)),
    ),
    ("Adverse events in the visit", lambda r: str(len(r.observation.adverse))),
    (
        "Which",
        lambda r: (
            "; ".join(f"{a.kind} at {a.at.text}" for a in r.observation.adverse)
            or "none"
        ),
    ),
)


def _table(
    visits: Sequence[StoredVisit], name: str, caption: str, findings: Iterable[Finding]
) -> ComparedTable:
    rows = (
        ComparedRow(label, tuple(find(visit.report) for visit in visits))
        for label, find in findings
    )
    return ComparedTable(name, caption, tuple(rows))


def _count(report: Report, is_one: Callable[[TestedRow], bool]) -> str:
    return str(sum(is_one(row) for row in report.tests.rows))


def _grade(row: TestedRow) -> int:
    """Return the number before the slash; 0 for what is no number."""
    grade = row.sensation.partition("/")[0]
    return int(grade) if grade.isdecimal() else 0


def _highest(report: Report) -> str:
    read = [row for row in report.tests.rows if row.gain.value is not None]
    if not read:
        return NOT_AVAILABLE
    best = max(read, key=lambda row: row.gain.value or 0.0)
    return f"{best.gain.text} in test {best.number}"


def _values_table(visits: Sequence[StoredVisit]) -> ComparedTable:
    """Return the permanent values that matter, changed, or differ."""
    all_rows = [setting_rows(visit.report) for visit in visits]
    main = {row.symbol for visit in visits for row in visit.report.permanent.main}
    symbols = list(dict.fromkeys(symbol for rows in all_rows for symbol in rows))
    found = []
    for symbol in symbols:
        label = next(rows[symbol].label for rows in all_rows if symbol in rows)
        row = ComparedRow(
            label, tuple(_value_text(rows.get(symbol)) for rows in all_rows)
        )
        if symbol in main or row.differs:
            found.append(row)
    caption = "Permanent values; an arrow leads from the value as found"
    return ComparedTable("values", caption, tuple(found))


def _value_text(row: SettingRow | None) -> str:
    if row is None:
        return NOT_AVAILABLE
    left = setting_text(row.permanent, row.unit, row.digits)
    if not row.changed:
        return left
    return f"{setting_text(row.as_found, row.unit, row.digits)} → {left}"


def _minutes_table(visits: Sequence[StoredVisit]) -> ComparedTable:
    phases = [
        {phase.name: phase for phase in visit.report.encounter.phases}
        for visit in visits
    ]
    names = list(dict.fromkeys(name for of_visit in phases for name in of_visit))
    tests = tuple(_test_minutes(visit.report) for visit in visits)
    total = tuple(fact_text(visit.report.encounter.facts, LENGTH) for visit in visits)
    rows = (
        ComparedRow("Whole visit", total),
        ComparedRow("In tests of settings", tests),
        *(
            ComparedRow(name, tuple(_lasted(p.get(name)) for p in phases))
            for name in names
        ),
    )
    return ComparedTable("minutes", "Minutes", rows)


def _test_minutes(report: Report) -> str:
    spent = sum(row.minutes.value or 0.0 for row in report.tests.rows)
    return quantity(spent, "min", 1).text


def _lasted(phase: Phase | None) -> str:
    return "not reached" if phase is None else phase.duration.text


def _method_table(visits: Sequence[StoredVisit]) -> ComparedTable:
    facts = [
        {
            item.label: plain(item.text).strip()
            for item in (*visit.report.method.facts, *visit.report.method.versions)
        }
        for visit in visits
    ]
    labels = list(dict.fromkeys(label for of_visit in facts for label in of_visit))
    rows = (
        ComparedRow(label, tuple(f.get(label, NOT_AVAILABLE) for f in facts))
        for label in labels
    )
    caption = "How the visits were made: what is not the same"
    return ComparedTable("method", caption, tuple(row for row in rows if row.differs))


def _answer_key_table(visits: Sequence[StoredVisit]) -> ComparedTable:
    """Return what the visits did not know, of those that are no hand-outs."""
    keys = [v.report.answer_key.facts if v.report.answer_key else () for v in visits]
    labels = dict.fromkeys(item.label for facts in keys for item in facts)
    rows = (
        ComparedRow(label, tuple(fact_text(f, label) for f in keys)) for label in labels
    )
    hidden = [hidden_numbers(visit.report) for visit in visits]
    moved = (
        ComparedRow(name, tuple(numbers.get(name, NOT_AVAILABLE) for numbers in hidden))
        for name in moved_hidden([visit.report for visit in visits])
    )
    return ComparedTable("answer-key", "The simulator's truth", (*rows, *moved))
