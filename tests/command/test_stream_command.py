"""`ccmlab stream` tells lines until the visit, or whoever reads, has ended."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pytest

from harness.cli import invoke
from harness.play.stream.messages import from_json

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "stream-a-visit.md"
MAIN = "from harness.cli import main; main()"


@cache
def first_lines(n: int = 400) -> tuple[str, ...]:
    """Return the beginning of a stream, whose reader then closes the pipe."""
    command = [sys.executable, "-P", "-c", MAIN, "stream", "first_visit"]
    with subprocess.Popen(
        [*command, "--rate", "max"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = tuple(process.stdout.readline() for _ in range(n))
        process.stdout.close()
        assert process.wait(timeout=120) == 0
        assert process.stderr.read() == ""
    return lines


@pytest.mark.slow
def test_a_closed_pipe_ends_the_stream_cleanly_and_each_line_is_a_message() -> None:
    told = [from_json(line) for line in first_lines()]
    assert told[0].kind == "opened"
    assert {"beat", "samples", "phase", "screen"} <= {message.kind for message in told}
    assert [message.number for message in told] == list(range(1, len(told) + 1))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--rate", "fast"], "--rate takes a number above 0 or max"),
        (["--strategy", "titraton"], "--strategy"),
    ],
)
def test_a_faulty_option_is_one_message(
    options: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["stream", "first_visit", *options]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1


def client(name: str) -> str:
    """Return one program of the how-to."""
    blocks = re.findall(r"```python\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    return next(block for block in blocks if block.startswith(f"# {name}"))


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(first_lines())))


def run(code: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(compile(code, str(HOW_TO), "exec"), names)
    return names


@pytest.mark.slow
def test_the_client_that_plots_has_about_twenty_lines_and_draws(stdin: None) -> None:
    code = client("plot_live.py")
    assert len(code.splitlines()) <= 32
    with mpl.rc_context({"backend": "agg"}):
        names = run(code)
        trace = names["trace"]
        x, y = trace.get_data()  # type: ignore[attr-defined]
        names["plt"].close("all")  # type: ignore[attr-defined]
    assert len(x) == len(y) == 2500
    # what a finger pressure is, in mmHg
    assert 40.0 < min(y) < max(y) < 200.0


class Outlet:
    """Stands for the outlet of Lab Streaming Layer, which is not installed here."""

    def __init__(self, info: object) -> None:
        self.info, self.pushed = info, list[list[float]]()

    def push_sample(self, row: list[float]) -> None:
        self.pushed.append(row)


class Info:
    """Stands for the description of such a stream."""

    def __init__(self, *told: object) -> None:
        self.told = told

    def desc(self) -> "Info":
        return self

    def append_child(self, name: str) -> "Info":
        return self

    def append_child_value(self, name: str, value: str) -> None:
        assert isinstance(value, str)


@contextlib.contextmanager
def standing_in() -> Iterator[None]:
    module = ModuleType("pylsl")
    module.StreamInfo, module.StreamOutlet = Info, Outlet  # type: ignore[attr-defined]
    before = sys.modules.get("pylsl")
    sys.modules["pylsl"] = module
    try:
        yield
    finally:
        del sys.modules["pylsl"]
        if before is not None:
            sys.modules["pylsl"] = before


def test_the_client_that_hands_on_pushes_every_sample_in_its_unit(stdin: None) -> None:
    with standing_in():
        outlet = run(client("to_lsl.py"))["outlet"]
    assert isinstance(outlet, Outlet)
    told = [json.loads(line) for line in first_lines()]
    n = sum(len(t["counts"]["ABP"]) for t in told if t["kind"] == "samples")
    assert len(outlet.pushed) == n
    assert 40.0 < outlet.pushed[-1][3] < 200.0
