"""All traces of a visit side by side, drawn piece by piece as whole counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.device.settings import Settings
from sim.heart.contractility import AF
from sim.telemetry.beats import FloatArray, RecordedBeats
from sim.telemetry.disturbance import at_beats, breathing, lead_disturbance, noise
from sim.telemetry.ecg import ecg_waves, train_blocks
from sim.telemetry.electrogram import electrogram_waves
from sim.telemetry.fibrillation import fibrillation_waves
from sim.telemetry.markers import Marker, MarkerKind, markers
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
    parts: tuple[Part, ...]

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


@dataclass(frozen=True, slots=True)
class Setup:
    """Who is recorded, and how.

    `pseudonym` stands for the patient in every header; `qrs_ms` and `breathing_hz` are
    the patient's own. `sensing` is the share of the amplitude that the leads V1 and V2
    still see, 1 when intact; `with_lv_pressure` tells that a catheter lies in the left
    ventricle. A ValueError when `sampling_hz` is not 250 to 1000.
    """

    pseudonym: str
    sampling_hz: int = 500
    qrs_ms: float = 100.0
    breathing_hz: float = 0.25
    sensing: tuple[float, float] = (1.0, 1.0)
    with_lv_pressure: bool = False

    def __post_init__(self) -> None:
        """Check the rate."""
        if not LOWEST_HZ <= self.sampling_hz <= HIGHEST_HZ:
            raise ValueError(
                f"sampling_hz must be {LOWEST_HZ} to {HIGHEST_HZ} Hz, "
                f"got {self.sampling_hz:g} Hz"
            )


def record_strips(
    beats: RecordedBeats,
    programmed: tuple[Settings, ...],
    setup: Setup,
    *,
    cause_codes: Mapping[int, str] | None = None,
    morphology: Morphology | None = None,
    rng: np.random.Generator | None = None,
) -> Recording:
    """Prepare every trace of a visit; nothing is drawn yet.

    Parameters
    ----------
    beats, programmed
        The beats of the visit and the settings that their `setting_id` counts.
    setup
        Who is recorded, and how.
    cause_codes
        Short text by the code of an inhibit cause.
    morphology
        Shapes and disturbances.
    rng
        Draws the disturbances; a generator of seed 0 by default.
    """
    shape = morphology or Morphology()
    own = rng or np.random.default_rng(0)
    marks = markers(beats, cause_codes or {})
    end_s = float(beats.start_s[-1] + beats.rr_s[-1]) if beats.start_s.size else 0.0
    played = _Played(beats, programmed, setup, end_s, shape)
    channels = (
        *_ecg(played, own),
        *_electrograms(played, own),
        *_pressures(played, own),
        _marker_channel(marks, shape),
    )
    return Recording(
        pseudonym=setup.pseudonym,
        sampling_hz=setup.sampling_hz,
        end_s=end_s,
        beats=beats,
        programmed=programmed,
        channels=channels,
        markers=marks,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Played:
    """What every trace is drawn from."""

    beats: RecordedBeats
    programmed: tuple[Settings, ...]
    setup: Setup
    end_s: float
    shape: Morphology

    def trains(self, mv_per_v: Sequence[float]) -> Blocks:
        """Return the artefact, so many millivolts a volt for each of the settings."""
        return train_blocks(
            self.beats, self.programmed, mv_per_v, self.beats.setting_id
        )


def _ecg(played: _Played, rng: np.random.Generator) -> list[Channel]:
    beats, setup, shape = played.beats, played.setup, played.shape
    added = shape.disturbance
    breath = breathing(
        beats, setup.breathing_hz, added.breathing_band_hz, until_s=played.end_s
    )
    turned = added.breathing_frac * at_beats(breath, beats)
    fibrillatory = fibrillation_waves(shape.fibrillation, played.end_s, rng)
    in_af = bool((beats.origin == AF).any())
    leads = (
        ("ECG II", shape.sinus, shape.ectopic, 1.0, shape.artefact_mv_per_v),
        ("ECG V1", shape.sinus_v1, shape.ectopic_v1, -1.0, shape.artefact_v1_mv_per_v),
    )
    found = []
    for (name, sinus, ectopic, way, mv_per_v), baseline in zip(
        leads, fibrillatory, strict=True
    ):
        scale = 1.0 + way * turned
        waves = ecg_waves(beats, sinus, ectopic, qrs_ms=setup.qrs_ms, scale=scale)
        parts = (
            waves,
            *((baseline,) if in_af else ()),
            *lead_disturbance(added, breath, rng),
            played.trains([mv_per_v] * len(played.programmed)),
        )
        found.append(Channel(name, "mV", COUNTS_PER_MV, parts))
    return found


def _electrograms(played: _Played, rng: np.random.Generator) -> list[Channel]:
    beats, model = played.beats, played.shape.electrogram
    added = played.shape.disturbance
    leads = (("V1", beats.v1_s, beats.v1_mv), ("V2", beats.v2_s, beats.v2_mv))
    found = []
    for (lead, edge_s, height_mv), share in zip(
        leads, played.setup.sensing, strict=True
    ):
        waves = electrogram_waves(beats, edge_s, share * height_mv, model)
        near = [
            1.0 if lead in settings.delivering else model.artefact_far_frac
            for settings in played.programmed
        ]
        trains = played.trains([model.artefact_mv_per_v * item for item in near])
        parts: tuple[Part, ...] = (waves, *noise(added.electrogram_mv, rng), trains)
        found.append(Channel(f"EGM {lead}", "mV", COUNTS_PER_MV, parts))
    return found


def _pressures(played: _Played, rng: np.random.Generator) -> list[Channel]:
    beats, model = played.beats, played.shape.pressure
    sd = played.shape.disturbance.pressure_mmhg
    arterial: tuple[Part, ...] = (
        arterial_curve(beats, model),
        notch_waves(beats, model),
        *noise(sd, rng),
    )
    found = [Channel("ABP", "mmHg", COUNTS_PER_MMHG, arterial)]
    if played.setup.with_lv_pressure:
        ventricular: tuple[Part, ...] = (
            ventricular_curve(beats, model),
            *noise(sd, rng),
        )
        found.append(Channel("LVP", "mmHg", COUNTS_PER_MMHG, ventricular))
    return found


def _marker_channel(marks: tuple[Marker, ...], shape: Morphology) -> Channel:
    """Return a trace whose bits are the kinds of markers that are on."""
    from_s = np.array([mark.at_s for mark in marks])
    to_s = np.array([mark.end_s for mark in marks])
    to_s = np.where(to_s > from_s, to_s, from_s + shape.marker.width_s)
    bits = np.array([MARKER_BITS[mark.kind] for mark in marks], dtype=np.float64)
    return Channel("MARKER", "NU", 1, (Blocks(from_s, to_s, bits),))
