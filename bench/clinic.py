"""The live page: thirty windows with a patient each, and a report written meanwhile.

The windows are sockets of another process, as those of browsers are.
"""

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Row
from harness.clinic.guard import hosts_of
from harness.clinic.rooms import Rooms, Seat
from harness.clinic.serve import HERE, listening_on, server
from harness.clinic.server import application

N_WINDOWS = 30
SETTLES_S = 3.0
WATCHED_S = 20.0
BEAT_S = 0.02
"""How often the loop that serves everybody is looked at."""
PATIENT = "C"
PCT = 100.0
MS = 1e3


@dataclass(frozen=True, slots=True)
class Watched:
    """A while of the loop: CPU used a second of a patient, and longest stops, seconds.

    A patient at 1x lives a second in one of the wall's, and less where there is no core
    to be had; so it is not the wall's second that the CPU is told of.
    Of `stop_s` no more counts than this process was at work in it: the rest it waited
    for a core that others had. `felt_s` counts all. `own_s` is the longest work of the
    loop itself between two looks.
    """

    share: float
    stop_s: float
    felt_s: float
    own_s: float


def rows() -> list[Row]:
    """Measure a clinic with its rooms full."""
    with TemporaryDirectory() as out:
        return asyncio.run(_measured(Path(out)))


async def _measured(out: Path) -> list[Row]:
    rooms = Rooms(out)
    async with _served(rooms) as url:
        seats = [await rooms.open("alone", PATIENT, seed) for seed in range(N_WINDOWS)]
        windows = _windows(url, seats)
        while not all(seat.room.viewers and seat.room.pace == "1" for seat in seats):
            await asyncio.sleep(BEAT_S)
        await asyncio.sleep(SETTLES_S)
        calm = await _watched(seats)
        log = replace(seats[0].room.session.live.actions, person=False, actions=())
        # of another visit, played by a strategy alone
        writing = asyncio.create_task(seats[0].room.afterwards.write(log))
        busy = await _watched(seats)
        writing.cancel()
        told, _ = await asyncio.to_thread(windows.communicate)
    n_pieces, n_lost = (int(word) for word in told.split())
    return [
        Row("a window at 1x, share of a core", PCT * calm.share, "%", 1.0),
        Row("longest stop", calm.stop_s * MS, "ms", 100.0),
        Row("longest stop, report written", busy.stop_s * MS, "ms", 100.0),
        Row("longest work of the loop itself", busy.own_s * MS, "ms", 100.0),
        Row("as it was felt, for want of a core", busy.felt_s * MS, "ms"),
        Row("pieces of strips that came", float(n_pieces), ""),
        Row("samples lost", float(n_lost), "", 0.0),
    ]


@asynccontextmanager
async def _served(rooms: Rooms) -> AsyncIterator[str]:
    with listening_on(HERE, 0) as listening:
        port = listening.getsockname()[1]
        web = server(application(rooms, hosts_of((), port)))
        serving = asyncio.create_task(web.serve(sockets=[listening]))
        while not web.started:
            await asyncio.sleep(BEAT_S)
        yield f"http://{HERE}:{port}/"
        web.should_exit = True
        await serving


def _windows(url: str, seats: list[Seat]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "bench.windows", url, *(seat.token for seat in seats)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def _watched(seats: list[Seat]) -> Watched:
    used_s, lived_s, began_s = _cpu_s(), _lived_s(seats), time.monotonic()
    stop_s = felt_s = own_s = 0.0
    while time.monotonic() - began_s < WATCHED_S:
        slept_s, worked_s, looped_s = time.monotonic(), _cpu_s(), time.thread_time()
        await asyncio.sleep(BEAT_S)
        late_s = time.monotonic() - slept_s - BEAT_S
        stop_s = max(stop_s, min(late_s, _cpu_s() - worked_s))
        felt_s = max(felt_s, late_s)
        own_s = max(own_s, time.thread_time() - looped_s)
    share = (_cpu_s() - used_s) / (_lived_s(seats) - lived_s)
    return Watched(share, stop_s, felt_s, own_s)


def _lived_s(seats: list[Seat]) -> float:
    return sum(seat.room.session.now_s for seat in seats)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
