"""What is said while kernels are compiled, which happens once on an installation."""

import time
from collections.abc import Callable
from typing import Final

N_KERNELS: Final = 40
"""About how many a first visit with its report compiles."""
FEW: Final = 5
"""So many are compiled in a second; nothing is said of them."""
QUIET_S: Final = 4.0


class Compiling:
    """Says what is waited for, and about how long; call it with each kernel's name."""

    def __init__(
        self, say: Callable[[str], None], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._clock_s = say, clock_s
        self._n = 0
        self._began_s = self._said_s = float("-inf")

    def __call__(self, name: str) -> None:
        """Take note of one more kernel."""
        self._n += 1
        now_s = self._clock_s()
        if self._n == 1:
            self._began_s = now_s
        elif self._n == FEW:
            self._tell(now_s, "once for this installation, about half a minute")
        elif self._n > FEW and now_s - self._said_s >= QUIET_S:
            self._tell(now_s, self._left(now_s - self._began_s))

    def _tell(self, now_s: float, text: str) -> None:
        self._said_s = now_s
        self._say(f"compiling the heart: {text}")

    def _left(self, passed_s: float) -> str:
        n_left = N_KERNELS - self._n
        if n_left <= 0:
            return f"{self._n} kernels so far"
        return f"about {passed_s / self._n * n_left:.0f} s left"
