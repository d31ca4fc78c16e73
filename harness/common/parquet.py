"""Tables as Parquet files, and what goes wrong there told like any other write."""

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.common.csv import Row
from harness.common.files import OutputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PLACE: Final = "place of the row"


@contextmanager
def os_errors() -> Iterator[None]:
    """Turn DuckDB's faults of a disk into OSError, which writers know how to tell."""
    import duckdb  # noqa: PLC0415, a run loads it last: see `harness.commands.memory`

    try:
        yield
    except duckdb.Error as error:  # a full disk is now an IO, now an internal error
        raise OSError(errno.EIO, str(error).splitlines()[0]) from None


@contextmanager
def in_memory() -> Iterator["DuckDBPyConnection"]:
    """Open a database of one thread that ends with the block; a fault is an OSError."""
    with os_errors():
        import duckdb  # noqa: PLC0415, as in `os_errors`

        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            yield connection


def write_parquet(rows: Iterable[Row], path: Path) -> None:
    """Write rows as Parquet in their order; OutputError where that is impossible."""
    listed = list(rows)
    columns = {name: np.array([row[name] for row in listed]) for name in listed[0]}
    write_columns(columns, path)


def write_columns(columns: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Write columns of equal length as Parquet, their rows in order.

    Equal columns give equal bytes. OutputError where it cannot be written.
    """
    n = next(iter(columns.values())).size
    aside = path.with_name(f".{path.name}.partial")
    try:
        with in_memory() as connection:
            connection.register("given", {**columns, _PLACE: np.arange(n)})
            ordered = connection.sql(
                f'SELECT * EXCLUDE ("{_PLACE}") FROM given ORDER BY "{_PLACE}"'
            )
            ordered.write_parquet(str(aside), compression="zstd")
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"output file {path} cannot be written: {reason}") from None
