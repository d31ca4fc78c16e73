"""A child process that plays visits, and is killed when it takes too long."""

import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Event, Timer
from typing import IO, Any, Final

from harness.common.processes import how_ended

START_LIMIT_S: Final = 600.0
"""Time to import and compile, which takes minutes where nothing is cached."""

ONE_THREAD: Final = dict.fromkeys(
    (
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
"""A child for each core: threads of their own would be in each other's way."""

_LENGTH: Final = struct.Struct(">Q")
_RUN: Final = "from harness.study.child import main; main()"
_TAIL: Final = 2000


class EndedError(Exception):
    """A child ended before it answered; the text says how."""


class OverdueError(EndedError):
    """A child was killed since it did not answer in time."""


class DismissedError(EndedError):
    """A child was told to go by whoever runs the study."""


class UnsendableError(TypeError):
    """Something cannot be pickled, so that no process can ever be handed it."""


def write_frame(stream: IO[bytes], item: object) -> None:
    """Write one pickled item with its length, and send it off.

    Raises UnsendableError, before anything is written, for what cannot be pickled.
    """
    try:
        data = pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise UnsendableError(f"{type(item).__name__}: {error}") from error
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:
    """Return the next item; EOFError when the other side is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


class Watched:
    """One child process, spoken to by pipe; it ends by itself when its parent does.

    It has a session of its own, so that Ctrl-C at the terminal is the parent's alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        # a file and no pipe: one that nobody reads fills up, and the child would hang
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 closed in `end`
        self._dismissed = Event()
        # an empty entry means the folder one is in, which is another one in the child
        paths = [path or str(Path.cwd()) for path in sys.path]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "faulthandler", "-c", _RUN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            cwd=folder,
            env=os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Number of the child process."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether the child can be asked: it lives and was not dismissed."""
        return self._process.poll() is None and not self._dismissed.is_set()

    def send(self, item: object) -> None:
        """Send one item; EndedError when the child is gone."""
        self._forget_what_was_said()
        try:
            write_frame(self._pipe(self._process.stdin), item)
        except OSError:
            raise self._ended() from None

    def answer(self, limit_s: float) -> Any:
        """Return the next item that the child sends.

        Raises
        ------
        OverdueError
            When it takes longer than `limit_s`; the child is killed then.
        DismissedError, EndedError
            When the child was dismissed, or ended by itself.
        """
        overdue = Event()

        def expire() -> None:
            overdue.set()
            self._kill()

        # a pipe cannot be read with a limit everywhere; a killed child ends the reading
        timer = Timer(limit_s, expire)
        timer.daemon = True
        timer.start()
        try:
            return read_frame(self._pipe(self._process.stdout))
        except (EOFError, OSError, pickle.UnpicklingError):
            raise self._ended(limit_s if overdue.is_set() else None) from None
        finally:
            timer.cancel()

    def dismiss(self) -> None:
        """Kill the child from another thread; whoever waits for it is told."""
        self._dismissed.set()
        self._kill()

    def end(self) -> None:
        """Kill the child and close all pipes to it."""
        self._kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                _close(stream)

    def _ended(self, limit_s: float | None = None) -> EndedError:
        self._kill()
        code = self._process.wait()
        if self._dismissed.is_set():
            return DismissedError("dismissed")
        if limit_s is not None:
            return OverdueError(f"killed after {limit_s:g} s")
        return EndedError(f"the process {how_ended(code)}{self._last_words()}")

    def _kill(self) -> None:
        """End the child and what it started, by the number of its own session."""
        if self._process.poll() is not None:
            return
        if sys.platform == "win32":
            self._process.kill()
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self._process.kill()

    def _forget_what_was_said(self) -> None:
        self._said.seek(0)
        self._said.truncate()

    def _last_words(self) -> str:
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - _TAIL))
        lines = self._said.read().decode(errors="replace").split("\n")
        told = [line.strip() for line in lines if line.strip()]
        # a crash is named by the first line of faulthandler, an exception by the last
        return f": {told[0] if 'Fatal' in told[0] else told[-1]}" if told else ""

    @staticmethod
    def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
        if stream is None:
            raise EOFError
        return stream


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        return  # what was still to be sent has no reader any more
