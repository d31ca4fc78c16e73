"""What the device marks below the ECG: sensed events, trains, reasons for none."""

from collections.abc import Mapping
from math import isfinite, nan
from operator import attrgetter
from typing import Final, Literal, NamedTuple

from sim.heart.contractility import PVC, VT
from sim.telemetry.beats import StripBeats

COLUMNS: Final = (
    "a_sensed_s",
    "v_s",
    "ls_s",
    "start_s",
    "train_start_s",
    "train_end_s",
    "origin",
    "delivered",
    "cause",
)
_IN_ORDER: Final = attrgetter("at_s", "code")
MarkerKind = Literal["atrial", "ventricular", "local sense", "ccm", "inhibit"]


class Marker(NamedTuple):
    """One event as the programmer marks it below the ECG: of a visit, some 25,000.

    `code` is short enough to print: AS, VS, VE (ectopic), LS, CCM or the reason a beat
    got no train. `end_s` differs from `at_s` for a train only. `beat` is the row.
    """

    kind: MarkerKind
    code: str
    at_s: float
    end_s: float
    beat: int


class MarkerTimes(NamedTuple):
    """When something of a beat was sensed or delivered, seconds; nan where not."""

    atrial_s: float
    ventricular_s: float
    local_sense_s: float
    train_start_s: float
    train_end_s: float


def beat_markers(
    beat: int, times: MarkerTimes, *, ventricular: str = "VS", reason: str = ""
) -> list[Marker]:
    """Return the markers of one beat.

    Parameters
    ----------
    beat
        Number of the beat.
    times
        What was sensed and delivered.
    ventricular
        Code of the ventricular event.
    reason
        Why the beat got no train, marked at the last event that was sensed; there must
        be one.
    """
    events: tuple[tuple[MarkerKind, str, float], ...] = (
        ("ventricular", ventricular, times.ventricular_s),
        ("atrial", "AS", times.atrial_s),
        ("local sense", "LS", times.local_sense_s),
    )
    found = [Marker(k, code, at, at, beat) for k, code, at in events if isfinite(at)]
    if isfinite(times.train_start_s):
        train = Marker("ccm", "CCM", times.train_start_s, times.train_end_s, beat)
        return [*found, train]
    if reason:
        last_s = max(marker.at_s for marker in found)
        found.append(Marker("inhibit", reason, last_s, last_s, beat))
    return found


def markers(beats: StripBeats, cause_codes: Mapping[int, str]) -> tuple[Marker, ...]:
    """Return what the device marks, in the order of time.

    A beat of which nothing was sensed has its reason at its activation.
    """
    columns = [getattr(beats, name).tolist() for name in COLUMNS]
    found: list[Marker] = []
    for k, (*sensed, start_s, train_s, end_s, origin, delivered, cause) in enumerate(
        zip(*columns, strict=True)
    ):
        times = MarkerTimes(*sensed, *((train_s, end_s) if delivered else (nan, nan)))
        ventricular = "VE" if origin in (PVC, VT) else "VS"
        reason = "" if delivered or cause < 0 else _code(cause, cause_codes)
        if reason and not any(map(isfinite, sensed)):
            found.append(Marker("inhibit", reason, start_s, start_s, k))
            reason = ""
        found += beat_markers(k, times, ventricular=ventricular, reason=reason)
    return tuple(sorted(found, key=_IN_ORDER))


def _code(cause: float, cause_codes: Mapping[int, str]) -> str:
    return cause_codes.get(int(cause), f"cause {int(cause)}")
