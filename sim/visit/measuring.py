"""How one setting is measured: with its reference around it, now and then, or alone.

A plan is a short SimPy generator that reads what the visit asks for and says what the
reading is worth; its expectation tells a planner what a test will cost and show.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import ceil, fsum, inf, isfinite, nan, sqrt
from statistics import fmean
from types import MappingProxyType
from typing import Final, TypeVar

import simpy

from sim.visit.measuring_noise import (
    PLANNING,
    Level,
    contrast_variance_pct2,
    level_of,
    pair_sd_pct,
    reading_noise,
    single_error_pct,
    usual_arm_s,
)
from sim.visit.pairs import Comparison, gain_pct, pair_of, read_arms, read_pair
from sim.visit.plan import VisitPlan
from sim.visit.record import Arm, Pair
from sim.visit.visit import Visit

T = TypeVar("T")
Process = Generator[simpy.Event, object, T]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was read at one setting; `pair` has the reference readings it used."""

    pair: Pair
    standard_error_pct: float


@dataclass(frozen=True, slots=True)
class MeasuringPlan:
    """One way to measure. R is the reference, X the setting that is tested.

    `title` may name fields of the visit's plan, which `text` fills in.
    `knows_reference` tells that the reference's gain is zero by construction, with
    the error of its readings inside that of every other gain; otherwise a search that
    asks for the reference measures it. `test_s` and `sd_pct` tell a planner, from the
    visit's plan and the seconds of one arm, what a test costs and how its readings
    spread, `reference_pct` the error of a known reference that all tests share;
    `n_opening_arms` are read before the first test.
    """

    name: str
    title: str
    knows_reference: bool
    measure: Callable[[Visit, Comparison], Process[Measured]]
    test_s: Callable[[VisitPlan, float], float]
    sd_pct: Callable[[VisitPlan, float], float]
    reference_pct: Callable[[VisitPlan, float], float]
    n_opening_arms: int

    def text(self, plan: VisitPlan) -> str:
        """Return in words what is read."""
        return self.title.format(plan=plan)


def paired(visit: Visit, comparison: Comparison) -> Process[Measured]:
    """Read R X R once."""
    pair = yield from read_pair(visit, comparison)
    return Measured(pair, visit.expected_pair_sd_pct)


def replicates(visit: Visit, comparison: Comparison) -> Process[Measured]:
    """Read R X R again until the mean is as sure as the plan asks, or often enough."""
    read: list[tuple[Arm, ...]] = []
    while len(read) < visit.plan.most_replicates:
        read.append((yield from read_arms(visit, comparison)))
        error_pct = mean_error_pct(_gains_pct(read), visit.expected_pair_sd_pct)
        visit.note("replicate", f"{comparison.purpose} replicate {len(read)}")
        if error_pct <= visit.plan.target_se_pct:
            break
    arms = tuple(arm for group in read for arm in group)
    pair = pair_of(visit, comparison.purpose, arms, weights=_weights_of_valid(read))
    return Measured(pair, max(error_pct, PLANNING.least_error_pct))


def mean_error_pct(gains_pct: Sequence[float], expected_sd_pct: float) -> float:
    """Return the standard error of the mean of some pairs, infinite without one.

    Two pairs hardly tell their spread, so the expected variance counts for
    `PLANNING.spread_degrees` degrees of freedom beside theirs.
    """
    n, degrees = len(gains_pct), PLANNING.spread_degrees
    if n == 0:
        return inf
    mean = fmean(gains_pct)
    seen = fsum((gain - mean) ** 2 for gain in gains_pct)
    variance = (degrees * expected_sd_pct**2 + seen) / (degrees + n - 1)
    return sqrt(variance / n)


def _gains_pct(read: Sequence[tuple[Arm, ...]]) -> list[float]:
    return [gain for arms in read if isfinite(gain := gain_pct(arms))]


def _weights_of_valid(read: Sequence[tuple[Arm, ...]]) -> tuple[float, ...]:
    """Return 1 for the arms of a valid pair, 0 for the others; none when all are void.

    A mean without any weights is void, and says why.
    """
    weights = [float(isfinite(gain_pct(arms))) for arms in read for _ in arms]
    return tuple(weights) if any(weights) else ()


def alternate_every(visit: Visit, comparison: Comparison) -> Process[Measured]:
    """Read X alone, and the reference before every k-th test."""
    read, tested = visit.reference_arms, visit.findings.tested
    # counted from the last good one: after a void one the next test reads it again
    since = [test for test in tested if read and test.end_s > read[-1].end_s]
    if not read or len(since) >= visit.plan.tests_per_reference:
        yield from _read_reference(visit, comparison)
    return (yield from _alone(visit, comparison))


