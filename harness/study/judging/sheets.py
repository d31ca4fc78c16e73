"""Tables beside the leaderboard: one form for the page and for a tidy file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.common.csv import Cell
from harness.common.words import EN_DASH, between, decimal
from harness.study.judging.layout import Head, ShownCell, ShownTable, found_text
from harness.study.judging.metrics import Metric
from harness.study.judging.numbers import NOTHING, Estimate

Value = str | int | float | Estimate
DIGITS = 6
"""Decimals of the files: what other machines reproduce."""


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column: its name in the file, what stands above it, what that means.

    `digits` are those shown; `is_p` where a value may be the least that could be found.
    """

    name: str
    head: str
    about: str = ""
    digits: int = 2
    is_p: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TidySheet:
    """A table of one study and plan: rows by the names of its columns.

    `name` is that of its file, `about` says what is in it and how it was reckoned. A
    row may lack a value. The first column names who or what a row is about.
    """

    name: str
    title: str
    about: str
    columns: tuple[SheetColumn, ...]
    rows: tuple[Mapping[str, Value], ...]


def tidy(sheet: TidySheet, place: Mapping[str, Cell]) -> Iterator[dict[str, Cell]]:
    """Yield the rows of a file.

    An estimate has its limits in `_low` and `_high`, its Monte Carlo error in `_error`
    and what it rests on in `_n`; `place` stands before each row.
    """
    estimated = {
        column.name
        for column in sheet.columns
        if any(isinstance(row.get(column.name), Estimate) for row in sheet.rows)
    }
    for row in sheet.rows:
        cells = dict(place)
        for column in sheet.columns:
            value = row.get(column.name)
            if column.name in estimated:
                cells |= _parts(column.name, value)
            else:
                cells[column.name] = _rounded(value)
        yield cells


def _parts(name: str, value: Value | None) -> dict[str, Cell]:
    found = value if isinstance(value, Estimate) else NOTHING
    limits = {"": found.value, "_low": found.low, "_high": found.high}
    limits["_error"] = found.error
    rounded = {f"{name}{part}": round(x, DIGITS) for part, x in limits.items()}
    return {**rounded, f"{name}_n": found.n}


def _rounded(value: Value | None) -> Cell:
    if isinstance(value, Estimate):
        return round(value.value, DIGITS)
    return round(value, DIGITS) if isinstance(value, float) else value


def shown(sheet: TidySheet) -> ShownTable:
    """Return a sheet as the page shows it; columns without data go."""
    filled = [
        (column, cells)
        for column, cells in (
            (column, [_cell(column, row.get(column.name)) for row in sheet.rows])
            for column in sheet.columns
        )
        if any(cell.text not in ("", EN_DASH) for cell in cells)
    ]
    return ShownTable(
        sheet.title,
        tuple(Head(column.head, column.about) for column, _ in filled),
        tuple(zip(*(cells for _, cells in filled), strict=True)),
        (False,) * len(sheet.rows),
    )


def _cell(column: SheetColumn, value: Value | None) -> ShownCell:
    if value is None:
        return ShownCell(EN_DASH)
    if isinstance(value, str):
        return ShownCell(value)
    if not isinstance(value, Estimate):
        digits = 0 if isinstance(value, int) else column.digits
        value = Estimate(float(value))
        return _number(column, value, digits)
    return _number(column, value, column.digits)


def _number(column: SheetColumn, found: Estimate, digits: int) -> ShownCell:
    if not found.known:
        return ShownCell(EN_DASH)
    text = decimal(found.value, digits)
    if column.is_p:
        text = found_text(Metric("p", "", "", "", digits, ""), found)
    has_limits = found.low == found.low and found.high == found.high
    below = between(found.low, found.high, digits) if has_limits else ""
    return ShownCell(text, below, repr(found.value))
