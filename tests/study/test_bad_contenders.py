"""Contenders that spoil their process stand in a list with others, and harm nobody."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from harness.cli import invoke
from harness.study.plan import parse_study
from harness.study.play_study import Where, play_study
from harness.study.tables import read_study

BAD = Path(__file__).parents[1] / "data" / "bad_contenders.py"
DASK = [sys.executable, "-m", "dask"]
LIMIT_S = 10  # thrice what the slowest of the harmless needs on a busy machine
NEIGHBOURS = ("stay", "random", "titration")
FEW = (
    "floating_point_errors",
    "patched",
    "changed_environment",
    "leaves_children",
    "closes_everything",
    "crashes",
    "kills_its_group",
    "takes_30_gb",
    "raises_a_surrogate",
    "looks_for_a_patient",
)
Text = Callable[..., str]
CONTENDERS = SimpleNamespace(**run_path(str(BAD)))
HARMLESS = [made.__name__ for made in CONTENDERS.HARMLESS]
FAILED = {made.__name__: told for made, told in CONTENDERS.FAILED.items()}
OVERDUE = [made.__name__ for made in CONTENDERS.OVERDUE]
EVERY = [*HARMLESS, *FAILED, *OVERDUE]


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory, study_text: Text
) -> Callable[[Sequence[str], Where], Path]:
    """Return what plays a study with bad contenders in the middle of the others."""

    def play(bad: Sequence[str], where: Where) -> Path:
        folder = tmp_path_factory.mktemp("study") / "out"
        first, *others = NEIGHBOURS
        listed = [first, *(f"{BAD}:{name}" for name in bad), *others]
        text = study_text(listed, limit=LIMIT_S)
        study = parse_study(text, "bad.toml")
        play_study(study, folder, where, stderr=None, quiet=True)
        return folder

    return play


@pytest.fixture(scope="module")
def alone(played: Callable[[Sequence[str], Where], Path]) -> Path:
    """Return the folder of the same study without them."""
    return played((), Where(1))


@pytest.mark.slow
def test_other_rows_are_those_of_a_study_without_them(
    played: Callable[[Sequence[str], Where], Path], alone: Path
) -> None:
    check(played(FEW, Where(1)), alone, FEW)


@pytest.mark.slow
def test_so_are_they_with_all_of_them_and_two_workers(
    played: Callable[[Sequence[str], Where], Path], alone: Path
) -> None:
    check(played(EVERY, Where(2)), alone, EVERY)


@pytest.mark.slow
def test_so_are_they_on_the_workers_of_a_cluster(
    played: Callable[[Sequence[str], Where], Path], alone: Path, scheduler: str
) -> None:
    check(played(EVERY, Where(dask=scheduler)), alone, EVERY)


def check(folder: Path, alone: Path, bad: Sequence[str]) -> None:
    visits = read_study(folder).visits
    told = {
        name.partition(":")[2]: (status, error)
        for name, status, error in zip(
            visits["contender"], visits["status"], visits["error"], strict=True
        )
        if ":" in name
    }
    assert set(told) == set(bad)
    for name, (status, error) in told.items():
        if name in HARMLESS:
            assert (name, status, error) == (name, "done", "")
        elif name in OVERDUE:
            assert (name, status) == (name, "timed out")
            assert error == f"killed, its answers took longer than {LIMIT_S} s"
        else:
            assert (name, status) == (name, "failed")
            assert FAILED[name] in error
    assert others(folder, "visits.csv") == (alone / "visits.csv").read_bytes()
    assert observations(folder) == observations(alone)


def others(folder: Path, table: str) -> bytes:
    lines = (folder / table).read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if BAD.name.encode() not in line)


def observations(folder: Path) -> list[str]:
    study = read_study(folder)
    visits, rows = study.visits, study.evaluations
    ours = {
        key
        for key, name in zip(visits["key"], visits["contender"], strict=True)
        if ":" not in name
    }
    told = zip(*rows.values(), strict=True)
    return [repr(row) for row in told if row[list(rows).index("key")] in ours]


def test_a_run_with_one_ends_with_1_and_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = f"{BAD}:kills_its_group"
    command = ["run", "first_visit", "--strategy", source, "--quiet"]
    assert invoke([*command, "--out", str(tmp_path / "run")]) == 1
    said = capfd.readouterr().err.strip()
    assert said.startswith(
        f"ccmlab: search.strategy: {source}: its process was killed by SIGKILL"
    )
    assert "\n" not in said
    assert not (tmp_path / "run").exists()


def test_a_file_that_cannot_be_read_ends_a_study_before_anything_is_played(
    tmp_path: Path, study_text: Text, capfd: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("import os\nimport nowhere_at_all\ndef f(p, r):\n    yield 1\n")
    text = study_text(["stay", f"{BAD}:patched", f"{mine}:f"])
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    assert invoke(["study", str(tmp_path / "s.toml"), "--out", str(out)]) == 1
    *before, last = capfd.readouterr().err.strip().splitlines()
    assert last == (
        f"ccmlab: search.strategy: {mine}:f: "
        "ModuleNotFoundError: No module named 'nowhere_at_all' (mine.py:2)"
    )
    whose = f"runs with your rights: {BAD}:patched, {mine}:f in a process of its own"
    assert sum(whose in line for line in before) == 1


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Start a dask scheduler and a worker with two threads, and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    here = ["scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    there = ["worker", address, "--nthreads", "2", "--no-nanny", "--no-dashboard"]
    with (tmp_path / "dask.log").open("w") as log:
        started = [
            subprocess.Popen([*DASK, *words], stdout=log, stderr=log, cwd=tmp_path)
            for words in (here, there)
        ]
    yield address
    for one in reversed(started):
        one.kill()
        one.wait()
