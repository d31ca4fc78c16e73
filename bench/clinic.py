"""The live page: thirty viewers with a patient each, and a report written meanwhile."""

import asyncio
import json
import resource
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row
from harness.clinic.room import Room
from harness.clinic.rooms import Rooms
from harness.clinic.viewer import Viewer

N_VIEWERS = 30
WATCHED_S = 20.0
BEAT_S = 0.02
"""How often the loop that serves everybody is looked at."""
PATIENT = "C"
PCT = 100.0


def rows() -> list[Row]:
    """Measure a clinic with its rooms full."""
    with TemporaryDirectory() as out:
        return asyncio.run(_measured(Path(out)))


async def _measured(out: Path) -> list[Row]:
    async with Rooms(out) as rooms:
        seats = [await rooms.open("alone", PATIENT, seed) for seed in range(N_VIEWERS)]
        viewers = [Viewer("alone", seat.token) for seat in seats]
        for seat, viewer in zip(seats, viewers, strict=True):
            await seat.room.enter(viewer)
            await seat.room.want(viewer, json.dumps({"do": "pace", "pace": "1"}))
        read = [asyncio.create_task(_read(viewer)) for viewer in viewers]
        await asyncio.sleep(2.0)
        share, stall_s = await _watched()
        writing = asyncio.create_task(_write(seats[0].room))
        _, writing_stall_s = await _watched()
        writing.cancel()
        for task in read:
            task.cancel()
        ends = await asyncio.gather(*read, return_exceptions=True)
        for end in ends:
            if not isinstance(end, asyncio.CancelledError):
                raise RuntimeError("a viewer left before the end") from end
        lost = sum(viewer.n_dropped for viewer in viewers)
    return [
        Row("a viewer at 1x, share of a core", PCT * share / N_VIEWERS, "%", 1.0),
        Row("longest stall", stall_s * 1e3, "ms", 100.0),
        Row("longest stall, report written", writing_stall_s * 1e3, "ms", 100.0),
        Row("pieces of strips lost", float(lost), "", 0.0),
    ]


async def _read(viewer: Viewer) -> None:
    while True:
        await viewer.next()


async def _write(room: Room) -> None:
    """Have a report made of another visit, played by a strategy alone."""
    log = room.session.live.actions
    await room.afterwards.write(replace(log, person=False, actions=()))


async def _watched() -> tuple[float, float]:
    """Return the CPU used a second, and the longest time the loop did not answer.

    Of a time without an answer no more counts than this process was at work in it: the
    rest it waited for a core that others had.
    """
    used_s, began_s, longest_s = _cpu_s(), time.monotonic(), 0.0
    while time.monotonic() - began_s < WATCHED_S:
        slept_s, worked_s = time.monotonic(), _cpu_s()
        await asyncio.sleep(BEAT_S)
        late_s = time.monotonic() - slept_s - BEAT_S
        longest_s = max(longest_s, min(late_s, _cpu_s() - worked_s))
    return (_cpu_s() - used_s) / (time.monotonic() - began_s), longest_s


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
