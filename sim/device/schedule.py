"""When in the day CCM is on: segments of ON and OFF inside the daily hours."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sim.device.events import Counters
from sim.device.settings import Settings
from sim.units import FRAC_PER_PCT, H_PER_DAY, MIN_PER_H, S_PER_H, S_PER_MIN

_MIN_PER_DAY: Final = H_PER_DAY * MIN_PER_H


@dataclass(frozen=True, slots=True)
class Segment:
    """Whether CCM is on now and for how long that stays so."""

    on: bool
    left_s: float


def schedule_segment(settings: Settings, time_of_day_s: float) -> Segment:
    """Return the segment of the day that a time falls into.

    Segments of ON and OFF alternate from the start time on, until the end time or
    until the programmed hours of the day are used up. An end time before the start
    time means the next day.

    Parameters
    ----------
    settings
        The schedule fields are read; `ccm_mode` and `mode` are not.
    time_of_day_s
        Seconds since midnight; more than a day wraps around.
    """
    start_min = _minutes(settings.ccm_start_time)
    # the end minute itself still belongs to the day's window
    window_min = (_minutes(settings.ccm_end_time) - start_min) % _MIN_PER_DAY + 1
    now_min = (time_of_day_s / S_PER_MIN - start_min) % _MIN_PER_DAY
    on_min, cycle_min = settings.ccm_on_min, settings.ccm_on_min + settings.ccm_off_min
    n_done, into_min = divmod(now_min, cycle_min)
    budget_min = settings.ccm_hours_per_day * MIN_PER_H - n_done * on_min
    ends_min = (on_min - into_min, budget_min - into_min, window_min - now_min)
    if min(ends_min) > 0:
        return Segment(True, min(ends_min) * S_PER_MIN)
    next_start_min = (n_done + 1) * cycle_min
    is_today = budget_min > on_min and next_start_min < window_min
    until_min = next_start_min if is_today else _MIN_PER_DAY
    return Segment(False, (until_min - now_min) * S_PER_MIN)


def scheduled_h_per_day(settings: Settings) -> float:
    """Return the hours of a day in which the schedule has CCM on."""
    from_s = _minutes(settings.ccm_start_time) * S_PER_MIN
    passed_s = on_s = 0.0
    while passed_s < _MIN_PER_DAY * S_PER_MIN:
        segment = schedule_segment(settings, from_s + passed_s)
        on_s += segment.left_s * segment.on
        # the last OFF segment ends with the day, whatever the rounding
        passed_s += max(segment.left_s, 1.0)
    return on_s / S_PER_H


class ScheduleClock:
    """Follows the schedule beat by beat; makes up for segments of low delivery.

    With `extend_low_ccm`, an ON segment that delivered a smaller share than the
    programmed alert limit goes on for as long as the missing share of it.

    Parameters
    ----------
    settings
        Holds the schedule.
    time_of_day_s
        Time of day when simulated time is zero.
    """

    __slots__ = (
        "_is_extended",
        "_is_on",
        "_settings",
        "_start",
        "_time_of_day_s",
        "_until_s",
    )

    def __init__(self, settings: Settings, time_of_day_s: float) -> None:
        self._settings = settings
        self._time_of_day_s = time_of_day_s
        self._is_on = self._is_extended = False
        self._until_s = float("-inf")
        self._start = (0, 0)

    @property
    def until_s(self) -> float:
        """Until when what `is_on` told last stays true."""
        return self._until_s

    def is_on(self, at_s: float, counters: Counters) -> bool:
        """Tell whether the schedule allows CCM; times must not go backwards."""
        if at_s >= self._until_s:
            self._turn(at_s, counters)
        return self._is_on

    def start_count(self, counters: Counters) -> None:
        """Judge the delivery of this segment from here on."""
        self._start = (counters.eligible_beats, counters.delivered)

    def _turn(self, at_s: float, counters: Counters) -> None:
        segment = schedule_segment(self._settings, self._time_of_day_s + at_s)
        extra_s = 0.0
        if self._is_on and not segment.on and not self._is_extended:
            extra_s = min(self._missing_s(counters), segment.left_s)
        if segment.on and not self._is_on:
            self.start_count(counters)
        self._is_extended = extra_s > 0.0
        self._is_on = segment.on or self._is_extended
        self._until_s = at_s + (extra_s or segment.left_s)

    def _missing_s(self, counters: Counters) -> float:
        n_beats = counters.eligible_beats - self._start[0]
        n_trains = counters.delivered - self._start[1]
        wanted_frac = self._settings.alert_min_ccm_pct * FRAC_PER_PCT
        if not self._settings.extend_low_ccm or n_trains >= wanted_frac * n_beats:
            return 0.0
        return (1.0 - n_trains / n_beats) * self._settings.ccm_on_min * S_PER_MIN


@lru_cache(maxsize=128)
def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * int(MIN_PER_H) + int(minutes)
