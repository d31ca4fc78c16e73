"""Files and folders written whole or not at all, and what may be written where."""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Any, Final

from sim.textfiles import UnreadableError, read_text, regular_file
from sim.units import S_PER_H


class OutputError(ValueError):
    """A run cannot be written where it was asked for."""


class BrokenRunError(ValueError):
    """A folder is not a whole run."""


MARK: Final = ".ccmlab"
"""A file in each folder that is aside: ours to remove, whatever its name is."""

_MARKED: Final = b"ccmlab: aside for a moment, removed when its writer is gone\n"
MOST_JSON_BYTES: Final = 256_000_000
ASIDE: Final = re.compile(r"\.(?P<name>.+)\.(?P<kind>partial|replaced)-(?P<pid>\d+)")


_OLD_S: Final = S_PER_H


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder aside that takes its place at the end, or vanishes."""
    folder = aside(target, "partial")
    folder.mkdir()
    try:
        mark(folder)
        yield folder
        for place in sorted({path.parent for path in folder.rglob("*")}):
            sync(place)
        _move_in(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Give a folder aside, whose files may be renamed into a target; then it goes."""
    folder = aside(target, "partial")
    folder.mkdir()
    try:
        mark(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def mark(folder: Path) -> None:
    """Say in a folder that it is aside and ours."""
    (folder / MARK).write_bytes(_MARKED)


def _is_ours(folder: Path, kind: str) -> bool:
    """Tell whether a folder has our mark, or is so new that it holds nothing yet."""
    try:
        is_new = kind == "partial" and all(p.name == MARK for p in folder.iterdir())
        try:
            with regular_file(folder / MARK, no_link=True) as file:
                begun = file.read(len(_MARKED) + 1)
        except FileNotFoundError:
            begun = b""
    except OSError:
        return False
    is_marked = begun == _MARKED or (is_new and _MARKED.startswith(begun))
    return is_marked and not folder.is_symlink()


def _move_in(folder: Path, target: Path) -> None:
    replaced = aside(target, "replaced")
    try:
        if target.exists():
            mark(target)
            target.rename(replaced)
        folder.rename(target)
    except BaseException:
        if replaced.exists() and not target.exists():
            replaced.rename(target)
        (target / MARK).unlink(missing_ok=True)
        raise
    (target / MARK).unlink()
    sync(target.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def aside(target: Path, kind: str) -> Path:
    """Return where this process keeps what is not yet, or no longer, in its place."""
    return target.with_name(f".{target.name}.{kind}-{os.getpid()}")


def sweep(target: Path) -> None:
    """Remove what dead writers left; other runs' leavings only when they are old.

    What is not marked as ours stays, whatever its name is.
    """
    for entry in list(target.parent.iterdir()):
        match = ASIDE.fullmatch(entry.name)
        if match is None or _is_alive(int(match["pid"])):
            continue
        if not _is_ours(entry, match["kind"]):
            continue
        is_own = match["name"] == target.name
        if not is_own and time.time() - entry.stat().st_mtime < _OLD_S:
            continue
        place = entry.with_name(match["name"])
        if match["kind"] == "replaced" and not place.exists():
            entry.rename(place)  # it died between the two renames
            (place / MARK).unlink()
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
    """Return the files in a folder and below it, sorted, with forward slashes.

    Links are named, not followed, and so are empty folders; our mark is left out.
    """
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
        if path != folder / MARK
    )


def is_plain(folder: Path, name: str) -> bool:
    """Tell whether a name is that of a regular file in a folder, by way of no link."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\0" in name:
        return False
    steps = [folder.joinpath(*parts[: i + 1]) for i in range(len(parts))]
    return steps[-1].is_file() and not any(step.is_symlink() for step in steps)


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that it is on the disk before the folder is renamed."""
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a table of values as JSON, the same bytes for the same values."""
    write_file(path, json_bytes(value))


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Return a table of values as JSON, the same bytes for the same values."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_hash(path: Path) -> str:
    """Return the hash of a file's bytes; OSError for a link, a pipe or a device."""
    with regular_file(path, no_link=True) as file:
        return file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; UnreadableError says why it holds nothing."""
    text = read_text(path, MOST_JSON_BYTES)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"is no JSON: {error}") from None
    except (ValueError, RecursionError):  # digits or depth without end
        raise UnreadableError("is no JSON that can be read") from None


def is_version(told: Mapping[str, Any], version: int | str) -> bool:
    """Tell whether a file says that it has a schema; true and 1.0 are no 1."""
    said = told.get("schema_version")
    return type(said) is type(version) and said == version


def check_name(asked: str | Path) -> None:
    """Raise OutputError for a path that is no UTF-8, which tables cannot be written to.

    Asked before anything is simulated.
    """
    try:
        str(Path(asked).resolve()).encode()
    except (UnicodeEncodeError, ValueError):
        shown = str(asked).encode("ascii", "backslashreplace").decode()
        raise OutputError(
            f"output {shown!r} must have a name in UTF-8, without NUL"
        ) from None


def cannot_write(asked: str | Path, error: OSError) -> str:
    """Say that a folder cannot be written, as it was asked for, and why."""
    reason = (error.strerror or str(error)).lower()
    return f"output folder {asked} cannot be written: {reason}"


def check_free(target: Path, *, force: bool) -> None:
    """Raise OutputError when a file is there already and may not be replaced."""
    check_name(target)
    if target.exists() and not force:
        raise OutputError(
            f"output file {target} is there already; name another place with --out, "
            "or replace it with --force"
        )


def replace_file(target: Path, content: bytes) -> None:
    """Write aside and rename, so that no half-written file is ever seen.

    A killed writer's leavings lie in a marked folder, which the next writer removes.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # a folder that cannot be listed can be written to
            sweep(target)
        with beside(target) as folder:
            write_file(folder / target.name, content)
            (folder / target.name).replace(target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"output file {target} cannot be written: {reason}") from None
