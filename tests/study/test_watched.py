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
from harness.study.chunks import Chunk, StartError, crew, run_chunk
from harness.study.jobs import plan_of
from harness.study.plan import Study
from harness.study.visit import Job, scored
from harness.study.watched import DismissedError, EndedError, OverdueError, Watched

START_S = 300.0  # a cold cache of kernels on a busy machine
Maker = Callable[..., Study]


@pytest.fixture
def child() -> Iterator[Watched]:
    child = Watched()
    yield child
    child.end()


def job(tiny_study: Maker, strategy: str = "stay") -> Job:
    return next(plan_of(tiny_study([strategy])).jobs())


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
    child: Watched, tiny_study: Maker, odd_file: Path
) -> None:
    child.send(Play((job(tiny_study, f"{odd_file}:dies"),)))
    with pytest.raises(EndedError, match="the process ended with exit code 7"):
        child.answer(START_S)


PARENT = """
import time
from harness.study.watched import Watched
print(Watched().pid, flush=True)
time.sleep(600)
"""


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
