"""The simulated people of the shipped table: what is known before anybody is tested.

`harness.evidence.population_table` draws them; here they are read.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.instruments.readouts import READOUTS

FloatArray = NDArray[np.float64]
TABLE: Final = Path(__file__).parent / "population.csv"

LAW: Final = (
    "g_one_lead_frac",
    "threshold_frac",
    "k",
    "width_constant_ms",
    "best_delay_ms",
    "early_width_ms",
    "late_width_ms",
    "negative_frac",
)
"""Constants of the response law that differ from person to person."""

MUSCLE: Final = ("beta_block_factor",)
"""What of the muscle does, where a heart of any strength gains alike."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """The simulated people, n of them.

    Attributes
    ----------
    law_names
        `(n,)`: name of each person's response law.
    law, muscle
        `(n,)` for each name in `LAW` and `MUSCLE`.
    sensation_felt_v, sensation_threshold_v
        `(n,)`: amplitudes of grade 1 and of grade 2 with the reference train.
    slope_pct, bend_pct
        By readout, `(n,)`: its gain over CCM off is `slope g + bend g ** 2`, percent,
        at a gain g of elastance.
    """

    law_names: NDArray[np.str_]
    law: Mapping[str, FloatArray]
    muscle: Mapping[str, FloatArray]
    sensation_felt_v: FloatArray
    sensation_threshold_v: FloatArray
    slope_pct: Mapping[str, FloatArray]
    bend_pct: Mapping[str, FloatArray]


@lru_cache(maxsize=1)
def people() -> People:
    """Return the simulated people of the shipped table; read once a process."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return people_of(list(csv.DictReader(file)))


def people_of(rows: Sequence[Mapping[str, str]]) -> People:
    """Return the people of rows as `population_table.people_rows` yields them."""

    def number(name: str) -> FloatArray:
        column = np.array([float(row[name]) for row in rows])
        column.flags.writeable = False
        return column

    # a readout that is newer than the table is not in it: its searches know no people
    known = [name for name in READOUTS if rows and slope_column(name) in rows[0]]
    slopes = {name: number(slope_column(name)) for name in known}
    bends = {name: number(bend_column(name)) for name in known}
    return People(
        law_names=np.array([row["family"] for row in rows]),
        law=MappingProxyType({name: number(name) for name in LAW}),
        muscle=MappingProxyType({name: number(name) for name in MUSCLE}),
        sensation_felt_v=number("sensation_felt_v"),
        sensation_threshold_v=number("sensation_threshold_v"),
        slope_pct=MappingProxyType(slopes),
        bend_pct=MappingProxyType(bends),
    )


def slope_column(readout: str) -> str:
    """Return the name of the column with a readout's slope."""
    return f"slope_pct_{readout}"


def bend_column(readout: str) -> str:
    """Return the name of the column with a readout's bend."""
    return f"bend_pct_{readout}"
