"""A closed or full stdout or stderr: the work is done, the exit says what failed."""

import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "from harness.cli import main; main()"
ROOT = Path(__file__).parents[2]


def ended(shell: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    command = f"'{sys.executable}' -P -c '{MAIN}' list scenarios {shell}"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("shell", "reason"),
    [
        (">/dev/full", "no space left on device"),
        (">&-", "bad file descriptor"),
    ],
)
def test_a_result_that_cannot_be_written_is_told_and_exits_with_1(
    shell: str, reason: str
) -> None:
    done = ended(shell)
    told = f"ccmlab: done, but stdout cannot be written: {reason}\n"
    assert (done.returncode, done.stderr.decode()) == (1, told)


@pytest.mark.parametrize("shell", ["2>/dev/full", "2>&-"])
def test_without_stderr_the_result_is_written(shell: str) -> None:
    done = ended(shell)
    assert done.returncode == 0
    assert b"first_visit" in done.stdout


def test_without_any_stream_the_exit_code_is_left() -> None:
    assert ended(">/dev/full 2>/dev/full").returncode == 1


def test_a_stdout_of_ascii_shows_what_it_can() -> None:
    done = ended("", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, b"")
