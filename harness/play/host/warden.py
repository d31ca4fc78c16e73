"""The warden of one host: keeps what it prints, tells how it ended, ends all of it."""

import contextlib
import ctypes
import faulthandler
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final, NoReturn

from harness.play.host.guest import serve

MOST_SAID: Final = 4000
"""Bytes of what a host printed last that are kept."""

SWEEP_S: Final = 5.0
_TICK_MS: Final = 100
_AT_ONCE: Final = 1 << 16
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_LEAST_FD: Final = 3


def stand_by(line: socket.socket, word: socket.socket) -> NoReturn:
    """Fork the host and watch it until it ends or is to end; never returns.

    `line` is the host's end of the frames. On `word` comes anything, or its end, when
    the host is to be ended; what became of it goes back.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # orphans of the host become ours
    said, saying = os.pipe()
    warden = os.getpid()
    host = os.fork()
    if host == 0:
        _become_host(line, saying, warden)
    line.close()
    os.close(saying)
    os.set_blocking(said, False)
    watch = _Watch(host, said, word)
    watch.until_the_end()
    watch.sweep()
    os._exit(0)


def _become_host(line: socket.socket, saying: int, warden: int) -> NoReturn:
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != warden:  # it ended before that was set
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for new, old in enumerate((nothing, saying, saying)):
        os.dup2(old, new)
    kept = os.dup2(line.detach(), _LEAST_FD)
    os.closerange(_LEAST_FD + 1, 4096)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    serve(socket.socket(fileno=kept))
    os._exit(0)


class _Watch:
    """What is known of the host while it runs."""

    def __init__(self, host: int, said: int, word: socket.socket) -> None:
        self._host, self._said, self._word = host, said, word
        self._last = b""
        self._has_ended = False
        self._exits = os.pidfd_open(host) if hasattr(os, "pidfd_open") else -1

    def until_the_end(self) -> None:
        """Return when the host has ended, told how, or when it is to end."""
        poll = select.poll()
        for end in (self._said, self._word.fileno(), self._exits):
            if end >= 0:
                poll.register(end, select.POLLIN)
        while True:
            ready = {end for end, _ in poll.poll(_TICK_MS)}
            if self._said in ready and not self._listen():
                poll.unregister(self._said)
            if self._word.fileno() in ready:
                return
            if self._ended():
                return

    def _listen(self) -> bool:
        """Keep the end of what the host printed; return whether more may come."""
        try:
            data = os.read(self._said, _AT_ONCE)
        except BlockingIOError:
            return True
        self._last = (self._last + data)[-MOST_SAID:]
        return bool(data)

    def _ended(self) -> bool:
        """See whether the host has ended by itself, and tell how if so."""
        pid, status, used = os.wait4(self._host, os.WNOHANG)
        if pid == 0:
            return False
        self._has_ended = True
        self._listen()
        told = {
            "code": os.waitstatus_to_exitcode(status),
            "said": self._last.decode(errors="replace"),
            "cpu_s": used.ru_utime + used.ru_stime,
        }
        with contextlib.suppress(OSError):
            self._word.sendall(json.dumps(told).encode())
        return True

    def sweep(self) -> None:
        """Kill the host and all that came of it, however often it forked."""
        until_s = time.monotonic() + SWEEP_S
        _kill_group(self._host)
        if not self._has_ended:
            _kill(self._host)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._host, 0)
        while (left := _children()) and time.monotonic() < until_s:
            for pid in left:
                _kill(pid)
            _reap()


def _children() -> list[int]:
    """Return the children of this process: the host, and orphans that came of it."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    try:
        return [int(pid) for pid in listed.read_text().split()]
    except OSError:
        return []  # not Linux: what left the host's session is not found


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _reap() -> None:
    """Take leave of children that have ended, so that theirs become ours."""
    time.sleep(0.001)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
