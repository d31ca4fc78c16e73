"""The same study on a dask scheduler with two worker processes on loopback."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from distributed.scheduler import KilledWorker

from harness.cli import invoke
from harness.study.cluster import (
    MOST_DEATHS,
    ClusterError,
    DaskCrew,
    check_versions,
)
from harness.study.facts import differences, versions_here
from harness.study.tables import read_study

DASK = [sys.executable, "-m", "dask"]
MAIN = "from harness.cli import main; main()"
COMMAND = [sys.executable, "-c", MAIN, "study"]
FEW_DEATHS = 3
IMPATIENT = [
    *COMMAND[:2],
    f"from harness.study import cluster; cluster.MOST_DEATHS = {FEW_DEATHS}; {MAIN}",
    "study",
]
"""Gives up sooner: each death costs the start of a worker."""
ROOT = Path(__file__).parents[2]
BOUND_S = 240.0  # for a busy machine; usually a tenth of it


class FakeClient:
    """Answers for its workers."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = dict(answers)
        self.asked: list[object] = []
        self.status = "running"
        self.logs: tuple[tuple[str, str], ...] = ()

    def run(
        self, function: Any, *, workers: list[str] | None, on_error: str
    ) -> Mapping[str, object]:
        assert callable(function)
        assert on_error == "return"
        self.asked.append(workers)
        return {name: self.answers[name] for name in workers or self.answers}

    def nthreads(self) -> Mapping[str, int]:
        return dict.fromkeys(self.answers, 2)

    def scheduler_info(self, *, n_workers: int) -> Mapping[str, Any]:
        assert n_workers == -1  # all of them
        about = {"status": self.status, "memory_limit": 150_000_000}
        return {"workers": dict.fromkeys(self.answers, about)}

    def get_worker_logs(
        self, *, n: int, workers: list[str], nanny: bool
    ) -> Mapping[str, object]:
        assert nanny  # which outlives its workers
        return dict.fromkeys(workers, self.logs[:n])

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


KILLED = (
    ("WARNING", "2026-11-28 - distributed.nanny - WARNING - Restarting worker"),
    (
        "INFO",
        "2026-11-28 - distributed.nanny - INFO - Worker process 7 was killed by 15",
    ),
    (
        "WARNING",
        "2026-11-28 - distributed.nanny.memory - WARNING - Worker tcp://a-b:1 (pid=7) "
        "exceeded 95% memory budget. Restarting...",
    ),
)


def lose(client: FakeClient, crew: DaskCrew, times: int) -> None:
    """Let the only worker go and another come, again and again."""
    for _ in range(times):
        client.answers.clear()
        crew.n_workers()
        client.answers[f"tcp://a:{len(client.asked)}"] = versions_here()
        crew.n_workers()


def test_workers_that_die_again_and_again_end_the_study_with_the_reason() -> None:
    client = FakeClient({"tcp://a:1": versions_here()})
    client.logs = KILLED
    crew = DaskCrew(client, "tcp://s:8786")
    crew.n_workers()
    lose(client, crew, MOST_DEATHS - 1)
    with pytest.raises(ClusterError) as caught:
        lose(client, crew, 1)
    assert str(caught.value) == (
        "the dask scheduler at tcp://s:8786 lost workers 8 times in a row: Worker "
        "tcp://a-b:1 (pid=7) exceeded 95% memory budget (a worker may take 150 MB); "
        "what is done is kept, the same command goes on"
    )


def test_workers_that_die_unseen_are_counted_by_what_dask_gives_up() -> None:
    client = FakeClient({"tcp://a:1": versions_here()})
    crew = DaskCrew(client, "tcp://s:8786")
    died = KilledWorker("chunk", None, 3)  # on four workers
    crew.miss(died)
    assert crew.n_workers() == 2
    crew.hear()  # whose visit it was
    crew.miss(died)
    assert crew.n_workers() == 2
    crew.miss(died)
    with pytest.raises(ClusterError, match="lost workers 8 times in a row"):
        crew.n_workers()


