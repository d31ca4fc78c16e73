import math

import numpy as np
import pytest

from sim.device.schedule import schedule_segment
from sim.device.settings import Settings, with_hours_per_day

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86_400.0


def _hours_on(settings: Settings) -> float:
    """Sum the ON segments of a day by walking from switch to switch."""
    start_s = 60.0 * int(settings.ccm_start_time[:2]) * 60.0
    passed_s = on_s = 0.0
    while passed_s < DAY_S - 1e-6:
        segment = schedule_segment(settings, start_s + passed_s)
        on_s += segment.left_s * segment.on
        passed_s += segment.left_s
    return on_s / HOUR_S


def test_default_pattern_is_five_times_an_hour() -> None:
    settings = Settings()
    on_at = [schedule_segment(settings, h * HOUR_S + 1.0).on for h in (0, 4.8, 9.6)]
    off_at = [schedule_segment(settings, h * HOUR_S + 1.0).on for h in (1, 4.7, 23.9)]
    assert on_at == [True] * 3
    assert off_at == [False] * 3
    assert _hours_on(settings) == pytest.approx(5.0)


@pytest.mark.parametrize("hours", [1, 5, 7, 12, 24])
def test_hours_per_day_are_kept(hours: int) -> None:
    assert _hours_on(with_hours_per_day(Settings(), hours)) == pytest.approx(hours)


def test_nothing_runs_after_the_end_time() -> None:
    settings = Settings(ccm_start_time="08:00", ccm_end_time="08:29")
    assert schedule_segment(settings, 8 * HOUR_S).left_s == pytest.approx(1800.0)
    assert not schedule_segment(settings, 8.5 * HOUR_S).on
    assert _hours_on(settings) == pytest.approx(0.5)


def test_an_end_before_the_start_is_the_next_day() -> None:
    settings = Settings(ccm_start_time="22:00", ccm_end_time="06:00", ccm_off_min=0.0)
    assert schedule_segment(settings, 2 * HOUR_S).on
    assert not schedule_segment(settings, 21 * HOUR_S).on


def test_each_segment_ends_when_it_says() -> None:
    settings = with_hours_per_day(Settings(), 7)
    for time_s in np.linspace(0.0, DAY_S, 500, endpoint=False):
        segment = schedule_segment(settings, time_s)
        assert segment.left_s > 0.0
        just_before = schedule_segment(settings, time_s + segment.left_s * 0.999)
        assert just_before.on == segment.on
        assert math.isfinite(segment.left_s)
