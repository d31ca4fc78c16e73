"""The watched child: answers, is killed when late, ends when its parent does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import pytest

from harness.study.child import READY, Keep, Play, Warm, obeyed
from harness.study.chunks import Chunk, StartError, crew, end_all, run_chunk
from harness.study.jobs import plan_of
from harness.study.outcome import ScoredVisit
from harness.study.plan import Study
from harness.study.visit import Job, scored
from harness.study.watched import DismissedError, EndedError, OverdueError, Watched
from optimizers.problem import HostLostError

START_S = 300.0  # a cold cache of kernels on a busy machine
Maker = Callable[..., Study]


@pytest.fixture
def child() -> Iterator[Watched]:
    child = Watched()
    yield child
    child.end()


def job(tiny_study: Maker, strategy: str = "stay") -> Job:
    return next(plan_of(tiny_study([strategy])).jobs())


@pytest.mark.slow
def test_a_child_plays_what_its_parent_would(
    child: Watched, tiny_study: Maker, odd_file: Path
) -> None:
    talking = job(tiny_study, f"{odd_file}:prints")
    child.send(Warm(talking))
    assert child.answer(START_S) == READY
    child.send(Play((talking, job(tiny_study, f"{odd_file}:raises"))))
    first, second = child.answer(START_S), child.answer(START_S)
    mine = scored(talking)
    # repr, since a nan is not equal to itself
    assert repr(first.evaluations) == repr(mine.evaluations)
    assert first.visit.verdict == mine.visit.verdict
    assert first.visit.strategy == "odd.py:prints"
    assert second.visit.status == "failed"
    assert second.visit.error.startswith("ZeroDivisionError: no such luck (odd.py:")
    assert second.visit.final_delay_ms == second.visit.reference_delay_ms

    child.send(Keep(talking, "timed out", "killed"))
    kept = child.answer(START_S).visit
    assert (kept.status, kept.key) == ("timed out", talking.key)


def test_a_child_warms_up_whoever_is_the_first_patient(tiny_study: Maker) -> None:
    nobody: Any = None
    first = job(tiny_study)
    order = replace(first.order, patient=nobody)
    assert list(obeyed(Warm(replace(first, order=order)))) == [READY]


def test_a_late_child_is_killed_and_a_dismissed_one_says_so(
    child: Watched, tiny_study: Maker, odd_file: Path
) -> None:
    started_s = time.monotonic()
    child.send(Play((job(tiny_study, f"{odd_file}:hangs"),)))
    with pytest.raises(OverdueError, match=r"killed after 0\.5 s"):
        child.answer(0.5)
    assert time.monotonic() - started_s < 30.0
    assert not child.usable
    with pytest.raises(EndedError):
        child.send(READY)

    other = Watched()
    Timer(0.3, other.dismiss).start()
    with pytest.raises(DismissedError):
        other.answer(START_S)
    other.end()


def test_a_child_that_ends_by_itself_tells_how(
    child: Watched, tiny_study: Maker
) -> None:
    child.send(Play((job(tiny_study),)))
    os.kill(child.pid, signal.SIGTERM)
    with pytest.raises(EndedError, match="the process was killed by SIGTERM"):
        child.answer(START_S)


@pytest.mark.slow
def test_a_child_survives_the_strategy_that_ends_its_own_process(
    child: Watched, tiny_study: Maker, odd_file: Path
) -> None:
    child.send(Play((job(tiny_study, f"{odd_file}:dies"),)))
    died = child.answer(START_S).visit
    assert (died.status, died.error) == ("failed", "its process ended with exit code 7")
    assert child.usable


def test_what_no_strategy_failed_is_not_told_as_one_that_did(
    tiny_study: Maker, odd_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: Any = None
    first = job(tiny_study)
    task = replace(first.task, lattice=nothing)  # what no strategy could do
    [broken] = obeyed(Play((replace(first, task=task),)))
    assert broken.visit.status == "poisoned"  # type: ignore[attr-defined]

    def gone(order: bytes) -> object:
        raise HostLostError("no process can be started")

    monkeypatch.setattr("harness.play.host.line.forked", gone)
    with pytest.raises(HostLostError):  # ends this process; it is tried again
        list(obeyed(Play((job(tiny_study, f"{odd_file}:fine"),))))


class Confused:
    """A child that answers with another visit's row."""

    usable = True

    def __init__(self, answer: object) -> None:
        self._answer = answer
        self.ended = False

    def send(self, item: object) -> None:
        pass

    def answer(self, limit_s: float) -> object:
        return self._answer

    def end(self) -> None:
        self.ended = True


def test_an_answer_to_another_visit_is_refused_and_its_process_ended(
    tiny_study: Maker, rows: Callable[..., ScoredVisit], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, child = job(tiny_study), Confused(rows("another"))
    monkeypatch.setattr("harness.study.chunks._child", lambda chunk: child)
    result = run_chunk(Chunk((asked,), 60.0))
    assert result.played == []
    [lost] = result.lost
    assert (lost.key, lost.how) == (asked.key, "its process answered visit another")
    assert child.ended


PARENT = """
import time
from harness.study.watched import Watched
print(Watched().pid, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    try:
        assert gone(pid, within_s=120.0)
    finally:
        if not gone(pid, within_s=0.0):
            os.kill(pid, signal.SIGKILL)


def gone(pid: int, *, within_s: float) -> bool:
    """Tell whether a process has ended; a zombie has."""
    deadline_s = time.monotonic() + within_s
    while True:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.1)


def test_what_no_process_can_be_handed_ends_the_study_and_leaves_no_child(
    tiny_study: Maker,
) -> None:
    lock: Any = Lock()  # cannot be pickled
    spoiled = replace(job(tiny_study), contender=lock)
    before = set(crew())
    with pytest.raises(StartError, match="cannot be handed to a process: Warm: "):
        run_chunk(Chunk((spoiled,), 60.0))
    assert set(crew()) <= before


ENDLESS = """
import time
import harness.study.visit as visit

of, read_again = visit.Scorer.of, visit.post_gain_pct

def truth(played):
    if {truth} and played.order.plan.titration_min > 1.0:
        time.sleep(600.0)
    return of(played)

def readings(order, candidate, n_pairs):
    if {readings} and n_pairs > 1:
        time.sleep(600.0)
    return read_again(order, candidate, n_pairs)

visit.Scorer.of, visit.post_gain_pct = truth, readings
"""


@pytest.mark.slow
@pytest.mark.parametrize("endless", ["truth", "readings"])
def test_the_limit_of_a_visit_holds_for_its_truth_and_its_readings_afterwards(
    tiny_study: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endless: str
) -> None:
    # what Python imports by itself when the child starts; warming up stays short
    injected = ENDLESS.format(truth=endless == "truth", readings=endless == "readings")
    (tmp_path / "sitecustomize.py").write_text(injected, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    end_all()
    try:
        result = run_chunk(Chunk((replace(job(tiny_study), post_pairs=6),), 5.0))
    finally:
        end_all()
    (one,) = result.played
    assert (one.visit.status, one.visit.error) == ("timed out", "killed after 5 s")
    assert one.visit.final_delay_ms == one.visit.reference_delay_ms
