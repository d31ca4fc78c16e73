"""A law in a table: gains at some settings, straight lines between them.

One row a setting, one column an axis, and `gain_frac`; every combination of the axes'
values once. Beyond the last value of an axis stands the gain at that value: a search
may ask for anything that can be programmed, and a refusal would end a visit midway.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs, UnknownLawError
from sim.law.shapes import current_share, lead_factor
from sim.sources import sourced
from sim.textfiles import UnreadableError, read_text

AXES: Final = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")
GAIN: Final = "gain_frac"
ENDINGS: Final = (".csv", ".parquet")
_MOST_ROWS: Final = 200_000
_MOST_BYTES: Final = 20_000_000

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tabulated:
    """The gains of a table, of two leads at the reference impedance.

    `axes` are the names and rising values of the columns, `gains_frac` the gains in
    the order of their product, the last axis fastest. One lead alone gives what the
    factor of two leads leaves of them.
    """

    word: str
    axes: tuple[tuple[str, tuple[float, ...]], ...]
    gains_frac: tuple[float, ...]
    two_lead_factor: float = sourced(1.35, "ccmlab-evidence", "A3 K", "assumed")
    nominal_amplitude_v: float = sourced(7.5, "ccmlab-evidence", "A3 I1", "assumed")
    reference_impedance_ohm: float = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )

    @property
    def name(self) -> str:
        """The name of the file, without its folder."""
        return Path(self.word).name

    @property
    def summary(self) -> str:
        """One line for a list."""
        return f"a table of {len(self.gains_frac)} gains"

    def typical(self) -> Self:
        """Return the law of a ready-made patient: the same for everybody."""
        return self

    def draw(self, rng: np.random.Generator) -> Self:
        """Return the law of one patient: the same for everybody."""
        return self

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the steady relative gain, multilinear in the table."""
        volts = self.nominal_amplitude_v * current_share(
            train,
            train.impedance_ohm,
            self.nominal_amplitude_v,
            self.reference_impedance_ohm,
        )
        here = {
            "amplitude_v": volts,
            "phase_duration_ms": np.asarray(train.phase_duration_ms),
            "n_pulses": np.asarray(train.n_pulses),
            "delay_ms": np.asarray(train.delay_ms),
        }
        leads = lead_factor(self.two_lead_factor, train.n_leads) / self.two_lead_factor
        gains = np.broadcast_to(_looked_up(self, here) * leads, train.shape)
        return np.array(patient.muscle.scaled(gains))


@lru_cache(maxsize=16)
def _grid(law: Tabulated) -> tuple[tuple[FloatArray, ...], FloatArray]:
    values = tuple(np.array(axis) for _, axis in law.axes)
    return values, np.reshape(law.gains_frac, [len(axis) for axis in values])


def _looked_up(law: Tabulated, here: Mapping[str, Any]) -> FloatArray:
    """Return the gain between the corners of the cell that each train lies in."""
    values, gains = _grid(law)
    total: FloatArray = np.zeros(())
    cells = [
        _cell(axis, here[name])
        for (name, _), axis in zip(law.axes, values, strict=True)
    ]
    for corner in product((0, 1), repeat=len(cells)):
        sides = list(zip(corner, cells, values, strict=True))
        place = tuple(
            np.minimum(low + side, len(axis) - 1) for side, (low, _), axis in sides
        )
        shares = [share if side else 1.0 - share for side, (_, share), _ in sides]
        total = total + gains[place] * np.prod(np.broadcast_arrays(*shares), axis=0)
    return total


def _cell(axis: FloatArray, value: Any) -> tuple[Any, FloatArray]:
    """Return the place of the value below, and the share of the way to the next."""
    clipped = np.clip(value, axis[0], axis[-1])
    low = np.clip(np.searchsorted(axis, clipped, "right") - 1, 0, len(axis) - 1)
    gap = axis[np.minimum(low + 1, len(axis) - 1)] - axis[low]
    share: FloatArray = (clipped - axis[low]) / np.where(gap > 0.0, gap, 1.0)
    return low, share


