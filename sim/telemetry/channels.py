"""All traces of a visit side by side, drawn piece by piece as whole counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.device.settings import Settings
from sim.heart.contractility import AF
from sim.telemetry.beats import FloatArray, RecordedBeats
from sim.telemetry.ecg import Baseline, ecg_waves, train_blocks
from sim.telemetry.electrogram import electrogram_waves
from sim.telemetry.markers import Marker, MarkerKind, markers, sees_atrium
from sim.telemetry.morphology import Morphology
from sim.telemetry.pressure import arterial_curve, notch_waves, ventricular_curve
from sim.telemetry.synthesis import Blocks, Part

CountArray = NDArray[np.int16]

LOWEST_HZ: Final = 250
HIGHEST_HZ: Final = 1000
LARGEST_COUNT: Final = 32000  # exact in the 8 letters that EDF gives a range
COUNTS_PER_MV: Final = 1000
COUNTS_PER_MMHG: Final = 100
MARKER_BITS: Final[Mapping[MarkerKind, int]] = {
    "atrial": 1,
    "ventricular": 2,
    "local sense": 4,
    "ccm": 8,
    "inhibit": 16,
}


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """One trace: its parts, added up; `counts_per_unit` is how finely it is stored."""

    name: str
    unit: str
    counts_per_unit: int
    parts: tuple[Part | Baseline, ...]

    def draw(self, start_s: float, n_samples: int, sampling_hz: float) -> FloatArray:
        """Return samples in `unit`, `(n_samples,)`."""
        out = np.zeros(n_samples)
        for part in self.parts:
            part.draw(out, start_s, sampling_hz)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What a file of strips is written from. Sample `k` is at `k / sampling_hz`.

    `markers` are the device's, in the order of time; `programmed` the settings that a
    beat's `setting_id` counts.
    """

    pseudonym: str
    sampling_hz: int
    end_s: float
    beats: RecordedBeats
    programmed: tuple[Settings, ...]
    channels: tuple[Channel, ...]
    markers: tuple[Marker, ...]

    def counts(self, first: int, n_samples: int) -> CountArray:
        """Return the samples from `first` on, `(n_samples, n_channels)`, rounded."""
        hz = self.sampling_hz
        counts = np.empty((n_samples, len(self.channels)), dtype=np.int16)
        for k, channel in enumerate(self.channels):
            drawn = channel.draw(first / hz, n_samples, float(hz))
            drawn *= channel.counts_per_unit
            np.rint(drawn, out=drawn)
            counts[:, k] = np.clip(drawn, -LARGEST_COUNT, LARGEST_COUNT, out=drawn)
        return counts


def record_strips(
    beats: RecordedBeats,
    programmed: tuple[Settings, ...],
    *,
    pseudonym: str,
    sampling_hz: int = 500,
    qrs_ms: float = 100.0,
    sensing: tuple[float, float] = (1.0, 1.0),
    with_lv_pressure: bool = False,
    cause_codes: Mapping[int, str] | None = None,
    morphology: Morphology | None = None,
) -> Recording:
    """Prepare every trace of a visit; nothing is drawn yet.

    Parameters
    ----------
    beats, programmed
        The beats of the visit and the settings that their `setting_id` counts.
    pseudonym
        Stands for the patient in every header.
    sampling_hz
        Samples a second, 250 to 1000; a ValueError outside.
    qrs_ms
        QRS duration of the patient's conducted beats.
    sensing
        Share of the amplitude that the leads V1 and V2 still see; 1 when intact.
    with_lv_pressure
        Whether a catheter lies in the left ventricle.
    cause_codes
        Short text by the code of an inhibit cause.
    """
    if not LOWEST_HZ <= sampling_hz <= HIGHEST_HZ:
        raise ValueError(
            f"sampling_hz must be {LOWEST_HZ} to {HIGHEST_HZ} Hz, got {sampling_hz:g}"
        )
    shape = morphology or Morphology()
    senses = np.array([sees_atrium(settings) for settings in programmed])
    marks = markers(beats, senses[beats.setting_id.astype(int)], cause_codes or {})
    channels = [
        *_ecg(beats, programmed, shape, qrs_ms),
        *_electrograms(beats, programmed, shape, sensing),
        *_pressures(beats, shape, with_lv_pressure),
        _marker_channel(marks, shape),
    ]
    end_s = float(beats.start_s[-1] + beats.rr_s[-1]) if beats.start_s.size else 0.0
    return Recording(
        pseudonym=pseudonym,
        sampling_hz=sampling_hz,
        end_s=end_s,
        beats=beats,
        programmed=programmed,
        channels=tuple(channels),
        markers=marks,
    )


def _ecg(
    beats: RecordedBeats,
    programmed: tuple[Settings, ...],
    shape: Morphology,
    qrs_ms: float,
) -> list[Channel]:
    trains = train_blocks(beats, programmed, shape.artefact_mv_per_v, beats.setting_id)
    model, in_af = shape.fibrillation, bool((beats.origin == AF).any())
    leads = (
        ("ECG II", shape.sinus, shape.ectopic, model.f_mv),
        ("ECG V1", shape.sinus_v1, shape.ectopic_v1, model.f_v1_mv),
    )
    found = []
    for name, sinus, ectopic, height_mv in leads:
        waves = ecg_waves(beats, sinus, ectopic, qrs_ms=qrs_ms)
        baseline = (Baseline(model, height_mv),) if in_af else ()
        parts = (waves, trains, *baseline)
        found.append(Channel(name, "mV", COUNTS_PER_MV, parts))
    return found


def _electrograms(
    beats: RecordedBeats,
    programmed: tuple[Settings, ...],
    shape: Morphology,
    sensing: tuple[float, float],
) -> list[Channel]:
    model = shape.electrogram
    trains = train_blocks(beats, programmed, model.artefact_mv_per_v, beats.setting_id)
    leads = (
        ("EGM V1", beats.v1_s, beats.v1_mv, sensing[0]),
        ("EGM V2", beats.v2_s, beats.v2_mv, sensing[1]),
    )
    return [
        Channel(
            name,
            "mV",
            COUNTS_PER_MV,
            (electrogram_waves(beats, edge_s, share * height_mv, model), trains),
        )
        for name, edge_s, height_mv, share in leads
    ]


def _pressures(
    beats: RecordedBeats, shape: Morphology, with_lv_pressure: bool
) -> list[Channel]:
    model = shape.pressure
    arterial = (arterial_curve(beats, model), notch_waves(beats, model))
    found = [Channel("ABP", "mmHg", COUNTS_PER_MMHG, arterial)]
    if with_lv_pressure:
        ventricular = (ventricular_curve(beats, model),)
        found.append(Channel("LVP", "mmHg", COUNTS_PER_MMHG, ventricular))
    return found


def _marker_channel(marks: tuple[Marker, ...], shape: Morphology) -> Channel:
    """Return a trace whose bits are the kinds of markers that are on."""
    from_s = np.array([mark.at_s for mark in marks])
    to_s = np.array([mark.end_s for mark in marks])
    to_s = np.where(to_s > from_s, to_s, from_s + shape.marker.width_s)
    bits = np.array([MARKER_BITS[mark.kind] for mark in marks], dtype=np.float64)
    return Channel("MARKER", "NU", 1, (Blocks(from_s, to_s, bits),))
