"""Simulated time by the clock on the wall, at a rate that may change on the way."""

import time
from collections.abc import Callable
from math import inf

from harness.play.stream.live import LiveVisit


class Pacer:
    """Lets a live visit happen in its time: `rate` simulated seconds a second.

    A rate of 0 freezes the patient, an infinite one does not wait at all. Who has a
    loop of its own asks `wait_s` and calls `go`; who has not calls `play`.

    Parameters
    ----------
    live
        The visit.
    rate
        Simulated seconds a second, 0 to infinite; a ValueError otherwise.
    wall_s
        The clock on the wall, seconds.
    """

    def __init__(
        self,
        live: LiveVisit,
        rate: float = 1.0,
        *,
        wall_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live, self._wall_s = live, wall_s
        self._rate = _checked(rate)
        self._anchor()

    @property
    def rate(self) -> float:
        """Simulated seconds a second."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        checked = _checked(rate)
        self.go()  # what is past was lived at the old rate
        self._rate = checked
        self._anchor()

    @property
    def due_s(self) -> float:
        """Simulated time at which the visit should be now."""
        if self._rate == inf:
            return inf
        passed_s = self._wall_s() - self._wall_at_s
        return self._simulated_at_s + self._rate * passed_s

    @property
    def wait_s(self) -> float:
        """Seconds on the wall until the next event is due; infinite when none will."""
        next_s = self._live.next_event_s
        if next_s == inf or self._rate == 0.0:
            return inf
        if self._rate == inf:
            return 0.0
        return max(0.0, (next_s - self.due_s) / self._rate)

    def go(self) -> None:
        """Let everything happen that is due."""
        if self._rate == inf:
            self._live.step()
        else:
            self._live.advance(max(self._live.now_s, self.due_s))

    def play(
        self,
        sleep: Callable[[float], object] = time.sleep,
        between: Callable[[], object] = lambda: None,
    ) -> None:
        """Play to the end of the visit, asleep until each event; `between` is called.

        ValueError where it is frozen, since nobody could wake it.
        """
        while not self._live.over:
            wait_s, next_s = self.wait_s, self._live.next_event_s
            if wait_s == inf:
                raise ValueError("rate must be above 0 to play a visit to its end")
            if wait_s > 0.0:
                sleep(wait_s)
            # by rounding the wall may say that it is not quite due yet
            self._live.advance(next_s)
            between()

    def _anchor(self) -> None:
        self._wall_at_s, self._simulated_at_s = self._wall_s(), self._live.now_s


def _checked(rate: float) -> float:
    if not 0.0 <= rate <= inf:
        raise ValueError(f"rate must be 0 or more, got {rate:g}")
    return rate
