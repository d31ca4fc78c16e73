"""What a reading is worth: the error of an arm, the drift between arms, a level.

Readings at the same settings differ by an error of their own and by how the patient
wandered in between. How fast is told by the semivariance, half the mean square of the
difference over a lag (Matheron, 1963); from it follow the best weights of past
reference readings for a level now, and the error of that level (ordinary kriging).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.instruments import (
    Errors,
    Readout,
    Wander,
    beats_to_read,
    beats_to_settle,
    readout,
)
from sim.sources import sourced
from sim.units import PCT_PER_FRAC, S_PER_MIN
from sim.visit.plan import PROTOCOL, VisitPlan

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlanningNumbers:
    """What a planner reckons with before the patient is known."""

    heart_rate_bpm: float = sourced(74.0, PROTOCOL, "2, measuring plans", "assumed")
    sbp_mmhg: float = sourced(118.0, PROTOCOL, "2, measuring plans", "assumed")
    references_used: int = sourced(3, PROTOCOL, "2, measuring plans", "assumed")
    spread_degrees: float = sourced(4.0, PROTOCOL, "2, measuring plans", "assumed")
    least_own_frac: float = sourced(0.1, PROTOCOL, "2, measuring plans", "assumed")
    least_error_pct: float = sourced(0.05, PROTOCOL, "2, measuring plans", "assumed")


PLANNING: Final = PlanningNumbers()


@dataclass(frozen=True, slots=True)
class ReadingNoise:
    """Error of readings at the same settings, in percent of what is read.

    `arm_sd_pct` is the part that no two arms share, `trend_pct_per_s` the SD of the
    slope of the patient's trend.
    """

    arm_sd_pct: float
    wanders: tuple[Wander, ...]
    trend_pct_per_s: float

    def semivariance_pct2(self, lag_s: FloatArray) -> FloatArray:
        """Return half the mean square that the level moves over a lag, any shape."""
        trend = 0.5 * (self.trend_pct_per_s * lag_s) ** 2
        forgotten = (w.sd_pct**2 * -np.expm1(-lag_s / w.tau_s) for w in self.wanders)
        return np.asarray(trend + sum(forgotten))


@dataclass(frozen=True, slots=True)
class Level:
    """Weights of some readings, sum 1, for a level, and the variance of its error."""

    weights: tuple[float, ...]
    variance_pct2: float


def level_of(noise: ReadingNoise, read_at_s: list[float], at_s: float) -> Level:
    """Return the best unbiased level at `at_s` from readings at `read_at_s`.

    Ordinary kriging: the weights sum to 1, and no level is known beforehand.
    ValueError without a reading.
    """
    if not read_at_s:
        raise ValueError("read_at_s must have one reading or more, got none")
    times_s, n = np.array(read_at_s), len(read_at_s)
    tiny = np.finfo(np.float64).eps  # exact readings would make the system singular
    own = (noise.arm_sd_pct**2 + tiny) * np.eye(n)
    among = own - noise.semivariance_pct2(np.abs(np.subtract.outer(times_s, times_s)))
    across = -noise.semivariance_pct2(np.abs(times_s - at_s))
    system = np.ones((n + 1, n + 1))
    system[:n, :n], system[n, n] = among, 0.0
    weights = np.linalg.solve(system, np.append(across, 1.0))[:n]
    weights = weights / weights.sum()  # of a single reading exactly 1
    variance = float(weights @ among @ weights - 2.0 * weights @ across)
    return Level(tuple(weights.tolist()), variance)


def contrast_variance_pct2(
    noise: ReadingNoise, weights: Mapping[float, float]
) -> float:
    """Return the variance of a weighted sum of readings; weights by time, sum 0."""
    times_s, weight = np.array(list(weights)), np.array(list(weights.values()))
    lags_s = np.abs(np.subtract.outer(times_s, times_s))
    drifted = -float(weight @ noise.semivariance_pct2(lags_s) @ weight)
    return drifted + noise.arm_sd_pct**2 * float(weight @ weight)


def single_error_pct(noise: ReadingNoise, level: Level) -> float:
    """Return the standard error of one arm against a level."""
    return float(np.sqrt(noise.arm_sd_pct**2 + level.variance_pct2))


def pair_sd_pct(plan: VisitPlan) -> float:
    """Return the spread of one R X R pair that a plan reckons with; 0 when exact."""
    usual = readout(plan.readout).expected_pair_sd_pct * plan.noise_scale
    return plan.expected_pair_sd_pct or usual


def reading_noise(plan: VisitPlan, arm_s: float) -> ReadingNoise:
    """Return the error of single readings that goes with a plan's spread of pairs.

    Drift is that of the instruments. What is left of a pair's variance, once the drift
    that it does not cancel is taken off, belongs to its arms.
    """
    drift = ReadingNoise(0.0, tuple(_wanders(plan)), _trend_pct_per_s(plan))
    contrast = {0.0: -0.5, arm_s: 1.0, 2.0 * arm_s: -0.5}  # of R X R
    of_pair = pair_sd_pct(plan) ** 2
    own = max(
        of_pair - contrast_variance_pct2(drift, contrast),
        PLANNING.least_own_frac * of_pair,
    )
    arm_sd_pct = float(np.sqrt(own / sum(weight**2 for weight in contrast.values())))
    return ReadingNoise(arm_sd_pct, drift.wanders, drift.trend_pct_per_s)


def arm_s(plan: VisitPlan, *, rr_s: float, in_af: bool) -> float:
    """Return how long one arm takes: programming, settling, reading."""
    kind: Readout = readout(plan.readout)
    settle = beats_to_settle(kind, plan.settle_beats)
    read = beats_to_read(kind, plan.read_beats, in_af=in_af)
    return plan.programming_s + (settle + read) * rr_s


def usual_arm_s(plan: VisitPlan) -> float:
    """Return how long an arm takes in the patient that a planner reckons with."""
    return arm_s(plan, rr_s=S_PER_MIN / PLANNING.heart_rate_bpm, in_af=False)


def _wanders(plan: VisitPlan) -> Iterator[Wander]:
    drift, scale_pct = Errors().drift, PCT_PER_FRAC * plan.noise_scale
    yield Wander(scale_pct * drift.wander_frac, drift.wander_tau_s)
    yield from readout(plan.readout).error().wanders(scale_pct, PLANNING.sbp_mmhg)


def _trend_pct_per_s(plan: VisitPlan) -> float:
    """Return the SD of the trend's slope: a line, and half a sine half as high."""
    drift = Errors().drift
    of_sine = 0.5 * np.pi  # steepest slope; its mean square is half that squared
    slope = np.sqrt(1.0 + 0.5 * of_sine**2) * drift.trend_frac / drift.trend_over_s
    return float(plan.noise_scale * PCT_PER_FRAC * slope)
