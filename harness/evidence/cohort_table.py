"""A cohort as a tidy table: one row a patient, read back to the same patients."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import duckdb
import numpy as np

from harness.common.csv import cells_of, csv_bytes
from harness.common.faults import Fault, ScenarioError, no_such, not_among
from sim.law.registry import check_law
from sim.law.response_law import UnknownLawError
from sim.patient.assembly import SolvedHeart, assembled
from sim.patient.checks import PARTS, defaults, override_faults, part_faults
from sim.patient.cohort import Cohort, Member
from sim.patient.personalize import OVERRIDES
from sim.patient.population import Draw
from sim.sources import Source
from sim.textfiles import UnreadableError, read_text

_HEART: Final = "solved_"
_BETWEEN: Final = "; "
_MOST_BYTES: Final = 256_000_000  # some 300,000 people
_DRAWN: Final[Mapping[str, Any]] = {item.name: item.type for item in fields(Draw)}
_SOLVED: Final = tuple(item.name for item in fields(SolvedHeart))
_KINDS: Final[Mapping[str, Any]] = {
    "patient": str,
    **_DRAWN,
    **{f"{_HEART}{name}": float for name in _SOLVED},
    "dbp_met": bool,
    "refused": str,
    "checksum": int,
}
COLUMNS: Final = tuple(_KINDS)
"""Patient, what was drawn, what was solved for, and how the drawing went.

