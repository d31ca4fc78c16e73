"""Files and folders written whole or not at all, and what may be written where."""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sim.units import S_PER_H


class OutputError(ValueError):
    """A run cannot be written where it was asked for."""


class BrokenRunError(ValueError):
    """A folder is not a whole run."""


ASIDE: Final = re.compile(r"\.(?P<name>.+)\.(?P<kind>partial|replaced)-(?P<pid>\d+)")


_OLD_S: Final = S_PER_H


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder aside that takes its place at the end, or vanishes."""
    folder = aside(target, "partial")
    folder.mkdir()
    try:
        yield folder
        for place in sorted({path.parent for path in folder.rglob("*")}):
            sync(place)
        _move_in(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _move_in(folder: Path, target: Path) -> None:
    replaced = aside(target, "replaced")
    try:
        if target.exists():
            target.rename(replaced)
        folder.rename(target)
    except BaseException:
        if replaced.exists() and not target.exists():
            replaced.rename(target)
        raise
    sync(target.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def aside(target: Path, kind: str) -> Path:
    """Return where this process keeps what is not yet, or no longer, in its place."""
    return target.with_name(f".{target.name}.{kind}-{os.getpid()}")


def sweep(target: Path) -> None:
    """Remove what dead writers left; other runs' leavings only when they are old."""
    for entry in list(target.parent.iterdir()):
        match = ASIDE.fullmatch(entry.name)
        if match is None or _is_alive(int(match["pid"])):
            continue
        is_own = match["name"] == target.name
        if not is_own and time.time() - entry.stat().st_mtime < _OLD_S:
            continue
        place = entry.with_name(match["name"])
        if match["kind"] == "replaced" and not place.exists():
            entry.rename(place)  # it died between the two renames
        else:
            shutil.rmtree(entry, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    if pid == os.getpid() or sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def names_in(folder: Path) -> list[str]:
    """Return the files in a folder and below it, sorted, with forward slashes."""
    found = (path for path in folder.rglob("*") if not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that it is on the disk before the folder is renamed."""
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a table of values as JSON, the same bytes for the same values."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_file(path, text.encode() + b"\n")


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_hash(path: Path) -> str:
    """Return the hash of a file's bytes."""
    return sha256(path.read_bytes()).hexdigest()


def cannot_write(asked: str | Path, error: OSError) -> str:
    """Say that a folder cannot be written, as it was asked for, and why."""
    reason = (error.strerror or str(error)).lower()
    return f"output folder {asked} cannot be written: {reason}"


def check_free(target: Path, *, force: bool) -> None:
    """Raise OutputError when a file is there already and may not be replaced."""
    if target.exists() and not force:
        raise OutputError(
            f"output file {target} is there already; name another place with --out, "
            "or replace it with --force"
        )


def replace_file(target: Path, content: bytes) -> None:
    """Write aside and rename, so that no half-written file is ever seen."""
    aside = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        aside.replace(target)
    except OSError as error:
        with suppress(OSError):  # where a parent is a file, nothing can be removed
            aside.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"output file {target} cannot be written: {reason}") from None
