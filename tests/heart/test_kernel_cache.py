"""Compiled kernels are kept for other processes, and no process spoils another's."""

import subprocess
import sys
from pathlib import Path

import pytest

HOLDS = """
import sys
from sim.heart.jit import _lock
with _lock.held(), _lock.held():  # nested, as a kernel that calls a kernel
    print("held", flush=True)
    sys.stdin.readline()
"""
KERNELS = """
from sim.heart.jit import kernel
@kernel
def inner(a, b):
    return 2 * a + b
@kernel
def outer(a, b):
    return inner(a, b) + 1
"""
CALLS = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from kept_kernels import outer
calls = [(1, 2), (1.5, 2), (np.ones(2), 1.0), (1, 2.5)]
for a, b in calls[:: {step}]:
    assert np.array_equal(outer(a, b), 2 * a + b + 1), (a, b, outer(a, b))
print(sum(outer.stats.cache_hits.values()), sum(outer.stats.cache_misses.values()))
"""


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "kept_kernels.py").write_text(KERNELS, encoding="utf-8")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def started(program: str) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True
    )


def test_processes_that_compile_at_once_leave_code_that_a_later_one_reads_right(
    own_cache: Path,
) -> None:
    folder = str(own_cache)
    at_once = [started(CALLS.format(folder=folder, step=step)) for step in (1, -1)]
    for process in at_once:
        process.communicate(timeout=120)
        assert process.returncode == 0
    later = started(CALLS.format(folder=folder, step=1))
    hits, misses = later.communicate(timeout=120)[0].split()
    assert later.returncode == 0
    assert (int(hits), int(misses)) == (4, 0)


def test_nobody_compiles_while_another_process_holds_the_cache(own_cache: Path) -> None:
    holder = started(HOLDS)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    waiting = started(CALLS.format(folder=str(own_cache), step=1))
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=4.0)
    holder.communicate("go\n", timeout=60)
    waiting.communicate(timeout=120)
    assert (holder.returncode, waiting.returncode) == (0, 0)
