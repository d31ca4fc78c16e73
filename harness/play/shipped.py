"""Files in TOML: those that come with the package by name, anybody's own by path."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from harness.common.faults import Fault, ScenarioError, nearest
from sim.textfiles import UnreadableError, toml_table
from sim.textfiles import read_text as text_of

SUFFIX: Final = ".toml"


@dataclass(frozen=True, slots=True)
class TextFile:
    """The text of a file, how messages name it, and where its neighbours lie.

    `folder` is None for a file of the package, which has none of its own.
    """

    text: str
    origin: str
    folder: Path | None = None


def shipped(folder: str = "") -> dict[str, Traversable]:
    """Return the files of a folder of `scenarios`, by name, sorted."""
    place = files("scenarios") / folder if folder else files("scenarios")
    found = {
        entry.name.removesuffix(SUFFIX): entry
        for entry in (place.iterdir() if place.is_dir() else ())
        if entry.name.endswith(SUFFIX)
    }
    return dict(sorted(found.items()))


def is_path(path_or_name: str | Path) -> bool:
    """Return whether a file is meant by its path, not by the name of a shipped one."""
    text = str(path_or_name)
    return isinstance(path_or_name, Path) or text.endswith(SUFFIX) or "/" in text


def file_named(
    kind: str, path_or_name: str | Path, known: Mapping[str, Traversable]
) -> TextFile:
    """Read a file: a path, or the name of a shipped one of its kind.

    Raises
    ------
    ScenarioError
        When it has no text, or with the nearest name for one that is not known.
    """
    text = str(path_or_name)
    if is_path(path_or_name):
        return TextFile(read_text(Path(text), text), text, Path(text).parent)
    if text not in known:
        near = f"; nearest is {nearest(text, known)!r}" if known else ""
        told = (
            f"no shipped {kind} is called {text!r}{near}; shipped: "
            f"{', '.join(known) or 'none'}; a file is given by its path, ending in "
            f"{SUFFIX}"
        )
        raise ScenarioError(kind, [Fault("", told)])
    return TextFile(known[text].read_text(encoding="utf-8"), text + SUFFIX)


def read_text(path: Path, origin: str) -> str:
    """Return the text of a file; ScenarioError, with its origin, if it has none."""
    try:
        return text_of(path)
    except UnreadableError as error:
        raise ScenarioError(origin, [Fault("", str(error))]) from None


def read_toml(text: str, origin: str) -> dict[str, Any]:
    """Return what a TOML text holds; ScenarioError, with its origin, if it is none."""
    try:
        return toml_table(text)
    except UnreadableError as error:
        raise ScenarioError(origin, [Fault("", str(error))]) from None
