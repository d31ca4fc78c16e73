"""Fronts of gain, energy and discomfort, and tests against a constraint."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.study.judging.board import judge
from harness.study.judging.constraints import constraint_sheet
from harness.study.judging.fronts import (
    front_sheet,
    hypervolume,
    undominated,
    volumes,
)
from harness.study.judging.numbers import Estimate
from harness.study.judging.reading import StoredStudy
from harness.study.judging.readings import readings_sheet, regret_after
from harness.study.judging.standing import contenders
from harness.study.judging.trajectory import evaluations_by_visit
from harness.study.outcome import VisitRow

Visit = Callable[..., VisitRow]
Stored = Callable[..., StoredStudy]
GRID = arrays(
    float,
    st.tuples(st.integers(1, 8), st.just(3)),
    elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
)


def test_hypervolumes_by_hand() -> None:
    assert hypervolume(np.array([[1.0, 1.0, 1.0]])) == 1.0
    assert hypervolume(np.array([[0.5, 0.5, 0.5]])) == 0.125
    # two boxes of 1/4 that share 1/8
    two = np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.5]])
    assert hypervolume(two) == pytest.approx(0.375)
    # what lies outside is cut to the box, and what is worse than its corner is nothing
    assert hypervolume(np.array([[2.0, 0.5, 1.0], [-1.0, 1.0, 1.0]])) == 0.5


@given(GRID)
def test_a_hypervolume_is_the_share_of_a_fine_grid_that_is_covered(
    goods: np.ndarray,
) -> None:
    # settings on a grid of quarters: 64 cubes tell the volume exactly
    middles = np.array(np.meshgrid(*[np.arange(4) / 4.0 + 0.125] * 3)).reshape(3, -1)
    covered = (goods[:, :, None] >= middles[None]).all(axis=1).any(axis=0)
    assert hypervolume(goods) == pytest.approx(float(covered.mean()))


@given(GRID)
def test_the_front_alone_has_the_volume_of_all(goods: np.ndarray) -> None:
    front = goods[undominated(goods)]
    assert front.size
    assert hypervolume(front) == pytest.approx(hypervolume(goods))


def test_equal_settings_do_not_beat_each_other() -> None:
    goods = np.array([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.5, 0.0, 1.0]])
    assert undominated(goods).tolist() == [True, True, False]


@pytest.fixture
def searched(stored: Stored, visit: Visit, search: Callable[..., Any]) -> StoredStudy:
    """One visit: best 4, off -4; three settings tested, the last not tolerated."""
    one = visit(candidate_gain_pct=2.0)
    parts = ((0.0, 0.5, 0.0), (4.0, 1.0, 1.0), (4.0, 0.0, 2.0))
    rows = [
        replace(row, true_gain_pct=gain, energy_frac=energy, true_sensation=felt)
        for row, (gain, energy, felt) in zip(search(one, [0.0] * 3), parts, strict=True)
    ]
    ends = ("done", "felt", "refused")
    ended = [replace(row, ended=end) for row, end in zip(rows, ends, strict=True)]
    return stored([one], ended)


def test_the_box_goes_from_off_to_the_best_and_from_the_highest_energy_to_none(
    searched: StoredStudy,
) -> None:
    judged = judge(searched)
    (cell,) = contenders(judged, judged.main, "paired")
    volume, size = volumes(cell, evaluations_by_visit(searched.evaluations), 1.0)
    # half of the gain, half of the energy, not felt; the other takes all the energy
    assert volume.tolist() == [0.25]
    assert size.tolist() == [2.0]


def test_a_choice_that_another_beats_in_all_three_is_not_on_the_front(
    stored: Stored, visit: Visit
) -> None:
    rows = [
        visit(contender=name, candidate_gain_pct=gain, candidate_energy_frac=energy)
        for name, gain, energy in (("a", 3.0, 0.5), ("b", 2.0, 0.6), ("c", 1.0, 0.2))
    ]
    judged = judge(stored(rows))
    cells = contenders(judged, judged.main, "paired")
    sheet = front_sheet(cells, evaluations_by_visit(judged.study.evaluations))
    on_front = {row["contender"]: row["on_front"] for row in sheet.rows}
    assert on_front == {"a": "yes", "b": "no", "c": "yes"}


def test_violations_are_counted_apart_and_of_finished_visits(
    stored: Stored, searched: StoredStudy
) -> None:
    judged = judge(searched)
    cells = contenders(judged, judged.everybody, "paired")
    searches = evaluations_by_visit(searched.evaluations)
    (row,) = constraint_sheet(cells, searches).rows
    counts = [row[f"{kind}_mean"] for kind in ("felt", "stopped", "refused")]
    assert [c.value for c in counts if isinstance(c, Estimate)] == [1.0, 0.0, 1.0]
    share = row["any_pct"]
    assert isinstance(share, Estimate)
    assert share.value == 100.0


def test_regret_after_some_readings_is_that_of_the_choice_by_then(
    stored: Stored, visit: Visit, search: Callable[..., Any]
) -> None:
    """The reference is known without a test; four readings, then nothing more."""
    one = visit(candidate_gain_pct=4.0)
    rows = search(one, [0.0, 0.0, 0.0, 2.0, 4.0])
    rows[0] = replace(rows[0], ended="known")
    judged = judge(stored([one], rows))
    (cell,) = contenders(judged, judged.main, "paired")
    searches = evaluations_by_visit(judged.study.evaluations)
    found = {n: regret_after(cell, searches, n) for n in (0, 2, 3, 4, 9)}
    assert {n: regret.tolist() for n, (regret, _) in found.items()} == {
        0: [50.0],  # the reference's
        2: [50.0],
        3: [25.0],
        4: [0.0],
        9: [0.0],
    }
    assert [found[n][1] for n in (4, 9)] == [True, False]
    assert readings_sheet([cell], searches).rows == ()  # nobody read five times
