"""What goes wrong when DuckDB writes a file, told like any other write."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


@contextmanager
def os_errors() -> Iterator[None]:
    """Turn DuckDB's faults of a disk into OSError, which writers know how to tell."""
    try:
        yield
    except duckdb.Error as error:  # a full disk is now an IO, now an internal error
        raise OSError(errno.EIO, str(error).splitlines()[0]) from None
