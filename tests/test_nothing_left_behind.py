"""The tests fail on a process, a thread or a descriptor that outlives them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent / "conftest.py"
LEAVES = """
import subprocess, sys, threading, time
KEPT = []

def test_leaves_a_file_open():
    KEPT.append(open(__file__))

def test_leaves_a_process():
    KEPT.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1))

def test_leaves_a_thread():
    threading.Thread(target=time.sleep, args=(60,), name="idler", daemon=True).start()

def test_leaves_nothing():
    with open(__file__) as file:
        file.read()
"""


@pytest.mark.parametrize("alone", [True, False], ids=["one process", "with workers"])
def test_what_outlives_the_tests_is_named_and_fails_them(
    tmp_path: Path, alone: bool
) -> None:
    code, said = outcome(tmp_path, LEAVES, alone)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "4 passed" in said
    assert "left behind" in said
    assert f"{tmp_path / 'test_some.py'}" in said
    assert f"{Path(sys.executable)} -c input()" in said
    assert "thread idler" in said


def test_tests_that_leave_nothing_pass(tmp_path: Path) -> None:
    tidy = LEAVES[LEAVES.index("def test_leaves_nothing") :]
    code, said = outcome(tmp_path, tidy, alone=True)
    assert code == pytest.ExitCode.OK, said
    assert "left behind" not in said


def outcome(folder: Path, tests: str, alone: bool) -> tuple[int, str]:
    """Run some tests beside our conftest; return exit code and what was said."""
    shutil.copy(CONFTEST, folder)
    (folder / "test_some.py").write_text(tests, encoding="utf-8")
    workers = ["-p", "no:xdist"] if alone else ["-n", "1"]
    mine = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *workers],
        capture_output=True,
        text=True,
        cwd=folder,
        env=mine | {"PYTHONPATH": str(CONFTEST.parents[1])},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
