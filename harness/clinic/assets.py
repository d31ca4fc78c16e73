"""The files of the page, read once: what is not listed here cannot be asked for."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

KINDS: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page."""

    content: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """Return the files of the page by their plain names."""
    static = files("harness.clinic").joinpath("static")
    found = [*static.iterdir(), *static.joinpath("vendor").iterdir()]
    return {
        item.name: Asset(item.read_bytes(), KINDS[item.name.rpartition(".")[2]])
        for item in found
        if item.is_file() and item.name.rpartition(".")[2] in KINDS
    }
