"""What is written beside the samples: the true beats, and what the device marked."""

from typing import Final, NamedTuple

import numpy as np

from sim.device.settings import Settings
from sim.heart.contractility import AF, VT
from sim.telemetry.channels import Recording
from sim.telemetry.ecg import r_peak_s
from sim.telemetry.markers import Marker
from sim.telemetry.morphology import Morphology

NORMAL: Final = "N"
ECTOPIC: Final = "V"
RHYTHM: Final = "+"
NOTE: Final = '"'
TRAIN: Final = "^"


class Annotation(NamedTuple):
    """One mark: a symbol of the MIT list, text beside it, and how long it lasts.

    A tuple, since a visit has some 25,000.
    """

    at_s: float
    symbol: str
    text: str = ""
    lasts_s: float | None = None


def true_beats(recording: Recording, qrs_ms: float) -> list[Annotation]:
    """Return each beat at its R peak, `N` or `V`, and each change of rhythm, `+`."""
    beats = recording.beats
    peak_s = r_peak_s(beats, Morphology().ectopic, qrs_ms).tolist()
    ectopic = beats.ectopic.tolist()
    found: list[Annotation] = []
    rhythm = ""
    for at_s, is_ectopic, now in zip(
        peak_s, ectopic, _rhythms(beats.origin), strict=True
    ):
        if now != rhythm:
            found.append(Annotation(at_s, RHYTHM, now))
            rhythm = now
        found.append(Annotation(at_s, ECTOPIC if is_ectopic else NORMAL))
    return found


def _rhythms(origin: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[str]:
    """Return the rhythm of each beat; a lone ectopic beat changes none."""
    under = "(AFIB" if (origin == AF).any() else "(N"
    return ["(VT" if beat == VT else under for beat in origin.tolist()]


def device_marks(recording: Recording) -> list[Annotation]:
    """Return what the device marked: `^` a train with its setting, notes otherwise."""
    texts = [train_text(settings) for settings in recording.programmed]
    which = recording.beats.setting_id.astype(int).tolist()
    return [_device_mark(mark, texts[which[mark.beat]]) for mark in recording.markers]


def _device_mark(mark: Marker, train: str) -> Annotation:
    if mark.kind != "ccm":
        return Annotation(mark.at_s, NOTE, mark.code)
    return Annotation(mark.at_s, TRAIN, train, mark.end_s - mark.at_s)


def train_text(settings: Settings) -> str:
    """Return the pulse of some settings as `name=value` pairs.

    >>> train_text(Settings())
    'CCM amplitude_v=7.5 phase_duration_ms=5.14 n_pulses=2 delay_ms=35 channels=V1+V2'
    """
    return (
        f"CCM amplitude_v={settings.amplitude_v:g} "
        f"phase_duration_ms={settings.phase_duration_ms:g} "
        f"n_pulses={settings.n_pulses} delay_ms={settings.delay_ms:g} "
        f"channels={settings.ccm_channels}"
    )
