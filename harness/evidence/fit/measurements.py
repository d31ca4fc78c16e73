"""Read a file of bedside values; every fault in it is reported together.

Numbers may be written with a decimal point or a decimal comma, and a unit may be left
out. What cannot be read in one way alone is not guessed at: the whole file is read
under each format, and each column in each unit; where two readings are possible and
differ, the file is refused, with what to say.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from harness.common.faults import Fault
from harness.evidence.fit.headings import Role, unit_named
from harness.evidence.fit.layout import Layout, Said, layouts, no_headings, values_of
from harness.evidence.fit.quantities import QUANTITIES, BedsideQuantity
from harness.evidence.fit.sheet import Sheet, read_sheets, sheets_of_text
from harness.evidence.fit.written import WrittenCell, written
from sim.carried import Carried
from sim.textfiles import UnreadableError

Decimal = Literal["point", "comma"]
FORMATS: Final[tuple[Decimal, ...]] = ("point", "comma")
_LEAST_SD_FRAC: Final = 1e-4  # of the largest value: no bedside reading is so exact
_EVEN_SPREAD: Final = 12.0**-0.5  # SD of what may lie anywhere in a range, of its width
_MOST_TOLD: Final = 20


class MeasurementsError(Carried, ValueError):
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
class MeasuredPerson:
    """One patient of a file, the measurements in the order of `QUANTITIES`."""

    name: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class MeasurementFile:
    """What a file holds, how it was understood, and the rows and columns left out.

    Every row is read, ignored by intent, the header, or blank; else the file is
    refused.
    """

    people: tuple[MeasuredPerson, ...]
    understood: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """The measurements of a file that holds one patient."""
        (person,) = self.people
        return person.measurements


def read_measurements(
    path: str | Path, *, decimal: Decimal | None = None, sheet: str | None = None
) -> MeasurementFile:
    """Read the measurements of a text (CSV, TSV) or workbook (XLSX, XLS, ODS).

    Parameters
    ----------
    path
        The file; its name is that of a patient whom it does not name.
    decimal
        Which mark numbers have; what the file shows by default.
    sheet
        Which sheet of a workbook; the only one with measurements by default.

    Raises
    ------
    MeasurementsError
        With every fault: row (the first line of the file is row 1), column, what is
        there, unit and range that are allowed.
    """
    try:
        sheets = read_sheets(path)
    except UnreadableError as error:
        raise MeasurementsError(str(path), [Fault("", str(error))]) from None
    if sheet is not None:
        names = [s.name for s in sheets if s.name]
        if sheet not in names:
            text = f"has no sheet {sheet!r}; its sheets: {', '.join(names) or 'none'}"
            raise MeasurementsError(str(path), [Fault("", text)])
        sheets = [s for s in sheets if s.name == sheet]
    return _bedside(sheets, str(path), Path(path).stem, decimal)


def parse_measurements(
    text: str, origin: str, *, decimal: Decimal | None = None
) -> MeasurementFile:
    """Return the measurements of a text; as `read_measurements`."""
    return _bedside(sheets_of_text(text), origin, Path(origin).stem, decimal)


def _bedside(
    sheets: Sequence[Sheet], origin: str, name: str, decimal: Decimal | None
) -> MeasurementFile:
    found = layouts(sheets)
    if len(found) != 1:
        raise MeasurementsError(origin, [_which_sheet(found) or no_headings(sheets)])
    (layout,) = found
    faults = list(layout.sheet.faults)
    ignored = [*layout.sheet.ignored, *layout.above]
    said = values_of(layout, name, faults, ignored)
    read = _in_one_format(said, decimal)
    faults = _in_order([*faults, *read.faults])
    if not said and not faults:
        faults = [Fault("", "has no measurements below its headings")]
    columns = [f"column {c.heading!r}" for c in layout.all(Role.FURTHER) if c.heading]
    if faults:
        if columns and any("must be given" in fault.text for fault in faults):
            faults.append(Fault("", f"not understood: {', '.join(columns)}"))
        raise MeasurementsError(origin, faults)
    return MeasurementFile(
        tuple(read.people), tuple(_understood(layout, read)), (*columns, *ignored)
    )


def _which_sheet(found: Sequence[Layout]) -> Fault | None:
    if not found:
        return None
    names = ", ".join(repr(layout.sheet.name) for layout in found)
    return Fault("", f"has measurements in sheets {names}; say which with --sheet")


def _in_order(faults: Sequence[Fault]) -> list[Fault]:
    """Return faults by their row, those of the whole file last, a long list cut."""

    def row(fault: Fault) -> int:
        number = fault.path.removeprefix("row ").partition(",")[0]
        return int(number) if number.isdigit() else 10**9

    ordered = sorted(faults, key=row)
    left = len(ordered) - _MOST_TOLD
    more = [Fault("", f"and {left} faults more")] if left > 0 else []
    return ordered[:_MOST_TOLD] + more


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file says under one format of its numbers, in the units that it has.

    `only` tells that it would say something else, or nothing, under another.
    """

    decimal: Decimal
    people: list[MeasuredPerson]
    units: dict[tuple[str, str], tuple[str, bool]]
    faults: list[Fault]
    only: bool = False


