"""An ICD beside the device: whether it takes a train for a heart beat.

After each sensed event an ICD is blind for a while, then its threshold decays from a
share of the R wave to a floor. A train whose end outlasts the blanking and whose
artefact is larger than the threshold is counted as a second beat (docs/device.md, 2.3).
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log, nan
from typing import NamedTuple

from sim.sources import sourced
from sim.units import MS_PER_S, S_PER_MS, rate_bpm

_D = "ccmlab-device"


@dataclass(frozen=True, slots=True)
class Icd:
    """Numbers of the ICD and of the artefact that trains leave on its lead.

    The artefact is `artefact_mv` at `artefact_v` and `artefact_cm`, proportional to
    the amplitude and falling with a power of the distance, as from dipole to dipole;
    nearer than `least_cm` it grows no more. Fibrillation is detected when `n_fast` of
    the last `n_intervals` intervals are below `fibrillation_ms`. A clinician watches
    `watched_beats` of its markers.
    """

    blanking_ms: float = sourced(120.0, _D, "2.3 ICD", "recalled")
    threshold_mv: float = sourced(3.0, _D, "2.3 ICD", "assumed")
    threshold_decay_ms: float = sourced(450.0, _D, "2.3 ICD", "recalled")
    threshold_floor_mv: float = sourced(0.3, _D, "2.3 ICD", "recalled")
    artefact_mv: float = sourced(3.0, _D, "2.3 ICD", "assumed")
    artefact_v: float = sourced(7.5, _D, "2.3 ICD", "assumed")
    artefact_cm: float = sourced(2.0, "smart-manual-2017", "p 30", "measured")
    artefact_power: float = sourced(3.0, _D, "2.3 ICD", "assumed")
    least_cm: float = sourced(0.5, _D, "2.3 ICD", "assumed")
    fibrillation_ms: float = sourced(320.0, _D, "2.3 ICD", "recalled")
    n_fast: int = sourced(18, _D, "2.3 ICD", "recalled")
    n_intervals: int = sourced(24, _D, "2.3 ICD", "recalled")
    watched_beats: int = sourced(60, _D, "2.3 ICD", "assumed")

    def artefact_at_mv(self, amplitude_v: float, distance_cm: float) -> float:
        """Return the artefact of a train on the ICD's lead."""
        nearer = self.artefact_cm / max(distance_cm, self.least_cm)
        at_this_v = self.artefact_mv * amplitude_v / self.artefact_v
        return float(at_this_v * nearer**self.artefact_power)

    def threshold_at_mv(self, since_ms: float) -> float:
        """Return the sensing threshold after a sensed beat, past the blanking."""
        decayed = exp(-(since_ms - self.blanking_ms) / self.threshold_decay_ms)
        return max(self.threshold_floor_mv, self.threshold_mv * decayed)

    def counts_train_at_ms(
        self, start_ms: float, end_ms: float, artefact_mv: float
    ) -> float:
        """Return when a train is taken for a beat, nan when it is not.

        Times count from the beat that the ICD sensed before the train.
        """
        if end_ms <= self.blanking_ms:
            return nan
        if artefact_mv < self.threshold_at_mv(end_ms):
            return nan
        seen_ms = max(start_ms, self.blanking_ms)
        if artefact_mv < self.threshold_at_mv(seen_ms):
            decays = log(self.threshold_mv / artefact_mv)
            seen_ms = self.blanking_ms + self.threshold_decay_ms * decays
        return seen_ms

    def shock_rate_bpm(self, counted_ms: float) -> float:
        """Return from which heart rate double counting is taken for fibrillation."""
        return rate_bpm((self.fibrillation_ms + counted_ms) * S_PER_MS)


class ImplantedIcd:
    """The ICD of a patient, beat by beat: what it counts, and whether it shocks.

    For `blanking_s` after a beat it senses nothing, not even a train.
    `n_double` are the trains that it has taken for beats, `n_shocks` the shocks that
    it has given because of them. What a shock does to the heart is not modelled.

    Parameters
    ----------
    icd
        Its numbers.
    distance_cm
        From its lead to the nearest CCM lead.
    """

    __slots__ = (
        "_before_s",
        "_distance_cm",
        "_fast",
        "_fast_s",
        "_icd",
        "blanking_s",
        "n_double",
        "n_shocks",
    )

    def __init__(self, icd: Icd, distance_cm: float) -> None:
        self.n_double = self.n_shocks = 0
        self._icd = icd
        self._distance_cm = distance_cm
        self.blanking_s = icd.blanking_ms * S_PER_MS
        self._before_s = float("-inf")
        self._fast_s = icd.fibrillation_ms * S_PER_MS
        self._fast: deque[bool] = deque(maxlen=icd.n_intervals)

    def beat(self, at_s: float) -> None:
        """Sense one beat of the heart; beats and trains come in the order of time."""
        self._fast.append(at_s - self._before_s < self._fast_s)
        self._before_s = at_s

    def train(
        self, at_s: float, start_s: float, end_s: float, amplitude_v: float
    ) -> bool:
        """Take the train after the beat at `at_s`; tell whether it ends in a shock."""
        icd = self._icd
        start_ms, end_ms = (start_s - at_s) * MS_PER_S, (end_s - at_s) * MS_PER_S
        artefact_mv = icd.artefact_at_mv(amplitude_v, self._distance_cm)
        counted_ms = icd.counts_train_at_ms(start_ms, end_ms, artefact_mv)
        if counted_ms != counted_ms:
            return False
        self.n_double += 1
        self.beat(at_s + counted_ms * S_PER_MS)
        if sum(self._fast) < icd.n_fast:
            return False
        self.n_shocks += 1
        self._forget()
        return True

    def _forget(self) -> None:
        self._before_s = float("-inf")
        self._fast.clear()


class IcdBeat(NamedTuple):
    """One beat at the ICD's lead; the train's times are nan when there was none."""

    at_s: float
    train_start_s: float
    train_end_s: float


@dataclass(frozen=True, slots=True)
class IcdWatch:
    """What the ICD's markers showed. `counted_ms` is the earliest double count."""

    n_beats: int
    n_double: int
    counted_ms: float
    detects_fibrillation: bool


def watch_icd(icd: Icd, beats: Iterable[IcdBeat], artefact_mv: float) -> IcdWatch:
    """Return what an ICD makes of beats and trains, in the order of time."""
    sensed_s: list[float] = []
    counted: list[float] = []
    n_beats = 0
    for at_s, start_s, end_s in beats:
        n_beats += 1
        sensed_s.append(at_s)
        start_ms, end_ms = (start_s - at_s) * MS_PER_S, (end_s - at_s) * MS_PER_S
        counted_ms = icd.counts_train_at_ms(start_ms, end_ms, artefact_mv)
        if counted_ms == counted_ms:
            counted.append(counted_ms)
            sensed_s.append(at_s + counted_ms * S_PER_MS)
    return IcdWatch(
        n_beats=n_beats,
        n_double=len(counted),
        counted_ms=min(counted, default=nan),
        detects_fibrillation=detects_fibrillation(icd, sensed_s),
    )


def detects_fibrillation(icd: Icd, sensed_s: Iterable[float]) -> bool:
    """Tell whether enough of any intervals in a row are fast; the ICD would shock."""
    recent: deque[bool] = deque(maxlen=icd.n_intervals)
    before_s = nan
    for at_s in sensed_s:
        if before_s == before_s:
            recent.append((at_s - before_s) * MS_PER_S < icd.fibrillation_ms)
        if sum(recent) >= icd.n_fast:
            return True
        before_s = at_s
    return False
