"""The same study on a dask scheduler with two worker processes on loopback."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.cli import invoke
from harness.study.cluster import ClusterError, DaskCrew, check_versions
from harness.study.facts import differences, versions_here
from harness.study.tables import read_study

DASK = [sys.executable, "-m", "dask"]
COMMAND = [sys.executable, "-c", "from harness.cli import main; main()", "study"]
BOUND_S = 240.0  # for a busy machine; usually a tenth of it


class FakeClient:
    """Answers for its workers."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = dict(answers)
        self.asked: list[object] = []

    def run(
        self, function: Any, *, workers: list[str] | None, on_error: str
    ) -> Mapping[str, object]:
        assert callable(function)
        assert on_error == "return"
        self.asked.append(workers)
        return {name: self.answers[name] for name in workers or self.answers}

    def nthreads(self) -> Mapping[str, int]:
        return dict.fromkeys(self.answers, 2)

    def get_executor(self, *, pure: bool) -> None:
        """Return nobody: nothing is played here."""


def test_workers_that_run_the_same_are_accepted() -> None:
    mine = versions_here()
    assert {"ccmlab", "python", "numpy", "scipy", "numba"} < mine.keys()
    check_versions(FakeClient({"tcp://a:1": mine, "tcp://b:2": dict(mine)}))


def test_a_worker_with_other_data_does_not_run_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "all_of_ours"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "people.csv").write_text("a,b\n1,2\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("harness.study.facts._OURS", ("all_of_ours",))
    before = versions_here()
    assert versions_here() == before
    (package / "people.csv").write_text("a,b\n1,3\n")
    assert differences(before, versions_here())[0].startswith("sources of ccmlab")


def test_a_worker_with_another_version_is_named_with_both_versions() -> None:
    mine = versions_here()
    other = {**mine, "numpy": "1.0"}
    with pytest.raises(ClusterError) as caught:
        check_versions(FakeClient({"tcp://a:1": mine, "tcp://b:2": other}))
    assert str(caught.value) == (
        f"worker tcp://b:2: numpy 1.0 instead of {mine['numpy']}"
    )


def test_a_worker_that_comes_later_is_asked_too_and_everybody_once() -> None:
    mine = versions_here()
    client = FakeClient({"tcp://a:1": mine})
    crew = DaskCrew(client, "tcp://s:8786")
    assert [crew.n_workers(), crew.n_workers()] == [2, 2]
    client.answers["tcp://b:2"] = ConnectionError("gone again")
    assert crew.n_workers() == 4
    assert client.asked == [["tcp://a:1"], ["tcp://b:2"]]
    client.answers["tcp://c:3"] = {**mine, "scipy": "1.0"}
    with pytest.raises(ClusterError, match=r"worker tcp://c:3: scipy 1\.0 instead"):
        crew.n_workers()


def test_a_worker_that_cannot_tell_is_named_with_what_went_wrong() -> None:
    gone = ModuleNotFoundError("No module named 'numpy'")
    with pytest.raises(ClusterError, match=r"worker tcp://b:2: cannot tell .*numpy"):
        check_versions(FakeClient({"tcp://b:2": gone}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_a_clear_error(
    tmp_path: Path,
    study_text: Callable[..., str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.study.cluster.CONNECT_S", 1)
    (tmp_path / "tiny.toml").write_text(study_text(), encoding="utf-8")
    address = f"tcp://127.0.0.1:{free_port()}"
    arguments = ["study", str(tmp_path / "tiny.toml"), "--dask", address]
    assert invoke([*arguments, "--out", str(tmp_path / "out")]) == 2
    assert f"no dask scheduler answers at {address}" in capfd.readouterr().err


class Cluster:
    """A scheduler and its workers, ended by their own numbers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.processes: list[subprocess.Popen[str]] = []
        port = self.address.rpartition(":")[2]
        self.start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        log = (self.folder / f"{arguments[0]}-{len(self.processes)}.log").open("w")
        process = subprocess.Popen(
            [*DASK, *arguments], stdout=log, stderr=log, cwd=self.folder, text=True
        )
        log.close()
        self.processes.append(process)
        return process

    def worker(self) -> "subprocess.Popen[str]":
        place = str(self.folder / "scratch")
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
        return self.start("worker", self.address, *options, "--local-directory", place)

    def end(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.end()


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in listed for child in path.read_text().split()]


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
def test_a_worker_killed_midway_costs_its_chunk_and_changes_no_table(
    tmp_path: Path, cluster: Cluster, study_text: Callable[..., str]
) -> None:
    text = study_text(
        ["stay", "random"], replicates=6, patients=("hfref-ischaemic", "hfref-null")
    )
    study, out = tmp_path / "tiny.toml", tmp_path / "on-dask"
    study.write_text(text, encoding="utf-8")
    workers = [cluster.worker(), cluster.worker()]
    running = subprocess.Popen(
        [*COMMAND, str(study), "--dask", cluster.address, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    try:
        said = []
        for line in running.stderr:
            said.append(line)
            if re.search(r" [1-9]\d* of 24 visits", line):
                break
        started = [pid for worker in workers for pid in children(worker.pid)]
        mine = children(workers[0].pid)
        workers[0].kill()
        workers[0].wait()
        printed, told = running.communicate(timeout=BOUND_S)
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == 0, "".join(said) + told
    assert "24 visits: 24 done" in printed
    assert len(started) == 2
    assert len(mine) == 1
    deadline_s = time.monotonic() + 30.0
    while alive(mine[0]) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert not alive(mine[0])
    assert read_study(out).manifest["sessions"][0]["workers"] == "dask"

    here = tmp_path / "here"
    assert invoke(["study", "--jobs", "2", "-q", str(study), "--out", str(here)]) == 0
    for name in ("visits.parquet", "evaluations.parquet", "visits.csv"):
        assert (here / name).read_bytes() == (out / name).read_bytes()
