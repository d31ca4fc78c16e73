"""The web server: who is answered, what is refused, and that nothing else is served."""

import asyncio
import gc
import json
import random
import string
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.clinic import rooms as rooms_module
from harness.clinic.assets import assets
from harness.clinic.commands import MOST_BYTES, WishError, wish_from
from harness.clinic.guard import Allowance, Guard, hosts_of
from harness.clinic.roles import MAY
from harness.clinic.room import Room
from harness.clinic.rooms import NoSeatError, Rooms
from harness.clinic.serve import AddressError, lan_host
from harness.clinic.server import application
from harness.clinic.session import LiveSession
from harness.clinic.viewer import Viewer
from harness.play.stream.actions import ActionLog

PORT = 8722
HOST = f"127.0.0.1:{PORT}"
ORIGIN = {"origin": f"http://{HOST}"}
Serve = Callable[[Callable[[httpx.AsyncClient, Rooms], Awaitable[Any]]], Any]


def ran(doing: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread: a browser may keep a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, doing).result()


@pytest.fixture
def serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: Callable[..., ActionLog]
) -> Serve:
    """Run a coroutine that asks a clinic over HTTP, without a socket."""
    monkeypatch.setattr(rooms_module, "log_of", short)

    def run(ask: Callable[[httpx.AsyncClient, Rooms], Awaitable[Any]]) -> Any:
        async def asking() -> Any:
            async with Rooms(tmp_path / "visits") as rooms:
                app = application(rooms, hosts_of((), PORT))
                transport = httpx.ASGITransport(app=app)
                base = f"http://{HOST}"
                async with httpx.AsyncClient(transport=transport, base_url=base) as web:
                    return await ask(web, rooms)

        return ran(asking())

    return run


def test_the_page_loads_nothing_from_elsewhere(serve: Serve) -> None:
    answer = serve(lambda web, _: web.get("/"))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for name, asset in assets().items():
        text = asset.content.decode()
        for scheme in ("https://", "http://"):
            places = text.split(scheme)[1:]
            known = ("www.w3.org/2000/svg", "github.com/leeoniya/uPlot", "${")
            assert all(place.startswith(known) for place in places), name


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e%2fserver.py",
        "/static/..%5cserver.py",
        "/static/uPlot.LICENSE",
        "/etc/passwd",
        "/visits/x/report/report.html",
        "/visits/x/report/..%2f..%2frun.json",
    ],
)
def test_nothing_else_of_the_disk_is_served(serve: Serve, path: str) -> None:
    assert serve(lambda web, _: web.get(path)).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:80", ""])
def test_another_host_is_not_answered(serve: Serve, host: str) -> None:
    answer = serve(lambda web, _: web.get("/", headers={"host": host}))
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", f"x{HOST}"])
def test_a_page_from_elsewhere_opens_no_room(serve: Serve, origin: str) -> None:
    asked = {"mode": "alone", "patient": "A"}
    answer = serve(
        lambda web, _: web.post("/rooms", json=asked, headers={"origin": origin})
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"mode": "alone"}',
        b'{"mode": "alone", "patient": "A", "more": 1}',
        b'{"mode": "alone", "patient": "A", "seed": -1}',
        b'{"mode": "alone", "patient": "A", "seed": "7"}',
    ],
)
def test_a_malformed_wish_for_a_room_is_refused(serve: Serve, body: bytes) -> None:
    answer = serve(lambda web, _: web.post("/rooms", content=body, headers=ORIGIN))
    assert answer.status_code in (400, 409)  # malformed, or nobody of that name
    assert answer.json()["error"]


def test_a_large_body_is_not_read(serve: Serve) -> None:
    answer = serve(
        lambda web, _: web.post("/rooms", content=b" " * 100_000, headers=ORIGIN)
    )
    assert answer.status_code == 403


