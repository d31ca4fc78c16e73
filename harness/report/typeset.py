"""The report as the texts that the PDF shows, in characters that its fonts have."""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, Final

import matplotlib
from matplotlib.ft2font import FT2Font

from harness.common.words import NOT_AVAILABLE, SettingValue, setting_text
from harness.report.parts import (
    UNPRINTED,
    Count,
    Fact,
    Interval,
    Part,
    Quantity,
    SettingRow,
)

WORD: Final = 24  # the narrowest column holds a word of this length
NO_WIDTH: Final = "\N{ZERO WIDTH SPACE}"
_LONG: Final = re.compile(rf"\S{{{WORD + 1},}}")
_PIECE: Final = re.compile(r".{1,8}")
_JOINT: Final = re.compile(r"(?<=[/_.:])(?=\w)")


def printed(item: object) -> Any:
    """Return a part of the report as the texts that a page shows, ready for JSON."""
    match item:
        case str():
            return printable(item)
        case tuple():
            return [printed(entry) for entry in item]
        case Quantity():
            known = item.value is not None
            return {"text": item.text, "number": item.number, "known": known}
        case Interval():
            known = item.text != NOT_AVAILABLE
            return {"text": item.text, "number": item.number, "known": known}
        case Fact():
            return printed_fields(item) | {"text": printed(item.text)}
        case Count():
            return printed_fields(item) | {"text": item.text}
        case SettingRow():
            return _setting_row(item)
        case Part():
            return printed_fields(item)
    return item


def printed_fields(part: Part) -> dict[str, Any]:
    """Return each field of a part as a page shows it, but those marked unprinted."""
    return {
        name: printed(getattr(part, name))
        for name, field in type(part).model_fields.items()
        if UNPRINTED not in field.metadata
    }


def _setting_row(row: SettingRow) -> dict[str, Any]:
    def told(value: SettingValue) -> str:
        return printable(setting_text(value, row.unit, row.digits))

    values = {
        name: told(getattr(row, name))
        for name in ("as_found", "reference", "permanent")
    }
    return printed_fields(row) | values


def printable(text: str) -> str:
    """Return text that the fonts can show, and that breaks where a line ends.

    A character without a glyph, or one that would turn the text around it, becomes its
    code in brackets, as in [U+202E].
    """
    known = _characters()
    told = "".join(
        c
        if ord(c) in known and unicodedata.category(c) != "Cf"
        else f"[U+{ord(c):04X}]"
        for c in text.replace("\n", " ")
    )
    return _LONG.sub(lambda word: _breakable(word[0]), told)


def _breakable(word: str) -> str:
    """Return a long word that may break at its joints, or failing these anywhere."""
    parts = _JOINT.sub(NO_WIDTH, word).split(NO_WIDTH)
    return NO_WIDTH.join(
        part if len(part) <= WORD else NO_WIDTH.join(_PIECE.findall(part))
        for part in parts
    )


@cache
def _characters() -> frozenset[int]:
    return frozenset(FT2Font(str(font_folder() / "DejaVuSans.ttf")).get_charmap())


def font_folder() -> Path:
    """Return where the fonts of the figures stand, which matplotlib brings."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"
