"""The table of findings as text for a terminal, as Markdown, and as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from harness.evidence.validation.fitted import why_kind
from harness.evidence.validation.rules import FindingPart
from harness.evidence.validation.table import Row, checks, counts, counts_by_kind

_COLUMNS: Final = (
    *("id", "status", "kind", "finding", "population", "published", "part"),
    *("part_published", "simulated", "value", "low", "high", "least", "most"),
    *("inside", "rule", "experiment", "note", "set_from_row", "source"),
)
_GLOSS: Final = """\
**inside**: every part of the row keeps to its rule. **outside**: one does not.
**predicted**: no number was set with the row in view. **same source**: repeats data or
number of a fitted row. **by construction**: the answer is built in. **fitted**: a
number of the model was set with the row in view."""


def summary(rows: Sequence[Row]) -> str:
    """Return the counts in two sentences, by what agreement is worth."""
    (inside, n), *rest = counts_by_kind(rows).values()
    others = zip(("same source", "by construction", "fitted"), rest, strict=True)
    told = "; ".join(f"{kind} {k} of {m}" for kind, (k, m) in others)
    return (
        f"Of {n} predicted findings {inside} are inside. Agreement that was to be"
        f" expected: {told}. {counts(rows)['not modelled']} of {len(rows)} findings"
        " are not modelled."
    )


def text(rows: Sequence[Row]) -> str:
    """Return the table for a terminal: a line for each part of each row."""
    lines = [line for row in rows for line in _lines(row)]
    return "\n".join([*lines, "", *_check_lines(rows), "", summary(rows)])


def _lines(row: Row) -> Iterator[str]:
    target = row.target
    head = f"{target.id}  {row.status:<12}  {row.kind:<15}"
    title = f"{target.quantity}, {target.population}: {target.published}"
    yield f"{head}  {title}"
    if row.finding is None:
        yield f"       {row.reason}"
        return
    for part in row.finding.parts:
        mark = " " if part.inside else "!"
        yield f"     {mark} {part.label}: {part.simulated}  [{part.rule}]"
    if row.finding.note:
        yield f"       {row.finding.note}"


def _check_lines(rows: Sequence[Row]) -> Iterator[str]:
    yield "Checks a reviewer would run first (docs/model.md, section G)"
    for number, (title, found) in enumerate(checks(rows), start=1):
        yield f"{number:>2}  {title}: {found}"


def markdown(rows: Sequence[Row]) -> str:
    """Return the whole table as Markdown."""
    head = ["| id | | | finding | published | simulated | rule, note |", "|" + "-|" * 7]
    body = [_markdown_row(row) for row in rows]
    return "\n".join(
        [
            "# Published findings against this simulator",
            "",
            summary(rows),
            "",
            _GLOSS,
            "",
            *markdown_checks(rows),
            "",
            *head,
            *body,
            "",
            "Simulated data only: not for the care of a patient, not for a claim.",
            "",
        ]
    )


def markdown_checks(rows: Sequence[Row]) -> list[str]:
    """Return the reviewer's checks as a Markdown table."""
    lines = [
        f"| {number} | {title} | {found} |"
        for number, (title, found) in enumerate(checks(rows), start=1)
    ]
    return ["| # | check | rows |", "|-|-|-|", *lines]


def _markdown_row(row: Row) -> str:
    target, finding = row.target, row.finding
    simulated = (
        "<br>".join(_part_text(part) for part in finding.parts) if finding else ""
    )
    rules = [f"{part.label}: {part.rule}" for part in finding.parts] if finding else []
    note = finding.note if finding else row.reason
    how = f"*{finding.how}*" if finding else ""
    cells = (
        target.id,
        row.status,
        row.kind,
        f"{target.quantity}, {target.population}",
        target.published,
        simulated,
        "<br>".join(text for text in (how, *rules, note) if text),
    )
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _part_text(part: FindingPart) -> str:
    mark = "" if part.inside else " **(outside)**"
    return f"{part.label}: {part.simulated}{mark}"


def csv_text(rows: Sequence[Row]) -> str:
    """Return the table as CSV, a line for each part of each row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerows(_csv_rows(row))
    return out.getvalue()


def _csv_rows(row: Row) -> Iterator[list[str]]:
    target, finding = row.target, row.finding
    start = [target.id, row.status, row.kind, target.quantity, target.population]
    start.append(target.published)
    set_from = why_kind(target.id)
    if finding is None:
        yield [*start, *[""] * 10, "", row.reason, set_from, target.source]
        return
    for part in finding.parts:
        numbers = (part.value, part.low, part.high, part.least, part.most)
        yield [
            *start,
            part.label,
            part.published,
            part.simulated,
            *("" if value != value else f"{value:.5g}" for value in numbers),
            str(part.inside).lower(),
            part.rule,
            finding.how,
            finding.note,
            set_from,
            target.source,
        ]
