"""One host as the visit sees it: asked, timed, told how it ended, and ended."""

import json
import select
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

from harness.common.processes import how_ended
from harness.play.host.frames import CLOSED, Frame, FrameError, FrameLine
from harness.play.host.nursery import forked
from harness.task.limits import StrategyLimits
from optimizers.problem import HostLostError, StrategyFailedError, StrategyOverdueError

END_S: Final = 10.0
"""Time for a warden to end all that came of a host."""

LAST_WORDS: Final = 200
_MOST_TOLD: Final = 1 << 16


class Host:
    """The process of a strategy or a law. Every answer is waited for by deadline.

    `used_s` is how much of the visit's time its answers have taken by now; an answer
    may bring `most_arrays` bytes of arrays.
    """

    def __init__(
        self,
        name: str,
        limits: StrategyLimits,
        order: bytes,
        used_s: float = 0.0,
        *,
        most_arrays: int = 0,
    ) -> None:
        self._name, self._limits = name, limits
        self._end, self._word = forked(order)
        self._end.setblocking(False)
        self._word.setblocking(False)
        self._line = FrameLine(self._end, most_arrays=most_arrays)
        self._ended: Mapping[str, Any] | None = None
        self.used_s = used_s
        self._number = 0

    def ask(self, kind: str, told: Mapping[str, Any], **arrays: Any) -> Frame:
        """Say something to the strategy and return its answer.

        Raises
        ------
        StrategyOverdueError
            When it takes longer than it may.
        StrategyFailedError
            When its process ends, or answers what is no answer.
        HostLostError
            When it was not the strategy that failed.
        """
        self._number += 1
        started_s = time.monotonic()
        left_s = self._limits.visit_s - self.used_s
        limit_s = left_s if kind == "load" else min(self._limits.answer_s, left_s)
        try:
            self._send(Frame(self._number, kind, told, arrays).data, limit_s)
            return self._answer(started_s + limit_s, limit_s)
        finally:
            self.used_s += time.monotonic() - started_s

    def end(self) -> None:
        """End the host and everything that came of it, and wait until it is gone."""
        self._end.close()
        try:
            self._word.setblocking(True)
            self._word.settimeout(END_S)
            self._word.shutdown(socket.SHUT_WR)
            while self._word.recv(_MOST_TOLD):
                pass
        except OSError:
            pass  # it is gone already, or cannot be waited for any longer
        finally:
            self._word.close()

    def _send(self, data: bytes, limit_s: float) -> None:
        """Send a frame off, as fast as a host takes it that may have stopped."""
        until_s = time.monotonic() + limit_s
        view = memoryview(data)
        while view:
            if not self._ready(self._end, select.POLLOUT, until_s):
                raise self._overdue(limit_s)
            if self._ended is not None:
                return  # how is told where the answer is awaited
            try:
                view = view[self._end.send(view) :]
            except BlockingIOError:
                continue
            except OSError:
                return  # the host is gone

    def _answer(self, until_s: float, limit_s: float) -> Frame:
        while True:
            try:
                frame = self._line.take()
            except BlockingIOError:
                frame = None
            except (EOFError, OSError):
                raise self._gone() from None
            except FrameError as error:
                raise self._failed(
                    f"its process cannot be understood: {error}"
                ) from None
            if frame is not None:
                return self._checked(frame)
            if self._ended is not None:
                raise self._gone()
            if not self._ready(self._end, select.POLLIN, until_s):
                raise self._overdue(limit_s)

    def _checked(self, frame: Frame) -> Frame:
        """Return an answer; refuse one to another question."""
        if frame.number != self._number:
            raise self._failed(
                f"its process answered question {frame.number}, "
                f"question {self._number} was asked"
            )
        return frame

    def _ready(self, end: socket.socket, event: int, until_s: float) -> bool:
        """Wait for the line, or for the warden's word; False when it is too late."""
        poll = select.poll()
        poll.register(end, event)
        if self._ended is None:
            poll.register(self._word, select.POLLIN)
        left_s = until_s - time.monotonic()
        ready = {fd for fd, _ in poll.poll(max(left_s, 0.0) * 1000.0)}
        if self._word.fileno() in ready:
            self._hear()
        return bool(ready)

    def _hear(self) -> None:
        """Take what the warden says of the host's end."""
        try:
            told = json.loads(self._word.recv(_MOST_TOLD))
        except (OSError, ValueError):
            raise HostLostError(
                f"{self._name}: the process that watches its process is gone"
            ) from None
        self._ended = told

    def _gone(self) -> StrategyFailedError:
        if self._ended is None:
            if not self._ready(self._word, select.POLLIN, time.monotonic() + END_S):
                return self._failed("its process closed the line to the visit")
            if self._ended is None:
                self._hear()
        told: Mapping[str, Any] = self._ended or {}
        code = int(told["code"])
        if code == CLOSED:
            return self._failed("its process closed the line to the visit")
        said = [line.strip() for line in str(told["said"]).splitlines()]
        words = next((line for line in said if line.startswith("Fatal")), "")
        words = words or next((line for line in reversed(said) if line), "")
        last = f"; it wrote last: {_plain(words)}" if words else ""
        return self._failed(f"its process {how_ended(code)}{last}")

    def _failed(self, told: str) -> StrategyFailedError:
        return StrategyFailedError(self._name, told)

    def _overdue(self, limit_s: float) -> StrategyOverdueError:
        if limit_s < self._limits.answer_s:
            told = f"killed, its answers took longer than {self._limits.visit_s:g} s"
        else:
            told = f"killed after {limit_s:g} s without an answer"
        return StrategyOverdueError(self._name, told)


def _plain(text: str) -> str:
    shown = " ".join(text[:LAST_WORDS].split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
