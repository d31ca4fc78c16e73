"""A process apart, in which debriefs and reports are made, one after the other.

It is spoken to by pipe, ends by itself when its parent is gone, and is started anew
when it died.
"""

import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import IO, Any, Final

from harness.study.watched import ONE_THREAD, read_frame, write_frame

_RUN: Final = "from harness.clinic.apart import main; main()"


class ApartError(RuntimeError):
    """Work apart came to nothing, with the reason."""


class Apart:
    """One process; `call` is for one thread at a time, `close` for any."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._starting = Lock()

    def call(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return what a function of a module returns there; ApartError when it fails.

        Function, arguments and result are pickled.
        """
        with self._starting:
            process = self._running()
        try:
            write_frame(_pipe(process.stdin), (work, args))
            done, value = read_frame(_pipe(process.stdout))
        except (EOFError, OSError):
            process.wait()
            raise ApartError("the process that makes reports ended") from None
        if not done:
            raise ApartError(value)
        return value

    def close(self) -> None:
        """End the process, whatever it is at."""
        with self._starting:
            self._closed = True
        process = self._process
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                _pipe(stream).close()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._closed:
            raise ApartError("the clinic is closed")
        if self._process is None or self._process.poll() is not None:
            paths = os.pathsep.join(path or os.curdir for path in sys.path)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _RUN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | ONE_THREAD | {"PYTHONPATH": paths},
                start_new_session=True,
            )
        return self._process


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise EOFError
    return stream


def main() -> None:
    """Do what comes through the pipe until none comes any more."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a strategy prints is no answer
    with suppress(EOFError):
        while True:
            work, args = read_frame(orders)
            write_frame(answers, _done(work, args))


def _done(work: Callable[..., Any], args: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, work(*args)
    except Exception as error:  # noqa: BLE001 told to the parent, which goes on
        traceback.print_exc()
        return False, f"{type(error).__name__}: {error}"
