"""Hostile text anywhere in a scenario is text in every file of a run, and no more."""

import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import edfio
import pytest
from bs4 import BeautifulSoup

from harness.archive.run_folder import read_run, write_run
from harness.cli import invoke
from harness.common.csv import csv_bytes
from harness.course.page import course_html
from harness.course.play import run_course
from harness.play.run import run_scenario
from harness.play.scenario import CourseScenario, load_scenario
from harness.report.build import report_of
from harness.truth.answer_key import truth_of

SHORT: dict[str, Any] = {
    "visit.titration_min": 4,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
FORMULA = '=HYPERLINK("http://x.invalid","click")'
PARTS = {
    "formula": FORMULA,
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "typst": '#panic("no") #read("/etc/passwd") $ x $ ] ) @ref <label>',
    "template": "{{ 7 * 7 }}{% raw %}",
    "path": "../../../../tmp/hostile-text \\\\server\\share",
    "right to left": "אבג \u202edcba",
    "control": "null\x00 bell\x07 escape\x1b[31m tab\t return\r",
    "other scripts": "é漢字😀",
    "long": "x" * 10_000,
}
HOSTILE = " ".join(PARTS.values())
VISIBLE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ufffd\u200b\u202a-\u202e]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
EVERYWHERE: dict[str, Any] = {
    **SHORT,
    "title": HOSTILE,
    "description": HOSTILE,
    "metadata": {HOSTILE: HOSTILE, "Payer": FORMULA},
    "patient.name": HOSTILE,
    "patient.title": HOSTILE,
    "patient.profile": {
        "indication": HOSTILE,
        "rhythm_text": HOSTILE,
        "medication": [HOSTILE, FORMULA],
    },
    "patient.response_law": {"best_delay_ms": 30.0},
    "patient.source": {"response_law": {"best_delay_ms": HOSTILE}},
}


def visible(text: str) -> str:
    """Return what is seen: no blanks, controls, marks of direction, replacements."""
    return "".join(VISIBLE.findall(text))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Play in a folder that must hold nothing else afterwards."""
    root, before = tmp_path_factory.mktemp("hostile"), Path.cwd()
    os.chdir(root)
    yield root
    os.chdir(before)


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    scenario = load_scenario("first_visit").changed(EVERYWHERE)
    run = run_scenario(scenario, scenario_name=HOSTILE)
    return write_run(run, report_of(run, truth_of(run.played)), root / "run")


def text_of(html: str) -> str:
    return BeautifulSoup(html, "html.parser").get_text()


def test_nothing_is_written_beside_the_run(folder: Path, root: Path) -> None:
    assert list(root.iterdir()) == [folder]
    assert read_run(folder)
    named = {path.name for path in folder.rglob("*")}
    assert all(re.fullmatch(r"[\w.-]+", name, re.ASCII) for name in named)


def test_the_page_shows_it_as_text(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert visible(text_of(html)).count(visible(HOSTILE)) >= 6
    page = BeautifulSoup(html, "html.parser")
    assert page.find_all(["script", "img", "iframe", "link"]) == []
    assert [tag for tag in page.find_all(True) if set(tag.attrs) & {"onerror"}] == []
    assert CONTROL.search(html) is None


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is missing")
def test_the_pdf_shows_it_as_text(folder: Path) -> None:
    told = subprocess.run(
        ["pdftotext", "-raw", "-enc", "UTF-8", str(folder / "report.pdf"), "-"],
        capture_output=True,
        check=True,
    ).stdout.decode()
    seen = visible(told)
    for name in ("formula", "script", "image", "typst", "template", "path"):
        assert seen.count(visible(PARTS[name])) >= 6, name
    assert seen.count("x") >= 6 * len(PARTS["long"])
    assert CONTROL.sub("", told.replace("\f", "")) == told.replace("\f", "")


@pytest.mark.parametrize("name", ["report.json", "report.fhir.json", "run.json"])
def test_every_json_file_is_plain_json_with_the_text_in_it(
    folder: Path, name: str
) -> None:
    written = (folder / name).read_text(encoding="utf-8")
    assert CONTROL.search(written) is None
    held = visible(unescape("".join(strings(json.loads(written)))))
    assert held.count(visible(HOSTILE)) >= 1


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", text) is not None


def test_no_cell_of_a_table_is_a_formula(folder: Path) -> None:
    tables = sorted(folder.glob("*.csv"))
    assert len(tables) == 5
    for path in tables:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        assert rows
        for row in rows:
            assert len(row) == len(head)
            for cell in row:
                assert is_number(cell) or not re.match(r"\s*[=+\-@]", cell), path.name


def test_the_source_that_a_patient_states_is_in_the_table_as_text(folder: Path) -> None:
    with (folder / "provenance.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["name"].endswith("best_delay_ms")]
    assert len(rows) == 1
    told = visible(" ".join(rows[0].values()))
    assert visible(HOSTILE) in told


def test_a_cell_that_looks_like_a_formula_is_made_inert_and_numbers_stay() -> None:
    row = {"a": "=1+1", "b": "-2.5", "c": "@SUM(A1)", "d": -3.0, "e": " +x", "f": "a=b"}
    assert (
        csv_bytes([row]).decode() == "a,b,c,d,e,f\n'=1+1,-2.5,'@SUM(A1),-3.0,' +x,a=b\n"
    )


def test_headers_of_the_strips_are_plain_and_open(folder: Path) -> None:
    headers = sorted(folder.glob("*.hea"))
    assert headers
    for path in headers:
        assert re.fullmatch(r"[\n\x20-\x7e]+", path.read_text(encoding="ascii"))
    for path in folder.glob("*.edf"):
        assert edfio.read_edf(path).patient.name == "simulated"
    held = b"".join(p.read_bytes() for p in folder.iterdir() if "strips" in p.name)
    assert b"script" not in held
    assert b"hostile-text" not in held


def test_visits_side_by_side_show_it_as_text(
    folder: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "=<script>{{7}}\u202e\x1b[31m"
    other = Path(shutil.copytree(folder, root / name))
    out = root / "side.html"
    try:
        asked = [str(folder), str(other), "--out", str(out)]
        assert invoke(["compare-visits", *asked]) == 0
        html = out.read_text(encoding="utf-8")
    finally:
        shutil.rmtree(other)
        out.unlink(missing_ok=True)
    page = BeautifulSoup(html, "html.parser")
    assert page.find_all(["script", "img"]) == []
    assert visible(page.get_text()).count(visible(PARTS["typst"])) >= 2
    assert "=<script>{{7}}" in page.get_text()
    assert CONTROL.search(html) is None
    assert CONTROL.search(capsys.readouterr().out) is None


def test_the_page_of_a_course_shows_it_as_text() -> None:
    scenario = load_scenario("follow_up_year")
    assert isinstance(scenario, CourseScenario)
    words = {"title": HOSTILE, "description": HOSTILE, "course.visit_months": [0, 5]}
    course = run_course(scenario.changed(SHORT | words), scenario_name=HOSTILE)
    html = course_html(course)
    page = BeautifulSoup(html, "html.parser")
    assert page.find_all(["script", "img"]) == []
    assert visible(page.get_text()).count(visible(HOSTILE)) >= 2
    assert CONTROL.search(html) is None
