"""A room: one patient, the windows that look on, and the clock that runs for all."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final, TypeVar

from harness.clinic.afterwards import HAND_OUT, REPORT, Afterwards, Written
from harness.clinic.commands import (
    AskLink,
    FreezeClock,
    PaceName,
    PlayAgain,
    Release,
    SetPace,
    StepOn,
    Wish,
    WishError,
    wish_from,
)
from harness.clinic.links import link_of
from harness.clinic.pace import PacedClock, rate_of
from harness.clinic.roles import MAY, TEACHES, Role, refusal
from harness.clinic.session import LiveSession
from harness.clinic.viewer import Viewer
from harness.play.stream.actions import ActionLog

T = TypeVar("T")
States = dict[Viewer, dict[str, str]]
"""What each window should show, by kind of message."""
_LOG: Final = logging.getLogger(__name__)
TICK_S: Final = 0.2
STEP_SLICE_S: Final = 90.0
"""Simulated seconds of one tick on the way to the next event: a few milliseconds."""
MOST_OWED_S: Final = 5.0
"""Simulated seconds a second of lateness may make up for; more is let go."""
ACTS: Final = MAY["programmer"] | TEACHES
"""Wishes that end a run to the next event."""
REVEALED: Final = 3
"""The part of the debrief that opens the truth."""
SWEEPING: Final = 2.0
"""Above this pace only the newest seconds of the strips are sent."""


def message(kind: str, **told: Any) -> str:
    """Return a message to a window, as one line of JSON."""
    return json.dumps({"type": kind, **told}, separators=(",", ":"), allow_nan=False)


class Room:
    """Lets one session live, for as many windows as look on.

    `code` lets students in, `programmer_code` hands the programmer to one of them;
    both are empty for somebody alone. All work on the patient is done in `threads`,
    one thing at a time, so that the loop which serves everybody is never held up.
    """

    def __init__(
        self,
        session: LiveSession,
        threads: Executor,
        *,
        title: str,
        code: str = "",
        programmer_code: str = "",
        afterwards: Afterwards,
    ) -> None:
        self.session = session
        self.title = title
        self.code, self.programmer_code = code, programmer_code
        self.viewers: set[Viewer] = set()
        self.pace: PaceName = "pause"
        self.frozen = False
        self.released = 0
        self.empty_since_s: float | None = time.monotonic()
        self.again: Callable[[bool], asyncio.Task[None]] | None = None
        self.written: Written | None = None
        self.afterwards = afterwards
        self._parts: dict[str, Any] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._broke = False
        self._renewing: asyncio.Task[None] | None = None
        self._threads = threads
        self._lock = asyncio.Lock()
        self._steps = False
        self._pacer = PacedClock(time.monotonic(), session.now_s)

    async def run(self) -> None:
        """Let the clock run until the room is closed; nobody there, it stands still."""
        while True:
            await asyncio.sleep(TICK_S)
            if not self.viewers:
                self._pacer.restart(time.monotonic(), self.session.now_s)
                continue
            async with self._lock:
                told = await self._in_thread(self._go_on)
            self._tell(*told)
            if self.session.over and not self._work:
                self._look_back()

    def _look_back(self) -> None:
        """Have debrief and report made, away from here."""
        log = self.session.live.actions
        self._work = {
            asyncio.create_task(work(log)) for work in (self._debrief, self._write)
        }
        for task in self._work:
            task.add_done_callback(self.tell_fault)

    async def _debrief(self, log: ActionLog) -> None:
        said = self.session.foreseen.of_tests
        self._parts = await self.afterwards.debrief(log, said)

    async def _write(self, log: ActionLog) -> None:
        self.written = await self.afterwards.write(log)

    def tell_fault(self, task: "asyncio.Task[None]") -> None:
        """Tell the windows, and the log, what broke work of this room off."""
        fault = None if task.cancelled() else task.exception()
        if fault is None:
            return
        self._broke = True
        _LOG.error("work of a room broke off", exc_info=fault)
        for viewer in self.viewers:
            viewer.notify(message("said", text=f"this broke off: {fault}"))

    async def close(self) -> None:
        """Let go of the patient."""
        async with self._lock:
            await self._in_thread(self.session.close)
        await self._stop_work()

    async def _stop_work(self) -> None:
        work, self._work = self._work, set()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    async def enter(self, viewer: Viewer) -> None:
        """Let a window look on: it gets the page and the newest strips at once."""
        async with self._lock:
            told = await self._in_thread(lambda: self._whole(viewer))
        for kind, state in told[0].items():
            viewer.show(kind, state)
        viewer.add(told[1])
        self.viewers.add(viewer)
        self.empty_since_s = None

    async def begin_anew(self, session: LiveSession) -> None:
        """Put another visit in the place of this one, for the same windows."""
        async with self._lock:
            old, self.session = self.session, session
            await self._in_thread(old.close)
            self.pace, self.frozen, self.released, self._steps = (
                "pause",
                False,
                0,
                False,
            )
            self._pacer = PacedClock(time.monotonic(), session.now_s)
            await self._stop_work()
            self._parts, self.written, self._broke = {}, None, False

    def file(self, role: Role, which: str, name: str) -> Path | None:
        """Return a file of the visit that is over, if it was released to a role."""
        if self.written is None or which not in self._debrief_view(role)["files"]:
            return None
        return self.written.file(which, name)

    def leave(self, viewer: Viewer) -> None:
        """Let a window go."""
        self.viewers.discard(viewer)
        if not self.viewers:
            self.empty_since_s = time.monotonic()

    async def want(self, viewer: Viewer, line: str | bytes) -> None:
        """Do what a window wants, or tell it why not; the patient goes on anyway."""
        if not viewer.allowance.take(time.monotonic()):
            viewer.notify(message("said", text="too much at once: wait a moment"))
            return
        try:
            wish = wish_from(line)
        except WishError as error:
            viewer.notify(message("said", text=str(error)))
            return
        refused = refusal(viewer.role, wish.do) or await self._do(viewer, wish)
        viewer.notify(message("said", text=refused, do=wish.do))

    async def _do(self, viewer: Viewer, wish: Wish) -> str:
        if isinstance(wish, SetPace | StepOn | FreezeClock):
            refused = self._set_clock(wish)
        elif isinstance(wish, AskLink):
            async with self._lock:
                link = await self._in_thread(lambda: link_of(self.session))
            viewer.notify(message("link", link=link))
            refused = ""
        elif isinstance(wish, Release):
            refused = self._release(wish.part)
        elif isinstance(wish, PlayAgain):
            refused = self._play_again(wish)
        else:
            async with self._lock:
                # what students say holds up nobody who goes on to the next event
                self._steps &= wish.do not in ACTS
                refused = await self._in_thread(
                    lambda: self.session.want(wish, viewer.voter)
                )
        async with self._lock:
            states = await self._in_thread(self._states)
        self._show(states)
        return refused

    def _set_clock(self, wish: SetPace | StepOn | FreezeClock) -> str:
        if isinstance(wish, FreezeClock):
            self.frozen, self._steps = wish.on, False
        elif self.frozen:
            return "the teacher has stopped the clock"
        elif isinstance(wish, SetPace):
            self.pace, self._steps = wish.pace, False
        elif self.session.over:
            return "the visit is over"
        elif self.session.waits:
            return "the visit waits for you: nothing happens before you choose"
        else:
            self._steps = True
        return ""

    def _release(self, part: int) -> str:
        if not self.session.over:
            return "the debrief comes after the visit"
        if part != self.released + 1:
            return f"part {self.released + 1} of the debrief comes next, got {part}"
        self.released = part
        return ""

    def _play_again(self, wish: PlayAgain) -> str:
        if not self.session.over or self.again is None:
            return "a visit begins anew when this one is over"
        if self._renewing is not None and not self._renewing.done():
            return "the next visit is on its way"
        self._renewing = self.again(wish.new_seed)
        self._renewing.add_done_callback(self.tell_fault)
        return ""

    # in a thread, one at a time

    def _go_on(self) -> tuple[str, States]:
        """Let the time pass that is due; return what is to be told of it."""
        session, now = self.session, time.monotonic()
        if self._steps and not self.frozen:
            self._steps = not session.to_next_event(session.now_s + STEP_SLICE_S)
            self._pacer.restart(now, session.now_s)
        else:
            self._pacer.set(self._rate(), now, session.now_s)
            due_s = self._pacer.due_s(now)
            if due_s - session.now_s > MOST_OWED_S * max(1.0, self._pacer.rate):
                due_s = session.now_s + MOST_OWED_S
                self._pacer.restart(now, due_s)
            if due_s > session.now_s:
                quick = self._pacer.rate > SWEEPING
                (session.hurry if quick else session.advance)(due_s)
        quick = self._steps or self._pacer.rate > SWEEPING
        piece = session.strips.unsent(newest_only=quick)
        return self._tick(piece), self._states()

    def _whole(self, viewer: Viewer) -> tuple[dict[str, str], str]:
        """Return all that a window needs that opens."""
        tick = self._tick(self.session.strips.whole(), fresh=True)
        return self._states_of([viewer])[viewer], tick

    def _rate(self) -> float:
        if self.frozen or self.session.over:
            return 0.0
        return rate_of(
            self.pace,
            now_s=self.session.now_s,
            changed_s=self.session.board.changed_s,
            thinks=self.session.waits,
        )

    def _tick(self, piece: dict[str, Any] | None, *, fresh: bool = False) -> str:
        session = self.session
        return message(
            "tick",
            at_s=round(session.now_s, 3),
            rate=600.0 if self._steps else self._pacer.rate,
            numbers=session.board.numbers(),
            piece=piece,
            fresh=fresh,
        )

    def _states(self) -> States:
        # taken at once: windows come and go while this is made
        return self._states_of(tuple(self.viewers))

    def _states_of(self, viewers: Sequence[Viewer]) -> States:
        pages = {role: self._page(role) for role in {v.role for v in viewers}}
        return {
            viewer: {"page": pages[viewer.role]} | self._mine(viewer)
            for viewer in viewers
        }

    def _mine(self, viewer: Viewer) -> dict[str, str]:
        """Return what a student's window said itself, which no other is told."""
        if viewer.role != "student":
            return {}
        return {"mine": message("mine", **self.session.mine(viewer.voter))}

    def _page(self, role: Role) -> str:
        present = tuple(self.viewers)
        students = sum(w.role in ("student", "programmer") for w in present)
        codes = (self.code, self.programmer_code) if role == "teacher" else ("", "")
        return message(
            "page",
            role=role,
            title=self.title,
            code=codes[0],
            programmer_code=codes[1],
            students=students,
            pace=self.pace,
            steps=self._steps,
            frozen=self.frozen,
            debrief=self._debrief_view(role),
            **self.session.view(role),
        )

    def _debrief_view(self, role: Role) -> dict[str, Any]:
        """Return the parts that were released; of the others nothing leaves here."""
        shown = {n: part for n, part in self._parts.items() if int(n) <= self.released}
        leads = role in ("alone", "teacher") and self.released >= REVEALED
        files = (REPORT,) * leads + (HAND_OUT,) * (self.released > 0)
        return {
            "released": self.released,
            "parts": shown,
            "ready": bool(self._parts),
            "broke": self._broke,
            "files": files if self.written is not None else (),
            "folder": self.written.report.name if self.written and leads else "",
        }

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await in_thread(self._threads, work)

    def _tell(self, tick: str, states: States) -> None:
        self._show(states)
        for viewer in self.viewers:
            viewer.add(tick)

    def _show(self, states: States) -> None:
        for viewer, told in states.items():
            for kind, state in told.items():
                viewer.show(kind, state)


async def in_thread(threads: Executor, work: Callable[[], T]) -> T:
    """Do some work in a thread; who is cancelled meanwhile waits for its end.

    Otherwise a lock held around it would be let go while the thread is still at work.
    """
    doing = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise
