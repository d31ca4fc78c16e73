"""Numbers as people write them: 108,5 and 1 085, 27 %, 70 to 80, 72 ± 3, 108/66.

A number is read under a stated format, decimal point or decimal comma, and never under
both: which one a file has is decided for the whole file, by `measurements`.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

NOTHING: Final = frozenset(
    [
        *("-", "–", "—", ".", "?", "na", "n/a", "n.a.", "nan", "none", "null"),
        *("nd", "n.d.", "missing", "unknown"),
    ]
)
_GROUP: Final = "[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}'’]"
_NUMBER: Final = (
    rf"[+-]?(?:\d{{1,3}}(?:{_GROUP}\d{{3}})+(?:[.,]\d*)?|[.,]?\d[\d.,]*)(?:e[+-]?\d+)?"
)
_CELL: Final = re.compile(
    rf"(?P<one>{_NUMBER})"
    rf"(?:\s*(?P<joint>to|-|–|—|\.{{2,3}}|…|±|\+/-|\+-)\s*(?P<two>{_NUMBER}))?"
    r"\s*(?P<unit>1/min|[^\d\s].*)?",
    re.IGNORECASE,
)
_SPREAD: Final = ("±", "+/-", "+-")
_PRESSURES: Final = re.compile(
    rf"(?P<high>{_NUMBER})\s*/\s*(?P<low>{_NUMBER})\s*(?P<unit>[^\d\s].*)?",
    re.IGNORECASE,
)


class Exact(str):
    """The text of a number that a workbook stores as one: the same in any format."""


@dataclass(frozen=True, slots=True)
class WrittenCell:
    """What one cell says: a value or a range, an SD and a unit where it has them."""

    low: float
    high: float
    sd: float | None = None
    unit: str = ""

    @property
    def value(self) -> float:
        """The value, of a range its middle."""
        return 0.5 * (self.low + self.high)


def is_nothing(text: str) -> bool:
    """Return whether a cell is empty or says that nothing was measured."""
    return not text or text.lower() in NOTHING


def written(text: str, *, comma: bool) -> WrittenCell | None:
    """Return what a cell says under one format of numbers; None where it says none."""
    match = _CELL.fullmatch(text)
    if match is None:
        return None
    comma = comma and not isinstance(text, Exact)
    one, unit = _number(match["one"], comma=comma), (match["unit"] or "").strip()
    if match["two"] is None:
        return None if math.isnan(one) else WrittenCell(one, one, unit=unit)
    two = _number(match["two"], comma=comma)
    if math.isnan(one) or math.isnan(two):
        return None
    if match["joint"] in _SPREAD:
        return WrittenCell(one, one, sd=two, unit=unit)
    return WrittenCell(one, two, unit=unit) if one < two else None


def pressures(text: str) -> tuple[str, str, str] | None:
    """Return the texts of systolic and diastolic pressure and of their unit."""
    match = _PRESSURES.fullmatch(text)
    return match and (match["high"], match["low"], (match["unit"] or "").strip())


def _number(text: str, *, comma: bool) -> float:
    """Return a finite number; NaN for what is none under this format."""
    group, point = (".", ",") if comma else (",", ".")
    bare = re.sub(_GROUP, "", text)
    form = rf"[+-]?(\d{{1,3}}({re.escape(group)}\d{{3}})+|\d*)({re.escape(point)}\d*)?"
    if not re.fullmatch(rf"{form}(e[+-]?\d+)?", bare, re.IGNORECASE):
        return math.nan
    try:
        value = float(bare.replace(group, "").replace(point, "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
