"""`ccmlab study` in processes of its own: killed, interrupted, resumed, gone wrong."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from harness.cli import invoke
from harness.study.tables import read_study

# Whoever runs the tests in the background has SIGINT ignored, and children inherit it.
CODE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from harness.cli import main
main()
"""
COMMAND = [sys.executable, "-c", CODE, "study"]
BOUND_S = 240.0  # for a busy machine; usually a tenth of it
Text = Callable[..., str]
PEOPLE = ("hfref-ischaemic", "hfref-null")
TABLES = ("visits.parquet", "visits.csv", "evaluations.parquet")


class Running:
    """The command in a process of its own, whose stderr is read line by line."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []

    def wait_until(self, pattern: str) -> None:
        """Return when a line on stderr has the pattern."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if re.search(pattern, line):
                return
        pytest.fail(f"never said {pattern}: {self.said}")

    def children(self) -> list[int]:
        """Return the processes that it started."""
        listed = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for path in listed for pid in path.read_text().split()]

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return exit code, stdout, and stderr."""
        out, err = self.process.communicate(timeout=BOUND_S)
        return self.process.returncode, out, "".join(self.said) + err


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Return what starts the command; whatever still runs is ended."""
    started: list[Running] = []

    def run(*arguments: object) -> Running:
        started.append(Running(*arguments))
        return started[-1]

    yield run
    for one in started:
        one.process.kill()
        one.process.communicate()


def all_gone(pids: list[int], *, within_s: float = 60.0) -> bool:
    deadline_s = time.monotonic() + within_s
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.1)
    return True


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in TABLES}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, study_text: Text) -> Path:
    """Return the folder of a study played by one worker to its end; its file beside."""
    place = tmp_path_factory.mktemp("whole")
    text = study_text(["stay", "random"], replicates=4, patients=PEOPLE)
    (place / "tiny.toml").write_text(text, encoding="utf-8")
    code, _, told = run("--jobs", "1", place / "tiny.toml", "--out", place / "done")
    assert code == 0, told
    return place / "done"


def run(*arguments: object) -> tuple[int, str, str]:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_two_workers_write_the_same_tables_as_one(tmp_path: Path, whole: Path) -> None:
    study = whole.parent / "tiny.toml"
    code, out, told = run("--jobs", "2", study, "--out", tmp_path / "two")
    assert code == 0, told
    assert "16 visits: 16 done" in out
    assert tables(tmp_path / "two") == tables(whole)


@pytest.mark.slow
def test_a_study_killed_at_any_moment_is_resumed_to_the_same_tables(
    tmp_path: Path, whole: Path, start: Callable[..., Running]
) -> None:
    study, folder = whole.parent / "tiny.toml", tmp_path / "killed"
    running = start("--jobs", "2", study, "--out", folder)
    running.wait_until(r" [1-9]\d* of 16 visits")
    children = running.children()
    running.process.kill()
    running.end()
    assert len(children) == 2
    assert all_gone(children)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert not manifest["complete"]

    code, out, told = run("--jobs", "1", study, "--out", folder)
    assert code == 0, told
    assert "16 visits: 16 done" in out
    known = re.search(r"going on from (\d+) of 16", told)
    assert known is not None
    assert 0 < int(known[1]) < 16
    assert tables(folder) == tables(whole)
    sessions = json.loads((folder / "manifest.json").read_text())["sessions"]
    assert len(sessions) == 2
    assert min(session["wall_s"] for session in sessions) > 0.0  # the killed one too


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(
    tmp_path: Path, whole: Path, start: Callable[..., Running]
) -> None:
    study, folder = whole.parent / "tiny.toml", tmp_path / "stopped"
    running = start("--jobs", "2", study, "--out", folder)
    running.wait_until(r" [1-9]\d* of 16 visits")
    children = running.children()
    running.process.send_signal(signal.SIGINT)
    code, out, told = running.end()
    assert code == 130
    assert re.search(r"interrupted, \d+ of 16 visits are kept; the same command", told)
    assert "Traceback" not in told
    assert all_gone(children, within_s=5.0)
    n_kept = read_study(folder).visits["key"].size
    assert f"16 visits: {n_kept} done" in out

    code, _, told = run("--jobs", "2", study, "--out", folder)
    assert code == 0, told
    assert f"going on from {n_kept} of 16" in told
    assert tables(folder) == tables(whole)
    assert len(read_study(folder).manifest["sessions"]) == 2


