"""A stored visit comes back as it was written, or it is said why not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.archive.reading import read_visit, versions_told
from harness.archive.run_folder import about_stored
from harness.common.files import BrokenRunError, file_hash
from harness.course.kept import read, write
from harness.play.run import Run, run_scenario
from harness.play.scenario import load_scenario
from harness.report.build import report_of
from harness.report.hand_out import hand_out_of
from harness.truth.answer_key import truth_of

SHORT = {
    "visit.titration_min": 4,
    "visit.verification_pairs": 2,
    "visit.response_pairs": 1,
    "visit.observation_min": 1,
    "visit.baseline_min": 1,
}
MINE = """
def mine(problem, rng):
    yield problem.point(amplitude_v=6.0)


mine.axes = ("amplitude_v",)
"""


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may spoil."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def short(**changes: object) -> Run:
    scenario = load_scenario("first_visit").changed(SHORT)
    return run_scenario(scenario, **changes)  # type: ignore[arg-type]


def forged(folder: Path, name: str, change: Callable[[str], str]) -> None:
    """Change a file of a run, and the hash that its `run.json` has of it."""
    path, about = folder / name, folder / "run.json"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    told = json.loads(about.read_text("utf-8"))
    told["files"][name] = file_hash(path)
    about.write_text(json.dumps(told), "utf-8")


def test_a_run_is_read_back_equal_to_the_one_written(whole: Path, run: Run) -> None:
    again = read(whole)
    assert again == run
    assert again is not run
    assert hash(again) == hash(run)
    assert isinstance(again, Run)
    assert again.timings_s == run.timings_s


def test_another_visit_is_not_equal(run: Run) -> None:
    other = run_scenario(run.facts.scenario, replicate=1, scenario_name="first_visit")
    assert other != run
    assert run != "a run"


def test_what_was_told_and_another_replicate_come_back_too(tmp_path: Path) -> None:
    run = short(seed=4, replicate=3, strategy="random", recorded=True)
    folder = write(run, tmp_path / "told", formats=["json"])
    again = read_visit(folder)
    assert again == run
    assert again.transcript is not None


def test_a_visit_by_table_comes_back_to_the_last_digit(tmp_path: Path) -> None:
    scenario = load_scenario("first_visit").changed(SHORT | {"engine": "table"})
    run = run_scenario(scenario)
    assert read(write(run, tmp_path / "table", formats=["json"])) == run


def test_a_strategy_of_ones_own_is_found_where_it_is_now(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE, "utf-8")
    place = f"{tmp_path / 'mine.py'}:mine"
    run = short(strategy=place)
    folder = write(run, tmp_path / "run", formats=["json"])
    assert read(folder, strategy=place) == run
    with pytest.raises(BrokenRunError, match=r"name its place, strategy='path/mine\."):
        read(folder)
    with pytest.raises(BrokenRunError, match=r"searched by mine\.py:mine, not by grid"):
        read(folder, strategy="grid")


def test_a_visit_that_comes_out_otherwise_is_not_passed_off(folder: Path) -> None:
    forged(folder, "events.csv", lambda text: text.replace("amplitude", "altitude"))
    told = json.loads((folder / "run.json").read_text("utf-8"))
    told["versions"]["numpy"] = "1.0"
    (folder / "run.json").write_text(json.dumps(told), "utf-8")
    with pytest.raises(BrokenRunError, match=r"events\.csv; numpy 1\.0 then, \d"):
        read(folder)


def test_a_beat_more_makes_another_visit(folder: Path, run: Run) -> None:
    other = short(seed=run.played.order.seed + 1)
    shutil.copy(
        write(other, folder.parent / "other", formats=["json"]) / "beats.parquet",
        folder / "beats.parquet",
    )
    forged(folder, "events.csv", lambda text: text)
    told = json.loads((folder / "run.json").read_text("utf-8"))
    told["files"]["beats.parquet"] = file_hash(folder / "beats.parquet")
    (folder / "run.json").write_text(json.dumps(told), "utf-8")
    with pytest.raises(BrokenRunError, match=r"again: beats\.parquet; written by"):
        read(folder)


def test_the_same_versions_are_said_to_be_the_same(whole: Path) -> None:
    assert versions_told(about_stored(whole)) == "written by these same versions"


def test_a_folder_that_was_changed_or_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(BrokenRunError, match=r"no run: it has no readable run\.json"):
        read(folder.parent)
    (folder / "pairs.csv").write_text("", "utf-8")
    with pytest.raises(BrokenRunError, match=r"is not whole: pairs\.csv was changed"):
        read(folder)


def test_a_hand_out_is_not_played_again(run: Run, tmp_path: Path) -> None:
    told = hand_out_of(report_of(run, truth_of(run.played)), "abc")
    folder = write(run, tmp_path / "out", report=told, formats=["json"])
    with pytest.raises(BrokenRunError, match="a hand-out: it cannot be replayed"):
        read(folder)


def test_what_is_neither_visit_nor_course_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="must be a Run or a Course, got a str"):
        write("run", tmp_path / "run")  # type: ignore[arg-type]
