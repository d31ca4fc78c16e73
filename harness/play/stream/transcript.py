"""The stream of a whole visit, kept: what an observer at the bedside could write down.

The samples of the strips are left out, which files of their own hold; the pressures
that the monitor showed are kept beat by beat, for the trace that those draw of it.
"""

from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np

from harness.play.stream.messages import (
    BeatMessage,
    Message,
    Number,
    SamplesMessage,
    as_utf8,
)
from sim.telemetry.beats import FloatArray

STREAM_FILE: Final = "stream.jsonl"
_NONE: Final = (nan, nan, nan)


@dataclass(frozen=True, slots=True, eq=False)
class Transcript:
    """What was told of a visit.

    Attributes
    ----------
    lines
        Its messages but the samples of strips, a line of JSON each, as UTF-8.
    shown_mmhg : (n_beats, 3)
        Systolic, diastolic and mean pressure of each beat on the monitor; nan without
        a signal, and for the last beat, which nobody saw the end of.
    """

    lines: bytes
    shown_mmhg: FloatArray


class Scribe:
    """A listener that writes down all it is told."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._shown: list[tuple[float, float, float]] = []

    def __call__(self, message: Message) -> None:
        """Take the next message."""
        if isinstance(message, SamplesMessage):
            return
        self._lines.append(as_utf8(message))
        if isinstance(message, BeatMessage):
            # a beat tells the pressures of the one that it ends
            told = (message.sbp_mmhg, message.dbp_mmhg, message.map_mmhg)
            self._shown.append(_known(told))

    @property
    def transcript(self) -> Transcript:
        """All that was told so far."""
        lines = b"".join(line + b"\n" for line in self._lines)
        shown = [*self._shown[1:], _NONE] if self._shown else []
        return Transcript(lines, np.array(shown, dtype=np.float64).reshape(-1, 3))


def _known(told: tuple[Number, Number, Number]) -> tuple[float, float, float]:
    sbp, dbp, map_ = (nan if value is None else value for value in told)
    return sbp, dbp, map_
