"""Every column of the tables is in the page that documents them, and no other."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from harness.archive.tables import evaluation_rows, event_rows, pair_rows, reading_rows
from harness.play.run import run_scenario
from harness.play.scenario import load_scenario
from sim.device.events import Cause
from sim.heart.contractility import ORIGIN_NAMES
from sim.visit.beatlog import COLUMNS
from sim.visit.record import VisitRecord

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
NAMES = re.compile(r"`([^`]+)`")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def tables(title: str) -> list[list[list[str]]]:
    """Return the cells of each table of a section, without the heads."""
    blocks = re.findall(r"(?:^\|.*\n)+", section(title), flags=re.MULTILINE)
    return [
        [line.strip("|\n").split("|") for line in block.splitlines()[2:]]
        for block in blocks
    ]


def first_names(table: list[list[str]]) -> list[str]:
    return [name for row in table for name in NAMES.findall(row[0])]


@pytest.fixture(scope="module")
def record() -> VisitRecord:
    return run_scenario(load_scenario("first_visit")).record


def test_each_column_of_the_beats_is_documented_in_order() -> None:
    assert first_names(tables("beats.parquet")[0]) == ["beat", *COLUMNS]


def test_the_codes_of_origin_and_cause_are_those_of_the_table() -> None:
    columns, causes = tables("beats.parquet")
    origin = next(row[1] for row in columns if "`origin`" in row[0])
    codes = [int(code) for code in re.findall(r"\b\d\b", origin)]
    assert codes == list(range(len(ORIGIN_NAMES)))
    told = [(int(code), NAMES.findall(name)[0]) for code, name, _ in causes]
    assert told == [(code, cause.value) for code, cause in enumerate(Cause)]


def test_each_column_and_kind_of_event_is_documented(record: VisitRecord) -> None:
    columns, kinds = tables("events.csv")
    rows = list(event_rows(record))
    assert first_names(columns) == list(rows[0])
    assert {str(row["kind"]) for row in rows} <= set(first_names(kinds))
    phases = next(row[1] for row in columns if "`phase`" in row[0])
    assert all(phase.name in phases for phase in record.phases)


def test_every_kind_that_the_visit_writes_is_documented() -> None:
    sources = (ROOT / "sim" / "visit").rglob("*.py")
    texts = [path.read_text(encoding="utf-8") for path in sources]
    written = {
        kind
        for text in texts
        for kind in re.findall(r"\bnote\(\s*(?:visit,\s*)?\"([a-z -]+)\",", text)
    }
    assert len(written) > 20
    assert written <= set(first_names(tables("events.csv")[1]))


def test_each_column_of_what_the_clinic_read_is_documented(record: VisitRecord) -> None:
    named = first_names(tables("evaluations.csv, pairs.csv, readings.csv")[0])
    tabled = (evaluation_rows(record), pair_rows(record), reading_rows(record))
    columns = {name for rows in tabled for name in next(iter(rows))}
    untold = [c for c in columns if not any(fnmatchcase(c, name) for name in named)]
    idle = [name for name in named if not any(fnmatchcase(c, name) for c in columns)]
    assert (sorted(untold), idle) == ([], [])
