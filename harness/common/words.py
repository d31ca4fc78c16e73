"""Numbers, settings and foreign text in words for a reader."""

import unicodedata
from functools import cache
from typing import Final

from sim.device.lattice import parameters
from sim.sources import unit_of

SettingValue = bool | int | float | str

NOT_AVAILABLE: Final = "not available"
EN_DASH: Final = "\N{EN DASH}"  # the same where a column has no room for words
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
MINUS: Final = "\N{MINUS SIGN}"
HARD_SPACE: Final = "\N{NO-BREAK SPACE}"
THIN: Final = "\N{NARROW NO-BREAK SPACE}"
LONG: Final = 10_000  # from here on thousands are set apart
UNIT_WORDS: Final = {"hh:mm": "", "1/min": "/min"}


def plain(text: str) -> str:
    """Return text without control characters, which no format can carry."""
    return "".join(
        REPLACEMENT if unicodedata.category(c) in ("Cc", "Cs") and c != "\n" else c
        for c in text
    )


def setting_text(value: SettingValue, unit: str = "", digits: int | None = None) -> str:
    """Return a programmed value as the programmer would show it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if digits is None:
        return with_unit(f"{value:g}".replace("-", MINUS), unit)
    return with_unit(decimal(value, digits), unit)


@cache
def digits_of(symbol: str) -> int:
    """Return the decimals that tell all allowed values of a parameter apart."""
    numbers = [v for v in parameters()[symbol].values if isinstance(v, float)]
    texts = [f"{number:.9g}" for number in numbers]
    return max((len(t.partition(".")[2]) for t in texts), default=0)


def unit_of_setting(symbol: str) -> str:
    """Return the unit of a programmable value, in words for a reader."""
    unit = parameters()[symbol].unit
    return UNIT_WORDS.get(unit, unit)


def axis_words(name: str) -> str:
    """Return what an axis of a figure is called, from a name that ends in its unit.

    >>> axis_words("phase_duration_ms")
    'phase duration, ms'
    """
    unit = unit_of(name)
    words = name.removesuffix(f"_{unit.lower()}").replace("_", " ")
    return f"{words}, {unit}" if unit else words


def decimal(value: float, digits: int, *, signed: bool = False) -> str:
    """Return a number as shown: fixed digits, a true minus sign, no minus zero."""
    comma = "," if abs(value) >= LONG else ""
    sign = "+" if signed else ""
    shown = f"{value:{sign}{comma}.{digits}f}".replace(",", THIN)
    if not shown.strip("+-0."):
        shown = shown.lstrip("+-")
    return shown.replace("-", MINUS)


def between(low: float, high: float, digits: int) -> str:
    """Return the limits of an interval; a dash would read as a minus sign."""
    return f"{decimal(low, digits)} to {decimal(high, digits)}"


def with_unit(number: str, unit: str) -> str:
    """Return number and unit that no line break separates."""
    return f"{number}{HARD_SPACE}{unit}" if unit else number
