"""The nursery as the visit's process has it: one, for as long as anybody keeps it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from optimizers.problem import HostLostError

PLAIN: Final = b"h"
OURS: Final = b"p"
LAW: Final = b"l"
"""Orders for a host: of a strategy of somebody's own, of one of ours that needs
somebody's, or of a response law."""

FORKED: Final = b"+"
"""Answer to an order."""

START_S: Final = 60.0
"""Time for the nursery to import numpy and answer, on a busy machine."""

SUPPORTED: Final = hasattr(socket, "send_fds") and hasattr(os, "fork")
"""Whether this system can fork hosts; where not, strategies run unprotected."""

_RUN: Final = "from harness.play.host.nurse import main; main()"
_ONE_THREAD: Final = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


class Nursery:
    """One small process that forks hosts. It ends when this process does."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair()
        self._orders.settimeout(START_S)
        try:
            with theirs:
                self._process = _nurse(theirs.fileno())
        except BaseException:
            self._orders.close()
            raise

    def fork(self, order: bytes) -> tuple[socket.socket, socket.socket]:
        """Return the visit's ends of a new host: of its frames, and of its warden.

        Raises HostLostError when the nursery is gone or does not answer.
        """
        line, hosts_line = socket.socketpair()
        word, wardens_word = socket.socketpair()
        with hosts_line, wardens_word:
            ends = [hosts_line.fileno(), wardens_word.fileno()]
            try:
                socket.send_fds(self._orders, [order], ends)
                answered = self._orders.recv(1)
            except OSError:
                answered = b""
        if not answered:
            line.close()
            word.close()
            raise HostLostError("no process can be started to run code of yours in")
        return line, word

    def end(self) -> None:
        """Let the nursery end; hosts that still run have their own wardens."""
        self._orders.close()
        try:
            self._process.wait(START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _nurse(end: int) -> "subprocess.Popen[bytes]":
    """Start the nursery's own process at one end of a socket."""
    paths = [os.fspath(path) or str(Path.cwd()) for path in sys.path]
    return subprocess.Popen(
        [sys.executable, "-P", "-u", "-c", _RUN, str(end)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[end],
        env=os.environ | _ONE_THREAD | {"PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,
    )


class _Shared:
    """The nursery of this process, and how many keep it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.nursery: Nursery | None = None
        self.n_keepers = 0
        self.endings: list[Callable[[], None]] = []


_shared: Final = _Shared()


@contextmanager
def kept() -> Iterator[None]:
    """Keep the nursery between visits; it is started by the first host that is needed.

    Whoever plays many visits keeps it; else each visit starts one.
    """
    keep()
    try:
        yield
    finally:
        let_go()


def keep() -> None:
    """Say that the nursery is to stay."""
    with _shared.lock:
        _shared.n_keepers += 1


def let_go() -> None:
    """Take that back; the nursery ends when nobody keeps it any more."""
    with _shared.lock:
        _shared.n_keepers -= 1
        is_last = _shared.n_keepers == 0
    if is_last:
        end_nursery()


def before_its_end(ending: Callable[[], None]) -> None:
    """Have something called before the nursery ends: it has hosts that nobody keeps."""
    _shared.endings.append(ending)


def end_nursery() -> None:
    """End the nursery, unless somebody keeps it, and the hosts that outlive a visit."""
    for ending in _shared.endings:
        ending()
    with _shared.lock:
        if _shared.n_keepers == 0 and _shared.nursery is not None:
            _shared.nursery.end()
            _shared.nursery = None


def forked(order: bytes) -> tuple[socket.socket, socket.socket]:
    """Return the ends of a new host, from a new nursery if the old one is gone."""
    with _shared.lock:
        if _shared.nursery is not None:
            try:
                return _shared.nursery.fork(order)
            except HostLostError:
                _shared.nursery.end()
        _shared.nursery = _begun()
        return _shared.nursery.fork(order)


def _begun() -> Nursery:
    try:
        return Nursery()
    except OSError as error:  # out of processes, files or memory: no fault of a visit
        reason = (error.strerror or str(error)).lower()
        raise HostLostError(
            f"no process can be started to run code of yours in: {reason}"
        ) from None
