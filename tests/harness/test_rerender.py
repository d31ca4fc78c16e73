"""A stored run is rendered again from what is stored, or refused with one message."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import rerender
from harness.archive import file_hash, is_complete, write_run
from harness.cli import invoke
from harness.report.build import build_report
from harness.report.formats import FORMATS
from harness.rerender import formats_named, render_again
from harness.run import run_scenario
from harness.scenario import load_scenario

SHORT = {
    "visit.titration_min": 6,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
Spoil = Callable[[Path], None]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = run_scenario(
        load_scenario("first_visit").changed(SHORT), scenario_name="first_visit"
    )
    return write_run(run, build_report(run), tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def folder(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "run"))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def change_json(folder: Path, name: str, change: Callable[[Any], None]) -> None:
    """Change a file as if this had been written so, hashes included."""
    told = json.loads((folder / name).read_text(encoding="utf-8"))
    change(told)
    (folder / name).write_text(json.dumps(told), encoding="utf-8")
    if name != "run.json":
        digest = file_hash(folder / name)
        change_json(folder, "run.json", lambda a: a["files"].update({name: digest}))


def test_every_format_comes_back_byte_for_byte(folder: Path, stored: Path) -> None:
    for form in FORMATS.values():
        if form.file != rerender.SOURCE:
            (folder / form.file).unlink()
    files = render_again(folder, tuple(FORMATS))
    assert files == tuple(folder / form.file for form in FORMATS.values())
    assert contents(folder) == contents(stored)


def test_rendering_again_simulates_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("simulated")

    monkeypatch.setattr("simpy.core.Environment.__init__", refuse)
    (folder / "report.html").write_text("spoilt", encoding="utf-8")
    assert invoke(["report", str(folder), "--format", "html"]) == 0
    assert is_complete(folder)


def test_the_command_names_the_files_it_wrote(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["report", str(folder), "--format", "pdf, html"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [str(folder / "report.pdf"), str(folder / "report.html")]
    assert "simulated data only" in said[2]


def test_a_run_from_before_the_pdf_is_given_one(folder: Path) -> None:
    (folder / "report.pdf").unlink()
    change_json(folder, "run.json", lambda about: about["files"].pop("report.pdf"))
    assert is_complete(folder)
    render_again(folder, ("pdf",))
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert is_complete(folder)


def test_what_a_later_version_draws_differently_leaves_the_run_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerender, "renderings", lambda *_: {"report.html": b"new"})
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    before = contents(folder)
    render_again(folder, ("html",))
    after = contents(folder)
    assert after["report.html"] == b"new"
    changed = [name for name in before if before[name] != after.get(name)]
    assert sorted(changed) == ["report.html", "run.json"]
    assert is_complete(folder)
    assert list(folder.parent.iterdir()) == [folder]


def _cut(folder: Path) -> None:
    whole = (folder / "report.json").read_bytes()
    (folder / "report.json").write_bytes(whole[: len(whole) // 2])


def _lose(folder: Path) -> None:
    (folder / "events.csv").unlink()


def _edit(folder: Path) -> None:
    (folder / "evaluations.csv").write_text("a,b\n", encoding="utf-8")


def _no_json(folder: Path) -> None:
    (folder / "run.json").write_bytes(b"\xff\xfe{")


def _older(folder: Path) -> None:
    change_json(folder, "report.json", lambda told: told.update(schema_version="0.9"))


def _newer(folder: Path) -> None:
    change_json(folder, "report.json", lambda told: told.update(schema_version="2.0"))


def _newer_run(folder: Path) -> None:
    change_json(folder, "run.json", lambda told: told.update(schema_version=9))


def _no_verdict(folder: Path) -> None:
    change_json(folder, "report.json", lambda told: told.pop("verdict"))


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (_cut, "report.json was changed"),
        (_lose, "events.csv is missing"),
        (_edit, "evaluations.csv was changed"),
        (_no_json, "it has no readable run.json"),
        (_older, "schema 0.9, this ccmlab reads 1.0"),
        (_newer, "schema 2.0, this ccmlab reads 1.0"),
        (_newer_run, "run.json has schema 9, this ccmlab reads 1"),
        (_no_verdict, "verdict: field required"),
        (shutil.rmtree, "is no run"),
    ],
)
def test_a_run_that_cannot_be_read_is_one_clear_message(
    folder: Path, spoil: Spoil, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(folder)
    assert invoke(["report", str(folder)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ccmlab: ")
    assert wanted in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("htm", "got 'htm' (nearest is 'html')"),
        ("html,,pdf", "got ''"),
        ("docx", "--format takes html, pdf, json"),
    ],
)
def test_an_unknown_format_is_one_clear_message(
    folder: Path, asked: str, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    assert invoke(["report", str(folder), "--format", asked]) == 2
    assert wanted in capsys.readouterr().err
    assert contents(folder) == before


def test_a_format_named_twice_is_rendered_once() -> None:
    assert formats_named("pdf,html,pdf") == ("pdf", "html")
