"""The rows of a bedside file, whatever program wrote it: text or a workbook.

A workbook is read by python-calamine. Text is UTF-8, UTF-16 or of a Windows code page,
which differ in letters only, never in digits and the signs beside them.
"""

import codecs
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook

from harness.common.csv import cells_of
from harness.common.faults import Fault
from harness.evidence.fit.written import Exact
from sim.textfiles import UnreadableError, read_bytes

MARKS: Final = ("\t", ";", ",")
_COMMENT: Final = "#"
_SEP: Final = re.compile(r"sep=(.)")
_MARK_WORDS: Final = {"\t": "tabs", ";": "semicolons", ",": "commas"}
_WORKBOOK: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_MOST_UNPACKED_BYTES: Final = 50_000_000
_WHOLE: Final = 2.0**53
_BROKEN: Final = (
    *(CalamineError, zipfile.BadZipFile, NotImplementedError, OSError, EOFError),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows with their numbers in the file, and how they were found.

    `mark` parts the cells of text; it is empty for a sheet of a workbook. `ignored`
    holds the rows that say nothing by intent, `faults` those that are no row.
    """

    name: str
    found: str
    mark: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    ignored: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_sheets(path: str | Path) -> list[Sheet]:
    """Return the ways to read a file: the sheets of a workbook, or the marks of a text.

    Raises UnreadableError, which says why it is neither.
    """
    content = read_bytes(path)
    if content.startswith(_WORKBOOK):
        return list(_of_workbook(content))
    text, encoding = decoded(content)
    return [_of_text(text, mark, encoding) for mark in MARKS]


def sheets_of_text(text: str) -> list[Sheet]:
    """Return the ways to read a text, one a mark."""
    return [_of_text(text, mark, "UTF-8") for mark in MARKS]


def decoded(content: bytes) -> tuple[str, str]:
    """Return text with LF alone at the ends of lines, and the encoding in words."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return _decoded(content.removeprefix(mark), name)
    if b"\x00" in content[:4]:
        return _decoded(
            content, "utf-16-le" if content[1:2] == b"\x00" else "utf-16-be"
        )
    try:
        return _decoded(content, "utf-8")
    except UnreadableError:
        return _decoded(content, "windows-1252")


def _decoded(content: bytes, name: str) -> tuple[str, str]:
    try:
        text = content.decode(name)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableError(
            f"must be UTF-8, UTF-16 or Windows-1252 text, got the byte "
            f"0x{content[error.start]:02x} in line {line}; save it as CSV UTF-8"
        ) from None
    words = name.capitalize() if name.startswith("w") else name.upper()
    return text.replace("\r\n", "\n").replace("\r", "\n"), words


def _of_text(text: str, mark: str, encoding: str) -> Sheet:
    rows: list[tuple[int, tuple[str, ...]]] = []
    ignored: list[str] = []
    faults: list[Fault] = []
    for number, line in enumerate(text.split("\n"), start=1):
        said = _SEP.fullmatch(line.strip().strip('"'))
        if number == 1 and said:
            ignored.append(f"row {number} (says what parts the cells)")
            continue
        try:
            cells = tuple(cell.strip() for cell in cells_of(line, mark))
        except ValueError as error:
            faults.append(Fault(f"row {number}", str(error)))
            continue
        _put(number, cells, rows, ignored, blank=not line.strip())
    found = f"{encoding}, {_MARK_WORDS[mark]} between cells"
    return Sheet("", found, mark, tuple(rows), tuple(ignored), tuple(faults))


def _put(
    number: int,
    cells: tuple[str, ...],
    rows: list[tuple[int, tuple[str, ...]]],
    ignored: list[str],
    *,
    blank: bool,
) -> None:
    if cells and cells[0].startswith(_COMMENT):
        ignored.append(f"row {number} (a comment)")
    elif any(cells):
        rows.append((number, cells))
    elif not blank:
        ignored.append(f"row {number} (empty cells)")


def _of_workbook(content: bytes) -> Iterator[Sheet]:
    try:
        _check_unpacked(content)
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in book.sheet_names:
            rows: list[tuple[int, tuple[str, ...]]] = []
            ignored: list[str] = []
            table = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for number, cells in enumerate(table, start=1):
                texts = tuple(_text(cell) for cell in cells)
                _put(number, texts, rows, ignored, blank=True)
            yield Sheet(
                name, f"sheet {name!r} of a workbook", "", tuple(rows), tuple(ignored)
            )
    except _BROKEN as error:
        raise UnreadableError(f"is no workbook that can be read: {error}") from None


def _check_unpacked(content: bytes) -> None:
    """Refuse a packed workbook that would fill the memory."""
    if not content.startswith(_WORKBOOK[0]):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        size = sum(item.file_size for item in packed.infolist())
    if size > _MOST_UNPACKED_BYTES:
        limit = _MOST_UNPACKED_BYTES / 1e6
        raise UnreadableError(f"must hold at most {limit:g} MB unpacked")


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        whole = cell.is_integer() and abs(cell) < _WHOLE
        return Exact(int(cell) if whole else repr(cell))
    return Exact(cell) if isinstance(cell, int) else str(cell).strip()
