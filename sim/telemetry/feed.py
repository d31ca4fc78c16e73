"""Strips in pieces: samples as soon as no later beat can change them.

The life of a piece. A beat is added when it is activated, with what was made of it.
Everything of a strip is placed at times of its own beat and its neighbours, so samples
are final up to a little before the next beat's P wave; those are drawn from the last
beats alone, which costs the same at the end of a visit as at its beginning.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Final

import numpy as np

from sim.device.settings import Settings
from sim.heart.contractility import AF, SINUS
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.channels import Channel, CountArray, counts_of

KEPT_BEATS: Final = 24
"""Beats that samples are drawn from: how far a beat reaches, several times over."""

BEFORE_BEAT_S: Final = 0.6
"""How long before its activation a beat shows at the earliest, in its P wave."""

FIELDS: Final = tuple(item.name for item in fields(RecordedBeats))
"""What is told of a beat, in this order."""

_START, _RR, _ORIGIN, _OPEN = (
    FIELDS.index(name) for name in ("start_s", "rr_s", "origin", "aortic_open_s")
)

Draw = Callable[[RecordedBeats, tuple[Settings, ...]], Sequence[Channel]]


class StripFeed:
    """Draws the strips of a visit while it goes on.

    Parameters
    ----------
    channels
        Returns the channels of some beats, as those of `record_strips`.
    sampling_hz
        Samples a second.
    """

    def __init__(self, channels: Draw, sampling_hz: int) -> None:
        self._channels, self._hz = channels, sampling_hz
        self._rows: list[list[float]] = []
        self._n_drawn = 0
        self._ejected_s = 0.0

    @property
    def n_drawn(self) -> int:
        """Samples drawn so far: the number of the next one."""
        return self._n_drawn

    def add(self, row: Sequence[float]) -> None:
        """Add the beat that was activated last, its values in the order of `FIELDS`."""
        self._rows.append(list(row))
        if row[_OPEN] == row[_OPEN]:
            self._ejected_s = row[_START]
        # the rhythm under a run is that of the last beat before it
        most = max(0, len(self._rows) - KEPT_BEATS)
        self._rows = self._rows[
            max((k for k in range(most + 1) if self._is_conducted(k)), default=0) :
        ]

    def skip(self, kept_s: float) -> None:
        """Leave out all samples that are final now but those of the last seconds.

        They come with the next `take`, drawn from the beats that are still kept.
        """
        self._n_drawn = max(self._n_drawn, int((self._final_s - kept_s) * self._hz))

    @property
    def _final_s(self) -> float:
        """Until when no later beat can change a sample."""
        last = self._rows[-1]
        until_s = last[_START] + min(0.0, last[_RR] - BEFORE_BEAT_S)
        # pressure runs off until the valve opens again, whenever that will be
        return min(until_s, self._ejected_s)

    def take(self, programmed: tuple[Settings, ...]) -> CountArray:
        """Return the samples that are final now, `(n, n_channels)`, each once.

        IndexError before the first beat.
        """
        first = self._n_drawn
        n = max(0, int(self._final_s * self._hz) - first)
        self._n_drawn += n
        beats = RecordedBeats(*np.array(self._rows, dtype=np.float64).T)
        return counts_of(self._channels(beats, programmed), first, n, self._hz)

    def _is_conducted(self, place: int) -> bool:
        return self._rows[place][_ORIGIN] in (SINUS, AF)
