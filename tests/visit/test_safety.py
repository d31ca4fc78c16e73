"""The filter lets only safe settings pass, and the monitor stops what must stop."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.device.settings import Settings, axis_values, with_dependents
from sim.patient.population import SCORES, TraitSpread, draws_of
from sim.visit.safety import (
    LONG_RUN,
    SHORT_RUN,
    TIED,
    EctopyPrior,
    Monitor,
    SafetyFilter,
    Stop,
    StopCause,
    at_least_as_strong,
    ectopy_is_excessive,
)

LOW = Settings(amplitude_v=4.5, delay_ms=30.0)
PULSES = st.builds(
    lambda volts, width, n, delay: with_dependents(
        replace(
            LOW,
            amplitude_v=volts,
            phase_duration_ms=width,
            n_pulses=n,
            delay_ms=delay,
        )
    ),
    st.sampled_from(axis_values("amplitude_v")),
    st.sampled_from(axis_values("phase_duration_ms")),
    st.sampled_from((1, 2, 3)),
    st.sampled_from([v for v in axis_values("delay_ms") if 15.0 <= v <= 45.0]),
)


def fresh_filter(latest_train_end_ms: float = 250.0) -> SafetyFilter:
    return SafetyFilter(4.5, latest_train_end_ms, 30.0)


@given(PULSES, st.lists(PULSES, max_size=4), st.lists(PULSES, max_size=2))
def test_whatever_passes_is_one_step_up_unfelt_and_inside_the_refractory_period(
    asked: Settings, felt: list[Settings], stopped: list[Settings]
) -> None:
    safety = fresh_filter(120.0)
    for settings in felt:
        safety.felt_at(settings)
    for settings in stopped:
        safety.stopped_at(settings)
    passed = safety.admit(asked).settings
    if passed is None:
        # something near must speak against it: nothing is refused without a reason
        assert felt or stopped or 30.0 + 15.0 + asked.train_ms > 120.0
        return
    assert passed.amplitude_v <= 5.0
    for bad in stopped:
        far = passed.delay_ms < bad.delay_ms - 5.0
        assert far or not at_least_as_strong(passed, bad)
    assert not any(at_least_as_strong(passed, bad) for bad in felt)
    assert 30.0 + passed.delay_ms + passed.train_ms <= 120.0
    assert not passed.conflicts()


def test_amplitude_rises_one_step_above_the_highest_tolerated() -> None:
    safety = fresh_filter()
    admitted = safety.admit(replace(LOW, amplitude_v=7.5))
    assert admitted.settings == replace(LOW, amplitude_v=5.0)
    assert "one step" in admitted.note
    safety.tolerated(admitted.settings)
    assert safety.admit(replace(LOW, amplitude_v=7.5)).settings == replace(
        LOW, amplitude_v=5.5
    )


def test_a_felt_setting_and_all_stronger_ones_are_never_tested_again() -> None:
    safety = SafetyFilter(7.5, 250.0, 30.0)
    safety.felt_at(replace(LOW, amplitude_v=6.5))
    admitted = safety.admit(replace(LOW, amplitude_v=7.5))
    assert admitted.settings == replace(LOW, amplitude_v=6.0)


def test_a_shorter_train_at_a_felt_amplitude_may_be_tried() -> None:
    safety = SafetyFilter(7.5, 250.0, 30.0)
    safety.felt_at(replace(LOW, amplitude_v=6.5))
    shorter = replace(LOW, amplitude_v=6.5, n_pulses=1)
    assert safety.admit(shorter).settings == shorter


def test_a_late_train_is_pulled_into_the_refractory_period() -> None:
    admitted = fresh_filter(90.0).admit(replace(LOW, delay_ms=45.0))
    assert admitted.settings is not None
    assert admitted.settings.delay_ms == 39.0
    assert "refractory" in admitted.note


def test_the_region_of_a_stop_is_refused() -> None:
    safety = fresh_filter()
    safety.stopped_at(LOW)
    assert safety.admit(replace(LOW, delay_ms=33.0)).settings is None


def steady_monitor(sbp_mmhg: float = 115.0, n: int = 40) -> Monitor:
    monitor = Monitor()
    assert not any(monitor.beat(0.8 * i, sbp_mmhg, False) for i in range(n))
    return monitor


def test_three_ectopics_in_a_row_stop_the_test() -> None:
    monitor = steady_monitor()
    stops = [monitor.beat(40.0 + 0.4 * i, 90.0, True) for i in range(3)]
    assert stops == [None, None, SHORT_RUN]


def test_two_ectopics_and_a_sinus_beat_do_not() -> None:
    monitor = steady_monitor()
    origins = [True, True, False, True, True, False]
    assert not any(monitor.beat(40.0 + i, 110.0, o) for i, o in enumerate(origins))


def test_a_low_pressure_stops_the_test() -> None:
    monitor = steady_monitor(95.0)
    stops = [monitor.beat(40.0 + i, 84.0, False) for i in range(10)]
    assert stops[-1] == Stop(StopCause.LOW_PRESSURE, "systolic pressure 84 mmHg")


def test_a_fall_of_more_than_20_mmhg_over_10_beats_stops_the_test() -> None:
    monitor = steady_monitor(120.0)
    stops = [monitor.beat(40.0 + i, 98.0, False) for i in range(10)]
    text = "systolic pressure fell by 22 mmHg"
    assert stops[-1] == Stop(StopCause.PRESSURE_FALL, text)


def test_a_run_of_more_than_half_a_minute_is_sustained() -> None:
    monitor = steady_monitor()
    stops = [monitor.beat(40.0 + 0.4 * i, 70.0, True) for i in range(80)]
    assert [stop for stop in stops if stop is not None] == [SHORT_RUN, LONG_RUN]


def test_only_what_threatens_life_is_urgent() -> None:
    urgent = {cause for cause in StopCause if Stop(cause, "in any words").urgent}
    assert urgent == {
        StopCause.SUSTAINED_VT,
        StopCause.COLLAPSE,
        StopCause.ICD_SHOCK,
    }


def test_ectopics_that_follow_two_trains_in_a_row_at_once_stop_the_test() -> None:
    monitor = steady_monitor()
    for at_s in (40.0, 42.0):
        monitor.beat(at_s, 115.0, False)
        monitor.train(at_s + 0.25)
        stop = monitor.beat(at_s + 0.28, 100.0, True)
    assert stop == TIED
    assert monitor.take_tied() == 2


def test_ectopics_of_the_usual_coupling_are_not_tied_to_trains() -> None:
    monitor = steady_monitor()
    for at_s in (40.0, 42.0, 44.0):
        monitor.beat(at_s, 115.0, False)
        monitor.train(at_s + 0.08)
        assert monitor.beat(at_s + 0.5, 100.0, True) is None


def visits_called_excessive(per_hour: Iterable[float], seed: int) -> int:
    """Return in how many visits of clustered ectopy the rule would stop, by chance."""
    rng, prior = np.random.default_rng(seed), EctopyPrior()
    shape, false_stops = prior.dispersion, 0
    for usual in per_hour:
        # half-hours with rates of their own: 25 min of baseline, then looks every 2 min
        rates = usual * rng.gamma(shape, 1.0 / shape, size=3) / 60.0
        n_baseline = int(rng.poisson(rates[0] * 25.0))
        counts = np.cumsum(rng.poisson(np.repeat(rates[1:], 10) * 2.0))
        false_stops += any(
            ectopy_is_excessive(n_baseline, 1500.0, int(n), 120.0 * (i + 1))
            for i, n in enumerate(counts)
        )
    return false_stops


@pytest.mark.parametrize("per_hour", [0.0, 10.0, 100.0])
def test_ectopy_in_clusters_is_rarely_called_excessive(per_hour: float) -> None:
    # the protocol allows 2 %; 400 visits, so 16 false stops are 2 % and two SE above
    assert visits_called_excessive([per_hour] * 400, int(per_hour)) <= 16


def test_in_a_cohort_chance_stops_fewer_than_one_visit_in_fifty() -> None:
    scores = np.random.default_rng(4).standard_normal((1000, len(SCORES)))
    draws = draws_of(TraitSpread(), scores, {"nominal": 1.0})
    assert visits_called_excessive([draw.pvc_per_hour for draw in draws], 7) < 20


def test_bigeminy_out_of_the_blue_is_called_excessive() -> None:
    assert ectopy_is_excessive(0, 1500.0, 600, 900.0)
