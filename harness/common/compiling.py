"""What is said while kernels are compiled, which happens once on an installation."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from sim.heart.awaited import listen

DONE_S: Final[Mapping[str, tuple[float, ...]]] = {
    "_begin": (2.0, 24.0),
    "march": (6.0, 16.0, 27.0),
    "exact": (9.0, 30.0),
    "_finish": (12.5, 32.0),
    "commands": (20.7,),
    "beat_of_blocks": (23.0,),
    "_play_block": (39.5,),
}
"""Seconds that a first visit has compiled when it begins a kernel for the first time,
the second ...; measured on a slow machine, only their shares are used."""
ALL_S: Final = 43.7
QUIET_S: Final = 4.0


def tell_compiling(say: Callable[[str], None] | None) -> None:
    """Have `say` told while kernels are compiled; None for nothing at all."""
    listen(_nothing if say is None else Compiling(say))


def _nothing(name: str) -> None:
    """Say nothing, where otherwise a terminal would be told."""


class Compiling:
    """Says what is waited for, and about how long; call it with each kernel's name."""

    def __init__(
        self, say: Callable[[str], None], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._clock_s = say, clock_s
        self._begun = Counter[str]()
        self._first_s: float | None = None
        self._said_s: float | None = None

    def __call__(self, name: str) -> None:
        """Take note that a kernel is begun."""
        now_s = self._clock_s()
        if self._first_s is None:
            self._first_s = now_s
        known = DONE_S.get(name, ())
        number = self._begun[name]
        self._begun[name] += 1
        if number >= len(known):
            return
        if self._said_s is None:
            self._tell(now_s, "once for this installation, about half a minute")
        elif now_s - self._said_s >= QUIET_S:
            passed_s = now_s - self._first_s
            left_s = passed_s * (ALL_S - known[number]) / known[number]
            self._tell(now_s, f"about {left_s:.0f} s left")

    def _tell(self, now_s: float, text: str) -> None:
        self._said_s = now_s
        self._say(f"compiling the heart: {text}")
