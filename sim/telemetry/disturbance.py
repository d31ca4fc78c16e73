"""Breathing, which moves the ECG: a function of clock time, like all that is no beat.

Nothing of it is read by anybody in the visit. Breathing has the phase of the sinus
rhythm's own respiratory arrhythmia, so that both can be told from a strip together.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.rhythm import GRID_S
from sim.telemetry.beats import FloatArray

STEP_S: Final = GRID_S
"""Time between two values of the breath: that of the rhythm's own variation."""

_FIRST: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class Breath:
    """The breath of a visit, between -1 and 1; 1 is breathed out.

    `table` has it every `STEP_S`, and begins again at its end; without one the breath
    is as regular as `hz`.
    """

    hz: float
    table: FloatArray | None = None

    def values(self, first: int, last: int) -> FloatArray:
        """Return the breath at the steps `first` to `last - 1`."""
        steps = np.arange(first, last)
        if self.table is None:
            return np.asarray(np.cos(2.0 * np.pi * self.hz * STEP_S * steps))
        return np.asarray(self.table[steps % self.table.size])

    def at(self, time_s: FloatArray) -> FloatArray:
        """Return the breath at some times, none below 0, any shape."""
        place = np.floor(time_s / STEP_S)
        share = time_s / STEP_S - place
        steps = place.astype(np.intp)
        if self.table is None:
            before, after = (
                np.cos(2.0 * np.pi * self.hz * STEP_S * (steps + k)) for k in (0, 1)
            )
        else:
            n = self.table.size
            before, after = self.table[steps % n], self.table[(steps + 1) % n]
        return np.asarray(before + share * (after - before))


def breathing(
    variability_s: FloatArray, breathing_hz: float, band_sd_hz: float
) -> Breath:
    """Return the breath that goes with a rhythm.

    It is the phase of the interval's variation in a band around `breathing_hz`, a bell
    of the width `band_sd_hz`; the interval is longest when breathed out.

    Parameters
    ----------
    variability_s : (n,)
        Variation of the interval every `STEP_S`, periodic; empty where there is none,
        as in fibrillation: then the breath is regular and tells nothing of the beats.
    """
    if not variability_s.size:
        return Breath(breathing_hz)
    away = (np.fft.fftfreq(variability_s.size, STEP_S) - breathing_hz) / band_sd_hz
    spectrum = np.fft.fft(variability_s) * np.exp(-0.5 * away**2)
    return Breath(breathing_hz, np.cos(np.angle(np.fft.ifft(spectrum))))


class Growing:
    """Independent normal numbers in rows, drawn as far as somebody has asked.

    Whoever asks, and in whichever pieces, gets the same numbers.
    """

    def __init__(self, rng: np.random.Generator, n_columns: int) -> None:
        self._rng = rng
        self._rows = np.empty((0, n_columns))

    def rows(self, n: int) -> FloatArray:
        """Return the first `n` rows or more, `(m, n_columns)`."""
        while len(self._rows) < n:
            # twice as many each time, so that each number is copied about once
            more = (max(_FIRST, len(self._rows)), self._rows.shape[1])
            self._rows = np.concatenate((self._rows, self._rng.standard_normal(more)))
        return self._rows

    def values(self, first: int, last: int) -> FloatArray:
        """Return the first column of the rows `first` to `last - 1`."""
        return self.rows(last)[first:last, 0]
