"""How far some work of many pieces is: a callback, and a bar that draws it."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

Count = Callable[[int, int], None]
"""Called with how many pieces are done, and of how many."""

PATIENCE_S: Final = 2.0
"""What is done sooner shows no bar."""
_REDRAWN_S: Final = 0.1
_CELLS: Final = 30


class Bar:
    """Draws how far some work is, once it has taken longer than `PATIENCE_S`.

    It is the callback that long functions take, and a context manager that ends its
    line. Where the stream is no terminal nothing is drawn.

    Parameters
    ----------
    what
        What is counted, such as "patients".
    stream
        Standard error by default.
    clock
        Seconds, from any beginning.
    """

    def __init__(
        self,
        what: str,
        stream: TextIO | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._clock = what, clock
        self._stream = sys.stderr if stream is None else stream
        self._since_s = self._drawn_s = clock()
        self._is_drawn = False

    def __call__(self, n_done: int, n_all: int) -> None:
        """Show how many pieces are done."""
        now_s = self._clock()
        if now_s - self._since_s < PATIENCE_S or not self._stream.isatty():
            return
        if now_s - self._drawn_s < _REDRAWN_S and n_done < n_all:
            return
        full = _CELLS * n_done // max(n_all, 1)
        cells = "#" * full + "-" * (_CELLS - full)
        left_s = (now_s - self._since_s) * (n_all - n_done) / max(n_done, 1)
        told = f"{n_done} of {n_all} {self._what}, {left_s:.0f} s left"
        self._stream.write(f"\r\x1b[2K[{cells}] {told}")
        self._stream.flush()
        self._drawn_s, self._is_drawn = now_s, True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_drawn:
            self._stream.write("\n")
