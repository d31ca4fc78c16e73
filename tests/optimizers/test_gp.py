"""The Gaussian process: improvement, drift, sensation, reference."""

from math import nan, pi, sqrt

import numpy as np
import pytest

from optimizers import gp as model
from optimizers.gp import improvements
from optimizers.posterior import matern
from optimizers.problem import Budget, Observation, Problem
from optimizers.search import Search
from optimizers.space import Axis, Space

SPACE = Space(
    (
        Axis("a", "", tuple(map(float, range(7)))),
        Axis("b", "", tuple(map(float, range(43)))),
    )
)
REFERENCE = (0, 7)
PROBLEM = Problem(SPACE, REFERENCE, Budget(evaluations=20), noise_sd=2.0)


def see(point, value=0.0, error=2.0, **more):
    return Observation(point, point, value, standard_error=error, **more)


def run(value, error=2.0, **options):
    rng = np.random.default_rng(1)
    with Search("gp", PROBLEM, rng, **options) as search:
        while (point := search.ask()) is not None:
            is_known = error == 0.0 and point == REFERENCE
            search.tell(see(point, value(point), 0.0 if is_known else 2.0))
    return [seen.asked for seen in search.log]


@pytest.mark.slow
def test_it_beats_trying_at_random(chosen_gain):
    n_patients = 60
    gains = np.array(
        [
            [chosen_gain(name, patient) for name in ("gp", "random")]
            for patient in range(n_patients)
        ]
    )
    ahead = gains[:, 0] - gains[:, 1]
    # paired by patient; two standard errors, one-sided p about 0.02
    assert ahead.mean() > 2.0 * ahead.std(ddof=1) / np.sqrt(n_patients)


def test_expected_improvement_follows_its_closed_form(monkeypatch):
    monkeypatch.setattr(model, "SIZES", (1.5,))
    monkeypatch.setattr(model, "LENGTHS", (0.3,))
    monkeypatch.setattr(model, "GRADE_SD", 1e-6)
    asked = [(0, 7), (0, 12), (0, 20)]
    scores = improvements(PROBLEM, [see((0, 7), 0.0, 0.0)], asked, drifts=False)
    far = np.array([5.0, 13.0]) / 42.0 / 0.3
    # The one value is known and is 0, the constant all but unknown: the mean is 0 all
    # over, the variance 2 s^2 (1 - r), and the improvement sd / sqrt(2 pi).
    expected = np.sqrt(2.0 * (1.0 - matern(far))) * 1.5 / sqrt(2.0 * pi)
    # 1 %: the constant's SD is 10, not infinite, and shrinks the variance by s^2 / 102
    assert scores[1] / scores[2] == pytest.approx(expected[0] / expected[1], rel=0.01)
    assert scores[0] < 0.01


def test_what_reads_high_draws_the_next_test_near():
    log = [see(REFERENCE, 0.0, 0.0), *(see((3, b), 12.0 - b) for b in range(0, 43, 6))]
    scores = improvements(PROBLEM, log, [(3, 2), (3, 30)], drifts=False)
    assert scores[0] == 1.0 > scores[1]


def test_what_is_felt_is_searched_less_near_by():
    grades = {(6, 20): 3.0, (5, 20): 2.0, (0, 20): 0.0, (1, 20): 0.0}
    quiet = [see(point) for point in grades]
    felt = [see(p, channels={"sensation": grade}) for p, grade in grades.items()]
    asked = [(6, 22), (0, 22)]
    before, after = (
        improvements(PROBLEM, x, asked, drifts=False) for x in (quiet, felt)
    )
    assert after[0] / after[1] < 0.5 * before[0] / before[1]


def test_a_drift_is_told_from_a_gain_by_the_reference():
    rising, log = np.arange(16) * 4.0, []
    for number, value in enumerate(rising):
        log.append(see(REFERENCE if number % 4 == 0 else (2 + number % 4, 30), value))
    scores = {
        drifts: improvements(PROBLEM, log, [REFERENCE, (5, 30)], drifts=drifts)
        for drifts in (True, False)
    }
    # every setting rises alike, so with drift the reference is nearly as hopeful
    assert scores[True][0] > scores[False][0]


def test_the_reference_is_read_every_fourth_test_when_readings_may_drift():
    asked = run(lambda point: 0.0)
    assert [i for i, point in enumerate(asked) if point == REFERENCE][:5] == [
        0,
        4,
        8,
        12,
        16,
    ]


def test_a_reference_known_by_construction_is_not_tested_on_schedule():
    asked = run(lambda point: float(point[0]) if point != REFERENCE else 0.0, error=0.0)
    assert asked[1:].count(REFERENCE) == 0


def test_points_answered_from_the_log_are_not_asked_again():
    asked = run(lambda point: -abs(point[1] - 30.0), duplicates="cached")
    assert len(set(asked)) == len(asked)


def test_what_was_not_tolerated_is_never_asked_again():
    rng = np.random.default_rng(1)
    with Search("gp", PROBLEM, rng) as search:
        while (point := search.ask()) is not None:
            felt = point[0] > 3
            search.tell(
                see(point, nan if felt else 9.0, aborted="felt" if felt else None)
            )
    felt = [seen.asked for seen in search.log if not seen.tolerated]
    assert felt
    assert len(set(felt)) == len(felt)
