import numpy as np
import pytest

from sim.heart.sensation import (
    Sensation,
    SensationPopulation,
    reported_grade,
    sample_threshold_v,
    sensation_grade,
    sensation_level,
)
from sim.heart.train import Train
from sim.sources import unsourced
from sim.streams import stream

PATIENT = Sensation(threshold_v=6.5)


def test_grade_two_is_reached_at_the_threshold():
    assert sensation_grade(PATIENT, Train(6.5)) == pytest.approx(2.0)


def test_the_grade_rises_with_amplitude_and_stays_between_zero_and_four():
    grades = sensation_grade(PATIENT, Train(np.array([1.0, 6.0, 7.0, 20.0])))
    assert grades[0] == 0.0
    assert grades[3] == 4.0
    assert 0.0 < grades[1] < 2.0 < grades[2] < 4.0


def test_longer_trains_are_felt_more_and_one_lead_less():
    reference = sensation_grade(PATIENT, Train(6.0))
    assert sensation_grade(PATIENT, Train(6.0, 6.6)) > reference
    assert sensation_grade(PATIENT, Train(6.0, n_pulses=1)) < reference
    assert sensation_grade(PATIENT, Train(6.0, n_leads=1)) < reference
    assert sensation_grade(PATIENT, Train(6.0, n_leads=0)) == 0.0


@pytest.mark.parametrize(
    ("amplitude_v", "share"), [(7.73, 0.39), (7.5, 0.33), (6.0, 0.09), (4.5, 0.02)]
)
def test_drawn_thresholds_are_passed_as_often_as_published(amplitude_v, share):
    # 39 % at 7.73 V is measured (A22), the others are printed to the percent.
    rng = stream(1, name="patient")
    drawn = [sample_threshold_v(SensationPopulation(), rng) for _ in range(20_000)]
    # three standard errors of a share of 0.39 in 20,000
    assert np.mean(np.array(drawn) <= amplitude_v) == pytest.approx(share, abs=0.0104)


def test_reports_scatter_around_the_true_grade_and_stay_whole_and_in_range():
    rng = stream(1, name="sensation")
    said = [reported_grade(PATIENT, 2.0, rng) for _ in range(500)]
    assert set(said) <= {0, 1, 2, 3, 4}
    assert np.mean(said) == pytest.approx(2.0, abs=0.1)
    assert reported_grade(PATIENT, 9.0, rng) == 4


def test_a_train_far_below_the_threshold_is_never_reported():
    rng = stream(2, name="sensation")
    level = float(sensation_level(PATIENT, Train(3.0)))
    assert {reported_grade(PATIENT, level, rng) for _ in range(500)} == {0}


def test_every_number_has_a_source():
    assert unsourced(PATIENT) == []
    assert unsourced(SensationPopulation()) == []