def single(visit: Visit, comparison: Comparison) -> Process[Measured]:
    """Read X alone, against one reference reading at the beginning."""
    if not visit.reference_arms:
        yield from _read_reference(visit, comparison)
    return (yield from _alone(visit, comparison))


def _read_reference(visit: Visit, comparison: Comparison) -> Process[None]:
    """Read the reference once; a void reading is on the log but is not used."""
    alone = replace(comparison, order=("reference",))
    (arm,) = yield from read_arms(visit, alone)
    if arm.reading.void:
        visit.note("void", f"reference reading: {arm.reading.void}")
    else:
        visit.reference_arms.append(arm)
        visit.note("reference", f"reference reading {len(visit.reference_arms)}")


def _alone(visit: Visit, comparison: Comparison) -> Process[Measured]:
    """Read X once, against the level that the last reference readings tell."""
    alone = replace(comparison, order=("tested",))
    (tested,) = yield from read_arms(visit, alone)
    used = visit.reference_arms[-PLANNING.references_used :]
    if not used:
        # the time is spent and what was felt counts; only the gain is not known
        pair = pair_of(visit, comparison.purpose, (tested,))
        void = pair.void or "no reference reading"
        return Measured(replace(pair, gains=None, void=void), nan)
    noise = reading_noise(visit.plan, visit.arm_s)
    level = level_of(noise, [middle_s(arm) for arm in used], middle_s(tested))
    arms, weights = (*used, tested), (*level.weights, 1.0)
    pair = pair_of(visit, comparison.purpose, arms, weights=weights)
    return Measured(pair, max(single_error_pct(noise, level), PLANNING.least_error_pct))


def _paired_s(plan: VisitPlan, arm_s: float) -> float:
    return 3.0 * arm_s + plan.question_s


def _paired_sd_pct(plan: VisitPlan, arm_s: float) -> float:
    return pair_sd_pct(plan)


def _n_replicates(plan: VisitPlan) -> int:
    """Return after how many pairs the mean of usual ones is as sure as asked."""
    wanted = ceil((pair_sd_pct(plan) / plan.target_se_pct) ** 2)
    return min(max(wanted, 1), plan.most_replicates)


def _replicates_s(plan: VisitPlan, arm_s: float) -> float:
    return 3.0 * _n_replicates(plan) * arm_s + plan.question_s


def _replicates_sd_pct(plan: VisitPlan, arm_s: float) -> float:
    return pair_sd_pct(plan) / sqrt(_n_replicates(plan))


def _alternate_s(plan: VisitPlan, arm_s: float) -> float:
    return _single_s(plan, arm_s) + arm_s / plan.tests_per_reference


def _alternate_sd_pct(plan: VisitPlan, arm_s: float) -> float:
    n_tests, every = _n_alternate(plan, arm_s), plan.tests_per_reference
    return _alone_sd_pct(plan, arm_s, list(_planned(plan, arm_s, n_tests, every)))


def _alternate_reference_pct(plan: VisitPlan, arm_s: float) -> float:
    """Return the error of the reference that all tests of a titration share.

    Tests share reference readings, and drift, so that their mean is less sure than
    that of as many independent readings: by this much.
    """
    n_tests, every = _n_alternate(plan, arm_s), plan.tests_per_reference
    planned = list(_planned(plan, arm_s, n_tests, every))
    weights = dict.fromkeys([test.at_s for test in planned], 1.0 / n_tests)
    for test in planned:
        for at_s, weight in zip(test.references_s, test.level.weights, strict=True):
            weights[at_s] = weights.get(at_s, 0.0) - weight / n_tests
    variance = contrast_variance_pct2(reading_noise(plan, arm_s), weights)
    independent = _alone_sd_pct(plan, arm_s, planned) ** 2 / n_tests
    return sqrt(max(0.0, variance - independent))


def _n_alternate(plan: VisitPlan, arm_s: float) -> int:
    return max(1, int(plan.titration_s / _alternate_s(plan, arm_s)))


def _single_s(plan: VisitPlan, arm_s: float) -> float:
    return arm_s + plan.question_s


def _single_sd_pct(plan: VisitPlan, arm_s: float) -> float:
    n_tests = max(1, int(plan.titration_s / _single_s(plan, arm_s)))
    return _alone_sd_pct(plan, arm_s, list(_planned(plan, arm_s, n_tests, n_tests)))


def _exact(plan: VisitPlan, arm_s: float) -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class _Planned:
    """A test to come: when X and its reference readings are read, and their level."""

    at_s: float
    references_s: list[float]
    level: Level


