"""The leaderboard of a script: the same numbers, a figure that a journal takes."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.study.judging.leaderboard import Leaderboard, leaderboard
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]


@pytest.fixture
def board(write_study: Callable[..., Path], visit: Visit) -> Leaderboard:
    rows = [
        visit(patient=patient, contender=name, candidate_gain_pct=gain + 0.1 * patient)
        for patient in range(4)
        for name, gain in (("stay", 0.0), ("$good$", 4.0), ("fair", 2.0))
    ]
    return leaderboard(write_study(rows))


def test_the_table_has_the_numbers_that_are_drawn(board: Leaderboard) -> None:
    (axes,) = board.plot().axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == "$good$"  # the best stands on top
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    drawn = {names[int(m.get_ydata()[0])]: float(m.get_xdata()[0]) for m in marks}
    table = board.table
    patients = board.parts[0].main.name
    of_main = table.where(table["patients"] == patients)
    told = dict(zip(of_main["contender"], of_main["points_lost_mean"], strict=True))
    for name in ("$good$", "fair", "stay"):
        assert drawn[name] == pytest.approx(told[name], abs=1e-4)
    assert axes.get_xlabel().endswith("points (lower is better)")


def test_yardsticks_are_open_marks_so_that_grey_tells_them_apart(
    board: Leaderboard,
) -> None:
    (axes,) = board.plot("harmed_pct").axes
    faces = {m.get_markerfacecolor() for m in axes.lines if m.get_marker() == "o"}
    assert len(faces) == 2
    file = io.BytesIO()
    board.plot(width="single").savefig(file, format="png", dpi=60)
    pixels = np.asarray(Image.open(file).convert("RGB"), dtype=int)
    assert np.ptp(pixels, axis=2).max() <= 24  # ink and paper, no colour says anything


@pytest.mark.parametrize(("width", "mm"), [("single", 89.0), ("double", 183.0)])
@pytest.mark.parametrize("kind", ["svg", "pdf"])
def test_it_is_as_wide_as_a_column(
    board: Leaderboard, width: str, mm: float, kind: str
) -> None:
    figure = board.plot(width=width)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(mm, abs=0.5)
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    assert file.getvalue()


def test_what_it_cannot_draw_is_told(board: Leaderboard) -> None:
    with pytest.raises(ValueError, match="nearest is 'points_lost_mean'"):
        board.plot("points_lost")
    with pytest.raises(ValueError, match="part must be 0 to 0, got 3"):
        board.plot(part=3)


def test_it_shows_itself_as_the_terminal_and_a_notebook_do(board: Leaderboard) -> None:
    assert "$good$" in repr(board)
    assert "<table>" in board._repr_html_()
