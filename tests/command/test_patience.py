"""Whoever waits for seconds is told for what, and nobody else."""

import time

import pytest

from harness.commands import speech
from harness.commands.speech import patience


def test_work_that_takes_long_is_told_with_its_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech, "PATIENCE_S", 0.01)
    with patience("judging", "a minute"):
        deadline_s = time.monotonic() + 10.0
        said = ""
        while not said and time.monotonic() < deadline_s:
            said = capsys.readouterr().err
    assert said == "judging: this takes a minute\n"


def test_nothing_is_said_of_what_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    with patience("judging", "a minute"):
        pass
    assert capsys.readouterr().err == ""
