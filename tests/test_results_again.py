"""The published results are played again step by step, and go on where they stopped."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.results import Step, fingerprint, played, steps

TODO = (Step("first", ("one",)), Step("second", ("two",)), Step("third", ("three",)))


class Runs:
    """Notes what is run; `codes` are the exit codes of what does not succeed."""

    def __init__(self, **codes: int) -> None:
        self.codes, self.commands = codes, list[str]()

    def __call__(self, command: Sequence[str]) -> int:
        self.commands.append(command[0])
        return self.codes.get(command[0], 0)


def test_what_is_done_is_not_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped, again = Runs(two=130), Runs()
    assert played(TODO, tmp_path, stopped) == 130
    assert stopped.commands == ["one", "two"]
    assert "2 of 3, second: ended with 130" in capsys.readouterr().out
    assert played(TODO, tmp_path, again) == 0
    assert again.commands == ["two", "three"]
    out = capsys.readouterr().out
    assert "1 of 3, first: done already" in out
    assert "all results in 0:00:0" in out


def test_what_a_check_finds_is_no_failure(tmp_path: Path) -> None:
    checks = (Step("check", ("one",), finds=True), Step("last", ("two",)))
    found = Runs(one=1)
    assert played(checks, tmp_path, found) == 0
    assert found.commands == ["one", "two"]
    assert played(checks[:1], tmp_path / "again", Runs(one=2)) == 2


def test_an_interruption_keeps_what_was_done(tmp_path: Path) -> None:
    def interrupted(command: Sequence[str]) -> int:
        if command[0] == "two":
            raise KeyboardInterrupt
        return 0

    with pytest.raises(KeyboardInterrupt):
        played(TODO, tmp_path, interrupted)
    again = Runs()
    played(TODO, tmp_path, again)
    assert again.commands == ["two", "three"]


def test_sources_that_changed_are_another_state(tmp_path: Path) -> None:
    for name in ("sim", "optimizers", "harness", "scenarios"):
        (tmp_path / name).mkdir()
    (tmp_path / "requirements.lock").write_text("numpy")
    source = tmp_path / "sim" / "heart.py"
    source.write_text("one = 1")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    source.write_text("one = 2")
    assert fingerprint(tmp_path) != before


def test_a_study_is_kept_with_the_sources_it_was_played_by(tmp_path: Path) -> None:
    made = {step.name: step.command for step in steps(tmp_path)}
    study, page = made["study goal"], made["page of goal"]
    assert study[-1] == page[2] == str(tmp_path / "goal")
