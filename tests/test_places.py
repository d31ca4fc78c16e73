"""Every number's source can be followed: a known reference, a section that exists."""

import dataclasses
import importlib
import re
from pathlib import Path

import pytest

from sim.patient import PHENOTYPES, phenotype
from sim.sources import Source, references

ROOT = Path(__file__).parents[1]
HEADING = re.compile(r"^#+ ([A-I]\d?|\d(?:\.\d)?)[. ]", re.MULTILINE)
TABLE_ROW = re.compile(r"(?:parameters:|table) (\w+)")
SECTION = re.compile(r"([A-I]\d?|\d(?:\.\d)?)")
FINDING = re.compile(r"[A-F]\d\d|N\d\d")
WORKS = re.compile(r"^\| ((?:[A-FN]\d\d(?:-\d\d)?(?:, )?)+) \|", re.MULTILINE)


def sources_of(module: str) -> list[tuple[str, Source]]:
    """Return (class and field, source) of every sourced default in a module."""
    return [
        (f"{item.__name__}.{field.name}", field.metadata["source"])
        for item in vars(importlib.import_module(module)).values()
        if dataclasses.is_dataclass(item) and isinstance(item, type)
        if item.__module__ == module
        for field in dataclasses.fields(item)
        if "source" in field.metadata
    ]


def modules() -> list[str]:
    files = (
        path.relative_to(ROOT).with_suffix("") for path in ROOT.glob("sim/**/*.py")
    )
    return sorted(".".join(f.parts).removesuffix(".__init__") for f in files)


def findings(text: str) -> set[str]:
    """Return the ids of published findings whose work the evidence base names."""
    spans = [span for row in WORKS.findall(text) for span in row.split(", ")]
    return {
        f"{span[0]}{number:02d}"
        for span in spans
        for number in range(int(span[1:3]), int(span[-2:]) + 1)
    }


def section_exists(source: Source) -> bool:
    """Tell whether a place begins with a section, or names a table row, of our docs."""
    document = ROOT / references()[source.reference].identifier
    text = document.read_text(encoding="utf-8")
    if row := TABLE_ROW.fullmatch(source.place):
        return f"| `{row[1]}` |" in text
    if finding := FINDING.match(source.place):
        return finding[0] in findings(text)
    named = SECTION.match(source.place)
    return named is not None and named[1] in HEADING.findall(text)


@pytest.mark.parametrize("module", modules())
def test_every_source_can_be_looked_up(module: str) -> None:
    for name, source in sources_of(module):
        assert source.reference in references(), name
        if source.reference.startswith("ccmlab-"):
            assert section_exists(source), (name, source)


@pytest.mark.parametrize("name", PHENOTYPES)
def test_every_source_of_a_patient_can_be_looked_up(name: str) -> None:
    for row in phenotype(name).provenance():
        if row.source.reference.startswith("ccmlab-"):
            assert section_exists(row.source), row


@pytest.mark.parametrize(
    "place", ["K", "C9", "J", "4.7", "table no_such_row", "A99", "B99"]
)
def test_a_place_without_a_section_is_noticed(place: str) -> None:
    assert not section_exists(Source("ccmlab-evidence", place, "assumed"))
