"""What the device marks below the ECG: sensed events, trains, reasons for none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.device.settings import Settings
from sim.heart.contractility import PVC, VT
from sim.telemetry.beats import StripBeats

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
    sees = np.broadcast_to(sees_atrium, beats.start_s.shape)
    found: list[Marker] = []
    for k in range(beats.start_s.size):
        found += _beat_markers(beats, k, bool(sees[k]), cause_codes)
    return tuple(sorted(found, key=lambda marker: (marker.at_s, marker.code)))


def sees_atrium(settings: Settings) -> bool:
    """Tell whether the device senses the atrium."""
    return settings.mode == "ODO-LS-CCM"


def _beat_markers(
    beats: StripBeats, k: int, sees: bool, cause_codes: Mapping[int, str]
) -> list[Marker]:
    is_ectopic = beats.origin[k] in (PVC, VT)
    found: list[Marker] = []
    if np.isfinite(beats.v_s[k]):
        found.append(_at("ventricular", "VE" if is_ectopic else "VS", beats.v_s[k], k))
    if sees and np.isfinite(beats.atrial_s[k]):
        found.append(_at("atrial", "AS", beats.atrial_s[k], k))
    if np.isfinite(beats.ls_s[k]):
        found.append(_at("local sense", "LS", beats.ls_s[k], k))
    cause = int(beats.cause[k])
    if beats.delivered[k]:
        start_s, end_s = float(beats.train_start_s[k]), float(beats.train_end_s[k])
        found.append(Marker("ccm", "CCM", start_s, end_s, k))
    elif cause >= 0:
        code = cause_codes.get(cause, f"cause {cause}")
        found.append(_at("inhibit", code, beats.start_s[k], k))
    return found


def _at(kind: MarkerKind, code: str, at_s: float, beat: int) -> Marker:
    return Marker(kind, code, float(at_s), float(at_s), beat)
