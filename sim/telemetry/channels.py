"""All traces of a visit side by side, drawn piece by piece as whole counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.device.settings import Settings
from sim.telemetry.background import Background
from sim.telemetry.beats import FloatArray, RecordedBeats
from sim.telemetry.disturbance import Breath
from sim.telemetry.ecg import ecg_waves, train_blocks
from sim.telemetry.electrogram import electrogram_waves
from sim.telemetry.fibrillation import FibrillatoryPart, fibrillating
from sim.telemetry.markers import Marker, MarkerKind, markers
from sim.telemetry.morphology import INTERFERENCE, Morphology
from sim.telemetry.pressure import arterial_curve, notch_waves, ventricular_curve
from sim.telemetry.synthesis import Blocks, Bursts, TracePart

CountArray = NDArray[np.int16]

LOWEST_HZ: Final = 250
HIGHEST_HZ: Final = 1000
LARGEST_COUNT: Final = 32000  # exact in the 8 letters that EDF gives a range
COUNTS_PER_MV: Final = 1000
COUNTS_PER_MMHG: Final = 100
MONITOR: Final = "ABP monitor"
"""The arterial pressure as the monitor shows it, with its error."""
MARKER_BITS: Final[Mapping[MarkerKind, int]] = {
    "atrial": 1,
    "ventricular": 2,
    "local sense": 4,
    "ccm": 8,
    "inhibit": 16,
}


SURFACE: Final = "surface electrodes"
INTRACARDIAC: Final = "bipolar electrode, right ventricular septum"
AORTIC: Final = "pressure at the root of the aorta"
CATHETER: Final = "pressure catheter, left ventricle"
DEVICE: Final = "event marks of the device"


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """One trace: its parts, added up; `counts_per_unit` is how finely it is stored.

    `sensor` says what would have read it, as a header of EDF+ does.
    """

    name: str
    unit: str
    counts_per_unit: int
    parts: tuple[TracePart, ...]
    sensor: str = ""

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
        return counts_of(self.channels, first, n_samples, self.sampling_hz)


def counts_of(
    channels: Sequence[Channel], first: int, n_samples: int, sampling_hz: int
) -> CountArray:
    """Return samples of channels, `(n_samples, n_channels)`, as whole counts."""
    counts = np.empty((n_samples, len(channels)), dtype=np.int16)
    for k, channel in enumerate(channels):
        drawn = channel.draw(first / sampling_hz, n_samples, float(sampling_hz))
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
    ventricle; `noisy_s` are spans in which interference reaches every lead. A
    ValueError when `sampling_hz` is not 250 to 1000.
    """

    pseudonym: str
    sampling_hz: int = 500
    qrs_ms: float = 100.0
    breathing_hz: float = 0.25
    sensing: tuple[float, float] = (1.0, 1.0)
    with_lv_pressure: bool = False
    noisy_s: tuple[tuple[float, float], ...] = ()

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
    background: Background | None = None,
    shown: RecordedBeats | None = None,
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
    background
        What lies under the beats; drawn from a generator of seed 0, with a regular
        breath, by default.
    shown
        The beats as the monitor shows their pulse, for a trace of its own.
    """
    shape = morphology or Morphology()
    under = background or Background.drawn(
        np.random.default_rng(0), Breath(setup.breathing_hz), shape
    )
    marks = markers(beats, cause_codes or {})
    end_s = float(beats.start_s[-1] + beats.rr_s[-1]) if beats.start_s.size else 0.0
    played = TraceSource(beats, programmed, setup, shape, under)
    channels = (
        *ecg_channels(played),
        *electrogram_channels(played),
        *pressure_channels(played),
        *([] if shown is None else [_monitor_channel(replace(played, beats=shown))]),
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
class TraceSource:
    """What every trace is drawn from."""

    beats: RecordedBeats
    programmed: tuple[Settings, ...]
    setup: Setup
    shape: Morphology
    under: Background

    def interference(self, key: int) -> Bursts:
        """Return the interference of a lead whose own noise has this key."""
        return Bursts(key + 1, INTERFERENCE.sd_mv, self.setup.noisy_s)

    def trains(self, mv_per_v: Sequence[float]) -> Blocks:
        """Return the artefact, so many millivolts a volt for each of the settings."""
        return train_blocks(
            self.beats, self.programmed, mv_per_v, self.beats.setting_id
        )


def ecg_channels(
    played: TraceSource, leads: Sequence[str] = ("ECG II", "ECG V1")
) -> list[Channel]:
    """Return the leads of the ECG, or those among `leads`."""
    beats, setup, shape = played.beats, played.setup, played.shape
    added, under = shape.disturbance, played.under
    turned = added.breathing_frac * under.breath.at(beats.start_s)
    in_af = fibrillating(beats.origin)
    shapes = (
        ("ECG II", shape.sinus, shape.ectopic, 1.0, shape.artefact_mv_per_v),
        ("ECG V1", shape.sinus_v1, shape.ectopic_v1, -1.0, shape.artefact_v1_mv_per_v),
    )
    found = []
    for lead, (name, sinus, ectopic, way, mv_per_v) in enumerate(shapes):
        if name not in leads:
            continue
        scale = 1.0 + way * turned
        waves = ecg_waves(beats, sinus, ectopic, qrs_ms=setup.qrs_ms, scale=scale)
        parts: tuple[TracePart, ...] = (
            waves,
            FibrillatoryPart(under.fibrillatory, lead, beats.start_s, in_af),
            *under.leads[name].parts(added, under.breath),
            played.interference(under.leads[name].noise_key),
            played.trains([mv_per_v] * len(played.programmed)),
        )
        found.append(Channel(name, "mV", COUNTS_PER_MV, parts, SURFACE))
    return found


def electrogram_channels(played: TraceSource) -> list[Channel]:
    """Return the electrograms of both leads."""
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
        still = played.under.noise(f"EGM {lead}", added.electrogram_mv)
        outside = played.interference(played.under.noise_keys[f"EGM {lead}"])
        parts: tuple[TracePart, ...] = (waves, *still, outside, trains)
        found.append(Channel(f"EGM {lead}", "mV", COUNTS_PER_MV, parts, INTRACARDIAC))
    return found


def pressure_channels(played: TraceSource) -> list[Channel]:
    """Return arterial pressure, and that of a catheter in the ventricle."""
    beats, model = played.beats, played.shape.pressure
    sd = played.shape.disturbance.pressure_mmhg
    arterial: tuple[TracePart, ...] = (
        arterial_curve(beats, model),
        notch_waves(beats, model),
        *played.under.noise("ABP", sd),
    )
    found = [Channel("ABP", "mmHg", COUNTS_PER_MMHG, arterial, AORTIC)]
    if played.setup.with_lv_pressure:
        ventricular: tuple[TracePart, ...] = (
            ventricular_curve(beats, model),
            *played.under.noise("LVP", sd),
        )
        found.append(Channel("LVP", "mmHg", COUNTS_PER_MMHG, ventricular, CATHETER))
    return found


def _monitor_channel(shown: TraceSource) -> Channel:
    return replace(pressure_channels(shown)[0], name=MONITOR)


def _marker_channel(marks: tuple[Marker, ...], shape: Morphology) -> Channel:
    """Return a trace whose bits are the kinds of markers that are on."""
    from_s = np.array([mark.at_s for mark in marks])
    to_s = np.array([mark.end_s for mark in marks])
    to_s = np.where(to_s > from_s, to_s, from_s + shape.marker.width_s)
    bits = np.array([MARKER_BITS[mark.kind] for mark in marks], dtype=np.float64)
    return Channel("MARKER", "NU", 1, (Blocks(from_s, to_s, bits),), DEVICE)
