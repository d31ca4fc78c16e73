"""What would have been chosen at each minute, in searches written by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from harness.study.judging.board import judge
from harness.study.judging.cells import cells
from harness.study.judging.over_minutes import median_limits
from harness.study.judging.reading import StoredStudy
from harness.study.judging.trajectory import (
    evaluations_by_visit,
    regret_over_minutes,
    solved_over_minutes_pct,
)
from harness.study.outcome import VisitRow

Stored = Callable[..., StoredStudy]
Visit = Callable[..., VisitRow]
Search = Callable[..., Any]
MINUTES = np.array([0.0, 1.9, 2.0, 4.0, 6.0, 40.0])


def over_minutes(study: StoredStudy) -> tuple[list[list[float]], list[float]]:
    judged = judge(study)
    (cell,) = cells(judged.visits, judged.main)
    evaluations = evaluations_by_visit(study.evaluations)
    regret = regret_over_minutes(cell, evaluations, MINUTES)
    return regret.tolist(), solved_over_minutes_pct(cell, evaluations, MINUTES).tolist()


def test_the_reference_is_the_choice_until_a_test_is_done(
    stored: Stored, visit: Visit, search: Search
) -> None:
    # a test every 2 minutes; the choice gains 0, then 2, then 4 of 4
    row = visit(candidate_gain_pct=4.0)
    regret, _ = over_minutes(stored([row], search(row, [0.0, 2.0, 4.0])))
    assert regret == [[50.0, 50.0, 50.0, 25.0, 0.0, 0.0]]


def test_targets_are_solved_while_the_choice_has_them(
    stored: Stored, visit: Visit, search: Search
) -> None:
    # half at 2 min, all at 4 min, given up at 6 min
    row = visit()
    _, solved = over_minutes(stored([row], search(row, [2.0, 4.0, 0.0])))
    third = 100.0 / 3.0
    assert solved == pytest.approx([0.0, 0.0, third, 100.0, 0.0, 0.0])


def test_replicates_of_a_patient_are_averaged(
    stored: Stored, visit: Visit, search: Search
) -> None:
    rows = [visit(replicate=r) for r in range(2)]
    searched = [*search(rows[0], [4.0]), *search(rows[1], [0.0])]
    regret, solved = over_minutes(stored(rows, searched))
    assert regret == [[50.0, 50.0, 25.0, 25.0, 25.0, 25.0]]
    assert solved[-1] == 50.0


def test_a_search_that_came_to_nothing_keeps_the_reference_all_along(
    stored: Stored, visit: Visit, search: Search
) -> None:
    row = replace(visit(), status="timed out")
    regret, solved = over_minutes(stored([row], search(row, [4.0, 4.0])))
    assert regret == [[50.0] * MINUTES.size]
    assert solved == [0.0] * MINUTES.size


def test_who_has_nothing_to_gain_solves_nothing(
    stored: Stored, visit: Visit, search: Search
) -> None:
    row = visit(attainable_gain_pct=0.0, off_gain_pct=0.0)
    regret, solved = over_minutes(stored([row], search(row, [0.0])))
    assert np.isnan(regret).all()
    assert np.isnan(solved).all()


@pytest.mark.parametrize("n", [1, 5, 20, 101])
def test_the_band_of_a_median_holds_it_95_percent_of_the_time(n: int) -> None:
    low, high = median_limits(np.arange(n, dtype=float)[:, None])
    # the median lies between the order statistics of these ranks (from 1)
    below, above = int(low[0]) + 1, int(high[0]) + 1
    held = binom.cdf(above - 1, n, 0.5) - binom.cdf(below - 1, n, 0.5)
    if n >= 20:
        assert held >= 0.95
    assert below + above == n + 1
