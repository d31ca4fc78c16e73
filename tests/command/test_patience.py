"""Whoever waits for seconds is told for what, and nobody else."""

import io
import sys
from threading import Event

import pytest

from harness.commands import speech
from harness.commands.speech import patience


class Heard(io.StringIO):
    """A stderr that tells when a line was written: no text is lost between reads."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Event()

    def write(self, text: str) -> int:
        n = super().write(text)
        if self.getvalue().endswith("\n"):
            self.line.set()
        return n


def test_work_that_takes_long_is_told_with_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speech, "PATIENCE_S", 0.01)
    heard = Heard()
    monkeypatch.setattr(sys, "stderr", heard)
    with patience("judging", "a minute"):
        assert heard.line.wait(10.0)
    assert heard.getvalue() == "judging: this takes a minute\n"


def test_nothing_is_said_of_what_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    with patience("judging", "a minute"):
        pass
    assert capsys.readouterr().err == ""
