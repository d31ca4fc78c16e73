"""Which cell of a bedside file says what of whom: a row is a value, or a patient.

Nothing is read as a number here: `values_of` finds texts, `measurements` reads them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.common.faults import Fault, hint_of, shown
from harness.evidence.fit.headings import (
    BP,
    Column,
    Role,
    column,
    quantity_for,
    quantity_name,
    unit_named,
)
from harness.evidence.fit.quantities import QUANTITIES, BedsideQuantity
from harness.evidence.fit.sheet import Sheet
from harness.evidence.fit.written import is_nothing, pressures

LONG_FORM: Final = "quantity,value,unit,sd"
_HEADINGS_WITHIN: Final = 20
_PARTS: Final = ("SBP", "DBP")


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of one quantity: texts, and where they stand.

    `group` is what shares one unit: the column of a table with a row a patient, else
    the row alone. `unit` is named by the file, or empty.
    """

    person: str
    quantity: BedsideQuantity
    row: int
    column: str
    group: tuple[int, str]
    text: str
    unit: str = ""
    sd: str = ""
    sd_column: str = "sd"

    @property
    def place(self) -> str:
        """Where the value stands."""
        return f"row {self.row}, column {self.column}"


@dataclass(frozen=True, slots=True)
class Layout:
    """A sheet whose headings are understood."""

    sheet: Sheet
    at: int
    columns: tuple[Column, ...]

    @property
    def is_long(self) -> bool:
        """Whether each row is one value; else each is one patient."""
        return self.one(Role.QUANTITY) is not None

    @property
    def rows(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """The rows below the headings, their numbers first."""
        return self.sheet.rows[self.at + 1 :]

    @property
    def above(self) -> list[str]:
        """The rows above the headings, which nobody reads."""
        rows = self.sheet.rows[: self.at]
        return [f"row {number} (above the headings)" for number, _ in rows]

    def one(self, role: Role) -> Column | None:
        """Return the first column of a role."""
        return next((c for c in self.columns if c.role is role), None)

    def all(self, role: Role) -> list[Column]:
        """Return the columns of a role."""
        return [c for c in self.columns if c.role is role]


def layouts(sheets: Sequence[Sheet]) -> list[Layout]:
    """Return the sheets whose headings are understood; of a text at most one."""
    found = [layout for sheet in sheets if (layout := _layout(sheet)) is not None]
    if found and found[0].sheet.mark:
        return [max(found, key=_n_understood)]
    return found


def _n_understood(layout: Layout) -> int:
    return sum(c.role is not Role.FURTHER for c in layout.columns)


def _layout(sheet: Sheet) -> Layout | None:
    for at, (_, cells) in enumerate(sheet.rows[:_HEADINGS_WITHIN]):
        columns = tuple(column(i, cell) for i, cell in enumerate(cells))
        roles = [c.role for c in columns]
        is_long = Role.QUANTITY in roles and Role.VALUE in roles
        if is_long or (Role.MEASURED in roles and len(cells) > 1):
            if not is_long:
                columns = tuple(_of_wide(c) for c in columns)
            return Layout(sheet, at, columns)
    return None


def _of_wide(c: Column) -> Column:
    kept = (Role.MEASURED, Role.SPREAD, Role.PATIENT, Role.FURTHER)
    return c if c.role in kept else replace(c, role=Role.FURTHER)


def no_headings(sheets: Sequence[Sheet]) -> Fault:
    """Say that no row of a file has headings, and what they may be."""
    rows = max((sheet.rows for sheet in sheets), key=_n_cells, default=())
    if not rows:
        return Fault("", f"is empty; its first row must be {LONG_FORM}")
    number, cells = rows[0]
    wanted = f"must be {LONG_FORM}, or quantities such as {', '.join(QUANTITIES)}"
    for name in ("quantity", "value"):
        if name not in [cell.lower() for cell in cells]:
            text = f"has no column {name!r}{hint_of(name, cells)}; {wanted}"
            return Fault(f"row {number}", text)
    return Fault(f"row {number}", wanted)


def _n_cells(rows: Sequence[tuple[int, tuple[str, ...]]]) -> int:
    return max((len(cells) for _, cells in rows), default=0)


def values_of(
    layout: Layout, name: str, faults: list[Fault], ignored: list[str]
) -> list[Said]:
    """Return what a sheet says, in its order; `name` is whose file it is."""
    faults.extend(_twice(layout))
    if layout.is_long:
        return list(_long(layout, name, faults, ignored))
    return list(_wide(layout, name, faults, ignored))


def _twice(layout: Layout) -> Iterator[Fault]:
    number = layout.sheet.rows[layout.at][0]
    seen: dict[tuple[Role, str], Column] = {}
    for c in layout.columns:
        if c.role is Role.FURTHER:
            continue
        other = seen.setdefault((c.role, c.quantity), c)
        if other is not c:
            text = f"means what column {other.heading!r} does; give each once"
            yield Fault(f"row {number}, column {c.heading!r}", text)


def _whole_rows(
    layout: Layout, faults: list[Fault]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the rows that have a cell for each heading.

    One cell more may be a decimal comma, whatever the last one holds.
    """
    n_cells = len(layout.columns)
    for number, cells in layout.rows:
        if len(cells) == n_cells:
            yield number, cells
            continue
        hint = ""
        if layout.sheet.mark == "," and len(cells) > n_cells:
            hint = '; write 27.5 with a point, or "27,5" in quotes'
        text = f"must have {n_cells} cells, got {len(cells)}{hint}"
        faults.append(Fault(f"row {number}", text))


def _cell(cells: tuple[str, ...], c: Column | None) -> str:
    return cells[c.index] if c is not None else ""


def _long(
    layout: Layout, name: str, faults: list[Fault], ignored: list[str]
) -> Iterator[Said]:
    whose = layout.one(Role.PATIENT)
    for number, cells in _whole_rows(layout, faults):
        word = _cell(cells, layout.one(Role.QUANTITY))
        found = quantity_name(word)
        if not found:
            faults.append(_no_quantity(number, word))
            continue
        if is_nothing(_cell(cells, layout.one(Role.VALUE))):
            ignored.append(f"row {number} ({word} without a value)")
            continue
        said = Said(
            person=_cell(cells, whose) if whose else name,
            quantity=quantity_for(found),
            row=number,
            column="value",
            group=(number, ""),
            text=_cell(cells, layout.one(Role.VALUE)),
            sd=_cell(cells, layout.one(Role.SD)),
        )
        unit = _cell(cells, layout.one(Role.UNIT))
        if unit and unit_named(unit) not in said.quantity.units:
            allowed = " or ".join(said.quantity.units)
            text = f"of {said.quantity.name} must be {allowed}, got {shown(unit)}"
            faults.append(Fault(f"row {number}, column unit", text))
            continue
        said = replace(said, unit=unit_named(unit))
        yield from _parts(said, faults) if found == BP else (said,)


def _no_quantity(number: int, word: str) -> Fault:
    hint = hint_of(word, QUANTITIES)
    text = f"must be one of {', '.join(QUANTITIES)}, got {word!r}{hint}"
    return Fault(f"row {number}, column quantity", text)


def _wide(
    layout: Layout, name: str, faults: list[Fault], ignored: list[str]
) -> Iterator[Said]:
    whose = layout.one(Role.PATIENT)
    spreads = {c.quantity: c for c in layout.all(Role.SPREAD)}
    rows = list(_whole_rows(layout, faults))
    units = _units_row(layout, rows)
    if units:
        ignored.append(f"row {rows[0][0]} (units)")
        rows = rows[1:]
    for number, cells in rows:
        person = _cell(cells, whose)
        if not person:
            person = name if len(rows) == 1 else f"{name}-row-{number}"
        for c in layout.all(Role.MEASURED):
            if is_nothing(_cell(cells, c)):
                continue
            spread = spreads.get(c.quantity)
            said = Said(
                person=person,
                quantity=quantity_for(c.quantity),
                row=number,
                column=shown(c.heading),
                group=(0, c.heading),
                text=_cell(cells, c),
                unit=units.get(c.heading, c.unit),
                sd=_cell(cells, spread),
                sd_column=shown(spread.heading) if spread else "sd",
            )
            yield from _parts(said, faults) if c.quantity == BP else (said,)


def _units_row(
    layout: Layout, rows: Sequence[tuple[int, tuple[str, ...]]]
) -> Mapping[str, str]:
    """Return the units of a row of units below the headings; none where none is."""
    units: dict[str, str] = {}
    for c in layout.all(Role.MEASURED) if rows else ():
        text = _cell(rows[0][1], c)
        unit = unit_named(text)
        if unit not in quantity_for(c.quantity).units:
            if text:
                return {}
            continue
        units[c.heading] = unit
    return units


def _parts(said: Said, faults: list[Fault]) -> Iterator[Said]:
    """Yield systolic and diastolic pressure of one cell, 108/66."""
    found = pressures(said.text)
    if found is None:
        text = f"of {BP} must be systolic/diastolic such as 108/66, got {said.text}"
        faults.append(Fault(said.place, text))
        return
    *texts, unit = found
    for name, text in zip(_PARTS, texts, strict=True):
        said = replace(said, quantity=QUANTITIES[name], text=f"{text} {unit}".strip())
        yield said
