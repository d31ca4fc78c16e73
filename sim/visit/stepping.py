"""SimPy's environment, with a clock that can be set between two events."""

from collections.abc import Generator
from heapq import heappush
from typing import Any

import simpy
from simpy.events import NORMAL


class SteppedEnvironment(simpy.Environment):
    """Runs the processes of a visit; whoever owns it may step it from outside."""

    def set_clock(self, now_s: float) -> None:
        """Set the clock to a time before the next event, exactly.

        An event would not do: its time is a sum, which rounding may leave beside it.
        ValueError for a time that is past or behind the next event.
        """
        if not self._now <= now_s <= self.peek():
            raise ValueError(
                f"now_s must be {self.now:g} to {self.peek():g} s, got {now_s:g} s"
            )
        self._now = now_s

    def at(self, at_s: float) -> simpy.Event:
        """Return an event that happens at a time to come, exactly.

        A timeout would not do: it happens at a sum, which rounding may leave beside it.
        """
        event = simpy.Event(self)
        event._ok, event._value = True, None
        heappush(self._queue, (at_s, NORMAL, next(self._eid), event))
        return event

    def principal(self, steps: Generator[simpy.Event, Any, Any]) -> simpy.Process:
        """Start the process that all is about: what ends it is raised as it is.

        A step raises a copy of what ends any other, made of its `args` alone: what else
        an error holds is lost, or the copy cannot be made.
        """
        process = self.process(steps)
        process.callbacks.append(_raise_own)
        return process


def _raise_own(ended: simpy.Event) -> None:
    if isinstance(ended.value, BaseException) and not ended.ok:
        raise ended.value
