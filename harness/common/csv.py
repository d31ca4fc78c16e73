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