def _alone_sd_pct(plan: VisitPlan, arm_s: float, planned: Sequence[_Planned]) -> float:
    """Return the root mean square error of some tests."""
    noise = reading_noise(plan, arm_s)
    return sqrt(fmean(single_error_pct(noise, test.level) ** 2 for test in planned))


def _planned(
    plan: VisitPlan, arm_s: float, n_tests: int, every: int
) -> Iterator[_Planned]:
    """Yield tests to come; the reference is read before each `every` of them."""
    noise, alone_s = reading_noise(plan, arm_s), _single_s(plan, arm_s)
    for number in range(n_tests):
        block = number // every
        first = max(0, block + 1 - PLANNING.references_used)
        references_s = [b * (every * alone_s + arm_s) for b in range(first, block + 1)]
        at_s = (block + 1) * arm_s + number * alone_s
        yield _Planned(at_s, references_s, level_of(noise, references_s, at_s))


def middle_s(arm: Arm) -> float:
    """Return the middle of the window that an arm was read in."""
    return 0.5 * (arm.reading.start_s + arm.reading.end_s)


PLANS: Final[Mapping[str, MeasuringPlan]] = MappingProxyType(
    {
        plan.name: plan
        for plan in (
            MeasuringPlan(
                name="paired",
                title="R X R",
                knows_reference=True,
                measure=paired,
                test_s=_paired_s,
                sd_pct=_paired_sd_pct,
                reference_pct=_exact,
                n_opening_arms=0,
            ),
            MeasuringPlan(
                name="alternate-every",
                title="X alone, R before every {plan.tests_per_reference} tests",
                knows_reference=True,
                measure=alternate_every,
                test_s=_alternate_s,
                sd_pct=_alternate_sd_pct,
                reference_pct=_alternate_reference_pct,
                n_opening_arms=0,
            ),
            MeasuringPlan(
                name="single",
                title="X alone, R once at the beginning",
                knows_reference=False,
                measure=single,
                test_s=_single_s,
                sd_pct=_single_sd_pct,
                reference_pct=_exact,
                n_opening_arms=1,
            ),
            MeasuringPlan(
                name="replicates",
                title="R X R until the standard error of the mean is at most "
                "{plan.target_se_pct:g} %, at most {plan.most_replicates} times",
                knows_reference=True,
                measure=replicates,
                test_s=_replicates_s,
                sd_pct=_replicates_sd_pct,
                reference_pct=_exact,
                n_opening_arms=0,
            ),
        )
    }
)


def measuring_plan(name: str) -> MeasuringPlan:
    """Return a plan by its name; a ValueError offers the nearest one."""
    if name not in PLANS:
        near = get_close_matches(name, PLANS, n=1, cutoff=0.0)
        raise ValueError(
            f"plan must be one of {', '.join(PLANS)}, got {name!r}"
            f" (did you mean {near[0]!r}?)"
        )
    return PLANS[name]


def expected_sd_pct(plan: VisitPlan) -> float:
    """Return the spread of one test's reading, in a patient of usual heart rate."""
    return measuring_plan(plan.plan).sd_pct(plan, usual_arm_s(plan))


def reference_error_pct(plan: VisitPlan) -> float:
    """Return the error that a known reference has in common for all tests."""
    return measuring_plan(plan.plan).reference_pct(plan, usual_arm_s(plan))


def expected_plan_test_s(plan: VisitPlan) -> float:
    """Return the seconds of one test in a patient of usual heart rate."""
    return measuring_plan(plan.plan).test_s(plan, usual_arm_s(plan))


def expected_test_s(visit: Visit, plan: str = "") -> float:
    """Return the seconds that one test takes, questions included.

    `plan` names the measuring plan; empty, it is the visit's.
    """
    return measuring_plan(plan or visit.plan.plan).test_s(visit.plan, visit.arm_s)


def n_tests(visit: Visit) -> int:
    """Return how many tests the titration has time for."""
    return _n_tests(visit.plan, visit.arm_s)


def expected_n_tests(plan: VisitPlan) -> int:
    """Return how many it has time for in a patient of usual heart rate."""
    return _n_tests(plan, usual_arm_s(plan))


def _n_tests(plan: VisitPlan, arm_s: float) -> int:
    # a plan is told the tests that fit in whole: the last one is not begun late
    kind = measuring_plan(plan.plan)
    left_s = max(0.0, plan.titration_s - kind.n_opening_arms * arm_s)
    return int(left_s / kind.test_s(plan, arm_s))
