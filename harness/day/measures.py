"""What is counted and timed of a day, by name, and what a visit needs on paper."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

from harness.day.booking import Pool
from harness.day.clinic import Clinic
from harness.day.jobs import VisitJob
from harness.day.play import BREAK, CAUSES, EARLY, DayPlayed, Stint
from harness.day.site import ROLES, Role
from harness.day.team import PROGRAMMER
from sim.units import PCT_PER_FRAC, S_PER_MIN

Measures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a day: its name in tables, and how it is told."""

    name: str
    title: str
    unit: str
    digits: int = 1


def key(words: str) -> str:
    """Return how a name of a table spells some words."""
    return words.replace(" ", "_")


MEASURES: Final[tuple[Measure, ...]] = (
    Measure("n_booked", "patients due", ""),
    Measure("n_absent", "of them, did not come", ""),
    Measure("n_urgent", "urgent patients who came", ""),
    Measure("n_turned_away", "came after closing, turned away", ""),
    Measure("n_done", "patients done", ""),
    Measure("n_stopped", "of them, stopped for safety", "", 2),
    Measure("n_admitted", "of them, admitted", "", 2),
    Measure("stay_min", "stay of a patient", "min"),
    Measure("waiting_min", "waiting of a patient", "min"),
    Measure("longest_waiting_min", "longest waiting of the day", "min"),
    *(Measure(f"waiting_{key(c)}_min", f"waiting for a {c}", "min") for c in CAUSES),
    Measure("overtime_min", "last patient leaves after closing", "min"),
    Measure("staff_overtime_min", "overtime, all staff together", "min"),
    *(Measure(f"busy_{key(r)}_pct", f"{r}: in use while open", "%") for r in CAUSES),
    *(Measure(f"staff_{key(r)}_min", f"{r}: minutes a patient", "min") for r in ROLES),
    Measure("staff_min", "staff minutes a patient, all roles", "min"),
)
BY_NAME: Final[Mapping[str, Measure]] = {one.name: one for one in MEASURES}


def measured(day: DayPlayed) -> Measures:
    """Return every number of a day; what is per patient is nan when nobody came."""
    n = len(day.left_s)
    waited_s = waiting_by_patient_s(day)
    by_cause: dict[str, float] = defaultdict(float)
    for wait in day.waits:
        by_cause[wait.cause] += wait.cost_s
    jobs = {one.number: one for one in day.bookings}
    done = [jobs[number] for number in day.left_s]
    stays_s = [
        left_s - max(jobs[number].arrives_s, jobs[number].due_s or 0.0)
        for number, left_s in day.left_s.items()
    ]
    found = {
        "n_booked": sum(not one.is_urgent for one in day.bookings),
        "n_absent": sum(one.job is None for one in day.bookings),
        "n_urgent": sum(one.is_urgent for one in day.bookings),
        "n_turned_away": len(day.turned_away),
        "n_done": n,
        "n_stopped": sum(one.job is not None and one.job.stopped for one in done),
        "n_admitted": sum(one.admitted for one in done),
        "stay_min": _each(sum(stays_s), n),
        "waiting_min": _each(sum(waited_s.values()), n),
        "longest_waiting_min": max(waited_s.values(), default=nan) / S_PER_MIN,
        **{f"waiting_{key(c)}_min": _each(by_cause[c], n) for c in CAUSES},
        **_overtime(day),
        **_busy(day),
        **_staff(day, n),
    }
    return {name: float(value) for name, value in found.items()}


def _each(total_s: float, n: int) -> float:
    return total_s / n / S_PER_MIN if n else nan


def waiting_by_patient_s(day: DayPlayed) -> dict[int, float]:
    """Return how long each patient waited, what was before the appointment left out."""
    found = dict.fromkeys(day.left_s, 0.0)
    for wait in day.waits:
        if wait.cause != EARLY:
            found[wait.patient] += wait.cost_s
    return found


