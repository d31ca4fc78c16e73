"""The bar that long work draws."""

import io

import pytest

from harness.common.counting import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(stream: io.StringIO, took_s: float) -> str:
    now_s = iter([0.0, took_s, took_s + 1.0])
    with Bar("patients", stream, clock=lambda: next(now_s)) as bar:
        bar(1, 4)
    return stream.getvalue()


def test_a_bar_tells_how_many_and_how_long() -> None:
    assert "1 of 4 patients, 9 s left" in drawn(Terminal(), 3.0)
    assert drawn(Terminal(), 3.0).endswith("\n")


@pytest.mark.parametrize(
    ("stream", "took_s"), [(Terminal(), 1.9), (io.StringIO(), 9.0)]
)
def test_short_work_and_a_file_show_no_bar(stream: io.StringIO, took_s: float) -> None:
    assert drawn(stream, took_s) == ""
