"""Read a file of bedside values; every fault in it is reported together."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.common.csv import cells_of
from harness.common.faults import Fault, nearest, shown
from harness.evidence.fit.quantities import QUANTITIES, Quantity, quantity_of
from sim.textfiles import UnreadableError, read_text

COLUMNS: Final = ("quantity", "value", "unit", "sd")
_COMMENT: Final = "#"
_MARKS: Final = ("\t", ";", ",")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_LEAST_SD_FRAC: Final = 1e-4  # of the largest value: no bedside reading is so exact


class MeasurementsError(ValueError):
    """A file of measurements cannot be used; the message lists every fault."""

    def __init__(self, origin: str, faults: Iterable[Fault]) -> None:
        self.origin = origin
        self.faults = tuple(faults)
        lines = [f"{origin}: {fault}" for fault in self.faults]
        if len(lines) > 1:
            head = f"{origin}: {len(lines)} faults"
            lines = [head, *(f"  {fault}" for fault in self.faults)]
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Measurement:
    """One bedside value with its standard deviation, in the unit of its quantity."""

    quantity: str
    value: float
    sd: float
    sd_given: bool

    @property
    def unit(self) -> str:
        """The unit of both numbers."""
        return QUANTITIES[self.quantity].unit


@dataclass(frozen=True, slots=True)
class Bedside:
    """What a file holds: its measurements, and the rows that say nothing by intent.

    Every row is one or the other, the header, or blank; else the file is refused.
    """

    measurements: tuple[Measurement, ...]
    ignored: tuple[str, ...]


def read_measurements(path: str | Path) -> Bedside:
    """Read a CSV file of measurements, in the order of `QUANTITIES`.

    Cells are parted by commas, semicolons or tabs; beside the latter two a number may
    have a decimal comma.

    Raises
    ------
    MeasurementsError
        With every fault: row (the first line of the file is row 1), column, what is
        there, unit and range that are allowed.
    """
    try:
        return parse_measurements(read_text(path), str(path))
    except UnreadableError as error:
        text = f"{error}; save it as CSV UTF-8" if "UTF-8" in str(error) else str(error)
        raise MeasurementsError(str(path), [Fault("", text)]) from None


def parse_measurements(text: str, origin: str) -> Bedside:
    """Return the measurements of a CSV text; as `read_measurements`."""
    mark = _mark(text)
    rows, ignored, faults = _rows(text, mark)
    faults += _header_faults(rows)
    if faults:
        raise MeasurementsError(origin, faults)
    names = [cell.lower() for cell in rows[0][1]]
    found: dict[str, Measurement] = {}
    first_row: dict[str, int] = {}
    for number, cells in rows[1:]:
        if len(cells) != len(names):
            faults.append(_cells_fault(number, len(names), len(cells), mark))
            continue
        by_name = dict(zip(names, cells, strict=True))
        row = _Row(number, by_name, faults, decimal_comma=mark != ",")
        quantity = row.quantity()
        if quantity is None:
            continue
        if quantity.name in first_row:
            twice = f"row {first_row[quantity.name]} gives {quantity.name} already"
            row.fault("quantity", f"{twice}; give each once (PCWP and LAP are one)")
        first_row.setdefault(quantity.name, number)
        measured = row.measurement(quantity)
        if measured is not None:
            found.setdefault(quantity.name, measured)
    faults += _missing(first_row)
    faults += _pulse_fault(found, first_row)
    if faults:
        raise MeasurementsError(origin, faults)
    return Bedside(tuple(found[q] for q in QUANTITIES if q in found), tuple(ignored))


def _mark(text: str) -> str:
    """Return what parts the cells of the header."""
    lines = text.split("\n")
    first = next((s for s in lines if s.strip() and not s.startswith(_COMMENT)), "")
    return next((mark for mark in _MARKS[:2] if mark in first), _MARKS[-1])


def _cells_fault(number: int, wanted: int, got: int, mark: str) -> Fault:
    hint = "; write 27.5 with a point" if mark == "," and got > wanted else ""
    return Fault(f"row {number}", f"must have {wanted} cells, got {got}{hint}")


_Rows = list[tuple[int, list[str]]]


def _rows(text: str, mark: str) -> tuple[_Rows, list[str], list[Fault]]:
    """Return line number and cells of each row, the rows ignored, and the faults."""
    rows: _Rows = []
    ignored: list[str] = []
    faults: list[Fault] = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            cells = [cell.strip() for cell in cells_of(line, mark)]
        except ValueError as error:
            faults.append(Fault(f"row {number}", str(error)))
            continue
        if cells and cells[0].startswith(_COMMENT):
            ignored.append(f"row {number} (a comment)")
        elif any(cells):
            rows.append((number, cells))
        elif line.strip():
            ignored.append(f"row {number} (empty cells)")
    return rows, ignored, faults


def _header_faults(rows: list[tuple[int, list[str]]]) -> Iterator[Fault]:
    wanted = ",".join(COLUMNS)
    if not rows:
        yield Fault("", f"is empty; its first row must be {wanted}")
        return
    number, cells = rows[0]
    names = [cell.lower() for cell in cells]
    for name in COLUMNS:
        if name != "sd" and name not in names:
            yield Fault(f"row {number}", f"has no column {name!r}; must be {wanted}")
    for name in names:
        if name not in COLUMNS:
            near = nearest(name, COLUMNS)
            text = f"no such column (nearest is {near!r}); must be {wanted}"
            yield Fault(f"row {number}, column {name!r}", text)
        elif names.count(name) > 1:
            yield Fault(f"row {number}, column {name!r}", "must stand once")


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    cells: Mapping[str, str]
    faults: list[Fault]
    decimal_comma: bool

    def fault(self, column: str, text: str) -> None:
        self.faults.append(Fault(f"row {self.number}, column {column}", text))

    def quantity(self) -> Quantity | None:
        word = self.cells["quantity"]
        found = quantity_of(word)
        if found is None:
            known = ", ".join(QUANTITIES)
            near = nearest(word.upper(), QUANTITIES)
            text = f"must be one of {known}, got {word!r} (nearest is {near!r})"
            self.fault("quantity", text)
        return found

    def measurement(self, quantity: Quantity) -> Measurement | None:
        unit = self.cells["unit"].replace(" ", "").lower()
        factor = quantity.units.get(unit)
        if factor is None:
            allowed = " or ".join(quantity.spelled_units)
            got = shown(self.cells["unit"])
            self.fault("unit", f"of {quantity.name} must be {allowed}, got {got}")
        value = self._number("value", quantity, factor, (quantity.low, quantity.high))
        given = self.cells.get("sd", "")
        sd = None
        if given:
            least = _LEAST_SD_FRAC * quantity.high
            sd = self._number("sd", quantity, factor, (least, quantity.high))
            if sd is None:
                return None
        if value is None or factor is None:
            return None
        spread = quantity.default_sd(value) if sd is None else sd
        return Measurement(quantity.name, value, spread, sd is not None)

    def _number(
        self,
        column: str,
        quantity: Quantity,
        factor: float | None,
        limits: tuple[float, float],
    ) -> float | None:
        """Return the number in the quantity's unit; a range is known with a unit."""
        text, (low, high) = self.cells[column], limits
        value = self._finite(text) * (1.0 if factor is None else factor)
        outside = factor is not None and not low <= value <= high
        if math.isfinite(value) and not outside:
            return value
        allowed = f"{low:g} to {high:g} {quantity.unit}"
        got = f"{text} {self.cells['unit']}".strip() if text else "nothing"
        self.fault(column, f"of {quantity.name} must be {allowed}, got {got}")
        return None

    def _finite(self, text: str) -> float:
        if self.decimal_comma and _DECIMAL_COMMA.fullmatch(text):
            text = text.replace(",", ".")
        try:
            return float(text) if "_" not in text else math.nan
        except ValueError:
            return math.nan


def _missing(given: Mapping[str, int]) -> Iterator[Fault]:
    for quantity in QUANTITIES.values():
        if quantity.required and quantity.name not in given:
            text = f"{quantity.name} ({quantity.title}) must be given"
            yield Fault("", f"{text}, {quantity.allowed}")


def _pulse_fault(
    found: Mapping[str, Measurement], row: Mapping[str, int]
) -> Iterator[Fault]:
    if "SBP" in found and "DBP" in found:
        high, low = found["SBP"].value, found["DBP"].value
        if low >= high:
            text = f"of DBP must be below SBP ({high:g} mmHg), got {low:g} mmHg"
            yield Fault(f"row {row['DBP']}, column value", text)
