"""What the words of a bedside file mean: quantities, units, and headings of columns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from harness.evidence.fit.quantities import QUANTITIES, BedsideQuantity

BP: Final = "BP"
"""Systolic over diastolic pressure in one cell, 108/66."""


class Role(Enum):
    """What a column holds."""

    PATIENT = "patient"
    QUANTITY = "quantity"
    VALUE = "value"
    UNIT = "unit"
    SD = "sd"
    MEASURED = "a measured quantity"
    SPREAD = "the SD of a measured quantity"
    FURTHER = "none of ours"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its place, its heading as written, and what that means.

    `quantity` is a name of `QUANTITIES`, or `BP`; the unit is empty where the heading
    says none.
    """

    index: int
    heading: str
    role: Role
    quantity: str = ""
    unit: str = ""


_SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SBP": "systolic, systolic pressure, systolic bp, systolic blood pressure, "
        "sys, sys bp, bp sys, bp systolic, psys, sap, systolic arterial pressure",
        "DBP": "diastolic, diastolic pressure, diastolic bp, diastolic blood pressure, "
        "dia, dia bp, bp dia, bp diastolic, pdia, diastolic arterial pressure",
        "HR": "heart rate, heartrate, pulse, pulse rate, ventricular rate",
        "EF": "lvef, lv ef, ejection fraction, lv ejection fraction, "
        "left ventricular ejection fraction",
        "EDV": "lvedv, lv edv, end diastolic volume, lv end diastolic volume, "
        "left ventricular end diastolic volume",
        "PCWP": "pawp, paop, pcw, wedge, wedge pressure, "
        "pulmonary capillary wedge pressure, lap, la pressure, left atrial pressure, "
        "mean left atrial pressure",
        "CO": "cardiac output",
        "dP/dt max": "dpdt, lv dpdt, lv dpdt max, lvdpdtmax, max dpdt",
        "MAP": "mean arterial pressure, mean pressure, mean bp, mean blood pressure",
        "ESV": "lvesv, lv esv, end systolic volume, lv end systolic volume, "
        "left ventricular end systolic volume",
        "SV": "stroke volume, lvsv",
        BP: "blood pressure, nibp, cuff pressure",
    }
)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(
    {_letters(name): name for name in _SYNONYMS}
    | {
        _letters(word): name
        for name, words in _SYNONYMS.items()
        for word in words.split(",")
    }
)
"""How a file may spell a quantity, letters alone in lower case."""

UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{unit.lower(): unit for q in QUANTITIES.values() for unit in q.units},
        **dict.fromkeys(("mm hg", "torr"), "mmHg"),
        **dict.fromkeys(("ml", "cc", "cm3", "cm³", "milliliter", "millilitre"), "mL"),
        **dict.fromkeys(("liter", "litre"), "L"),
        **dict.fromkeys(
            ("/min", "bpm", "beats/min", "beats per minute", "min-1", "per min"),
            "1/min",
        ),
        **dict.fromkeys(("pct", "percent", "per cent"), "%"),
        **dict.fromkeys(("fraction", "frac"), "1"),
        **dict.fromkeys(("l per min", "liter/min", "litre/min"), "L/min"),
        "ml per min": "mL/min",
        **dict.fromkeys(("mmhg per s", "mm hg/s", "mmhg/sec"), "mmHg/s"),
        "kpa per s": "kPa/s",
    }
)
"""How a file may spell a unit, in lower case, one space between words."""

_SD: Final = ("sd", "std", "stdev", "standard deviation", "sigma")
_LONG: Final[Mapping[str, Role]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("quantity", "parameter", "variable", "measurement", "measure", "test"),
            Role.QUANTITY,
        ),
        **dict.fromkeys(("value", "result", "reading", "measured"), Role.VALUE),
        **dict.fromkeys(("unit", "units", "uom"), Role.UNIT),
        **dict.fromkeys(_SD, Role.SD),
        **dict.fromkeys(
            (
                *("patient", "patient id", "patientid", "patient no", "pseudonym"),
                *(
                    "id",
                    "subject",
                    "subject id",
                    "record id",
                    "case",
                    "case id",
                    "name",
                ),
            ),
            Role.PATIENT,
        ),
    }
)
_BRACKET: Final = re.compile(r"[(\[]([^)\]]*)[)\]]")
_MOST_UNIT_WORDS: Final = 3


def quantity_name(text: str) -> str:
    """Return the quantity that a word means, or `BP`; empty for any other word."""
    return SPELLINGS.get(_letters(text), "")


def quantity_of(text: str) -> BedsideQuantity | None:
    """Return the quantity that a word means, or None."""
    return QUANTITIES.get(quantity_name(text))


def unit_named(text: str) -> str:
    """Return the unit that a text spells, or an empty one."""
    words = " ".join(text.lower().split())
    return UNITS.get(words) or UNITS.get(words.replace(" ", ""), "")


def column(index: int, heading: str) -> Column:
    """Return what a heading says: 'SBP (mmHg)', 'ef_pct', 'EDV SD', 'Patient ID'."""
    inside = [part.strip() for part in _BRACKET.findall(heading)]
    words = re.split(r"[\s_,;:]+", _BRACKET.sub(" ", heading).strip().lower())
    words = [word for word in words if word]
    role = _LONG.get(" ".join(words))
    if role is not None and not inside:
        return Column(index, heading, role)
    spread = any(word in _SD for word in (*words, *(p.lower() for p in inside)))
    words = [word for word in words if word not in _SD]
    units = [unit_named(part) for part in inside if part.lower() not in _SD]
    name, unit = _measured(words, units)
    if not name or (unit and unit not in quantity_for(name).units):
        return Column(index, heading, Role.FURTHER)
    return Column(index, heading, Role.SPREAD if spread else Role.MEASURED, name, unit)


def quantity_for(name: str) -> BedsideQuantity:
    """Return the quantity of a name, of `BP` the one that its cell begins with."""
    return QUANTITIES["SBP" if name == BP else name]


def _measured(words: list[str], units: list[str]) -> tuple[str, str]:
    """Return quantity and unit of a heading's words; empty ones where it has none."""
    if len(units) > 1 or "" in units:
        return "", ""  # SBP (standing), SBP (mmHg) (left): another quantity than ours
    name = quantity_name(" ".join(words))
    if name:
        return name, units[0] if units else ""
    for n_words in range(_MOST_UNIT_WORDS, 0, -1):
        unit = unit_named(" ".join(words[-n_words:]))
        name = quantity_name(" ".join(words[:-n_words]))
        if unit and name and not units:
            return name, unit
    return "", ""