@pytest.mark.slow
def test_a_finished_study_plays_nothing_and_an_extended_one_what_is_new(
    tmp_path: Path, whole: Path, study_text: Text
) -> None:
    study, folder = tmp_path / "tiny.toml", tmp_path / "again"
    shutil.copytree(whole, folder)
    code, _, told = run(whole.parent / "tiny.toml", "--out", folder)
    assert code == 0, told
    assert "every visit is done already" in told
    assert tables(folder) == tables(whole)

    text = study_text(["stay", "random"], replicates=5, patients=PEOPLE)
    study.write_text(text, encoding="utf-8")
    code, out, told = run("--jobs", "1", study, "--out", folder)
    assert code == 0, told
    assert "going on from 16 of 20" in told
    assert "20 visits: 20 done" in out
    before, after = read_study(whole).visits, read_study(folder).visits
    old = after["replicate"] < 4
    assert after["key"][old].tolist() == before["key"].tolist()
    # nan where a patient has less than a point to win
    np.testing.assert_array_equal(after["regret_pct"][old], before["regret_pct"])


@pytest.mark.slow
def test_whatever_a_strategy_does_is_a_recorded_result(
    tmp_path: Path, odd_file: Path, study_text: Text
) -> None:
    odd = ("prints", "raises", "leaves", "rubbish", "hangs", "dies")
    text = study_text([f"{odd_file}:{name}" for name in odd], limit=5)
    (tmp_path / "odd.toml").write_text(text, encoding="utf-8")
    code, out, told = run("--jobs", "2", tmp_path / "odd.toml", "--out", tmp_path / "o")
    assert code == 0, told
    assert "6 visits: 1 done, 4 failed, 1 timed out" in out
    visits = read_study(tmp_path / "o").visits
    found = dict(zip(visits["contender"], visits["status"], strict=True))
    assert [found[f"odd.py:{name}"] for name in odd] == [
        "done",
        "failed",
        "failed",
        "failed",
        "timed out",
        "failed",
    ]
    errors = dict(zip(visits["contender"], visits["error"], strict=True))
    assert errors["odd.py:raises"].startswith("ZeroDivisionError: no such luck")
    assert errors["odd.py:leaves"].startswith("SystemExit: 3")
    assert errors["odd.py:rubbish"].startswith("StrategyError: the strategy asked")
    assert errors["odd.py:hangs"] == "killed, its answers took longer than 5 s"
    assert errors["odd.py:dies"] == "its process ended with exit code 7"
    kept = visits["status"] != "done"
    reference = visits["reference_delay_ms"][kept]
    assert visits["final_delay_ms"][kept].tolist() == reference.tolist()
    assert not visits["harmed"][kept].any()


def test_a_small_study_is_played_by_a_child_and_written(
    tmp_path: Path, study_text: Text, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.toml").write_text(study_text(["stay"]), encoding="utf-8")
    folder = tmp_path / "new" / "folder"
    arguments = ["study", "--jobs", "1", str(tmp_path / "tiny.toml")]
    assert invoke([*arguments, "--out", str(folder)]) == 0
    printed = capfd.readouterr()
    assert "1 visits: 1 done" in printed.out
    assert "simulated data only" in printed.out
    study = read_study(folder)
    assert study.manifest["complete"]
    assert study.manifest["counts"] == {"done": 1}
    assert study.manifest["cpu_s"] > 0.0
    assert study.study["contenders"][0]["strategy"] == "stay"
    assert study.visits["visit_minutes"][0] > 4.0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["quik"], "nearest is 'quick'"),
        (["quick", "--jobs", "2", "--dask", "tcp://localhost:1"], "give it or --dask"),
        (["quick", "--jobs", "0"], "--jobs"),
        (["quick", "--out", "{taken}"], "holds song.txt and no study"),
        (["quick", "--out", "{taken}/song.txt"], "cannot be written: not a directory"),
    ],
)
def test_what_cannot_be_done_is_told_with_exit_code_2(
    tmp_path: Path,
    arguments: list[str],
    told: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "song.txt").write_text("la", encoding="utf-8")
    asked = [one.format(taken=tmp_path) for one in arguments]
    assert invoke(["study", "--quiet", *asked]) == 2
    assert told in capfd.readouterr().err


@pytest.mark.slow
def test_a_clock_that_jumps_changes_no_result_and_no_duration(
    tmp_path: Path, study_text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, start_s = tmp_path / "tiny.toml", time.monotonic()
    study.write_text(study_text(["stay"]), encoding="utf-8")
    jumps, clock = count(), time.time
    # a day back, a day on, each time that anybody looks
    monkeypatch.setattr(time, "time", lambda: clock() + (-1) ** next(jumps) * 86_400.0)
    out = tmp_path / "out"
    assert invoke(["study", "--jobs", "1", "-q", str(study), "--out", str(out)]) == 0
    manifest = read_study(out).manifest
    assert manifest["counts"] == {"done": 1}
    assert 0.0 < manifest["wall_s"] <= time.monotonic() - start_s
