"""Files that people write: regular ones of a bounded size, as text and as TOML.

Whatever is wrong with one is an `UnreadableError` that says what and, in TOML, where;
callers put the name of the file before it.
"""

import errno
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

MOST_BYTES: Final = 1_000_000
MOST_DEEP: Final = 20
_LARGEST_WHOLE: Final = 2**63 - 1  # what TOML promises to keep
_MOST_DOTS: Final = 500  # of a dotted key: the parser's work grows with the square
_DIGITS: Final = re.compile(r"\d(?:_?\d){400,}")


class UnreadableError(ValueError):
    """A file cannot be read, or does not hold what it should."""


def portable(word: str) -> str:
    """Return `file.py:name`, or a name, without its folder: no path of a machine."""
    place, colon, name = word.rpartition(":")
    return f"{Path(place).name}{colon}{name}" if colon else Path(word).name


def read_bytes(path: str | Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the bytes of a regular file; never waits for a pipe or a device."""
    try:
        with regular_file(path) as file:
            if os.fstat(file.fileno()).st_size > most_bytes:
                raise UnreadableError(_too_large(most_bytes))
            content = file.read(most_bytes + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableError(f"cannot be read: {reason}") from None
    except ValueError as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError("cannot be read: no file has such a name") from None
    if len(content) > most_bytes:  # it grew, or says that it is empty
        raise UnreadableError(_too_large(most_bytes))
    return content


@contextmanager
def regular_file(
    path: str | Path, *, no_link: bool = False
) -> Iterator[BufferedReader]:
    """Open a regular file, or one that is not reached by a link; OSError for others."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(path, flags | (os.O_NOFOLLOW if no_link else 0))
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            what = "is a folder" if stat.S_ISDIR(mode) else "is no regular file"
            raise OSError(errno.EINVAL, what, str(path))
        with open(handle, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(handle)


def _too_large(most_bytes: int) -> str:
    return f"must hold at most {most_bytes / 1e6:g} MB"


def read_text(path: str | Path, most_bytes: int = MOST_BYTES) -> str:
    """Return the UTF-8 text of a regular file, without its byte order mark."""
    content = read_bytes(path, most_bytes)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        wrong = f"got the byte 0x{content[error.start]:02x} in line {line}"
        raise UnreadableError(f"must be UTF-8 text, {wrong}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def toml_table(text: str) -> dict[str, Any]:
    """Return what a TOML text holds, its whole numbers within 64 bits."""
    for number, line in enumerate(text.splitlines(), start=1):
        if max(part.count(".") for part in re.split(r"[=,\[\]{}]", line)) > _MOST_DOTS:
            raise UnreadableError(f"not valid TOML: too many dots in line {number}")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(f"not valid TOML: {_placed(error, text)}") from None
    except RecursionError:
        raise UnreadableError(_too_deep(_deepest_line(text))) from None
    except ValueError:  # Python reads no more digits than these
        raise UnreadableError(_too_long(text)) from None
    for path, value in _items(table):
        if path.count(".") >= MOST_DEEP:
            raise UnreadableError(_too_deep(0))
        if type(value) is int and abs(value) > _LARGEST_WHOLE:
            raise UnreadableError(f"{path}: must be a number of at most 64 bits")
    return table


def _placed(error: tomllib.TOMLDecodeError, text: str) -> str:
    reason = f"{str(error)[0].lower()}{str(error)[1:]}"
    last = text.rstrip("\n").count("\n") + 1
    return reason.replace("at end of document", f"at line {last}, the end of the file")


def _too_deep(line: int) -> str:
    where = f" in line {line}" if line else ""
    return f"not valid TOML here: lists or tables lie deeper than {MOST_DEEP}{where}"


def _deepest_line(text: str) -> int:
    depths = [
        (line.count("[") + line.count("{"), -number)
        for number, line in enumerate(text.splitlines(), start=1)
    ]
    return -max(depths)[1]


def _too_long(text: str) -> str:
    found = _DIGITS.search(text)
    where = f" in line {text.count(chr(10), 0, found.start()) + 1}" if found else ""
    return f"not valid TOML: a number of more than 64 bits{where}"


def _items(table: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield each value with its dotted path, without recursion."""
    left: list[tuple[str, Any]] = [("", table)]
    while left:
        path, value = left.pop()
        yield path, value
        if path.count(".") >= MOST_DEEP:
            continue
        if isinstance(value, dict):
            left += [(f"{path}.{key}".lstrip("."), item) for key, item in value.items()]
        elif isinstance(value, list):
            left += [(f"{path}.{i}", item) for i, item in enumerate(value)]