def _overtime(day: DayPlayed) -> Measures:
    closes_s = day.clinic.closes_s
    last_s: dict[str, float] = {}
    for stint in day.stints:
        if stint.kind == "person" and stint.stage != BREAK:
            last_s[stint.who] = max(last_s.get(stint.who, 0.0), stint.end_s)
    leaves_s = max(day.left_s.values(), default=0.0)
    over_s = sum(max(0.0, end_s - closes_s) for end_s in last_s.values())
    return {
        "overtime_min": max(0.0, leaves_s - closes_s) / S_PER_MIN,
        "staff_overtime_min": over_s / S_PER_MIN,
    }


def _busy(day: DayPlayed) -> Measures:
    """Return the share of the opening hours in which each resource was in use.

    A room that is made ready is in use; a person who has a break works not.
    """
    clinic = day.clinic
    used_s: dict[str, float] = defaultdict(float)
    of_person = {person.name: person.profession for person in clinic.people}
    for stint in day.stints:
        if stint.stage != BREAK:
            what = of_person.get(stint.who, stint.kind)
            used_s[what] += _within(stint, clinic)
    n_of = capacity(clinic)
    return {
        f"busy_{key(what)}_pct": PCT_PER_FRAC * used_s[what] / (n * clinic.open_s)
        if n
        else nan
        for what, n in n_of.items()
    }


def _within(stint: Stint, clinic: Clinic) -> float:
    start_s = max(stint.start_s, clinic.opens_s)
    return max(0.0, min(stint.end_s, clinic.closes_s) - start_s)


def capacity(clinic: Clinic) -> Mapping[str, int]:
    """Return how many there are of each resource."""
    professions = [person.profession for person in clinic.people]
    return {
        "room": clinic.rooms,
        "chair": clinic.chairs,
        PROGRAMMER: clinic.programmers,
        **{role: professions.count(role) for role in ROLES},
    }


def _staff(day: DayPlayed, n: int) -> Measures:
    spent_s: dict[str, float] = defaultdict(float)
    of_person = {person.name: person.profession for person in day.clinic.people}
    for stint in day.stints:
        if stint.kind == "person" and stint.stage != BREAK:
            spent_s[of_person[stint.who]] += stint.end_s - stint.start_s
    by_role = {f"staff_{key(role)}_min": _each(spent_s[role], n) for role in ROLES}
    return {**by_role, "staff_min": _each(sum(spent_s.values()), n)}


@dataclass(frozen=True, slots=True)
class OnPaper:
    """One resource without any queue: what a visit needs, and the load of a day.

    `load_pct` is what the day's expected patients need, over what the opening hours
    (a person's less the break) hold: above 100 there is no day without overtime.
    """

    resource: str
    n: int
    needed_min: float
    load_pct: float


def on_paper(
    clinic: Clinic, pools: Sequence[Pool], n_patients: float
) -> tuple[OnPaper, ...]:
    """Return the load of each resource as a class would work it out on paper."""
    rows = []
    for resource, n in capacity(clinic).items():
        needed_s = _mean_s(pools, resource, clinic)
        rest_s = clinic.break_s if resource in ROLES else 0.0
        there_s = n * (clinic.open_s - rest_s)
        load = PCT_PER_FRAC * n_patients * needed_s / there_s if there_s else nan
        rows.append(OnPaper(resource, n, needed_s / S_PER_MIN, load))
    return tuple(rows)


def _mean_s(pools: Iterable[Pool], resource: str, clinic: Clinic) -> float:
    usual = [pool for pool in pools if not pool.is_urgent]
    total = sum(pool.share for pool in usual)
    return sum(
        pool.share / total * needed_s(job, resource, clinic) / len(pool.jobs)
        for pool in usual
        for job in pool.jobs
    )


def needed_s(job: VisitJob, resource: str, clinic: Clinic) -> float:
    """Return how long one visit takes up a resource when nobody waits."""
    if resource in ROLES:
        return job.staff_s(_role(resource))
    if resource == PROGRAMMER:
        return sum(stage.duration_s for stage in job.stages if stage.programmer)
    there_s = sum(stage.duration_s for stage in job.stages if stage.place == resource)
    return there_s + (clinic.turnover_s if resource == "room" else 0.0)


def _role(name: str) -> Role:
    return next(role for role in ROLES if role == name)
