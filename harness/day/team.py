"""Who works on what: people and programmers, asked for together, never one by one.

SimPy's own resources are asked for one at a time. A room that has got its specialist
and waits for the physician would hold an idle person, and two such rooms could wait
for one another for ever. Here a stage asks for all that it needs at once; whoever
stands first in the queue keeps others from the people it still waits for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import simpy

from harness.day.clinic import Person
from harness.day.site import Role

PROGRAMMER: Final = "programmer"


class Priority(IntEnum):
    """Who comes first when several ask; nobody is interrupted."""

    SAFETY = 0
    BREAK = 1
    MID_PROCEDURE = 2
    URGENT = 3
    UNDER_WAY = 4
    NEW = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of waiting, and what was missing in it."""

    start_s: float
    end_s: float
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """Who would take up a need; `missing` is empty when it is all there."""

    people: tuple[Person, ...]
    missing: tuple[str, ...]


class Ask(simpy.Event):
    """Happens when all that was asked for is there at the same time.

    `held` are people still with the patient, who stay if the rest is there too.
    """

    def __init__(
        self,
        env: simpy.Environment,
        need: "Need",
        priority: Priority,
        held: tuple[Person, ...] = (),
    ) -> None:
        super().__init__(env)
        self.need = need
        self.priority = priority
        self.asked_s = float(env.now)
        self.held = held
        self.before = held
        self.people: tuple[Person, ...] = ()
        self.programmer = 0
        self.slices: list[Slice] = []
        self._since_s = self.asked_s
        self._causes: tuple[str, ...] = ()

    def misses(self, causes: tuple[str, ...]) -> None:
        """Note what is missing from now on."""
        now_s = float(self.env.now)
        if causes == self._causes:
            return
        if now_s > self._since_s:
            self.slices.append(Slice(self._since_s, now_s, self._causes))
        self._since_s, self._causes = now_s, causes


@dataclass(frozen=True, slots=True)
class Need:
    """What a stage asks for: roles, a programmer, or one person by name."""

    roles: tuple[Role, ...] = ()
    programmer: bool = False
    person: Person | None = None


@dataclass(slots=True)
class Team:
    """The people and programmers of a clinic, and who asks for them."""

    env: simpy.Environment
    free: list[Person]
    programmers: list[int]
    queue: list[Ask] = field(default_factory=list)

    def ask(self, need: Need, priority: Priority, held: tuple[Person, ...] = ()) -> Ask:
        """Ask for people, and perhaps a programmer; wait for what is returned."""
        ask = Ask(self.env, need, priority, held)
        self.queue.append(ask)
        self.queue.sort(key=lambda one: one.priority)  # stable: first come, first
        self._settle()
        return ask

    def let_go(self, people: Sequence[Person] = (), programmer: int = 0) -> None:
        """Give people and a programmer back."""
        self.free += people
        if programmer:
            self.programmers.append(programmer)
        self._settle()

    def _settle(self) -> None:
        """Give what is there to those who ask, until nothing changes."""
        while self._sweep():
            pass

    def _sweep(self) -> bool:
        """Go through the queue once; tell whether somebody came free by it."""
        kept: list[Person] = []
        n_kept = 0
        for ask in list(self.queue):
            free = [person for person in self.free if person not in kept]
            has_programmer = len(self.programmers) > n_kept
            fit = fitted(ask, [*ask.held, *free], has_programmer=has_programmer)
            if not fit.missing:
                if self._grant(ask, fit):
                    return True
                continue
            ask.misses(fit.missing)
            if ask.held:
                self.free += ask.held
                ask.held = ()
                return True
            if PROGRAMMER not in fit.missing:  # else it keeps nobody from anything
                kept += fit.people
                n_kept += int(ask.need.programmer)
        return False

    def _grant(self, ask: Ask, fit: Fit) -> bool:
        """Give an ask what it wants; tell whether it gave somebody back."""
        given_back = [person for person in ask.held if person not in fit.people]
        self.free = [p for p in self.free if p not in fit.people] + given_back
        if ask.need.programmer:
            self.programmers.sort()
            ask.programmer = self.programmers.pop(0)
        self.queue.remove(ask)
        ask.misses(())
        ask.people, ask.held = fit.people, ()
        ask.succeed()
        return bool(given_back)


def fitted(ask: Ask, free: Sequence[Person], *, has_programmer: bool) -> Fit:
    """Return who would do the work of an ask, and what is missing."""
    need = ask.need
    if need.person is not None:
        there = need.person in free
        return Fit((need.person,) if there else (), () if there else ("break",))
    order = sorted(free, key=lambda p: (p not in ask.before, len(p.may_do), p.number))
    chosen = _matched(need.roles, order)
    missing = [
        str(role)
        for role, person in zip(need.roles, chosen, strict=True)
        if person is None
    ]
    if need.programmer and not has_programmer:
        missing.insert(0, PROGRAMMER)
    people = tuple(person for person in chosen if person is not None)
    return Fit(people, tuple(missing))


def _matched(
    roles: Sequence[Role], free: Sequence[Person]
) -> tuple[Person | None, ...]:
    """Return a person for each role, nobody twice; None where it cannot be helped."""
    if not roles:
        return ()
    best: tuple[Person | None, ...] = ()
    for person in [p for p in free if roles[0] in p.may_do]:
        others = [p for p in free if p is not person]
        found = (person, *_matched(roles[1:], others))
        if None not in found:
            return found
        if not best or found.count(None) < best.count(None):
            best = found
    without = (None, *_matched(roles[1:], free))
    if not best or without.count(None) < best.count(None):
        return without
    return best
