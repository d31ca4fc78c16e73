"""All rooms of a clinic: who may come in, by which seat, and who is let go."""

import asyncio
import gc
import secrets
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from harness.clinic.afterwards import Afterwards
from harness.clinic.lessons.reader import load_lesson
from harness.clinic.links import LinkError, session_of
from harness.clinic.roles import Role
from harness.clinic.room import Room, in_thread
from harness.clinic.session import LiveSession
from harness.clinic.start import (
    Guest,
    LessonCard,
    guests,
    lesson_cards,
    log_of,
    restarted,
)

T = TypeVar("T")
Mode = Literal["alone", "class"]

MOST_ROOMS: Final = 64
N_THREADS: Final = 4
KEPT_EMPTY_S: Final = 300.0
"""How long a patient waits for a window that is opened again."""
CODE_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH: Final = 6
LINK_TITLE: Final = "The patient"
LESSON_TITLE: Final = "The patient of the lesson"
MOST_SEED: Final = 2**31


class NoSeatError(ValueError):
    """Somebody cannot come in, with the reason."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a room: whoever knows its token has its role."""

    token: str
    room: Room
    role: Role


class Rooms:
    """Opens rooms and closes them. Use it as an async context manager.

    `out` takes the folders of visits that are over; `kept_empty_s` is how long a room
    without a window is kept.
    """

    def __init__(self, out: Path, *, kept_empty_s: float = KEPT_EMPTY_S) -> None:
        self._afterwards = Afterwards(out)
        self._threads = ThreadPoolExecutor(N_THREADS, "ccmlab-clinic")
        self._kept_empty_s = kept_empty_s
        self._seats: dict[str, Seat] = {}
        self._running: dict[Room, asyncio.Task[None]] = {}
        self._opening = 0
        self._chores: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Rooms":
        self._chore(self._sweep())
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in tuple(self._chores):
            await _stopped(task)
        for room in tuple(self._running):
            await self._close(room)
        self._threads.shutdown()
        self._afterwards.close()
        gc.unfreeze()

    @property
    def n_rooms(self) -> int:
        """Rooms that are open, each with a patient."""
        return len(self._running)

    async def guests(self) -> tuple[Guest, ...]:
        """Return who may come."""
        return await self._in_thread(guests)

    async def open(self, mode: Mode, key: str, seed: int | None = None) -> Seat:
        """Open a room for a patient and return the first seat in it."""
        known = {guest.key: guest for guest in await self.guests()}
        if key not in known:
            raise NoSeatError(f"patient must be one of {', '.join(known)}, got {key!r}")
        guest = known[key]
        log = await self._in_thread(lambda: log_of(guest.scenario_name, seed))
        return await self._open(mode, lambda: LiveSession.of(log), guest.title)

    async def open_lesson(self, mode: Mode, key: str) -> Seat:
        """Open a room for a lesson, and return the first seat in it."""
        cards = {card.key: card for card in await self._in_thread(lesson_cards)}
        if key not in cards:
            raise NoSeatError(f"lesson must be one of {', '.join(cards)}, got {key!r}")
        name = cards[key].name
        return await self._open(mode, lambda: lesson_session(name), LESSON_TITLE)

    async def go_on(self, mode: Mode, link: str) -> Seat:
        """Open a room for the visit of a link; NoSeatError when it holds none."""
        try:
            return await self._open(mode, lambda: session_of(link), LINK_TITLE)
        except LinkError as error:
            raise NoSeatError(str(error)) from None

    async def lessons(self) -> tuple[LessonCard, ...]:
        """Return the lessons that may be played."""
        return await self._in_thread(lesson_cards)

    def join(self, code: str, role: Literal["student", "observer"]) -> Seat:
        """Return a seat in the room of a code; NoSeatError when no room has it."""
        wanted = code.strip().upper().encode()
        for room in self._running:
            if room.code and secrets.compare_digest(room.code.encode(), wanted):
                return self._seat(room, role)
            if room.programmer_code and secrets.compare_digest(
                room.programmer_code.encode(), wanted
            ):
                return self._seat(room, "programmer")
        raise NoSeatError("no room has this code")

    def seat(self, token: str) -> Seat | None:
        """Return a seat by its token."""
        return self._seats.get(token)

    async def _open(
        self, mode: Mode, make: Callable[[], LiveSession], title: str
    ) -> Seat:
        if len(self._running) + self._opening >= MOST_ROOMS:
            raise NoSeatError(f"there is room for {MOST_ROOMS} patients at a time")
        self._afterwards.prepare()
        if not self._running and not self._opening:
            await self._in_thread(settle_memory)
        self._opening += 1  # a patient takes a while to be made
        try:
            session = await self._in_thread(make)
        finally:
            self._opening -= 1
        codes = (_code(), _code()) if mode == "class" else ("", "")
        room = Room(
            session,
            self._threads,
            title=title,
            code=codes[0],
            programmer_code=codes[1],
            afterwards=self._afterwards,
        )
        room.again = lambda new_seed: self._chore(self._again(room, new_seed))
        running = asyncio.create_task(room.run())
        running.add_done_callback(room.tell_fault)
        self._running[room] = running
        return self._seat(room, "teacher" if mode == "class" else "alone")

    async def _again(self, room: Room, new_seed: bool) -> None:
        """Put a new visit into a room whose visit is over; its windows stay."""
        seed = secrets.randbelow(MOST_SEED) if new_seed else None
        run = room.session.run
        lesson = run.lesson if run is not None else None
        log = restarted(room.session.live.actions, seed)
        session = await self._in_thread(
            lambda: (
                LiveSession(lesson.begin(), lesson)
                if lesson is not None and seed is None
                else LiveSession.of(log)
            )
        )
        if room in self._running:
            await room.begin_anew(session)
        else:
            await self._in_thread(session.close)

    def _seat(self, room: Room, role: Role) -> Seat:
        seat = Seat(secrets.token_urlsafe(12), room, role)
        self._seats[seat.token] = seat
        return seat

    async def _sweep(self) -> None:
        """Close rooms that nobody has looked into for long."""
        while True:
            await asyncio.sleep(min(5.0, self._kept_empty_s))
            limit_s = time.monotonic() - self._kept_empty_s
            for room in tuple(self._running):
                since_s = room.empty_since_s
                if since_s is not None and since_s < limit_s:
                    await self._close(room)

    async def _close(self, room: Room) -> None:
        # first of all nobody comes in any more
        for seat in [s for s in self._seats.values() if s.room is room]:
            del self._seats[seat.token]
        await _stopped(self._running.pop(room))
        await room.close()

    def _chore(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await in_thread(self._threads, work)


async def _stopped(task: asyncio.Task[None]) -> None:
    """End a task; what it may have raised was told when it did."""
    task.cancel()
    await asyncio.wait([task])


def settle_memory() -> None:
    """Spare the garbage collector what was there before the first patient.

    A full round over all modules takes a tenth of a second, for which everybody waits.
    Called while nobody is here, so that what the last patients left is freed too.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def lesson_session(name: str) -> LiveSession:
    """Return the visit of a lesson, brought to where the class takes over."""
    lesson = load_lesson(name)
    return LiveSession(lesson.begin(), lesson)


def _code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
