"""What the device is told of a beat, what it answers, and its statistics."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf, nan
from typing import Final, NamedTuple

from sim.units import PCT_PER_FRAC


class Cause(StrEnum):
    """What became of a beat: a train, or the reason why there was none."""

    DELIVERED = "DELIVERED"
    SHORT_AV = "SHORT_AV"
    LONG_AV = "LONG_AV"
    PVC = "PVC"
    AT = "AT"
    LS_OUT = "LS_OUT"
    NOISE = "NOISE"
    VT = "VT"
    INHIBITED = "INHIBITED"
    NO_LS = "NO_LS"
    V_UNDERSENSED = "V_UNDERSENSED"
    SCHEDULE_OFF = "SCHEDULE_OFF"
    OFF = "OFF"
    PERMANENT_OFF = "PERMANENT_OFF"
    DOWN = "DOWN"
    SAFE_MODE = "SAFE_MODE"
    BATTERY_LOW = "BATTERY_LOW"


INHIBITING: Final = (
    Cause.SHORT_AV,
    Cause.LONG_AV,
    Cause.PVC,
    Cause.AT,
    Cause.LS_OUT,
    Cause.NOISE,
    Cause.VT,
)


class BeatSignals(NamedTuple):
    """What reaches the leads in one ventricular beat; times in seconds, absolute.

    `atrial_s` is the atrial activation that came before, None without one. `noise`
    is interference faster than 11.6 Hz, of `noise_mv` at a bipolar lead. `late_ls_s` is
    a second local event as large as the first, such as an oversensed T wave; it is
    judged when the first was in order.
    """

    at_s: float
    atrial_s: float | None
    v1_s: float
    v2_s: float
    atrial_mv: float
    v1_mv: float
    v2_mv: float
    noise: bool = False
    late_ls_s: float | None = None
    noise_mv: float = inf


class BeatDecision(NamedTuple):
    """What the device made of one beat; times are nan where nothing was sensed."""

    delivered: bool
    cause: Cause
    train_start_s: float
    train_end_s: float
    reference_s: float
    ls_s: float
    ls_latency_ms: float
    in_window: bool
    armed: bool
    atrial_s: float = nan


@dataclass(slots=True)
class Counters:
    """Statistics since the last reset.

    `beats_by_cause` puts each beat of the heart into exactly one row; `inhibitions`
    counts inhibiting events, of which a beat may have several. `eligible_beats` are
    those with CCM switched on, able and in schedule. Both count the heart's beats, a
    few of which the device may not see: it knows `ventricular_events` only.
    `atrial_noise` are the inhibitions by noise that came from the atrial lead.
    """

    beats: int = 0
    eligible_beats: int = 0
    atrial_events: int = 0
    ventricular_events: int = 0
    local_sense_events: int = 0
    beats_by_cause: dict[Cause, int] = field(
        default_factory=lambda: dict.fromkeys(Cause, 0)
    )
    inhibitions: dict[Cause, int] = field(
        default_factory=lambda: dict.fromkeys(INHIBITING, 0)
    )
    atrial_noise: int = 0

    @property
    def delivered(self) -> int:
        """Trains delivered."""
        return self.beats_by_cause[Cause.DELIVERED]

    @property
    def delivered_pct(self) -> float:
        """Trains per hundred eligible beats; nan when no beat was eligible."""
        if self.eligible_beats == 0:
            return nan
        return self.delivered / self.eligible_beats * PCT_PER_FRAC

    def since(self, earlier: "Counters") -> "Counters":
        """Return what was counted after an earlier reading."""
        return Counters(
            self.beats - earlier.beats,
            self.eligible_beats - earlier.eligible_beats,
            self.atrial_events - earlier.atrial_events,
            self.ventricular_events - earlier.ventricular_events,
            self.local_sense_events - earlier.local_sense_events,
            _less(self.beats_by_cause, earlier.beats_by_cause),
            _less(self.inhibitions, earlier.inhibitions),
            self.atrial_noise - earlier.atrial_noise,
        )


def _less(now: dict[Cause, int], before: dict[Cause, int]) -> dict[Cause, int]:
    return {cause: n - before[cause] for cause, n in now.items()}
