"""The clinic that a day is played in: who is there, what is there, when."""

from dataclasses import dataclass

from harness.day.jobs import VisitJob
from harness.day.site import ROLES, Admission, MayDo, Role, Staff
from sim.units import S_PER_H, S_PER_MIN


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works here. `break_from_s` is None for who has no break."""

    number: int
    name: str
    profession: Role
    may_do: tuple[Role, ...]
    break_from_s: float | None = None


@dataclass(frozen=True, slots=True)
class Clinic:
    """People, places and programmers, and the hours, in seconds since midnight."""

    people: tuple[Person, ...]
    rooms: int
    chairs: int
    programmers: int
    opens_s: float
    closes_s: float
    turnover_s: float = 0.0
    break_s: float = 0.0

    @property
    def open_s(self) -> float:
        """How long the clinic is open."""
        return self.closes_s - self.opens_s


@dataclass(frozen=True, slots=True)
class Booking:
    """One patient of a day. `due_s` is None for an urgent one, who just comes.

    `job` is None when nobody comes.
    """

    number: int
    arrives_s: float
    due_s: float | None
    job: VisitJob | None
    admitted: bool = False

    @property
    def is_urgent(self) -> bool:
        """Whether the patient came without an appointment."""
        return self.due_s is None


def people_of(
    staff: Staff, may_do: MayDo, break_from_h: float, break_min: float
) -> tuple[Person, ...]:
    """Return everybody by name; people of one profession have breaks one by one."""
    found: list[Person] = []
    for role in ROLES:
        n = int(getattr(staff, role.replace(" ", "_")))
        for i in range(n):
            due_s = break_from_h * S_PER_H + i * break_min * S_PER_MIN
            name = f"{role} {i + 1}" if n > 1 else role
            has_break = due_s if break_min > 0.0 else None
            found.append(Person(len(found), name, role, may_do[role], has_break))
    return tuple(found)


def admitted_after(admission: Admission, job: VisitJob, draw: float) -> bool:
    """Tell whether a patient is admitted, from a draw between 0 and 1."""
    stopped, usual = admission.admit_stopped_frac, admission.admit_frac
    return draw < (stopped if job.stopped else usual)
