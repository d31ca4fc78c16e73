"""How far visits by table were measured to lie from visits by beats, per readout.

The table is written by `python -m harness.evidence.engines_ahead`: the same people and
the same numbers by either engine, table less beats.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import nan
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

APART_FILE: Final = Path(__file__).with_name("engines_apart.csv")
NOT_MEASURED: Final = "not yet measured"


@dataclass(frozen=True, slots=True)
class EngineGap:
    """A mean paired difference, table less beats, and of how many visits it is."""

    value: float = nan
    low: float = nan
    high: float = nan
    n: int = 0

    @classmethod
    def of(cls, row: Mapping[str, str]) -> Self:
        """Return what a row of the table says."""
        value, low, high = (
            float(row[name] or "nan") for name in ("apart", "low", "high")
        )
        return cls(value, low, high, int(row["n"]))


UNMEASURED: Final = EngineGap()


def engine_gap(readout: str, plan: str, measure: str) -> EngineGap:
    """Return the gap of one measure: a verdict, "tests" or "visit_minutes"."""
    return _measured().get((readout, plan, measure), UNMEASURED)


@cache
def _measured() -> Mapping[tuple[str, str, str], EngineGap]:
    if not APART_FILE.is_file():
        return MappingProxyType({})
    with APART_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return MappingProxyType(
        {
            (row["readout"], row["plan"], row["measure"]): EngineGap.of(row)
            for row in rows
        }
    )