def _in_one_format(said: Sequence[Said], decimal: Decimal | None) -> _Read:
    if decimal is not None:
        return replace(_read(said, decimal), only=True)
    ways = [_read(said, one) for one in FORMATS]
    good = [way for way in ways if not way.faults]
    if len(good) != len(ways):
        return replace(min(ways, key=lambda way: len(way.faults)), only=True)
    first, other = ways
    if first.people != other.people:
        text = (
            "can be read in two ways: 1,500 as 1500 or as 1.5; say which with "
            "--decimal point or --decimal comma"
        )
        return replace(first, faults=[Fault("", text)])
    return first


def _read(said: Sequence[Said], decimal: Decimal) -> _Read:
    faults: list[Fault] = []
    groups: dict[tuple[tuple[int, str], str], list[Said]] = {}
    for one in said:
        groups.setdefault((one.group, one.quantity.name), []).append(one)
    units: dict[tuple[str, str], tuple[str, bool]] = {}
    found: dict[str, dict[str, tuple[Said, Measurement | None]]] = {}
    read = {}
    for (group, name), members in groups.items():
        values = [written(m.text, comma=decimal == "comma") for m in members]
        unit, was_said = _unit(members, values, faults)
        units.setdefault((name, group[1]), (unit, was_said))
        for one, value in zip(members, values, strict=True):
            read[id(one)] = _measurement(one, value, unit, decimal, faults)
    for one in said:
        theirs = found.setdefault(one.person, {})
        if one.quantity.name in theirs:
            faults.append(_twice(one, theirs[one.quantity.name][0]))
        theirs.setdefault(one.quantity.name, (one, read[id(one)]))
    people = [_person(name, rows, len(found), faults) for name, rows in found.items()]
    return _Read(decimal, people, units, faults)


def _twice(one: Said, first: Said) -> Fault:
    column = "quantity" if one.column == "value" else one.column
    text = f"row {first.row} gives {one.quantity.name} already; give each once"
    if one.quantity.name == "PCWP":
        text += " (PCWP and LAP are one)"
    return Fault(f"row {one.row}, column {column}", text)


def _unit(
    members: Sequence[Said], values: Sequence[WrittenCell | None], faults: list[Fault]
) -> tuple[str, bool]:
    """Return the unit that a column or row has, and whether the file names it.

    One that is not named must be the only one in which every value is allowed.
    """
    quantity = members[0].quantity
    named = {m.unit for m in members if m.unit}
    named |= {unit_named(v.unit) for v in values if v is not None and v.unit}
    if len(named) == 1:
        return next(iter(named)), True
    if named:
        text = f"must have one unit, got {', '.join(sorted(named))}"
        faults.append(Fault(members[0].place, text))
        return quantity.unit, True
    numbers = [v for v in values if v is not None]
    misses = {
        unit: sum(not _allowed(v, quantity, factor) for v in numbers)
        for unit, factor in quantity.units.items()
    }
    possible = [unit for unit, n_missed in misses.items() if not n_missed]
    if len(possible) > 1 and numbers:
        said = f"may be {' or '.join(possible)}, got {members[0].text}; name the unit"
        faults.append(Fault(members[0].place, f"of {quantity.name} {said}"))
    return min(misses, key=lambda unit: misses[unit]), False


def _allowed(value: WrittenCell, quantity: BedsideQuantity, factor: float) -> bool:
    return quantity.low <= value.low * factor <= value.high * factor <= quantity.high


