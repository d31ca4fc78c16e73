"""One day of a clinic as a SimPy model: who waits, who works, until when."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import simpy
from simpy.resources.resource import PriorityRequest

from harness.day.clinic import Booking, Clinic, Person
from harness.day.jobs import Place, Stage
from harness.day.site import ROLES
from harness.day.team import PROGRAMMER, Need, Priority, Slice, Team

Process = Generator[simpy.Event, Any, None]
Kind = Literal["room", "chair", "programmer", "person"]

EARLY: Final = "came early"
CAUSES: Final = ("room", "chair", PROGRAMMER, *ROLES)
"""What a patient may wait for; the time before an appointment is no waiting."""
TURNOVER: Final = "turnover"
BREAK: Final = "break"


@dataclass(frozen=True, slots=True)
class Stint:
    """A room, chair, programmer or person taken up; `patient` is 0 for none."""

    kind: Kind
    who: str
    patient: int
    stage: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch in which a patient waited before a stage; `share` of it for a cause."""

    patient: int
    stage: str
    cause: str
    start_s: float
    end_s: float
    share: float

    @property
    def cost_s(self) -> float:
        """The part of the stretch that this cause is charged with."""
        return self.share * (self.end_s - self.start_s)


@dataclass(frozen=True, slots=True)
class Stay:
    """One patient's stage as it was played."""

    patient: int
    stage: str
    place: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class DayPlayed:
    """All that happened in a day. `left_s` has the patients who were seen."""

    clinic: Clinic
    bookings: tuple[Booking, ...]
    stints: tuple[Stint, ...]
    waits: tuple[Wait, ...]
    stays: tuple[Stay, ...]
    left_s: dict[int, float]
    turned_away: frozenset[int]


class PlacePool:
    """Rooms or chairs that are alike, each with a name: what `simpy` does not tell."""

    def __init__(self, env: simpy.Environment, kind: Kind, n: int) -> None:
        self.kind: Kind = kind
        self.resource = simpy.PriorityResource(env, capacity=n)
        self._free = [f"{kind} {i + 1}" for i in range(n)]

    def take(self) -> str:
        """Return the name of the place that a granted request is for."""
        return self._free.pop(0)

    def give_back(self, name: str, request: PriorityRequest) -> None:
        """Free a place by its name."""
        self._free.append(name)
        self._free.sort()
        self.resource.release(request)


@dataclass(slots=True)
class _Held:
    """What a patient has at a moment."""

    people: tuple[Person, ...] = ()
    programmer: int = 0
    programmer_s: float = 0.0
    place: Place = ""
    name: str = ""
    place_s: float = 0.0
    request: PriorityRequest | None = None
    seen: bool = False