def test_of_a_large_body_without_a_length_no_more_than_may_be_is_taken(
    serve: Serve,
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"mode": "class", "patient": "C", "link": "'
        for _ in range(20):
            yield b"x" * 10_000
        yield b'"}'

    answer = serve(lambda web, _: web.post("/rooms", content=pieces(), headers=ORIGIN))
    assert answer.status_code == 400
    assert "json" in answer.json()["error"]


@pytest.mark.parametrize("length", ["9" * 5000, "\u00b2", "-1", "65537"])
def test_a_length_that_is_none_or_too_large_is_refused(length: str) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "headers": [
            (b"host", HOST.encode()),
            (b"content-length", length.encode("latin-1")),
        ],
    }
    assert Guard(nothing, hosts_of((), PORT))._fault(scope)


async def nothing(*of: Any) -> None:
    """Stand in for an application that is never asked."""


def test_patients_are_told_by_what_the_clinic_knows(serve: Serve) -> None:
    told = serve(lambda web, _: web.get("/patients")).text
    for word in ("hfref", "responder", "null", "saturating", "seed", "average"):
        assert word not in told
    assert json.loads(told)["patients"][0]["title"] == "Patient A"


def test_from_the_network_rooms_are_opened_by_who_has_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: Callable[..., ActionLog]
) -> None:
    monkeypatch.setattr(rooms_module, "log_of", short)

    async def ask() -> list[int]:
        async with Rooms(tmp_path) as rooms:
            app = application(rooms, hosts_of((), PORT), "the key")
            transport = httpx.ASGITransport(app=app)
            told = []
            async with httpx.AsyncClient(
                transport=transport, base_url=f"http://{HOST}", headers=ORIGIN
            ) as web:
                for key in ("", "a key", "the key"):
                    asked = {"mode": "class", "patient": "C", "key": key}
                    told.append((await web.post("/rooms", json=asked)).status_code)
            return told

    assert ran(ask()) == [409, 409, 200]


def test_a_code_lets_in_and_a_wrong_one_does_not(serve: Serve) -> None:
    async def ask(web: httpx.AsyncClient, rooms: Rooms) -> None:
        seat = await rooms.open("class", "C")
        assert rooms.join(seat.room.code.lower(), "student").role == "student"
        assert rooms.join(seat.room.code, "observer").role == "observer"
        assert rooms.join(seat.room.programmer_code, "student").role == "programmer"
        with pytest.raises(NoSeatError):
            rooms.join("AAAAAA", "student")
        with pytest.raises(NoSeatError):
            rooms.join("", "student")
        with pytest.raises(NoSeatError, match="no room has this code"):
            rooms.join("\u00c4BCDEF", "student")

    serve(ask)


def test_a_room_that_nobody_looks_into_frees_its_patient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: Callable[..., ActionLog]
) -> None:
    monkeypatch.setattr(rooms_module, "log_of", short)

    async def wait() -> int:
        async with Rooms(tmp_path, kept_empty_s=0.2) as rooms:
            seat = await rooms.open("alone", "C")
            viewer = Viewer("alone", "x")
            await seat.room.enter(viewer)
            await asyncio.sleep(0.7)
            assert rooms.n_rooms == 1
            seat.room.leave(viewer)
            await asyncio.sleep(1.0)
            assert rooms.seat(seat.token) is None
            return rooms.n_rooms

    assert ran(wait()) == 0


def test_a_full_round_of_the_garbage_collector_holds_nobody_up(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    """All modules are some 230 thousand objects and a tenth of a second."""

    async def count() -> int:
        async with Rooms(tmp_path) as rooms:
            for seed in range(3):
                log = short(seed=seed)
                seat = await rooms._open("alone", partial(LiveSession.of, log), "x")
                await asyncio.to_thread(seat.room.session.advance, 120.0)
            return len(gc.get_objects())

    assert ran(count()) < 60_000


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "224.0.0.1", "example.org", "1.2.3", "127.0.0.1:80"]
)
def test_lan_takes_one_address_of_this_machine(address: str) -> None:
    with pytest.raises(AddressError, match="--lan"):
        lan_host(address)


