"""The command line: what it prints, what it exits with, and how soon."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from harness.archive.run_folder import read_run
from harness.cli import invoke
from harness.commands.run import default_folder
from harness.commands.speech import INTERRUPTED
from harness.common.progress import Progress

HEAVY = "numpy scipy numba matplotlib pydantic simpy duckdb jinja2 sim optimizers"
SHORT = """
title = "A short visit"
seed = 4
[patient]
phenotype = "hfref-ischaemic"
[device.settings]
amplitude_v = 5.0
[visit]
titration_min = 6
verification_pairs = 2
response_pairs = 1
observation_min = 1
baseline_min = 1
"""
FORGOTTEN = """
import signal, sys, time
import click
from harness.cli import cli, main
class Last:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
@cli.command()
def busy():
    Last()
    time.sleep(60.0)
sys.argv[1:] = ["busy"]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
main()
"""


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short.toml"
    path.write_text(SHORT, encoding="utf-8")
    return path


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when a visit is simulated."""

    def run_scenario(*_: object, **__: object) -> None:
        pytest.fail("a visit was simulated")

    monkeypatch.setattr("harness.play.run.run_scenario", run_scenario)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert invoke(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.startswith("ccmlab: ")
    return said.err


def test_the_command_line_starts_without_scientific_packages() -> None:
    code = f"import sys, harness.cli; print(set('{HEAVY}'.split()) & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "-h"], ["list", "-h"]])
def test_help_is_a_result(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(arguments) == 0
    assert "Usage: ccmlab" in capsys.readouterr().out


def test_the_list_of_commands_cuts_no_summary_short(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["--help"]) == 0
    assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["--version"]) == 0
    assert capsys.readouterr().out.startswith("ccmlab 0.")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("scenarios", ["first_visit  ", "turned_down  "]),
        ("strategies", ["titration  ", "nelder-mead  "]),
        ("phenotypes", ["hfref-af  ", "hfref-null  "]),
        ("laws", ["two-leads  ", "field-20-100  random surface, tau 0.2, length 1"]),
        ("readouts", ["finger-pressure    beat-to-beat finger pressure"]),
        (
            "overrides",
            ["ejection_fraction_pct ", "5 to 80 % (default: 30; normal 60"],
        ),
        (
            "parameters",
            ["amplitude_v  ", "4.5 to 7.5 V in steps of 0.5 (default: 7.5)"],
        ),
    ],
)
def test_list_names_what_is_there(
    kind: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["list", kind]) == 0
    listed = capsys.readouterr().out
    for name in names:
        assert name in " ".join(listed.split(" "))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "scenrios"], "got 'scenrios' (nearest is 'scenarios')"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["rn"], "'rn'"),
        (["run", "first_visit", "--sed", "3"], "--seed"),
        (["run", "first_visit", "--seed", "x"], "'--seed'"),
        (["run", "first_visit", "--seed", "-1"], "seed: must be 0 to"),
        (["run", "frist_visit"], "nearest is 'first_visit'"),
        (["run", "first_visit", "--set", "seed"], "--set takes KEY=VALUE, got 'seed'"),
        (
            ["run", "first_visit", "--set", "patient.override.LVEF=28"],
            "nearest is 'ejection_fraction_pct'",
        ),
        (["run", "first_visit", "--set", "visit.readout=cuf"], "nearest is 'cuff'"),
        (["run", "first_visit", "--set", "seed=3", "--seed", "4"], "--set seed:"),
        (["run", "follow_up_year", "--replicate", "1"], "not for a course"),
        (["run", "nowhere.toml"], "nowhere.toml: cannot be read: no such file"),
        (
            ["run", "first_visit", "--strategy", "titratoin"],
            "--strategy: unknown strategy 'titratoin'; nearest is 'titration'",
        ),
    ],
)
def test_a_bad_argument_exits_2_with_one_message(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    forbidden: None,
) -> None:
    message = refused(arguments, capsys)
    assert said in message
    assert message.count("\n") == 1


def test_a_faulty_file_exits_2_with_every_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forbidden: None
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SHORT.replace("5.0", "4.7") + "readot = 'x'\n", encoding="utf-8")
    message = refused(["run", str(path)], capsys)
    assert "device.settings.amplitude_v: must be 4.5 to 7.5 V" in message
    assert "visit.readot: no such name; nearest is 'readout'" in message


def test_a_patient_that_cannot_be_made_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    override = "override = { ejection_fraction_pct = 70, edv_ml = 300, sbp_mmhg = 90 }"
    path = tmp_path / "mine.toml"
    text = SHORT.replace("[device.settings]", f"{override}\n[device.settings]")
    path.write_text(text, encoding="utf-8")
    out = tmp_path / "run"
    message = refused(["run", str(path), "--out", str(out), "-q"], capsys)
    assert "patient.override: " in message
    assert not out.exists()


def test_an_unwritable_place_is_told_before_the_visit(
    short: Path, capsys: pytest.CaptureFixture[str], forbidden: None
) -> None:
    message = refused(["run", str(short), "--out", str(short / "run")], capsys)
    assert "cannot be written" in message


