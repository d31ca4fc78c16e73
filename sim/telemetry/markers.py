"""What the device marks below the ECG: sensed events, trains, reasons for none."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

import numpy as np

from sim.device.settings import Settings
from sim.heart.contractility import PVC, VT
from sim.telemetry.beats import StripBeats

COLUMNS: Final = (
    "start_s",
    "origin",
    "delivered",
    "cause",
    "train_start_s",
    "train_end_s",
    "ls_s",
    "v_s",
    "atrial_s",
)
MarkerKind = Literal["atrial", "ventricular", "local sense", "ccm", "inhibit"]


@dataclass(frozen=True, slots=True)
class Marker:
    """One event as the programmer marks it below the ECG.

    `code` is short enough to print: AS, VS, VE (ectopic), LS, CCM or the reason a beat
    got no train. `end_s` differs from `at_s` for a train only. `beat` is the row.
    """

    kind: MarkerKind
    code: str
    at_s: float
    end_s: float
    beat: int


def markers(
    beats: StripBeats,
    sees_atrium: bool | np.ndarray[tuple[int], np.dtype[np.bool_]],
    cause_codes: Mapping[int, str],
) -> tuple[Marker, ...]:
    """Return what the device marks, in the order of time.

    The atrium is marked only where it is sensed: `sees_atrium`, one or `(n,)`.
    """
    sees = np.broadcast_to(sees_atrium, beats.start_s.shape).tolist()
    columns = (getattr(beats, name).tolist() for name in COLUMNS)
    found: list[Marker] = []
    for k, (sees_it, *row) in enumerate(zip(sees, *columns, strict=True)):
        found += _beat_markers(k, *row, sees=sees_it, cause_codes=cause_codes)
    return tuple(sorted(found, key=lambda marker: (marker.at_s, marker.code)))


def sees_atrium(settings: Settings) -> bool:
    """Tell whether the device senses the atrium."""
    return settings.mode == "ODO-LS-CCM"


def _beat_markers(  # the columns of one beat, in the order of COLUMNS
    beat: int,
    start_s: float,
    origin: float,
    delivered: float,
    cause: float,
    train_start_s: float,
    train_end_s: float,
    ls_s: float,
    v_s: float,
    atrial_s: float,
    *,
    sees: bool,
    cause_codes: Mapping[int, str],
) -> list[Marker]:
    found: list[Marker] = []
    if isfinite(v_s):
        code = "VE" if origin in (PVC, VT) else "VS"
        found.append(Marker("ventricular", code, v_s, v_s, beat))
    if sees and isfinite(atrial_s):
        found.append(Marker("atrial", "AS", atrial_s, atrial_s, beat))
    if isfinite(ls_s):
        found.append(Marker("local sense", "LS", ls_s, ls_s, beat))
    if delivered:
        found.append(Marker("ccm", "CCM", train_start_s, train_end_s, beat))
    elif cause >= 0:
        code = cause_codes.get(int(cause), f"cause {int(cause)}")
        found.append(Marker("inhibit", code, start_s, start_s, beat))
    return found
