"""The report as PDF/UA, set by typst: A4, the same report gives the same bytes.

The typst source is fixed. The report travels beside it as JSON, so that no text of a
scenario is ever read as typst markup.
"""

import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import matplotlib
import typst
from matplotlib.ft2font import FT2Font

from harness.common.words import NOT_AVAILABLE, SettingValue, setting_text
from harness.report.figures.visit import figures
from harness.report.model import (
    AxisColumn,
    Count,
    Fact,
    Interval,
    Part,
    Quantity,
    Report,
    SettingRow,
)

TEMPLATE: Final = "report.typ"
STANDARD: Final = "ua-1"
SVG: Final = "{http://www.w3.org/2000/svg}"
WORD: Final = 24  # the narrowest column holds a word of this length
NO_WIDTH: Final = "\N{ZERO WIDTH SPACE}"
# curves and the table of sources: figures hold the former, provenance.csv the latter
NOT_SET: Final = frozenset(
    {"lead_ii_mv", "markers", "reference_loop", "final_loop", "curves", "map"}
)
_LONG: Final = re.compile(rf"\S{{{WORD + 1},}}")
_PIECE: Final = re.compile(r".{1,8}")
_JOINT: Final = re.compile(r"(?<=[/_.:])(?=\w)")


def render_pdf(report: Report, drawn: Mapping[str, bytes] | None = None) -> bytes:
    """Return the report as a tagged PDF with embedded fonts.

    Parameters
    ----------
    report
        What to render.
    drawn
        Its figures, where they have been drawn already.
    """
    svg = figures(report) if drawn is None else drawn
    inputs = {"report": shown(report), "figures": _figures(svg)}
    return typst.compile(
        _source(),
        format="pdf",
        font_paths=_fonts(),
        sys_inputs={name: json.dumps(value) for name, value in inputs.items()},
        pdf_standards=STANDARD,
    )


def shown(item: object) -> Any:
    """Return a part of the report as the texts that a page shows, ready for JSON."""
    match item:
        case str():
            return printable(item)
        case tuple():
            return [shown(entry) for entry in item]
        case Quantity():
            return {
                "text": item.text,
                "number": item.number,
                "known": item.value is not None,
            }
        case Interval():
            return {
                "text": item.text,
                "number": item.number,
                "known": item.text != NOT_AVAILABLE,
            }
        case Fact():
            return _with_text(item, shown(item.text))
        case Count():
            return _with_text(item, item.text)
        case SettingRow():
            return _setting_row(item)
        case Report():
            return _fields(item) | {"tests": _tests(item)}
        case Part():
            return _fields(item)
    return item


def _fields(part: Part) -> dict[str, Any]:
    names = (name for name in type(part).model_fields if name not in NOT_SET)
    return {name: shown(getattr(part, name)) for name in names}


def _with_text(part: Part, text: str) -> dict[str, Any]:
    return _fields(part) | {"text": text}


def _setting_row(row: SettingRow) -> dict[str, Any]:
    def told(value: SettingValue) -> str:
        return printable(setting_text(value, row.unit, row.digits))

    values = {
        name: told(getattr(row, name))
        for name in ("as_found", "reference", "permanent")
    }
    return _fields(row) | values


def _tests(report: Report) -> dict[str, Any]:
    """Return the tests with each value in the digits of its column."""
    tests = report.tests
    told = _fields(tests)
    told["rows"] = [
        _fields(row) | {"values": _in_digits(row.values, tests.columns)}
        for row in tests.rows
    ]
    told["pooled"] = [
        _fields(row) | {"values": _in_digits(row.values, tests.columns)}
        for row in tests.pooled
    ]
    return told


def _in_digits(
    values: Iterable[SettingValue], columns: Iterable[AxisColumn]
) -> list[str]:
    return [
        printable(setting_text(value, "", column.digits))
        for value, column in zip(values, columns, strict=True)
    ]


def _figures(svg: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    return {
        name: {"svg": data.decode(), "alt": _words(data)} for name, data in svg.items()
    }


def _words(svg: bytes) -> str:
    """Return what a figure says to those who cannot see it."""
    root = ET.fromstring(svg)
    words = (root.findtext(f"{SVG}{tag}") or "" for tag in ("title", "desc"))
    return printable(". ".join(words))


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
    return frozenset(FT2Font(str(_font_folder() / "DejaVuSans.ttf")).get_charmap())


@cache
def _fonts() -> typst.Fonts:
    """Return typst's own fonts and, for the figures, those that matplotlib brings."""
    return typst.Fonts(include_system_fonts=False, font_paths=[_font_folder()])


def _font_folder() -> Path:
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@cache
def _source() -> bytes:
    return (files("harness.report") / "templates" / TEMPLATE).read_bytes()