def _measurement(
    one: Said,
    value: WrittenCell | None,
    unit: str,
    decimal: Decimal,
    faults: list[Fault],
) -> Measurement | None:
    quantity = one.quantity
    factor = quantity.units.get(unit)
    if factor is None:
        allowed = " or ".join(quantity.units)
        text = f"of {quantity.name} must be in {allowed}, got {one.text}"
        faults.append(Fault(one.place, text))
        return None
    if value is None or not _allowed(value, quantity, factor):
        faults.append(Fault(one.place, _outside(one, value, unit)))
        return None
    error = quantity.default_sd(value.value * factor)
    given = value.sd if value.sd is not None else None
    if one.sd:
        spread = written(one.sd, comma=decimal == "comma")
        given = spread.value if spread is not None else -1.0
    if given is not None:
        error = given * factor
        least = _LEAST_SD_FRAC * quantity.high
        if not least <= error <= quantity.high:
            allowed = f"{least:g} to {quantity.high:g} {quantity.unit}"
            got = f"{one.sd or f'{given:g}'} {unit}"
            text = f"of {quantity.name} must be {allowed}, got {got}"
            faults.append(Fault(f"row {one.row}, column {one.sd_column}", text))
            return None
    width = (value.high - value.low) * factor
    sd = (error**2 + (_EVEN_SPREAD * width) ** 2) ** 0.5 if width else error
    return Measurement(quantity.name, value.value * factor, sd, given is not None)


def _outside(one: Said, value: WrittenCell | None, unit: str) -> str:
    quantity = one.quantity
    got = one.text
    if value is not None and not value.unit:
        got = f"{got} {unit}"
    elif one.unit:
        got = f"{got} {one.unit}"
    hint = ""
    factors = quantity.units.items()
    if value is not None:
        others = [u for u, f in factors if u != unit and _allowed(value, quantity, f)]
        if others:
            hint = f"; it would be allowed in {others[0]}: name the unit that is meant"
    return f"of {quantity.name} must be {quantity.allowed}, got {got}{hint}"


def _person(
    name: str,
    rows: dict[str, tuple[Said, Measurement | None]],
    n_people: int,
    faults: list[Fault],
) -> MeasuredPerson:
    whose = f"patient {name!r}: " if n_people > 1 else ""
    for quantity in QUANTITIES.values():
        given = rows.keys() & {quantity.name, *quantity.instead}
        if quantity.required and not given:
            instead = "".join(f" or {other}" for other in quantity.instead)
            text = f"{quantity.name} ({quantity.title}){instead} must be given"
            faults.append(Fault("", f"{whose}{text}, {quantity.allowed}"))
    found = {q: m for q, (_, m) in rows.items() if m is not None}
    faults += _order_faults(found, rows)
    return MeasuredPerson(name, tuple(found[q] for q in QUANTITIES if q in found))


_BELOW: Final = (("DBP", "SBP"), ("MAP", "SBP"), ("DBP", "MAP"), ("ESV", "EDV"))


def _order_faults(
    found: dict[str, Measurement], rows: dict[str, tuple[Said, Measurement | None]]
) -> Iterator[Fault]:
    for low, high in _BELOW:
        if low in found and high in found and found[low].value >= found[high].value:
            unit = QUANTITIES[low].unit
            text = f"of {low} must be below {high} ({found[high].value:g} {unit})"
            place = rows[low][0].place
            yield Fault(place, f"{text}, got {found[low].value:g} {unit}")


def _understood(layout: Layout, read: _Read) -> Iterator[str]:
    form = "one row a value" if layout.is_long else "one row a patient"
    n_people = len(read.people)
    people = "1 patient" if n_people == 1 else f"{n_people} patients"
    yield f"read      {layout.sheet.found}, {form}, {people}"
    if read.only:
        yield f"numbers   decimal {read.decimal}"
    for (name, heading), (unit, named) in sorted(
        read.units.items(), key=lambda item: list(QUANTITIES).index(item[0][0])
    ):
        where = f"column {heading!r}" if heading else QUANTITIES[name].title
        word = "a fraction of 1" if unit == "1" else unit
        how = "as" if unit == "1" else "in"
        how = f"{how} {word}" if named else f"taken as {word}: no other is possible"
        yield f"{name:<10}{where}, {how}"
