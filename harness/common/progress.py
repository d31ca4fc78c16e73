"""What is said on stderr while a visit is simulated."""

from datetime import timedelta
from types import TracebackType
from typing import Final, Self, TextIO

CLEAR_LINE: Final = "\r\x1b[2K"


class Progress:
    """Prints the simulated clock, the phase and what happens; nothing when quiet.

    On a terminal, lines of one phase overwrite each other; elsewhere each has its own.
    Use it as a context manager, so that the last line is ended.
    """

    def __init__(self, stream: TextIO | None, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._overwrites = stream is not None and stream.isatty()
        self._phase = ""

    def __call__(self, sim_time_s: float, phase: str, text: str) -> None:
        """Say one thing; the clock counts from the patient's check-in."""
        if self._quiet:
            return
        clock = timedelta(seconds=round(sim_time_s))
        line = f"[{clock}] {phase}: {text}".removesuffix(": ")
        self._write(f"{self._before(phase)}{line}" if self._overwrites else f"{line}\n")
        self._phase = phase

    def _write(self, text: str) -> None:
        """Write at once; where nobody can be told, the work goes on in silence."""
        try:
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()
        except (OSError, ValueError):
            self._stream = None

    @property
    def overwrites(self) -> bool:
        """Whether lines overwrite each other, so that they may come often."""
        return self._overwrites

    def _before(self, phase: str) -> str:
        if not self._phase:
            return ""
        return CLEAR_LINE if phase == self._phase else "\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._overwrites and self._phase:
            self._write("\n")
