"""Read a file of bedside values; every fault in it is reported together."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.common.faults import Fault, nearest, shown
from harness.evidence.fit.quantities import QUANTITIES, Quantity, quantity_of

COLUMNS: Final = ("quantity", "value", "unit", "sd")
_MOST_CHARACTERS: Final = 1_000_000


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


def read_measurements(path: str | Path) -> tuple[Measurement, ...]:
    """Read a CSV file of measurements, in the order of `QUANTITIES`.

    Raises
    ------
    MeasurementsError
        With every fault: row (the first line of the file is row 1), column, what is
        there, unit and range that are allowed.
    """
    origin = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        fault = Fault("", f"cannot be read: {reason}")
        raise MeasurementsError(origin, [fault]) from None
    except UnicodeDecodeError:
        fault = Fault("", "must be UTF-8 text; save it as CSV UTF-8")
        raise MeasurementsError(origin, [fault]) from None
    return parse_measurements(text, origin)


def parse_measurements(text: str, origin: str) -> tuple[Measurement, ...]:
    """Return the measurements of a CSV text; as `read_measurements`."""
    if len(text) > _MOST_CHARACTERS:
        fault = Fault("", f"must be at most {_MOST_CHARACTERS} characters long")
        raise MeasurementsError(origin, [fault])
    rows = list(_rows(text))
    faults = list(_header_faults(rows))
    if faults:
        raise MeasurementsError(origin, faults)
    names = [cell.lower() for cell in rows[0][1]]
    found: dict[str, Measurement] = {}
    first_row: dict[str, int] = {}
    for number, cells in rows[1:]:
        if len(cells) != len(names):
            faults.append(
                Fault(
                    f"row {number}", f"must have {len(names)} cells, got {len(cells)}"
                )
            )
            continue
        row = _Row(number, dict(zip(names, cells, strict=True)), faults)
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
    return tuple(found[name] for name in QUANTITIES if name in found)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and stripped cells of each row that is not blank or '#'."""
    lines = text.splitlines()
    first = next((s for s in lines if s.strip() and not s.startswith("#")), "")
    mark = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text), delimiter=mark)
    while True:
        number = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            continue
        if any(cells) and not cells[0].startswith("#"):
            yield number, cells


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
            sd = self._number("sd", quantity, factor, (0.0, quantity.high))
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
        try:
            number = float(text) if "_" not in text else math.nan
        except ValueError:
            number = math.nan
        value = number * (1.0 if factor is None else factor)
        is_sd = column == "sd"
        outside = factor is not None and not low <= value <= high
        if math.isfinite(value) and not outside and not (is_sd and value <= 0.0):
            return value
        allowed = f"above 0, at most {high:g} {quantity.unit}"
        allowed = allowed if is_sd else f"{low:g} to {high:g} {quantity.unit}"
        got = f"{text} {self.cells['unit']}".strip() if text else "nothing"
        self.fault(column, f"of {quantity.name} must be {allowed}, got {got}")
        return None


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
