"""Typst source as PDF/UA, by one compiler that gives back the memory of each page."""

import json
from collections.abc import Mapping
from functools import cache
from threading import Event, Lock
from typing import Final, cast

import typst

from harness.report.typeset import font_folder

STANDARD: Final = "ua-1"
AGE: Final = 10
"""Typst forgets what as many compilations after it have not used."""

_ALONE: Final = Lock()  # a compiler that two threads ask refuses the second
_asked: Final = Event()  # for a report, since it forgot


def compiled(source: bytes, inputs: Mapping[str, object]) -> bytes:
    """Return a tagged PDF with embedded fonts: the same bytes for the same words.

    Parameters
    ----------
    source
        In typst's language; made of files alone, never of a user's text.
    inputs
        What the source reads as `sys.inputs`, as JSON: no text of a user is markup.
    """
    told = {name: json.dumps(value) for name, value in inputs.items()}
    with _ALONE:
        _forget()
        _asked.set()  # what a report leaves that could not be made is forgotten too
        made = _compiler().compile(
            source, format="pdf", sys_inputs=told, pdf_standards=STANDARD
        )
    return cast(bytes, made)


@cache
def _compiler() -> typst.Compiler:
    """Return the one compiler: each new one keeps 30 MB for as long as we live.

    It has typst's own fonts and, for the figures, those that matplotlib brings.
    """
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[font_folder()])
    return typst.Compiler(font_paths=fonts)


def _forget() -> None:
    """Give back the 20 MB of the report before; blank pages take 5 ms each.

    A run has one report, and does not wait for this.
    """
    for _ in range(AGE + 1 if _asked.is_set() else 0):
        _compiler().compile(b"", format="svg")
    _asked.clear()
