"""Opens the clinic: a web server on this machine, or on an address of its network."""

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import uvicorn

from harness.clinic.commands import MOST_BYTES
from harness.clinic.guard import hosts_of
from harness.clinic.rooms import Rooms
from harness.clinic.server import application

HERE: Final = "127.0.0.1"
MOST_CONNECTIONS: Final = 400


class AddressError(ValueError):
    """Where the clinic cannot be served, with the reason."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the clinic is found. `key` is needed to open rooms from the network."""

    host: str
    port: int
    key: str = ""

    @property
    def url(self) -> str:
        """The address to open; what follows the number sign never leaves a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"#key={self.key}" if self.key else "")


def serve(
    port: int, lan: str | None, out: Path, say: Callable[[Address], None]
) -> None:
    """Serve the clinic until it is interrupted.

    Parameters
    ----------
    port
        Where to listen, 0 for any that is free.
    lan
        An address of this machine in its network; None serves this machine alone.
    out
        Takes the folders of visits that are over.
    say
        Told the address once it answers.
    """
    host = lan_host(lan) if lan else HERE
    with listening_on(host, port) as listening:
        own = listening.getsockname()[1]
        address = Address(host, own, secrets.token_urlsafe(9) if lan else "")
        hosts = hosts_of((f"[{host}]" if ":" in host else host,), own)
        app = application(Rooms(out), hosts, address.key)
        say(address)
        server(app).run(sockets=[listening])


def lan_host(address: str) -> str:
    """Return an address to listen on; AddressError unless it is one address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        text = f"--lan takes an address such as 192.168.1.20, got {address!r}"
        raise AddressError(text) from None
    if parsed.is_unspecified or parsed.is_multicast:
        raise AddressError(f"--lan takes one address of this machine, got {address}")
    return str(parsed)


def server(app: object) -> uvicorn.Server:
    """Return the web server for an application, silent and with small limits."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        ws="websockets-sansio",
        ws_max_size=2 * MOST_BYTES,
        ws_max_queue=8,
        limit_concurrency=MOST_CONNECTIONS,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def listening_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens; AddressError when the address is not free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        reason = (error.strerror or str(error)).lower()
        raise AddressError(f"cannot listen on {host}, port {port}: {reason}") from None
    return listening
