"""From the visit's values to the report's: numbers, intervals, checks, therapy."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from harness.common.words import digits_of, plain, setting_text
from harness.report.parts import CheckRow, Interval, Quantity
from sim.device.settings import Settings
from sim.units import PCT_PER_FRAC, S_PER_MIN
from sim.visit.record import Check, VisitRecord

# what a schedule says is not part of the therapy that a test compares
SCHEDULE: Final = frozenset(
    {
        "ccm_hours_per_day",
        "ccm_on_min",
        "ccm_off_min",
        "ccm_start_time",
        "ccm_end_time",
        "extend_low_ccm",
    }
)
SURROGATE: Final = (
    "The reading is an acute pressure surrogate: it can also rise by vasoconstriction "
    "or rate, and there is no evidence that it predicts outcome."
)


def quantity(
    value: float, unit: str = "", digits: int = 0, *, signed: bool = False
) -> Quantity:
    """Return a number rounded to what is shown; nan and infinity become None."""
    return Quantity(
        value=_shown(value, digits), unit=unit, digits=digits, signed=signed
    )


def gain(value_pct: float) -> Quantity:
    """Return a relative change in percent, with its sign."""
    return quantity(value_pct, "%", 1, signed=True)


def share(frac: float) -> Quantity:
    """Return a share as a whole percentage."""
    return quantity(frac * PCT_PER_FRAC, "%", 0)


def minutes(seconds: float) -> Quantity:
    """Return clock time or a duration in minutes."""
    return quantity(seconds / S_PER_MIN, "min", 1)


def interval(limits: tuple[float, float], unit: str = "%", digits: int = 1) -> Interval:
    """Return both limits, rounded; None for a limit that does not exist."""
    low, high = (_shown(limit, digits) for limit in limits)
    return Interval(low=low, high=high, unit=unit, digits=digits)


def _shown(value: float, digits: int) -> float | None:
    return round(float(value), digits) + 0.0 if math.isfinite(value) else None


def same_therapy(one: Settings, other: Settings) -> bool:
    """Tell whether two settings differ in nothing but the schedule."""
    return all(name in SCHEDULE for name, _, _ in one.changed(other))


def therapy_text(settings: Settings) -> str:
    """Return the pulse of some settings in one line."""
    parts = (
        setting_text(settings.amplitude_v, "V", digits_of("amplitude_v")),
        f"{settings.n_pulses} × {setting_text(settings.phase_duration_ms, 'ms', 2)}",
        f"delay {setting_text(settings.delay_ms, 'ms')}",
    )
    one_lead = (
        "" if len(settings.delivering) > 1 else f", {settings.ccm_channels} alone"
    )
    return ", ".join(parts) + one_lead


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error; nan where there are too few."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return math.nan, math.nan
    if len(known) < 2:
        return known[0], math.nan
    spread = float(np.std(known, ddof=1))
    return float(np.mean(known)), spread / math.sqrt(len(known))


def notes(record: VisitRecord, phase: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of the log that some kinds of event wrote in a phase."""
    return tuple(
        plain(event.text)
        for event in record.events
        if event.phase == phase and event.kind in kinds
    )


def check_row(check: Check) -> CheckRow:
    """Return one check as shown."""
    return CheckRow(
        name=plain(check.name), passed=bool(check.passed), text=plain(check.text)
    )