def test_a_visit_leaves_a_whole_run_and_prints_the_verdict(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs" / "mine"
    assert invoke(["run", str(short), "--out", str(out), "--seed", "5"]) == 0
    said = capsys.readouterr()
    assert read_run(out)
    assert "as found" in said.out
    assert "permanent" in said.out
    assert f"report  {out / 'report.html'}" in said.out
    assert "simulated data only" in said.out
    assert "titration" in said.err
    assert "[0:00:00]" in said.err

    message = refused(["run", str(short), "--out", str(out)], capsys)
    assert "--force" in message


def test_only_the_formats_asked_for_are_made_and_json_always(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    asked = ["run", str(short), "--out", str(out), "--format", "html"]
    assert invoke(asked) == 0
    assert {f.name for f in out.glob("report.*")} == {"report.html", "report.json"}
    assert "report.pdf" not in capsys.readouterr().out
    assert read_run(out)


def test_an_unknown_format_of_a_run_is_told_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["run", "first_visit", "--out", str(tmp_path / "x"), "--format", "hl8"]
    assert invoke(asked) == 2
    assert "nearest is 'hl7'" in capsys.readouterr().err


def test_a_quiet_run_says_nothing_on_stderr(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    assert invoke(["run", str(short), "--out", str(out), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_an_interrupt_exits_130_and_leaves_nothing(
    short: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_scenario(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.play.run.run_scenario", run_scenario)
    out = tmp_path / "mine"
    assert invoke(["run", str(short), "--out", str(out)]) == INTERRUPTED == 130
    assert "nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [short]


def test_an_import_that_an_interrupt_broke_is_an_interrupt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ImportError("initialization failed") from KeyboardInterrupt()

    monkeypatch.setattr("harness.cli.cli.main", broken)
    assert invoke(["list"]) == INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


def test_an_interrupt_that_python_forgets_comes_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGOTTEN], capture_output=True, text=True, timeout=50.0
    )
    assert done.returncode == INTERRUPTED
    assert done.stderr.strip() == "ccmlab: interrupted, nothing was written"


def test_a_run_that_was_not_told_where_to_go_says_what_it_is() -> None:
    assert default_folder("a", "titration", 7) == Path("results/a-titration-seed7")
    own = default_folder("a", "/home/me/my ideas.py:mine", 7)
    assert own == Path("results/a-my-ideas.py-mine-seed7")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_of(stream: io.StringIO) -> str:
    with Progress(stream) as progress:
        progress(0.0, "check-in", "identity")
        progress(3661.0, "titration", "5.0 V")
        progress(3700.0, "titration", "5.5 V")
    return stream.getvalue()


def test_progress_is_a_line_for_each_event_with_the_simulated_clock() -> None:
    assert lines_of(io.StringIO()).splitlines() == [
        "[0:00:00] check-in: identity",
        "[1:01:01] titration: 5.0 V",
        "[1:01:40] titration: 5.5 V",
    ]


def test_a_terminal_shows_one_line_for_each_phase() -> None:
    shown = lines_of(Terminal())
    assert shown.count("\n") == 2
    assert "5.0 V\r\x1b[2K[1:01:40] titration: 5.5 V\n" in shown


def test_a_strategy_that_is_no_generator_is_refused_before_the_visit(
    short: Path, forbidden: None, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(["run", str(short), "--strategy", "math:sqrt"], capsys)
    assert "must be a generator function" in said


def test_a_strategy_that_asks_rubbish_gets_one_message(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("def rubbish(problem, rng):\n    yield (99, 99, 99)\n")
    command = ["run", str(short), "--strategy", f"{mine}:rubbish", "--quiet"]
    assert invoke([*command, "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"ccmlab: search.strategy: {mine}:rubbish: the strategy")
    assert not (tmp_path / "run").exists()


RAISES = """
def truncated(problem, rng):
    yield problem.reference
    raise EOFError("Ran out of input")

def leaves(problem, rng):
    yield problem.reference
    raise SystemExit(0)

def stops(problem, rng):
    yield problem.reference
    raise StopIteration

def names(problem, rng):
    yield problem.reference
    raise ValueError(b"no-such-\\xff.csv".decode("utf-8", "surrogateescape"))

class Mute(Exception):
    def __str__(self):
        raise RuntimeError

def mute(problem, rng):
    yield problem.reference
    raise Mute

def at_its_end(problem, rng):
    try:
        while True:
            yield problem.point(amplitude_v=6.0)
    finally:
        raise SystemExit(0)
"""


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("truncated", "EOFError: Ran out of input (mine.py:4)"),
        ("leaves", "SystemExit: 0 (mine.py:8)"),
        ("stops", "RuntimeError: generator raised StopIteration (mine.py:12)"),
        ("names", "ValueError: no-such-\N{REPLACEMENT CHARACTER}.csv (mine.py:16)"),
        ("mute", "Mute: its text cannot be had, RuntimeError (mine.py:24)"),
        ("at_its_end", "SystemExit: 0 (mine.py:31)"),
    ],
)
def test_what_a_strategy_raises_is_its_own_and_ends_with_1_and_one_line(
    short: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    function: str,
    told: str,
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(RAISES)
    command = ["run", str(short), "--strategy", f"{mine}:{function}", "--quiet"]
    assert invoke([*command, "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith(f"ccmlab: search.strategy: {mine}:{function}: {told}")
    assert "\n" not in said
    assert not (tmp_path / "run").exists()
