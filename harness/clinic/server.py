"""The web server of the clinic: the page, seats, sockets. It serves nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from harness.clinic.assets import assets
from harness.clinic.guard import REPORT_POLICY, Allowance, App, Guard
from harness.clinic.rooms import NoSeatError, Rooms, Seat
from harness.clinic.viewer import Viewer
from harness.clinic.words import chart_lines

GONE: Final = 4404
"""Close code of a socket whose seat is no longer there."""
OPENINGS_PER_S: Final = 2.0
OPENINGS_AT_ONCE: Final = 40.0
MOST_LINK: Final = 60_000
LARGEST_SEED: Final = 2**53 - 1


class OpenRoom(BaseModel):
    """What is sent to open a room."""

    model_config = ConfigDict(extra="forbid", strict=True)
    mode: Literal["alone", "class"]
    patient: Annotated[str, Field(min_length=1, max_length=3)] = ""
    lesson: Annotated[str, Field(min_length=1, max_length=3)] = ""
    link: Annotated[str, Field(max_length=MOST_LINK)] = ""
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    key: Annotated[str, Field(max_length=64)] = ""


class JoinRoom(BaseModel):
    """What is sent to come into a room."""

    model_config = ConfigDict(extra="forbid", strict=True)
    code: Annotated[str, Field(min_length=1, max_length=12)]
    role: Literal["student", "observer"] = "student"


class FrontDesk:
    """Answers requests for one clinic. With a `key`, only who has it opens rooms."""

    def __init__(self, rooms: Rooms, key: str = "") -> None:
        self._rooms, self._key = rooms, key
        self._allowance = Allowance(OPENINGS_PER_S, OPENINGS_AT_ONCE)

    async def page(self, request: Request) -> Response:
        """Return the page."""
        return self._asset("index.html")

    async def static(self, request: Request) -> Response:
        """Return one file of the page."""
        return self._asset(request.path_params["name"])

    def _asset(self, name: str) -> Response:
        asset = assets().get(name)
        if asset is None:
            return PlainTextResponse("not here", status_code=404)
        return Response(asset.content, media_type=asset.media_type)

    async def patients(self, request: Request) -> Response:
        """Return who may come, by what the clinic knows."""
        told = [
            {"key": guest.key, "title": guest.title, "lines": chart_lines(guest.card)}
            for guest in await self._rooms.guests()
        ]
        return JSONResponse({"patients": told, "needs_key": bool(self._key)})

    async def open(self, request: Request) -> Response:
        """Open a room and return the first seat in it."""
        try:
            asked = OpenRoom.model_validate_json(await request.body())
            self._admit(asked.key)
            seat = await self._seat(asked)
        except (ValidationError, NoSeatError) as error:
            return _refused(error)
        return JSONResponse({"seat": seat.token, "role": seat.role})

    async def _seat(self, asked: OpenRoom) -> Seat:
        if asked.link:
            return await self._rooms.go_on(asked.mode, asked.link)
        if asked.lesson:
            return await self._rooms.open_lesson(asked.mode, asked.lesson)
        return await self._rooms.open(asked.mode, asked.patient, asked.seed)

    async def lessons(self, request: Request) -> Response:
        """Return the lessons that may be played."""
        told = [
            {
                "key": card.key,
                "title": card.title,
                "lines": [card.goal, f"{card.minutes} minutes, for {card.audience}"],
            }
            for card in await self._rooms.lessons()
        ]
        return JSONResponse({"lessons": told})

    async def join(self, request: Request) -> Response:
        """Return a seat in a room that is open."""
        try:
            asked = JoinRoom.model_validate_json(await request.body())
            self._admit(self._key)
            seat = self._rooms.join(asked.code, asked.role)
        except (ValidationError, NoSeatError) as error:
            return _refused(error)
        return JSONResponse({"seat": seat.token, "role": seat.role})

    async def file(self, request: Request) -> Response:
        """Return a report that was released to a seat, nothing else of the disk."""
        seat = self._rooms.seat(request.path_params["token"])
        if seat is None:
            return PlainTextResponse("not here", status_code=404)
        which, name = request.path_params["which"], request.path_params["name"]
        path = seat.room.file(seat.role, which, name)
        if path is None:
            return PlainTextResponse("not here", status_code=404)
        return FileResponse(path, headers={"content-security-policy": REPORT_POLICY})

    def _admit(self, key: str) -> None:
        if not self._allowance.take(time.monotonic()):
            raise NoSeatError("too many at once: wait a moment")
        if key != self._key:
            raise NoSeatError("rooms are opened from the address that the command told")

    async def socket(self, socket: WebSocket) -> None:
        """Serve one window until it closes."""
        await socket.accept()
        seat = self._rooms.seat(socket.path_params["token"])
        if seat is None:
            await socket.close(GONE, "This visit is over, or was never here.")
            return
        viewer = Viewer(seat.role, seat.token)
        await seat.room.enter(viewer)
        sending = asyncio.create_task(_send(socket, viewer))
        try:
            while True:
                await seat.room.want(viewer, await _received(socket))
        except WebSocketDisconnect:
            pass
        finally:
            seat.room.leave(viewer)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def _received(socket: WebSocket) -> str | bytes:
    """Return what a window sent, text or not: what it is worth is judged elsewhere."""
    told = await socket.receive()
    if told["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(told.get("code", 1000))
    text: str | bytes | None = told.get("text")
    return text if text is not None else told.get("bytes") or b""


async def _send(socket: WebSocket, viewer: Viewer) -> None:
    """Send what waits for a window; a slow one takes what it can."""
    try:
        while True:
            await socket.send_text(await viewer.next())
    except (WebSocketDisconnect, RuntimeError):
        return


def _refused(error: ValueError) -> Response:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        return JSONResponse({"error": f"{path}: {first['msg'].lower()}"}, 400)
    return JSONResponse({"error": str(error)}, 409)


def application(rooms: Rooms, hosts: frozenset[str], key: str = "") -> App:
    """Return the web application of a clinic.

    Parameters
    ----------
    rooms
        All rooms; opened and closed with the application.
    hosts
        Host headers that are answered.
    key
        What whoever opens a room must know; empty where only this machine can ask.
    """
    desk = FrontDesk(rooms, key)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with rooms:
            yield

    routes = [
        Route("/", desk.page),
        Route("/static/{name}", desk.static),
        Route("/patients", desk.patients),
        Route("/lessons", desk.lessons),
        Route("/rooms", desk.open, methods=["POST"]),
        Route("/seats", desk.join, methods=["POST"]),
        Route("/visits/{token}/{which}/{name}", desk.file),
        WebSocketRoute("/seat/{token}", desk.socket),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), hosts)