class DayModel:
    """The processes of a day: one for each patient, one for each person's break."""

    def __init__(self, clinic: Clinic, bookings: Sequence[Booking]) -> None:
        env = simpy.Environment()
        self.env = env
        self.clinic = clinic
        self.bookings = tuple(bookings)
        programmers = [i + 1 for i in range(clinic.programmers)]
        self.team = Team(env, list(clinic.people), programmers)
        self.places: dict[Place, PlacePool] = {
            "room": PlacePool(env, "room", clinic.rooms),
            "chair": PlacePool(env, "chair", clinic.chairs),
        }
        self.stints: list[Stint] = []
        self.waits: list[Wait] = []
        self.stays: list[Stay] = []
        self.left_s: dict[int, float] = {}
        self.turned_away: set[int] = set()

    def play(self) -> DayPlayed:
        """Play until the last patient has left."""
        coming = [one for one in self.bookings if one.job is not None]
        visits = [self.env.process(self.visit(one)) for one in coming]
        for person in self.clinic.people:
            self.env.process(self.rest(person))
        self.env.run(until=self.env.all_of(visits))
        return DayPlayed(
            self.clinic,
            self.bookings,
            tuple(self.stints),
            tuple(self.waits),
            tuple(self.stays),
            self.left_s,
            frozenset(self.turned_away),
        )

    def visit(self, booking: Booking) -> Process:
        """Bring one patient through the stages of the visit."""
        yield self.env.timeout(booking.arrives_s)
        if booking.arrives_s >= self.clinic.closes_s or booking.job is None:
            self.turned_away.add(booking.number)
            return
        yield from self._until_open(booking)
        held = _Held()
        for stage in booking.job.stages:
            if stage.duration_s > 0.0:
                yield from self._to_place(booking, stage, held)
                yield from self._stage(booking, stage, held)
        self._leave_place(booking, held)
        self._put_down(booking, held)
        self.team.let_go(held.people)
        self.left_s[booking.number] = float(self.env.now)

    def rest(self, person: Person) -> Process:
        """Give somebody the break as soon as it is due and no patient needs them."""
        if person.break_from_s is None:
            return
        yield self.env.timeout(person.break_from_s)
        ask = self.team.ask(Need(person=person), Priority.BREAK)
        yield ask
        start_s = float(self.env.now)
        self.stints.append(
            Stint(
                "person", person.name, 0, BREAK, start_s, start_s + self.clinic.break_s
            )
        )
        yield self.env.timeout(self.clinic.break_s)
        self.team.let_go(ask.people)

    def _until_open(self, booking: Booking) -> Process:
        now_s, opens_s = float(self.env.now), self.clinic.opens_s
        if now_s < opens_s:
            self._waited(booking, "arrival", Slice(now_s, opens_s, (EARLY,)))
            yield self.env.timeout(opens_s - now_s)

    def _to_place(self, booking: Booking, stage: Stage, held: _Held) -> Process:
        """Go where the stage is; who has to wait for it lets the staff go."""
        if stage.place == held.place:
            return
        if not stage.place:
            self._leave_place(booking, held)
            return
        places = self.places[stage.place]
        since_s = float(self.env.now)
        rank = self._priority(booking, stage, held)
        request = places.resource.request(priority=int(rank))
        if not request.triggered:
            self.team.let_go(held.people)
            held.people = ()
        yield request
        self._waited(
            booking, stage.name, Slice(since_s, float(self.env.now), (stage.place,))
        )
        self._leave_place(booking, held)
        held.place, held.name, held.request = stage.place, places.take(), request
        held.place_s = float(self.env.now)

    def _stage(self, booking: Booking, stage: Stage, held: _Held) -> Process:
        """Wait for all who are needed, then let the stage take its time."""
        if not stage.programmer:
            self._put_down(booking, held)
        need = Need(stage.roles, stage.programmer and not held.programmer)
        rank = self._priority(booking, stage, held)
        ask = self.team.ask(need, rank, held.people)
        yield ask
        for waited in ask.slices:
            self._waited(booking, stage.name, waited)
        start_s = float(self.env.now)
        held.people, held.seen = ask.people, True
        if ask.programmer:
            held.programmer, held.programmer_s = ask.programmer, start_s
        yield self.env.timeout(stage.duration_s)
        end_s = start_s + stage.duration_s
        number = booking.number
        self.stays.append(Stay(number, stage.name, held.name, start_s, end_s))
        for person in held.people:
            self.stints.append(
                Stint("person", person.name, number, stage.name, start_s, end_s)
            )

    def _priority(self, booking: Booking, stage: Stage, held: _Held) -> Priority:
        if stage.is_safety:
            return Priority.SAFETY
        if held.programmer:
            return Priority.MID_PROCEDURE
        if booking.is_urgent:
            return Priority.URGENT
        return Priority.UNDER_WAY if held.seen else Priority.NEW

    def _put_down(self, booking: Booking, held: _Held) -> None:
        """Free the programmer, if the patient has one."""
        if held.programmer:
            name = f"{PROGRAMMER} {held.programmer}"
            now_s = float(self.env.now)
            self.stints.append(
                Stint("programmer", name, booking.number, "", held.programmer_s, now_s)
            )
            self.team.let_go(programmer=held.programmer)
            held.programmer = 0

    def _leave_place(self, booking: Booking, held: _Held) -> None:
        """Leave room or chair; a room is made ready before the next patient."""
        if held.request is None:
            return
        places, now_s = self.places[held.place], float(self.env.now)
        self.stints.append(
            Stint(places.kind, held.name, booking.number, "", held.place_s, now_s)
        )
        if places.kind == "room" and self.clinic.turnover_s > 0.0:
            self.env.process(self._turnover(places, held.name, held.request))
        else:
            places.give_back(held.name, held.request)
        held.place, held.name, held.request = "", "", None

    def _turnover(
        self, places: PlacePool, name: str, request: PriorityRequest
    ) -> Process:
        start_s, turnover_s = float(self.env.now), self.clinic.turnover_s
        self.stints.append(
            Stint(places.kind, name, 0, TURNOVER, start_s, start_s + turnover_s)
        )
        yield self.env.timeout(turnover_s)
        places.give_back(name, request)

    def _waited(self, booking: Booking, stage: str, waited: Slice) -> None:
        """Keep a stretch of waiting; what lies before the appointment is no cause's."""
        due_s = booking.arrives_s if booking.due_s is None else booking.due_s
        middle_s = min(max(due_s, waited.start_s), waited.end_s)
        parts = (
            (waited.start_s, middle_s, (EARLY,)),
            (middle_s, waited.end_s, waited.causes),
        )
        for start_s, end_s, causes in parts:
            if end_s > start_s:
                self.waits += [
                    Wait(booking.number, stage, cause, start_s, end_s, 1 / len(causes))
                    for cause in causes
                ]


def play_day(clinic: Clinic, bookings: Sequence[Booking]) -> DayPlayed:
    """Play one day.

    Parameters
    ----------
    clinic
        Must have people for every role at once that a stage asks for, or the day
        never ends: `harness.day.scenario` sees to it.
    bookings
        Who comes, in any order; each number once.
    """
    return DayModel(clinic, bookings).play()
