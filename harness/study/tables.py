"""The tables of a study: written from the ledger row by row, read back as arrays."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.common.csv import csv_bytes
from harness.common.files import BrokenRunError, OutputError, is_version, read_json
from harness.common.parquet import os_errors
from harness.study.ledger import LEDGER_FILE, Ledger, columns, stored_rows
from sim.textfiles import UnreadableError

STUDY_FILE: Final = "study.json"
MANIFEST_FILE: Final = "manifest.json"
MANIFEST_SCHEMA: Final = 1
TABLES: Final = ("visits", "evaluations", "timings")
_SQL: Final = {str: "VARCHAR", int: "BIGINT", bool: "BOOLEAN", float: "DOUBLE"}
_DTYPES: Final[Mapping[type, Any]] = MappingProxyType(
    {str: object, int: np.int64, bool: np.bool_, float: np.float64}
)
_MEMORY: Final = "64MB"
_ROWS_IN_GROUP: Final = 20_480

Columns = Mapping[str, NDArray[Any]]
"""Arrays of equal length by the name of the column."""


@dataclass(frozen=True, slots=True, eq=False)
class StudyTables:
    """A study that was read back.

    `study` is `study.json`, `manifest` tells versions, counts and whether it is
    complete. Columns are those of `VisitRow`, `EvaluationRow` and `TimingRow`.
    """

    folder: Path
    study: Mapping[str, Any]
    manifest: Mapping[str, Any]
    visits: Columns
    evaluations: Columns
    timings: Columns


def write_tables(ledger: Ledger, folder: Path) -> None:
    """Write the planned visits that are recorded, as Parquet, and visits as CSV too.

    Equal rows give equal bytes. Memory does not grow with the number of rows.
    """
    for table in TABLES:
        with _aside(folder / f"{table}.parquet") as path:
            _write_parquet(ledger.batches(table), columns(table), path)
    with _aside(folder / "visits.csv") as path, path.open("wb") as file:
        names = columns("visits")
        file.write(",".join(names).encode() + b"\n")
        for batch in ledger.batches("visits"):
            rows = (dict(zip(names, row, strict=True)) for row in batch)
            file.write(csv_bytes(rows).partition(b"\n")[2])


@contextmanager
def _aside(place: Path) -> Iterator[Path]:
    """Give a path that takes its place when it is written, or vanishes."""
    path = place.with_name(f".{place.name}.partial")
    path.unlink(missing_ok=True)
    try:
        yield path
        path.replace(place)
    finally:
        path.unlink(missing_ok=True)


def _write_parquet(
    batches: Iterable[list[tuple[Any, ...]]], kinds: Mapping[str, type], path: Path
) -> None:
    """Write rows in their order; they are gathered in a file, not in memory."""
    listed = ", ".join(f"{name} {_SQL[kind]}" for name, kind in kinds.items())
    with _scratch(path) as connection:
        connection.execute(f"CREATE TABLE kept ({listed})")
        for batch in batches:
            connection.register("batch", _arrays(batch, kinds))
            connection.execute("INSERT INTO kept BY NAME SELECT * FROM batch")
            connection.unregister("batch")
        connection.execute(
            "COPY kept TO ? (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE "
            f"{_ROWS_IN_GROUP})",
            [str(path)],
        )


@contextmanager
def _scratch(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database in a folder of its own, which a killed writer may have left."""
    place = path.with_name(f"{path.name}.scratch")
    config: dict[str, Any] = {"threads": 1, "memory_limit": _MEMORY}
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        with (
            os_errors(),
            duckdb.connect(str(place / "rows.duckdb"), config=config) as connection,
        ):
            yield connection
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _arrays(
    batch: list[tuple[Any, ...]], kinds: Mapping[str, type]
) -> dict[str, NDArray[Any]]:
    return {
        name: np.array([row[i] for row in batch], dtype=_DTYPES[kind])
        for i, (name, kind) in enumerate(kinds.items())
    }


def read_study(folder: str | Path) -> StudyTables:
    """Read the tables of a study, from its ledger while it is not complete.

    So one that is being played, or was killed, can be read like any other.

    Raises
    ------
    BrokenRunError
        When the folder is no study, or has neither tables nor a sound ledger.
    """
    place = Path(folder)
    study, manifest = _json(place, STUDY_FILE), _json(place, MANIFEST_FILE)
    written = manifest.get("schema_version")
    if not is_version(manifest, MANIFEST_SCHEMA):
        raise BrokenRunError(
            f"{folder} holds a study of schema {written}, this ccmlab reads "
            f"{MANIFEST_SCHEMA}"
        )
    is_open = manifest.get("complete") is False and (place / LEDGER_FILE).is_file()
    tables = _stored(place) if is_open else {n: _columns(place, n) for n in TABLES}
    return StudyTables(place, study, manifest, **tables)


def _stored(place: Path) -> dict[str, Columns]:
    """Return the tables as the ledger has them by now."""
    try:
        rows = stored_rows(place)
    except OutputError as error:
        raise BrokenRunError(str(error)) from None
    kinds = {name: columns(name) for name in TABLES}
    return {n: _as_read(_arrays(rows[n], kind), kind) for n, kind in kinds.items()}


def _json(place: Path, name: str) -> Mapping[str, Any]:
    if not (place / name).exists():
        raise BrokenRunError(f"{place} is no study: it has no {name}")
    try:
        found = read_json(place / name)
    except UnreadableError as error:
        raise BrokenRunError(f"{place}: {name} {error}") from None
    if not isinstance(found, dict):
        raise BrokenRunError(f"{place}: {name} holds no table")
    return found


def _columns(place: Path, table: str) -> Columns:
    path = place / f"{table}.parquet"
    if not path.is_file():
        raise BrokenRunError(
            f"{place} has no {path.name} yet; run its study to the end first"
        )
    return read_columns(path, columns(table))


def read_columns(path: Path, kinds: Mapping[str, type]) -> Columns:
    """Read columns of a Parquet file, in this order and with these types.

    Raises
    ------
    BrokenRunError
        When the file cannot be read or lacks a column.
    """
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            found = connection.read_parquet(str(path)).fetchnumpy()
    except duckdb.Error as error:
        told = str(error).splitlines()[0]
        raise BrokenRunError(f"{path} cannot be read: {told}") from None
    missing = [name for name in kinds if name not in found]
    if missing:
        raise BrokenRunError(
            f"{path} was written by another version of ccmlab: it has no {missing[0]}"
        )
    return _as_read(found, kinds)


def _as_read(found: Columns, kinds: Mapping[str, type]) -> Columns:
    """Return columns in their order with the types that readers get."""
    return MappingProxyType(
        {
            name: _unmasked(found[name], str if kind is str else _DTYPES[kind])
            for name, kind in kinds.items()
        }
    )


def _unmasked(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return a column with nan for what DuckDB keeps as NULL and gives back masked."""
    if isinstance(values, np.ma.MaskedArray) and dtype is np.float64:
        return np.where(np.ma.getmaskarray(values), np.nan, values.data)
    return np.asarray(values, dtype=dtype)
