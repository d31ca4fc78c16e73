"""What stands before every request: whose page asks, how large, what it may load."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY_BYTES: Final = 65_536
POLICY_VIOLATED: Final = 1008
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REPORT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-downloads"
)
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def hosts_of(addresses: Iterable[str], port: int) -> frozenset[str]:
    """Return the Host headers that are answered: no name that others may point here."""
    return frozenset(f"{address}:{port}" for address in (*LOOPBACK, *addresses))


class Guard:
    """Refuses a foreign host or origin, and adds the headers of safety to answers.

    A browser sends the origin of the page with whatever can change something; a page
    from elsewhere, or a name that was pointed at this machine, gets nothing.
    """

    def __init__(self, app: App, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        fault = self._fault(scope)
        if not fault and scope["type"] == "http":
            await self._app(scope, _within(receive), _with_headers(send))
        elif not fault:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATED})
        else:
            await _refuse(send, fault)

    def _fault(self, scope: Scope) -> str:
        headers = _headers(scope)
        if headers.get("host") not in self._hosts:
            return "this host is not answered"
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if changes and urlsplit(headers.get("origin", "")).netloc not in self._hosts:
            return "only the page of this clinic may ask"
        length = headers.get("content-length", "0")
        too_long = len(length) > len(str(MOST_BODY_BYTES))
        if too_long or not length.isdecimal() or int(length) > MOST_BODY_BYTES:
            return f"a request has at most {MOST_BODY_BYTES} bytes"
        return ""


def _headers(scope: Scope) -> dict[str, str]:
    return {key.decode("latin-1"): v.decode("latin-1") for key, v in scope["headers"]}


def _within(receive: Receive) -> Receive:
    """Hand on a body as long as it may be: one sent in pieces does not tell its size.

    Of a longer one nothing more is read: what came of it is no message that is known.
    """
    taken = 0

    async def receiving() -> MutableMapping[str, Any]:
        nonlocal taken
        told = await receive()
        taken += len(told.get("body", b""))
        if told["type"] == "http.request" and taken > MOST_BODY_BYTES:
            return {"type": "http.request", "body": b"", "more_body": False}
        return told

    return receiving


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            told = {key for key, _ in message["headers"]}
            more = (
                (key.encode(), value.encode())
                for key, value in HEADERS.items()
                if key.encode() not in told
            )
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return sending


async def _refuse(send: Send, fault: str) -> None:
    headers = [(key.encode(), value.encode()) for key, value in HEADERS.items()]
    headers.append((b"content-type", b"text/plain; charset=utf-8"))
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": fault.encode()})


class Allowance:
    """How often something may be done: a bucket that fills at a steady rate.

    `now_s` is any clock that does not go back.
    """

    def __init__(self, per_s: float, most: float) -> None:
        self._per_s, self._most = per_s, most
        self._left, self._at_s = most, float("-inf")

    def take(self, now_s: float) -> bool:
        """Take one, if there is one left."""
        gained = (now_s - self._at_s) * self._per_s
        self._left, self._at_s = min(self._most, self._left + gained), now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