def read_tabulated(path: str | Path) -> Tabulated:
    """Return the law of a table in CSV or Parquet.

    Raises UnknownLawError, one line with the file, the row and what is allowed.
    """
    place = Path(path)
    rows = _csv_rows(place) if place.suffix == ".csv" else _parquet_rows(place)
    names = _checked_names(place, rows)
    numbers = {
        tuple(_number(place, row, name, number) for name in names): _number(
            place, row, GAIN, number
        )
        for number, row in enumerate(rows, start=1)
    }
    axes = tuple(
        (name, tuple(sorted({where[i] for where in numbers})))
        for i, name in enumerate(names)
    )
    if len(numbers) < len(rows):
        raise _fault(place, _twice(rows, names), "has the setting of a row before it")
    # one by one: of values that never meet there are too many combinations to list,
    # but the first that is missing comes after at most as many as there are rows
    gains = []
    for where in product(*(values for _, values in axes)):
        if where not in numbers:
            told = ", ".join(f"{n} {v:g}" for n, v in zip(names, where, strict=True))
            raise _fault(
                place, 0, f"needs every combination of its values, lacks {told}"
            )
        gains.append(numbers[where])
    return Tabulated(str(path), axes, tuple(gains))


def _checked_names(place: Path, rows: Rows) -> tuple[str, ...]:
    if not rows:
        raise _fault(place, 0, "has no row of gains")
    known = (*AXES, GAIN)
    for name in rows[0]:
        if name not in known:
            raise _fault(place, 0, f"has a column {name!r}; known: {', '.join(known)}")
    names = tuple(name for name in AXES if name in rows[0])
    if GAIN not in rows[0] or not names:
        raise _fault(place, 0, f"needs {GAIN} and one or more of {', '.join(AXES)}")
    return names


def _number(place: Path, row: Mapping[str, Any], name: str, number: int) -> float:
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        text = f"{name} must be a finite number, got {row[name]!r}"
        raise _fault(place, number, text)
    return value


def _twice(rows: Rows, names: tuple[str, ...]) -> int:
    seen = set()
    for number, row in enumerate(rows, start=1):
        where = tuple(float(row[name]) for name in names)
        if where in seen:
            return number
        seen.add(where)
    return 0


def _fault(place: Path, row: int, text: str) -> UnknownLawError:
    where = f": row {row}" if row else ""
    return UnknownLawError(f"{place.name}{where}: {text}")


def _csv_rows(place: Path) -> Rows:
    try:
        lines = read_text(place, _MOST_BYTES).splitlines()
        cells = [row for row in csv.reader(lines, strict=True) if row]
    except (UnreadableError, csv.Error) as error:
        raise _fault(place, 0, str(error)) from None
    header, *rows = cells or [[]]
    if len(set(header)) < len(header):
        raise _fault(place, 0, "has a column twice")
    if len(rows) > _MOST_ROWS:
        raise _fault(place, 0, f"may have {_MOST_ROWS} rows, has {len(rows)}")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            text = f"must have {len(header)} cells as the header has, got {len(row)}"
            raise _fault(place, number, text)
    return [dict(zip(header, row, strict=True)) for row in rows]


def _parquet_rows(place: Path) -> Rows:
    # it takes half a second to load, which every other command would wait for
    import duckdb  # noqa: PLC0415

    if not place.is_file():
        raise _fault(place, 0, "cannot be read: is no file")
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            found = connection.read_parquet(str(place))
            rows = found.limit(_MOST_ROWS + 1).fetchall()
            names = found.columns
    except duckdb.Error as error:
        text = f"not a Parquet file: {str(error).splitlines()[0]}"
        raise _fault(place, 0, text) from None
    if len(rows) > _MOST_ROWS:
        raise _fault(place, 0, f"may have {_MOST_ROWS} rows, has more")
    return [dict(zip(names, row, strict=True)) for row in rows]