def test_workers_that_go_while_others_bring_visits_end_nothing() -> None:
    client = FakeClient({"tcp://a:1": versions_here()})
    crew = DaskCrew(client, "tcp://s:8786")
    crew.n_workers()
    for _ in range(3):
        lose(client, crew, MOST_DEATHS - 1)
        crew.hear()


def test_many_workers_let_go_at_once_are_one_loss() -> None:
    many = {f"tcp://a:{n}": versions_here() for n in range(3 * MOST_DEATHS)}
    client = FakeClient(many)
    crew = DaskCrew(client, "tcp://s:8786")
    crew.n_workers()
    client.answers = {"tcp://a:0": versions_here()}
    assert crew.n_workers() == 2


@pytest.mark.parametrize(
    ("answers", "how"),
    [({}, "has no worker"), ({"tcp://a:1": None}, "has only paused workers")],
)
def test_a_cluster_that_does_nothing_is_told_in_time(
    answers: dict[str, Any], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = FakeClient(dict.fromkeys(answers, versions_here()))
    crew = DaskCrew(client, "tcp://s:8786")
    crew.n_workers()
    client.status = "paused"
    assert crew.n_workers() == 2 * len(answers)  # there is time yet
    monkeypatch.setattr("harness.study.cluster.IDLE_S", -1)
    with pytest.raises(ClusterError, match=how):
        crew.n_workers()
    if answers:
        client.status = "running"  # as long as it takes
        assert crew.n_workers() == 2


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
        # a worker that says nothing for so long, up to twice that, is given up
        self.settings = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s"}
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.processes: list[subprocess.Popen[str]] = []
        port = self.address.rpartition(":")[2]
        self.start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        log = (self.folder / f"{arguments[0]}-{len(self.processes)}.log").open("w")
        process = subprocess.Popen(
            [*DASK, *arguments],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env=os.environ | self.settings,
            text=True,
        )
        log.close()
        self.processes.append(process)
        return process

    def worker(self, *more: str) -> "subprocess.Popen[str]":
        place = str(self.folder / "scratch")
        options = ["--nthreads", "1", "--no-dashboard", "--local-directory", place]
        kind = more or ("--no-nanny",)
        return self.start("worker", self.address, *options, *kind)

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


def begun(
    study: Path, cluster: Cluster, out: Path, command: Sequence[str] = COMMAND
) -> "subprocess.Popen[str]":
    """Start a study on a cluster."""
    return subprocess.Popen(
        [*command, str(study), "--dask", cluster.address, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(running: "subprocess.Popen[str]", pattern: str) -> list[str]:
    """Return what a command says until it says something."""
    assert running.stderr is not None
    said = []
    for line in running.stderr:
        said.append(line)
        if re.search(pattern, line):
            break
    return said


@pytest.mark.slow
def test_a_worker_killed_midway_costs_its_chunk_and_changes_no_table(
    tmp_path: Path, cluster: Cluster, study_text: Callable[..., str]
) -> None:
    text = study_text(
        ["stay", "random"], replicates=4, patients=("hfref-ischaemic", "hfref-null")
    )
    study, out = tmp_path / "tiny.toml", tmp_path / "on-dask"
    study.write_text(text, encoding="utf-8")
    workers = [cluster.worker(), cluster.worker()]
    running = begun(study, cluster, out)
    try:
        said = read_until(running, r" [1-9]\d* of 16 visits")
        started = [pid for worker in workers for pid in children(worker.pid)]
        mine = children(workers[0].pid)
        workers[0].kill()
        workers[0].wait()
        printed, told = running.communicate(timeout=BOUND_S)
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == 0, "".join(said) + told
    assert "16 visits: 16 done" in printed
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


@pytest.mark.slow
def test_workers_too_small_for_their_work_end_the_study_and_a_larger_one_goes_on(
    tmp_path: Path, cluster: Cluster, study_text: Callable[..., str]
) -> None:
    study, out = tmp_path / "tiny.toml", tmp_path / "out"
    study.write_text(study_text(["stay"]), encoding="utf-8")
    small = cluster.worker("--nworkers", "1", "--memory-limit", "150MB")
    running = begun(study, cluster, out, IMPATIENT)
    try:
        _, told = running.communicate(timeout=2.0 * BOUND_S)
    finally:
        running.kill()
        running.communicate()
        small.terminate()
        small.wait()
    assert running.returncode == 2, told
    lost = re.search(r"lost workers (\d+) times in a row", told)
    assert lost, told
    # dask gives a chunk up after deaths of its own count, which may be more
    assert FEW_DEATHS <= int(lost[1]) <= 2 * FEW_DEATHS
    assert "Traceback" not in told
    assert "what is done is kept, the same command goes on" in told
    cluster.worker()
    again = begun(study, cluster, out)
    printed, told = again.communicate(timeout=BOUND_S)
    assert "1 visits: 1 done" in printed, told


@pytest.mark.slow
def test_a_scheduler_gone_midway_is_told_and_the_study_goes_on_without_it(
    tmp_path: Path, cluster: Cluster, study_text: Callable[..., str]
) -> None:
    study, out = tmp_path / "tiny.toml", tmp_path / "out"
    study.write_text(study_text(["stay", "random"], replicates=8), encoding="utf-8")
    cluster.worker()
    running = begun(study, cluster, out)
    try:
        said = read_until(running, r" [1-9]\d* of 16 visits")
        cluster.processes[0].kill()
        cluster.processes[0].wait()
        _, told = running.communicate(timeout=BOUND_S)
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == 2, "".join(said) + told
    told = "".join(said) + told
    assert f"the dask scheduler at {cluster.address} is gone" in told
    assert "Traceback" not in told
    done = [*COMMAND, str(study), "--jobs", "1", "--out", str(out)]
    here = subprocess.run(done, capture_output=True, text=True, check=True)
    assert re.search(r"going on from [1-9]\d* of 16 visits", here.stderr)
    assert "16 visits: 16 done" in here.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_worker_that_stands_still_costs_its_chunk_alone(
    tmp_path: Path, cluster: Cluster, study_text: Callable[..., str]
) -> None:
    study, out = tmp_path / "tiny.toml", tmp_path / "out"
    study.write_text(study_text(["stay", "random"], replicates=8), encoding="utf-8")
    still, _ = cluster.worker(), cluster.worker()
    running = begun(study, cluster, out)
    try:
        said = read_until(running, r" [1-9]\d* of 16 visits")
        still.send_signal(signal.SIGSTOP)
        printed, told = running.communicate(timeout=BOUND_S)
    finally:
        still.send_signal(signal.SIGCONT)
        running.kill()
        running.communicate()
    assert running.returncode == 0, "".join(said) + told
    assert "16 visits: 16 done" in printed


@pytest.mark.slow
def test_a_worker_with_other_sources_is_given_nothing(
    tmp_path: Path, cluster: Cluster, study_text: Callable[..., str]
) -> None:
    study, out, other = (tmp_path / n for n in ("tiny.toml", "out", "other"))
    study.write_text(study_text(["stay"]), encoding="utf-8")
    for package in ("sim", "optimizers", "harness"):
        shutil.copytree(ROOT / package, other / package)
    with (other / "sim" / "units.py").open("a", encoding="utf-8") as file:
        file.write("\nHOURS_TOO_MANY = 25\n")
    cluster.settings |= {"PYTHONPATH": str(other)}
    cluster.worker()
    running = begun(study, cluster, out)
    try:
        _, told = running.communicate(timeout=BOUND_S)
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == 2
    assert re.search(r"worker tcp://\S+: sources of ccmlab \w+ instead of", told), told
