"""Rows as CSV that a spreadsheet cannot mistake for formulas."""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

Cell = str | int | float | bool | None


Row = Mapping[str, Cell]


_FORMULA: Final = re.compile(r"\s*[=+\-@\t\r]")


_NUMBER: Final = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?\Z")


def csv_bytes(rows: Iterable[Row]) -> bytes:
    """Return rows as CSV: numbers in full, a missing one empty, lines ended by LF.

    Text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    listed = list(rows)
    text = io.StringIO()
    if listed:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(listed[0])
        writer.writerows([_cell(value) for value in row.values()] for row in listed)
    return text.getvalue().encode()


def cells_of(line: str, mark: str = ",") -> list[str]:
    """Return the cells of one line; ValueError says why it is none.

    A cell never goes on in the next line, so that an open quote swallows no rows.
    """
    try:
        return next(csv.reader([line], delimiter=mark, strict=True), [])
    except csv.Error as error:
        if "field limit" in str(error):
            reason = f"has a cell that is too long, {len(line)} characters"
        else:
            reason = "has a quote that is not closed, or text after one that is"
        raise ValueError(reason) from None


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else ""
    return _inert(value) if isinstance(value, str) else str(value)


def _inert(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.match(text) else text
