"""The clinician's titration, step by step and against the cheap baselines."""

from math import nan

import numpy as np
import pytest

from optimizers.problem import Budget, Observation, Problem
from optimizers.search import Search
from optimizers.space import Axis, Space

VOLTS = Axis("amplitude_v", "V", tuple(np.arange(4.5, 7.6, 0.5).tolist()))
WIDTHS = Axis("phase_duration_ms", "ms", (5.14, 5.63, 6.11, 6.60))
PULSES = Axis("n_pulses", "", (1.0, 2.0, 3.0))
DELAYS = Axis("delay_ms", "ms", tuple(map(float, range(3, 46))))
SPACE = Space((VOLTS, WIDTHS, DELAYS))


def titrate(space, reference, grade=lambda values: 0.0, **options):
    """Run 20 tests without noise: higher is better, and a top of delay at 30 ms."""
    n_tests = options.get("n_tests", 20)
    problem = Problem(space, reference, Budget(evaluations=n_tests), noise_sd=0.1)
    with Search("titration", problem, np.random.default_rng(1)) as search:
        while (point := search.ask()) is not None:
            values = space.as_dict(point)
            sensation = grade(values)
            away_ms = values.get("delay_ms", 30.0) - 30.0
            gain = sum(space.scaled(point)) - space.scaled(point)[-1]
            value = nan if sensation >= 2 else gain - (away_ms / 20.0) ** 2
            aborted = "felt" if sensation >= 2 else None
            channels = {"sensation": sensation}
            search.tell(
                Observation(point, point, value, aborted=aborted, channels=channels)
            )
    return search


def asked(search, axis):
    return [seen.asked[axis] for seen in search.log]


def test_amplitude_goes_up_one_step_at_a_time_each_tested_once():
    search = titrate(SPACE, (0, 0, 7))
    assert [seen.asked for seen in search.log[:7]] == [(i, 0, 7) for i in range(7)]


def test_amplitude_stays_one_step_below_what_was_felt():
    search = titrate(SPACE, (0, 0, 7), lambda v: 1.0 if v["amplitude_v"] >= 6.5 else 0)
    assert asked(search, 0)[:5] == [0, 1, 2, 3, 4]
    assert set(asked(search, 0)[5:]) == {3}


def test_amplitude_goes_down_when_the_settings_as_found_are_felt():
    search = titrate(SPACE, (5, 0, 7), lambda v: 3.0 if v["amplitude_v"] >= 6.0 else 0)
    assert asked(search, 0)[:4] == [5, 4, 3, 2]
    assert set(asked(search, 0)[4:]) == {2}


def test_the_delay_sweep_spreads_over_the_whole_range():
    search = titrate(SPACE, (0, 0, 7))
    swept = sorted(asked(search, 2)[7:13])
    assert len(set(swept)) == 6
    assert swept[0] < 7
    assert swept[-1] > 35


def test_longer_delays_than_a_refused_one_are_left_out():
    search = titrate(SPACE, (0, 0, 7), lambda v: 3.0 if v["delay_ms"] > 25 else 0)
    refused = [seen for seen in search.log if not seen.tolerated]
    assert len(refused) == 1


def test_the_parabola_finds_the_top_between_the_readings():
    search = titrate(SPACE, (0, 0, 7))
    top = SPACE.nearest((7.5, 5.14, 30.0))
    assert search.log[13].asked[2] == top[2]


def test_the_widest_pulse_is_tried_at_the_best_delay():
    search = titrate(SPACE, (0, 0, 7))
    assert 3 in asked(search, 1)
    assert search.recommend().point == SPACE.nearest((7.5, 6.60, 30.0))


def test_more_pulses_are_tried_as_well():
    search = titrate(Space((VOLTS, PULSES, DELAYS)), (3, 1, 7))
    assert search.recommend().point[1] == 2


def test_the_rest_repeats_the_leading_settings():
    search = titrate(SPACE, (0, 0, 7), n_tests=40)
    late = [seen.asked for seen in search.log[25:]]
    assert len(set(late)) <= 4


@pytest.mark.parametrize(
    "space",
    [
        Space((DELAYS,)),
        Space((VOLTS,)),
        Space((Axis("n_pulses", "", (2.0,)),)),
        Space((Axis("warmth", "", (1.0, 2.0, 3.0)), Axis("colour", "", (1.0,)))),
        Space((VOLTS, DELAYS), lambda point: point[0] + point[1] < 12),
    ],
)
@pytest.mark.parametrize("n_tests", [1, 3, 8, 60])
def test_any_space_and_any_budget_will_do(space, n_tests):
    reference = next(space.points())
    assert len(titrate(space, reference, n_tests=n_tests).log) == n_tests


def test_a_filter_that_lets_nothing_rise_ends_the_climb():
    problem = Problem(SPACE, (2, 0, 7), Budget(evaluations=12), noise_sd=1.0)
    with Search("titration", problem, np.random.default_rng(1)) as search:
        while (point := search.ask()) is not None:
            tested = (min(point[0], 2), *point[1:])
            search.tell(Observation(point, tested, 0.0))
    assert asked(search, 0)[:2] == [2, 3]
    assert set(asked(search, 0)[2:]) == {2}


def test_titration_beats_leaving_the_device_alone_and_trying_at_random(chosen_gain):
    n_patients = 60
    gains = {
        name: np.array([chosen_gain(name, patient) for patient in range(n_patients)])
        for name in ("titration", "random", "stay")
    }
    assert np.all(gains["stay"] == 0.0)
    for other in ("random", "stay"):
        ahead = gains["titration"] - gains[other]
        # paired by patient; three standard errors, one-sided p about 0.001
        assert ahead.mean() > 3.0 * ahead.std(ddof=1) / np.sqrt(n_patients)