`checksum` tells an untouched row; the values of any other are the user's, not ours.
"""
_WORDS: Final = {
    "sex": ("female", "male"),
}
_PART_OF: Final = {name: part for part in PARTS for name in defaults(part)}
_EDITED: Final = Source("patient-file", "row of a cohort table", "overridden")
_SQL: Final = {float: "DOUBLE", int: "BIGINT", bool: "BOOLEAN", str: "VARCHAR"}


def cohort_rows(cohort: Cohort) -> Iterator[dict[str, Any]]:
    """Yield one row a patient, with the columns of `COLUMNS`."""
    for member in cohort.members:
        draw, heart = member.draw, member.heart
        row = {
            "patient": member.patient.name,
            **{name: getattr(draw, name) for name in _DRAWN},
            **{f"{_HEART}{name}": getattr(heart, name) for name in _SOLVED},
            "dbp_met": member.dbp_met,
            "refused": _BETWEEN.join(member.refused),
        }
        yield {**row, "checksum": _checksum(row)}


def write_cohort(cohort: Cohort, path: str | Path) -> None:
    """Write a cohort as .csv or .parquet; every number is kept exactly.

    Raises ValueError for another ending, OSError where it cannot be written.
    """
    place, rows = Path(path), list(cohort_rows(cohort))
    if _ending(place) == ".csv":
        header = f"{','.join(COLUMNS)}\n".encode()
        place.write_bytes(csv_bytes(rows) or header)
        return
    listed = ", ".join(f"{name} {_SQL[kind]}" for name, kind in _KINDS.items())
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(f"CREATE TABLE cohort (place BIGINT, {listed})")
        columns = {name: _array(rows, name) for name in COLUMNS}
        columns["place"] = np.arange(len(rows), dtype=np.int64)
        connection.register("given", columns)
        connection.execute("INSERT INTO cohort BY NAME SELECT * FROM given")
        ordered = connection.sql("SELECT * EXCLUDE place FROM cohort ORDER BY place")
        ordered.write_parquet(str(place), compression="zstd")


def read_cohort(path: str | Path) -> Cohort:
    """Read what `write_cohort` wrote, or a table of the same columns.

    Raises
    ------
    ScenarioError
        When the file cannot be read, or with every fault, each with row and column.
    ValueError
        For another ending than .csv or .parquet.
    """
    place = Path(path)
    rows = _csv_rows(place) if _ending(place) == ".csv" else _parquet_rows(place)
    _check_columns(str(path), rows[0] if rows else dict.fromkeys(COLUMNS))
    faults: list[Fault] = []
    members: list[Member] = []
    for number, row in enumerate(rows, start=1):
        wrong = [Fault(n, text) for n in COLUMNS if (text := _fault(n, row[n]))]
        faults += [Fault(f"row {number}.{fault.path}", fault.text) for fault in wrong]
        if not faults:
            members.append(_member(row))
    if faults:
        raise ScenarioError(str(path), faults)
    return Cohort(tuple(members))


def _ending(place: Path) -> str:
    if place.suffix in (".csv", ".parquet"):
        return place.suffix
    raise ValueError(f"a cohort table must end in .csv or .parquet, got {place.name!r}")


def _array(rows: list[dict[str, Any]], name: str) -> Any:
    kind = _KINDS[name]
    return np.array([row[name] for row in rows], dtype=object if kind is str else kind)


def _parquet_rows(place: Path) -> list[dict[str, Any]]:
    if not place.is_file():
        raise ScenarioError(str(place), [Fault("", "cannot be read: is no file")])
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            found = connection.read_parquet(str(place))
            names = found.columns
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except duckdb.Error as error:
        text = f"not a Parquet file: {str(error).splitlines()[0]}"
        raise ScenarioError(str(place), [Fault("", text)]) from None


def _csv_rows(place: Path) -> list[dict[str, Any]]:
    try:
        lines = read_text(place, _MOST_BYTES).split("\n")
    except UnreadableError as error:
        raise ScenarioError(str(place), [Fault("", str(error))]) from None
    found: list[list[str]] = []
    faults: list[Fault] = []
    for line in filter(str.strip, lines):
        try:
            found.append(cells_of(line))
        except ValueError as error:
            faults.append(Fault(f"row {len(found)}", str(error)))
            found.append([])
    names, *rows = found or [[]]
    faults += [
        Fault(f"row {number}", "has more cells than the header")
        for number, cells in enumerate(rows, start=1)
        if len(cells) > len(names)
    ]
    if faults:
        raise ScenarioError(str(place), faults)
    return [_named_cells(names, cells) for cells in rows]


def _named_cells(names: list[str], cells: list[str]) -> dict[str, Any]:
    """Return a row by column; what is left out is empty."""
    full = cells + [""] * (len(names) - len(cells))
    pairs = zip(names, full, strict=True)
    return {name: _parsed(name, value) for name, value in pairs}


def _parsed(name: str, value: Any) -> Any:
    """Return what a cell says, or its text where it does not say what it should."""
    kind = _KINDS.get(name, str)
    if kind is bool:
        return {"true": True, "false": False}.get(value, value)
    try:
        return kind(value)
    except ValueError:
        return value


def _check_columns(origin: str, row: Mapping[Any, Any]) -> None:
    faults = [Fault(n, "no such column in the table") for n in COLUMNS if n not in row]
    faults += [
        Fault(str(name), no_such(str(name), COLUMNS))
        for name in row
        if name not in COLUMNS
    ]
    if faults:
        raise ScenarioError(origin, faults)


def _fault(name: str, value: Any) -> str:
    """Return what is wrong with one cell, empty when nothing is."""
    kind = _KINDS[name]
    if type(value) is not kind:
        wanted = {float: "a number", int: "a whole number", bool: "true or false"}
        return f"must be {wanted.get(kind, 'text')}, got {value!r}"
    if name in _WORDS and value not in _WORDS[name]:
        return not_among(value, _WORDS[name])
    if name == "family":
        return _law_fault(value)
    if name in OVERRIDES:
        found = override_faults({name: value})
    else:
        field = name.removeprefix(_HEART)
        found = (
            part_faults(_PART_OF[field], {field: value}) if field in _PART_OF else []
        )
    if found:
        return found[0].text
    if kind is float and not (math.isfinite(value) and value >= 0.0):
        return f"must be a finite number, 0 or more, got {value!r}"
    return ""


def _law_fault(word: str) -> str:
    try:
        check_law(word)
    except UnknownLawError as error:
        return str(error)
    return ""


def _member(row: Mapping[str, Any]) -> Member:
    draw = Draw(**{name: row[name] for name in _DRAWN})
    heart = SolvedHeart(**{name: row[f"{_HEART}{name}"] for name in _SOLVED})
    patient = assembled(row["patient"], draw, heart)
    if row["checksum"] != _checksum(row):
        patient = replace(patient, sources=dict.fromkeys(patient.sources, _EDITED))
    refused = tuple(why for why in row["refused"].split(_BETWEEN) if why)
    return Member(patient, draw, heart, row["dbp_met"], refused)


def _checksum(row: Mapping[str, Any]) -> int:
    told = [repr(row[name]) for name in COLUMNS if name != "checksum"]
    return crc32("\n".join(told).encode())
