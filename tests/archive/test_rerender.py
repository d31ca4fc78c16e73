"""A stored run is rendered again from what is stored, or refused with one message."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.archive import rerender
from harness.archive.rerender import SOURCE, render_again
from harness.archive.run_folder import read_run
from harness.cli import invoke
from harness.common.files import file_hash
from harness.report.contents import SCHEMA_VERSION as REPORT_SCHEMA
from harness.report.contents import Report
from harness.report.formats import FORMATS, formats_named, renderings

Spoil = Callable[[Path], None]


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


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


def test_every_format_comes_back_byte_for_byte(folder: Path, whole: Path) -> None:
    for form in FORMATS.values():
        if form.file != rerender.SOURCE:
            (folder / form.file).unlink()
    files = render_again(folder, tuple(FORMATS))
    assert files == tuple(folder / form.file for form in FORMATS.values())
    assert contents(folder) == contents(whole)


def test_rendering_again_simulates_nothing(
    folder: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("simulated")

    for place in (
        "simpy.core.Environment.__init__",
        "harness.play.run.run_scenario",
        "harness.play.played.run_visit",
        "harness.play.scenario.load_scenario",
        "numpy.random.default_rng",
        "sim.heart.beating.settled",
    ):
        monkeypatch.setattr(place, refuse)
    for form in FORMATS.values():
        if form.file != rerender.SOURCE:
            (folder / form.file).write_text("spoilt", encoding="utf-8")
    assert invoke(["report", str(folder), "--format", ",".join(FORMATS)]) == 0
    assert read_run(folder)
    assert contents(folder) == contents(whole)


def test_rendering_again_touches_nothing_that_the_run_did_not_write(
    folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for the run")
    (folder / "link").symlink_to(secret)
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "report.html").unlink()
    render_again(folder, ("html",))
    assert (folder / "link").is_symlink()
    assert (folder / "empty").is_dir()
    assert (folder / "notes.txt").read_text() == "mine"
    assert [p.name for p in folder.parent.iterdir() if p.name.startswith(".")] == []


def test_a_link_in_the_place_of_a_rendering_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "report.html").rename(tmp_path / "moved.html")
    (folder / "report.html").symlink_to(tmp_path / "moved.html")
    assert invoke(["report", str(folder), "--format", "html"]) == 2
    assert "report.html is a link" in capsys.readouterr().err


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
    assert read_run(folder)
    render_again(folder, ("pdf",))
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert read_run(folder)


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
    assert read_run(folder)
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


def _half_of_run_json(folder: Path) -> None:
    whole = (folder / "run.json").read_bytes()
    (folder / "run.json").write_bytes(whole[: len(whole) // 2])


def _half_of_a_report_whose_hash_agrees(folder: Path) -> None:
    _cut(folder)
    digest = file_hash(folder / "report.json")
    change_json(folder, "run.json", lambda a: a["files"].update({SOURCE: digest}))


def _no_table_of_files(folder: Path) -> None:
    change_json(folder, "run.json", lambda about: about.update(files=["report.json"]))


def _hashes_are_numbers(folder: Path) -> None:
    change_json(folder, "run.json", lambda a: a["files"].update({SOURCE: 7}))


def _no_object(folder: Path) -> None:
    (folder / "report.json").write_text("[1, 2]", encoding="utf-8")
    change_json(folder, "report.json", lambda told: told.append(3))


def _word_for_a_number(folder: Path) -> None:
    def change(told: Any) -> None:
        told["verdict"]["gain"]["value"] = "much"

    change_json(folder, "report.json", change)


def _deeply_nested(folder: Path) -> None:
    (folder / "run.json").write_text("[" * 100_000, encoding="utf-8")


def _a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file", encoding="utf-8")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _report_of_another_run(folder: Path) -> None:
    told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    told["title"] = "Another visit"
    (folder / "report.json").write_text(json.dumps(told), encoding="utf-8")


def _unshowable(folder: Path) -> None:
    def change(told: Any) -> None:
        told["encounter"]["phases"][0]["duration"]["digits"] = -1

    change_json(folder, "report.json", change)


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
        (_half_of_run_json, "it has no readable run.json"),
        (_half_of_a_report_whose_hash_agrees, "has no readable report.json"),
        (_no_table_of_files, "it has no readable run.json"),
        (_hashes_are_numbers, "report.json was changed"),
        (_no_object, "has no readable report.json"),
        (_word_for_a_number, "verdict.gain.value: input should be a valid number"),
        (_deeply_nested, "it has no readable run.json"),
        (_a_file, "is no run"),
        (_empty, "it has no readable run.json"),
        (_report_of_another_run, "report.json was changed"),
        (_unshowable, "report.json that cannot be rendered"),
        (_older, f"schema 0.9, this ccmlab reads {REPORT_SCHEMA}"),
        (_newer, f"schema 2.0, this ccmlab reads {REPORT_SCHEMA}"),
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


def steps(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a JSON file; of a list the first two."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from steps(value[key], (*path, key))
    elif isinstance(value, list):
        for k in range(min(2, len(value))):
            yield from steps(value[k], (*path, k))


def with_value(told: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    place = told
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return told


_made: dict[str, dict[str, bytes]] = {}


def once_rendered(report: Report, names: Sequence[str]) -> dict[str, bytes]:
    """Return the renderings of a report, from the first time where it is the same."""
    key = f"{names} {report.model_dump_json()}"
    if key not in _made:
        _made[key] = renderings(report, names)
    return _made[key]


@pytest.mark.parametrize("command", ["report", "compare-visits"])
def test_a_column_that_is_missing_is_one_clear_message(
    command: str,
    folder: Path,
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    assert told["tests"]["rows"]
    told["tests"]["columns"].pop()
    (folder / SOURCE).write_text(json.dumps(told), encoding="utf-8")
    digest = file_hash(folder / SOURCE)
    change_json(folder, "run.json", lambda a: a["files"].update({SOURCE: digest}))
    both = [str(whole), "--out", str(tmp_path / "page.html")]
    more = both if command == "compare-visits" else []
    assert invoke([command, str(folder), *more]) == 2
    said = capsys.readouterr().err
    assert "tests: value error, each row must have" in said
    assert said.count("\n") == 1


WRONG = (None, True, -1, 10**30, "x", "\x00", [], {}, ["../../x"], {"a": 1})


@pytest.mark.parametrize("name", ["run.json", "report.json"])
@given(data=st.data())
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
def test_a_record_with_any_wrong_value_is_rendered_or_refused_in_one_line(
    name: str, whole: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    told = json.loads((whole / name).read_text(encoding="utf-8"))
    if name != SOURCE:
        # the report is as it was: drawn again each time, it would take all the time
        monkeypatch.setattr(rerender, "renderings", once_rendered)
    path = data.draw(st.sampled_from(list(steps(told))))
    wrong = with_value(told, path, data.draw(st.sampled_from(WRONG)))
    with TemporaryDirectory() as place, StringIO() as said:
        folder = Path(shutil.copytree(whole, Path(place) / "run"))
        (folder / name).write_text(json.dumps(wrong), encoding="utf-8")
        if name == SOURCE:
            digest = file_hash(folder / name)
            change_json(folder, "run.json", lambda a: a["files"].update({name: digest}))
        with redirect_stderr(said), redirect_stdout(StringIO()):
            code = invoke(["report", str(folder), "--format", "html"])
        assert code in (0, 2)
        assert said.getvalue().count("\n") == (1 if code else 0)


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