def test_an_allowance_fills_at_its_rate() -> None:
    allowance = Allowance(per_s=2.0, most=3.0)
    assert [allowance.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert allowance.take(0.5)
    assert not allowance.take(0.5)


def test_a_message_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(WishError, match=str(MOST_BYTES)):
        wish_from('{"do": "note", "text": "' + "x" * MOST_BYTES + '"}')


WISHES = sorted({do for wishes in MAY.values() for do in wishes})
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 4, 99, 1e308, "", "rises", "paired", "delay_ms", "auto",
    "screen", [], ["a", "b"], [1, 2], {}, {"what": "cough"}, {"what": "ectopics"},
    {"what": "lead fault", "fault": "dislodged"}, "\u202e\u0000", "<script>",
)  # fmt: skip
NAMES = (
    "by", "name", "answer", "plan", "pace", "what", "on", "happening", "text",
    "choices", "choice", "hands", "part", "new_seed", "values", "__class__",
)  # fmt: skip


def random_line(rng: random.Random) -> str | bytes:
    """Return a message: sometimes a wish, sometimes nearly one, sometimes noise."""
    kind = rng.random()
    if kind < 0.1:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
    if kind < 0.2:
        return "".join(rng.choices(string.printable, k=rng.randrange(300)))
    table = {rng.choice(NAMES): rng.choice(VALUES) for _ in range(rng.randrange(4))}
    table["do"] = rng.choice(WISHES) if kind < 0.95 else rng.choice(VALUES)
    return json.dumps(table)


async def storm(room: Room, n_messages: int, rng: random.Random) -> None:
    """Send random messages as everybody; the patient goes on all the while."""
    viewers = [Viewer(role, str(n)) for n, role in enumerate(MAY)]
    for viewer in viewers:
        viewer.allowance = Allowance(1e9, 1e9)
        await room.enter(viewer)
    for _ in range(n_messages):
        await room.want(rng.choice(viewers), random_line(rng))


def run_storm(
    n_messages: int, seed: int, tmp_path: Path, log: ActionLog
) -> tuple[Room, bool]:
    """Return the room after a storm, and whether its clock still ran at the end."""

    async def go() -> tuple[Room, bool]:
        async with Rooms(tmp_path) as rooms:
            room = (
                await rooms._open("class", lambda: LiveSession.of(log), "Patient C")
            ).room
            await storm(room, n_messages, random.Random(seed))
            calm = Viewer("teacher", "calm")
            await room.enter(calm)
            for wish in ({"do": "freeze", "on": False}, {"do": "pace", "pace": "60"}):
                await room.want(calm, json.dumps(wish))
            before = room.session.now_s
            await asyncio.sleep(1.5)
            return room, room.session.over or room.session.now_s > before

    return ran(go())


def test_random_messages_break_nothing(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    _, goes_on = run_storm(300, 1, tmp_path, short())
    assert goes_on


@pytest.mark.slow
def test_five_thousand_random_messages_break_nothing(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    _, goes_on = run_storm(5_000, 2, tmp_path, short())
    assert goes_on


@pytest.mark.soak
def test_fifty_thousand_random_messages_break_nothing(
    tmp_path: Path, short: Callable[..., ActionLog]
) -> None:
    _, goes_on = run_storm(50_000, 3, tmp_path, short())
    assert goes_on


def test_a_slow_window_holds_up_nobody_and_gets_the_newest_page() -> None:
    async def go() -> list[str]:
        viewer = Viewer("student", "x")
        for n in range(1000):
            viewer.show("page", f"page {n}")
            viewer.add(f"piece {n}")
        return [await viewer.next() for _ in range(25)]

    got = ran(go())
    assert got[0] == "page 999"
    assert got[1] == "piece 976"
    assert got[-1] == "piece 999"
