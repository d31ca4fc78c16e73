"""A room: the clock runs for all who look on, and no sample is lost on the way."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.clinic import room as room_module
from harness.clinic.pace import FAST, PacedClock, rate_of
from harness.clinic.room import TICK_S, Room, in_thread
from harness.clinic.rooms import Rooms
from harness.clinic.session import LiveSession
from harness.clinic.viewer import Viewer
from harness.play.stream.actions import ActionLog
from harness.play.stream.messages import SamplesMessage

WATCHED_S = 45.0


def ran(doing: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread: a browser may keep a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, doing).result()


class Wall:
    """A clock of the wall that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


def in_room(
    log: ActionLog,
    out: Path,
    live: Callable[[Room, Viewer, Callable[[float], Any]], Any],
) -> Any:
    """Give a room whose clock moves as fast as it can be computed."""

    async def go() -> Any:
        wall = Wall()
        rooms = Rooms(out)
        room = Room(
            LiveSession.of(log), rooms._threads, title="x", afterwards=rooms._afterwards
        )
        viewer = Viewer("alone", "x")

        async def pass_s(seconds: float) -> None:
            for _ in range(round(seconds / TICK_S)):
                wall.now_s += TICK_S
                room._tell(*room._go_on())

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(room_module, "time", wall)
            await room.enter(viewer)
            told = await live(room, viewer, pass_s)
        room.session.close()
        rooms._threads.shutdown()
        rooms._afterwards.close()
        return told

    return ran(go())


def ask(room: Room, viewer: Viewer, **wish: Any) -> Any:
    return room.want(viewer, json.dumps(wish))


def test_a_pause_of_everybody_stops_neither_clock_nor_patient(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    async def live(room: Room, viewer: Viewer, pass_s: Any) -> tuple[float, int]:
        await ask(room, viewer, do="pace", pace="1")
        await pass_s(TICK_S)
        before = room.session.now_s, room.session.live.visit.bedside.n_beats
        await pass_s(WATCHED_S)
        beats = room.session.live.visit.bedside.n_beats
        return room.session.now_s - before[0], beats - before[1]

    passed_s, beats = in_room(short(), tmp_path, live)
    assert passed_s == pytest.approx(WATCHED_S, abs=2 * TICK_S)
    assert 45 <= beats <= 68  # 60 to 90 a minute


def test_off_works_within_a_beat_and_in_the_middle_of_a_pair(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    async def live(room: Room, viewer: Viewer, pass_s: Any) -> tuple[bool, int]:
        await ask(room, viewer, do="step")
        while not room.session.waits:
            await pass_s(TICK_S)
            if not room._steps:
                await ask(room, viewer, do="step")
        for wish in (
            {"do": "predict", "answer": "rises"},
            {"do": "test", "plan": "paired"},
        ):
            await ask(room, viewer, **wish)
        await ask(room, viewer, do="pace", pace="1")
        await pass_s(20.0)
        before = room.session.live.visit.bedside.n_beats
        await ask(room, viewer, do="off")
        bedside = room.session.live.visit.bedside
        return bedside.settings.delivers, bedside.n_beats - before

    delivers, beats = in_room(short(), tmp_path, live)
    assert not delivers
    assert beats == 0


def test_every_sample_that_was_drawn_reaches_a_window(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    async def live(room: Room, viewer: Viewer, pass_s: Any) -> tuple[Any, Any]:
        drawn: list[int] = []

        def keep(message: Any) -> None:
            if isinstance(message, SamplesMessage):
                drawn.extend(message.counts["ECG II"])

        room.session.live.listen(keep)
        await ask(room, viewer, do="pace", pace="1")
        got: list[int] = []
        starts: list[float] = []
        for _ in range(30):
            await pass_s(1.0)
            while viewer._pieces:
                piece = json.loads(viewer._pieces.popleft())["piece"]
                if piece:
                    starts.append(piece["start_s"] * piece["hz"] - len(got))
                    got += piece["ecg"]
        return drawn, (got, starts)

    drawn, (got, starts) = in_room(short(), tmp_path, live)
    assert len(got) > 6000
    assert got == drawn[: len(got)]
    assert np.ptp(starts) < 1e-6  # each piece begins where the last ended


def test_a_frozen_clock_moves_for_nobody(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    async def live(room: Room, viewer: Viewer, pass_s: Any) -> float:
        teacher = Viewer("teacher", "t")
        await room.enter(teacher)
        await ask(room, viewer, do="pace", pace="60")
        await pass_s(1.0)
        await ask(room, teacher, do="freeze", on=True)
        before_s = room.session.now_s
        await ask(room, viewer, do="step")
        await pass_s(5.0)
        return room.session.now_s - before_s

    assert in_room(short(), tmp_path, live) == 0.0


def test_what_students_say_holds_up_no_run_to_the_next_event(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    async def live(room: Room, viewer: Viewer, pass_s: Any) -> list[bool]:
        student = Viewer("student", "s")
        await room.enter(student)
        told = []
        for who, wish in (
            (student, {"do": "vote", "choice": 0}),
            (viewer, {"do": "off"}),
        ):
            await ask(room, viewer, do="step")
            await ask(room, who, **wish)
            told.append(room._steps)
        return told

    assert in_room(short(), tmp_path, live) == [True, False]


def test_who_is_cancelled_waits_for_the_thread_that_works_on_the_patient() -> None:
    async def go() -> list[str]:
        told: list[str] = []

        def work() -> None:
            time.sleep(0.2)
            told.append("done")

        with ThreadPoolExecutor(1) as threads:
            task = asyncio.create_task(in_thread(threads, work))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait([task])
            told.append("let go")
        return told

    assert ran(go()) == ["done", "let go"]


@pytest.mark.parametrize(
    ("changed_s", "thinks", "rate"),
    [(0.0, False, FAST), (95.0, False, 1.0), (0.0, True, 1.0)],
)
def test_auto_is_slow_after_a_change_and_while_somebody_thinks(
    changed_s: float, thinks: bool, rate: float
) -> None:
    assert rate_of("auto", now_s=100.0, changed_s=changed_s, thinks=thinks) == rate


def test_a_pacer_keeps_its_place_when_the_rate_changes() -> None:
    pacer = PacedClock(0.0, 0.0)
    pacer.set(10.0, 0.0, 0.0)
    assert pacer.due_s(2.0) == 20.0
    pacer.set(1.0, 2.0, 20.0)
    assert pacer.due_s(5.0) == 23.0


@pytest.mark.slow
def test_a_part_of_the_debrief_comes_after_the_visit_and_in_turn(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    async def live(room: Room, viewer: Viewer, pass_s: Any) -> list[str]:
        told = [room._release(1)]
        room.session.live.draw_strips(False)
        room.session.live.advance(float("inf"))
        room._parts = {"2": [1], "3": {"true": 1}}
        seen = []
        for part in (2, 1, 3, 2):
            told.append(room._release(part))
            seen.append(set(room._debrief_view("alone")["parts"]))
        assert seen == [set(), set(), set(), {"2"}]
        return told

    with_strategy = short()
    log = ActionLog(with_strategy.scenario, "first_visit", with_strategy.seed)
    told = in_room(log, tmp_path, live)
    assert told[0] == "the debrief comes after the visit"
    assert [bool(text) for text in told[1:]] == [True, False, True, False]
