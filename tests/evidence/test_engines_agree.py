"""The page of both engines: paired differences, intervals, the gate."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.evidence.engines import Agreed, agreement, page
from harness.study.tables import Columns, StudyTables

CONTENDERS = ("stay", "titration", "gp")
N_PATIENTS = 12


def visits(*, worse: float = 0.0, ranks: tuple[int, ...] = (3, 2, 1)) -> Columns:
    """Return a row a patient and contender; `worse` is added to all that is lost."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(N_PATIENTS), len(CONTENDERS))
    contender = np.array(CONTENDERS * N_PATIENTS, dtype=object)
    lost = np.array(ranks * N_PATIENTS) + 0.1 * rng.standard_normal(patient.size)
    n = patient.size
    same: dict[str, Any] = {
        "patient": patient,
        "contender": contender,
        "start": np.full(n, "factory", dtype=object),
        "plan": np.full(n, "paired", dtype=object),
        "budget_min": np.full(n, 40.0),
        "replicate": np.zeros(n, dtype=np.int64),
        "status": np.full(n, "done", dtype=object),
        "span_points": np.full(n, 10.0),
        "points_lost": lost + worse,
        "regret_pct": 10.0 * (lost + worse),
        "candidate_harms": np.zeros(n, dtype=np.bool_),
        "unpleasant_events": np.zeros(n),
        "visit_minutes": np.full(n, 110.0),
        "ci95_low_pct": np.full(n, 1.0),
        "ci95_high_pct": np.full(n, 3.0),
        "candidate_gain_pct": np.full(n, 2.0),
        "candidate_amplitude_v": np.full(n, 7.5),
    }
    return same


def agreed(beats: Columns, table: Columns) -> Agreed:
    timings = {"cpu_s": np.array([1.0])}
    both = [StudyTables(Path(), {}, {}, own, {}, timings) for own in (beats, table)]
    return agreement(*both)


def test_equal_studies_agree_and_pass_the_gate() -> None:
    found = agreed(visits(), visits())
    assert (found.n_patients, found.n_visits) == (12, 36)
    assert found.median_regret_apart_pct == 0.0
    assert found.tau == found.tau_low == 1.0
    assert found.same_frac == 1.0
    assert found.rows[0].covered_pct == (100.0, 100.0)
    assert found.passed


def test_a_difference_of_all_visits_is_told_with_its_sign() -> None:
    found = agreed(visits(), visits(worse=-0.2))
    row = found.rows[1]
    assert row.points_apart.mean == pytest.approx(-0.2)
    # -0.2 points of a span of 10 are -2 % of it
    assert found.median_regret_apart_pct == pytest.approx(-2.0)
    assert found.passed


def test_regret_apart_by_more_than_three_points_fails_the_gate() -> None:
    assert not agreed(visits(), visits(worse=0.31)).passed


def test_ranks_that_are_turned_over_fail_the_gate() -> None:
    # contenders 3 and 2 change places: one of three pairs, tau = (2 - 1) / 3
    found = agreed(visits(), visits(ranks=(2, 3, 1)))
    assert found.tau == pytest.approx(1.0 / 3.0)
    assert not found.passed


def test_only_finished_visits_of_both_are_compared() -> None:
    half = dict(visits())
    half["status"] = np.array(["done", "failed", "done"] * N_PATIENTS, dtype=object)
    assert [row.contender for row in agreed(visits(), half).rows] == ["stay", "gp"]
    none = {**visits(), "replicate": np.ones(36, dtype=np.int64)}
    with pytest.raises(ValueError, match="no finished visit in common"):
        agreed(visits(), none)


def test_the_page_tells_the_gate_in_words() -> None:
    assert "**not passed**" in page(agreed(visits(), visits(worse=0.4)))
    assert ": passed." in page(agreed(visits(), visits()))
