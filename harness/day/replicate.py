"""Many days of a plan, with the same patients in every plan: means and differences."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from harness.common.csv import Cell
from harness.day.booking import Pool, bookings
from harness.day.clinic import Booking
from harness.day.measures import (
    MEASURES,
    OnPaper,
    key,
    measured,
    on_paper,
    waiting_by_patient_s,
)
from harness.day.play import CAUSES, EARLY, DayPlayed, play_day
from harness.day.playing import Say, jobs_of_kind
from harness.day.scenario import DayFile, Plan
from harness.play.host.hosted import foreign_code
from harness.play.host.nursery import kept
from harness.study.judging.numbers import Estimate
from sim.units import S_PER_H, S_PER_MIN

FloatArray = NDArray[np.float64]
_UPPER: Final = 0.975
_COLUMN: Final = {one.name: at for at, one in enumerate(MEASURES)}


@dataclass(eq=False)
class PlanPlayed:
    """The days of one plan. `table` has a row a day and a column a measure.

    `shown` is the day that is drawn; `patients` has a row a patient.
    """

    plan: Plan
    pools: tuple[Pool, ...]
    shown: DayPlayed
    table: FloatArray
    patients: tuple[Mapping[str, Cell], ...]

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.plan.name

    def values(self, name: str) -> FloatArray:
        """Return one measure of each day."""
        column: FloatArray = self.table[:, _COLUMN[name]]
        return column

    @cached_property
    def means(self) -> Mapping[str, Estimate]:
        """The mean day: each measure with its 95 % interval."""
        return {one.name: mean_of(self.values(one.name)) for one in MEASURES}

    @cached_property
    def paper(self) -> tuple[OnPaper, ...]:
        """The load of each resource as worked out on paper."""
        return on_paper(self.plan.clinic, self.pools, expected_patients(self.plan))

    @property
    def bottleneck(self) -> str:
        """What is in use the longest on paper, per piece and hour."""
        return max(
            (row for row in self.paper if row.load_pct == row.load_pct),
            key=lambda row: row.load_pct,
        ).resource

    @property
    def most_waited_for(self) -> str:
        """What patients wait for the longest; empty when nobody waits."""
        waits = {cause: self.means[f"waiting_{key(cause)}_min"] for cause in CAUSES}
        cause = max(waits, key=lambda name: waits[name].value)
        return cause if waits[cause].value > 0.0 else ""


@dataclass(eq=False)
class DaysPlayed:
    """The day as planned and its other plans, each on the same patients.

    `shown` is the number of the day that is drawn, counted from 1.
    """

    file: DayFile
    seed: int
    n_days: int
    shown: int
    base: PlanPlayed
    others: tuple[PlanPlayed, ...]

    @property
    def plans(self) -> tuple[PlanPlayed, ...]:
        """All plans, the day as planned first."""
        return (self.base, *self.others)

    def differences(self, other: PlanPlayed) -> Mapping[str, Estimate]:
        """Return what a plan changes: mean of the differences day by day."""
        changed = other.table - self.base.table
        return {one.name: mean_of(changed[:, at]) for at, one in enumerate(MEASURES)}


def mean_of(values: FloatArray) -> Estimate:
    """Return a mean with its 95 % t-interval; days without a value are left out."""
    known = values[np.isfinite(values)]
    n = known.size
    if n == 0:
        return Estimate()
    mean = float(known.mean())
    if n == 1:
        return Estimate(mean, nan, nan, 1)
    reach = float(student.ppf(_UPPER, n - 1)) * float(known.std(ddof=1)) / sqrt(n)
    return Estimate(mean, mean - reach, mean + reach, n)


def expected_patients(plan: Plan) -> float:
    """Return how many patients a day brings on average."""
    coming, n = plan.coming, len(plan.due_s)
    return n * (
        1.0 - coming.no_show_frac + coming.urgent_frac / (1.0 - coming.urgent_frac)
    )


def play_days(
    file: DayFile,
    others: Sequence[Plan],
    *,
    seed: int | None = None,
    n_days: int | None = None,
    say: Say = lambda _: None,
) -> DaysPlayed:
    """Play the days of a file as planned, and under other plans of it.

    Parameters
    ----------
    file, others
        What was read, and which of its plans are held against the day as planned.
    seed, n_days
        Replace what the file says.
    say
        Told each visit that has to be played first, then each plan.
    """
    seed = file.scenario.seed if seed is None else seed
    n = file.scenario.days if n_days is None else n_days
    plans = [file.base, *others]
    scenarios = [kind.scenario for plan in plans for kind in plan.kinds]
    whose = foreign_code(
        (one.search.strategy for one in scenarios),
        (one.patient.response for one in scenarios),
    )
    if whose:
        say(whose)
    with kept():
        pools = [pools_of(plan, say) for plan in plans]
    tables = []
    for plan, of_plan in zip(plans, pools, strict=True):
        say(f"{n} days, {plan.name}")
        tables.append(play_plan(plan, of_plan, seed, n))
    shown = typical_day(tables[0][0])
    played = [
        PlanPlayed(plan, of_plan, _day(plan, of_plan, seed, shown), *table)
        for plan, of_plan, table in zip(plans, pools, tables, strict=True)
    ]
    return DaysPlayed(file, seed, n, shown + 1, played[0], tuple(played[1:]))


def typical_day(table: FloatArray) -> int:
    """Return the number, from 0, of the day whose waiting is nearest to the mean."""
    waited = table[:, _COLUMN["waiting_min"]]
    if not np.isfinite(waited).any():
        return 0
    return int(np.nanargmin(np.abs(waited - np.nanmean(waited))))


def pools_of(plan: Plan, say: Say) -> tuple[Pool, ...]:
    """Return the visits that a plan draws from, kind by kind."""
    n = plan.table.visits.per_kind
    return tuple(
        Pool(jobs_of_kind(kind, n, say), kind.share, kind.is_urgent)
        for kind in plan.kinds
    )


def play_plan(
    plan: Plan, pools: tuple[Pool, ...], seed: int, n: int
) -> tuple[FloatArray, tuple[Mapping[str, Cell], ...]]:
    """Play `n` days of a plan; day k has the same patients in every plan.

    Returns the table of measures, a row a day, and the rows of the patients.
    """
    rows, patients = [], []
    for number in range(n):
        day = _day(plan, pools, seed, number)
        found = measured(day)
        rows.append([found[one.name] for one in MEASURES])
        patients += list(patient_rows(plan.name, number + 1, day))
    return np.array(rows), tuple(patients)


def _day(plan: Plan, pools: tuple[Pool, ...], seed: int, number: int) -> DayPlayed:
    return play_day(plan.clinic, bookings(plan, pools, seed, number))


def patient_rows(
    plan: str, number: int, day: DayPlayed
) -> Iterator[Mapping[str, Cell]]:
    """Yield a row for each patient who was due or came."""
    by_cause: dict[tuple[int, str], float] = defaultdict(float)
    for wait in day.waits:
        by_cause[wait.patient, wait.cause] += wait.cost_s
    waited_s = waiting_by_patient_s(day)
    for one in day.bookings:
        left_s = day.left_s.get(one.number)
        yield {
            "plan": plan,
            "day": number,
            "patient": one.number,
            "visit": one.job.name if one.job else "",
            "what_happened": what_happened(one, day),
            "urgent": one.is_urgent,
            "stopped_for_safety": one.job is not None and one.job.stopped,
            "admitted": one.admitted,
            "due_h": nan if one.due_s is None else one.due_s / S_PER_H,
            "arrived_h": one.arrives_s / S_PER_H if one.job else nan,
            "left_h": nan if left_s is None else left_s / S_PER_H,
            "visit_min": nan
            if left_s is None or one.job is None
            else one.job.duration_s / S_PER_MIN,
            "waited_min": waited_s.get(one.number, nan) / S_PER_MIN,
            "came_early_min": by_cause[one.number, EARLY] / S_PER_MIN,
            **{
                f"waited_{key(cause)}_min": by_cause[one.number, cause] / S_PER_MIN
                for cause in CAUSES
            },
        }


def what_happened(booking: Booking, day: DayPlayed) -> str:
    """Return in a word what became of a patient."""
    if booking.job is None:
        return "did not come"
    return "turned away" if booking.number in day.turned_away else "seen"
