"""The activity sensor: minutes of movement, hour by hour, over the last days."""

from dataclasses import dataclass

import numpy as np

from sim.sources import sourced
from sim.units import H_PER_DAY, MIN_PER_H


@dataclass(frozen=True, slots=True)
class ActivitySensor:
    """How much a patient moves; `active_frac` is of the waking day, NYHA I to IV."""

    wakes_h: float = sourced(7.0, "ccmlab-device", "3, activity", "assumed")
    sleeps_h: float = sourced(22.0, "ccmlab-device", "3, activity", "assumed")
    active_frac: tuple[float, ...] = sourced(
        (0.25, 0.18, 0.12, 0.05), "ccmlab-device", "3, activity", "assumed"
    )
    spread_frac: float = sourced(0.4, "ccmlab-device", "3, activity", "assumed")


@dataclass(frozen=True, slots=True)
class HourlyActivity:
    """Minutes of movement in one hour of a day; day 0 is the oldest."""

    day: int
    hour: int
    active_min: float


def activity_trace(
    nyha_class: int,
    rng: np.random.Generator,
    *,
    n_days: int = 7,
    sensor: ActivitySensor | None = None,
) -> tuple[HourlyActivity, ...]:
    """Return what the sensor kept, 24 rows a day, oldest first.

    Raises
    ------
    ValueError
        When the NYHA class is not 1 to 4.
    """
    sensor = sensor or ActivitySensor()
    if not 1 <= nyha_class <= len(sensor.active_frac):
        raise ValueError(f"nyha_class must be 1 to 4, got {nyha_class}")
    mean_min = MIN_PER_H * sensor.active_frac[nyha_class - 1]
    hours = np.arange(int(H_PER_DAY))
    awake = (hours >= sensor.wakes_h) & (hours < sensor.sleeps_h)
    noise = rng.lognormal(0.0, sensor.spread_frac, (n_days, hours.size))
    minutes = np.minimum(mean_min * noise * awake, MIN_PER_H)
    return tuple(
        HourlyActivity(day, int(hour), float(minutes[day, hour]))
        for day in range(n_days)
        for hour in hours
    )
