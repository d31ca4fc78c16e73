"""What CONTRIBUTING and the architecture speak of is there, under that name.

The recipes themselves are done by tests of their own: strategy and phenotype in
`test_installing.py`, a readout in `test_adding.py`, a section and a figure in
`report/test_adding.py`, a command and a scenario in `command/test_adding.py`, a law in
`law/test_registry.py`.
"""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("CONTRIBUTING.md", "docs/architecture.md")
PACKAGES = ("sim", "optimizers", "harness", "scenarios", "tests", "bench")
TOYS = {"coffee", "coffee_part", "Coffee", "COFFEE", "day_name.toml", "name.toml"}
"""What the recipes invent."""


@cache
def words() -> frozenset[str]:
    """Return every word of the sources."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found |= set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    return frozenset(found)


def quoted(page: str) -> set[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"(?s)```.*?```", "", text)
    return set(re.findall(r"`([^`\s]+)`", text)) - TOYS


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_room_that_is_named_is_there(page: str) -> None:
    files = {q for q in quoted(page) if re.match(rf"({'|'.join(PACKAGES)}|docs)/", q)}
    rooms = {q for q in quoted(page) if re.fullmatch(r"(sim|harness)\.[a-z_.]+", q)}
    rooms = {room.replace(".", "/") for room in rooms}
    assert len(files | rooms) > 10
    missing = {name for name in files if not (ROOT / name).exists()}
    missing |= {
        room
        for room in rooms
        if not any((ROOT / f"{room}{end}").exists() for end in ("", ".py"))
        and room.rpartition("/")[2] not in words()
    }
    assert missing == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_name_of_the_code_that_is_spoken_of_is_in_the_code(page: str) -> None:
    names = {
        q
        for q in quoted(page)
        if re.fullmatch(r"_?[A-Z][A-Za-z_]{3,}|[a-z]+_[a-z_]+", q)
    }
    assert len(names) > 3
    assert names - words() == set()


def test_the_architecture_lists_every_room() -> None:
    rooms = {
        f"{package}.{path.stem}"
        for package in ("sim", "harness")
        for path in (ROOT / package).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    listed = quoted("docs/architecture.md")
    assert rooms - {"sim.__init__", "harness.__init__"} - listed == set()
