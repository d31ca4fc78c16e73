"""A tidy table: one row an observation, one column a variable, columns as arrays."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from harness.common.csv import csv_bytes
from sim.showing import cell_text, html_table

ROWS_SHOWN: Final = 8
"""Rows that a table shows of itself; the rest is counted."""
_WIDEST: Final = 100


class TidyTable(Mapping[str, NDArray[Any]]):
    """Columns by name, each an array of the same length.

    It is a read-only dictionary of arrays, so that `dict(table)`, `pandas.DataFrame`
    and plotting take it as it is. Units stand at the end of the names.

    Parameters
    ----------
    columns
        `(n,)` arrays, or sequences of n values, by name. ValueError where
        lengths differ.

    Examples
    --------
    >>> table = TidyTable({"amplitude_v": [5.0, 5.5], "gain_pct": [1.0, 1.5]})
    >>> table
    2 rows
    amplitude_v  gain_pct
              5         1
            5.5       1.5
    >>> float(table["gain_pct"].mean())
    1.25
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = {name: np.asarray(column) for name, column in columns.items()}
        lengths = {name: column.shape for name, column in self._columns.items()}
        if any(len(shape) != 1 for shape in lengths.values()):
            raise ValueError(f"each column must be (n,), got {lengths}")
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns must be of one length, got {lengths}")

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Return the table of rows that all have the same names.

        What is left out of a row, None, is nan among numbers and "" among texts; an
        empty table has no columns.
        """
        found = list(rows)
        names = list(found[0]) if found else []
        return cls({name: _filled([row[name] for row in found]) for name in names})

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self._columns.values()), ()))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a dictionary of plain values."""
        columns = [column.tolist() for column in self._columns.values()]
        for values in zip(*columns, strict=True):
            yield dict(zip(self._columns, values, strict=True))

    def where(self, mask: NDArray[np.bool_]) -> Self:
        """Return the rows at which a mask `(n_rows,)` is true."""
        return type(self)({name: column[mask] for name, column in self.items()})

    def to_csv(self) -> bytes:
        """Return the table as a CSV file, with a line of names."""
        return csv_bytes(self.rows())

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame; ImportError where pandas is not installed."""
        return _package("pandas").DataFrame(self._columns)

    def to_polars(self) -> Any:
        """Return a polars DataFrame; ImportError where polars is not installed."""
        return _package("polars").DataFrame(self._columns)

    def to_arrow(self) -> Any:
        """Return a pyarrow Table; ImportError where pyarrow is not installed."""
        return _package("pyarrow").table(self._columns)

    def __repr__(self) -> str:
        head = list(islice(self.rows(), ROWS_SHOWN))
        cells = [
            list(self),
            *([cell_text(value) for value in r.values()] for r in head),
        ]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        n_columns = _fitting(widths)
        lines = [
            "  ".join(
                text.rjust(width)
                for text, width in zip(line[:n_columns], widths, strict=False)
            )
            for line in cells
        ]
        more = [f"... {self.n_rows - len(head)} more"] * (self.n_rows > len(head))
        hidden = list(self)[n_columns:]
        more += [f"further columns: {', '.join(hidden)}"] * bool(hidden)
        return "\n".join([f"{self.n_rows} rows", *lines, *more])

    def _repr_html_(self) -> str:
        head = [row.values() for row in islice(self.rows(), ROWS_SHOWN)]
        more = ", the first shown" if self.n_rows > ROWS_SHOWN else ""
        return html_table(list(self), map(list, head), f"{self.n_rows} rows{more}")


def _filled(values: list[object]) -> list[object]:
    nothing = "" if any(isinstance(value, str) for value in values) else np.nan
    return [nothing if value is None else value for value in values]


def _fitting(widths: list[int]) -> int:
    """Return how many columns a screen has room for."""
    total = np.cumsum([width + 2 for width in widths])
    return max(int(np.searchsorted(total, _WIDEST, side="right")), 1)


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ImportError(
            f"{name} is not installed; dict(table) gives the columns as arrays"
        ) from None
