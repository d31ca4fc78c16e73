"""Who comes on a day: each patient's draws are a stream of their own.

So a second programmer, or another plan of appointments, changes neither who comes nor
how late, nor what visit they have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.day.clinic import Booking, Clinic, admitted_after
from harness.day.jobs import VisitJob, with_admission
from harness.day.scenario import Plan
from sim.streams import stream
from sim.units import S_PER_MIN

STREAM = "clinic_day"
_BOOKED, _URGENT, _GAPS = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The played visits of one kind, and their share among those who come."""

    jobs: tuple[VisitJob, ...]
    share: float
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class _Draws:
    shows: float
    kind: float
    visit: float
    admitted: float
    late: float


def bookings(
    plan: Plan, pools: Sequence[Pool], seed: int, day: int
) -> tuple[Booking, ...]:
    """Return everybody who was due or came on a day, numbered from 1."""
    booked = [
        _booked(plan, pools, due_s, number, _draws(seed, day, _BOOKED, number))
        for number, due_s in enumerate(plan.due_s, start=1)
    ]
    return (*booked, *_urgent(plan, pools, seed, day))


def _booked(
    plan: Plan, pools: Sequence[Pool], due_s: float, number: int, draws: _Draws
) -> Booking:
    coming = plan.coming
    late_min = coming.late_mean_min + coming.late_sd_min * draws.late
    arrives_s = max(due_s + late_min * S_PER_MIN, 0.0)
    if draws.shows < coming.no_show_frac:
        return Booking(number, arrives_s, due_s, None)
    usual = [pool for pool in pools if not pool.is_urgent]
    job, admitted = _job(plan, usual, draws)
    return Booking(number, arrives_s, due_s, job, admitted)


def _urgent(
    plan: Plan, pools: Sequence[Pool], seed: int, day: int
) -> Iterator[Booking]:
    """Yield those who come without an appointment, a Poisson stream of the day."""
    share = plan.coming.urgent_frac
    expected = len(plan.due_s) * share / (1.0 - share)
    own = [pool for pool in pools if pool.is_urgent] or list(pools)
    for i, at_s in enumerate(_arrivals(plan.clinic, expected, seed, day), start=1):
        job, admitted = _job(plan, own, _draws(seed, day, _URGENT, i))
        yield Booking(len(plan.due_s) + i, at_s, None, job, admitted)


def _arrivals(clinic: Clinic, expected: float, seed: int, day: int) -> Iterator[float]:
    """Yield moments of a Poisson process with an expected number in opening hours."""
    if expected <= 0.0:
        return
    rng = stream(seed, name=STREAM, replicate=day, key=(_GAPS,))
    gap_s = clinic.open_s / expected
    at_s = clinic.opens_s + gap_s * rng.standard_exponential()
    while at_s < clinic.closes_s:
        yield at_s
        at_s += gap_s * rng.standard_exponential()


def _job(plan: Plan, pools: Sequence[Pool], draws: _Draws) -> tuple[VisitJob, bool]:
    ends = np.cumsum([pool.share for pool in pools])
    at = int(np.searchsorted(ends, draws.kind * ends[-1], side="right"))
    jobs = pools[at].jobs
    job = jobs[int(draws.visit * len(jobs))]
    if not admitted_after(plan.admission, job, draws.admitted):
        return job, False
    return with_admission(job, plan.admission), True


def _draws(seed: int, day: int, who: int, number: int) -> _Draws:
    rng = stream(seed, name=STREAM, replicate=day, patient=number, key=(who,))
    shows, kind, visit, admitted = rng.random(4)
    return _Draws(
        float(shows),
        float(kind),
        float(visit),
        float(admitted),
        float(rng.standard_normal()),
    )
