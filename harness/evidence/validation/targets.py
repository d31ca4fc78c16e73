"""The published findings, as they were collected: one row each, text as printed."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

FILES: Final = ("targets.csv", "more_targets.csv")
_COLUMNS: Final = (
    "id",
    "quantity",
    "population",
    "value",
    "spread (SD or CI)",
    "unit",
    "n",
    "condition",
    "source",
    "verified yes/no",
)


@dataclass(frozen=True, slots=True)
class Target:
    """One published finding. Every field is text as the source prints it.

    `verified` is "yes" when an abstract, manual page or source file was read, "no" when
    it was recalled, "computed" when it follows from other rows or from the model.
    """

    id: str
    quantity: str
    population: str
    value: str
    spread: str
    unit: str
    n: str
    condition: str
    source: str
    verified: str

    @property
    def published(self) -> str:
        """Value, spread and unit in one text."""
        spread = f" ({self.spread})" if self.spread else ""
        return f"{self.value}{spread} {self.unit}"


@cache
def targets() -> Mapping[str, Target]:
    """Return every finding by its id, in the order of the files.

    Raises
    ------
    ValueError
        When an id stands in the files twice.
    """
    found: dict[str, Target] = {}
    for name in FILES:
        for target in _read(name):
            if target.id in found:
                raise ValueError(f"{name}: id {target.id} is there twice")
            found[target.id] = target
    return MappingProxyType(found)


def _read(name: str) -> list[Target]:
    text = (
        files("harness.evidence.validation").joinpath(name).read_text(encoding="utf-8")
    )
    rows = csv.DictReader(io.StringIO(text))
    return [Target(*(row[column] for column in _COLUMNS)) for row in rows]
