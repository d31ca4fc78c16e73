"""A synthetic ECG, lead II, with the device's markers, drawn from the beat table.

Each wave is a Gaussian placed at the time of its beat (mcsharry2003). Nothing here is
read by anybody in the visit: it shows a reader what the beat table says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from sim.device.settings import Settings
from sim.heart.contractility import AF, PVC, SINUS, VT
from sim.sources import sourced
from sim.units import S_PER_MS

FloatArray = NDArray[np.float64]
MarkerKind = Literal["atrial", "ventricular", "local sense", "ccm", "inhibit"]

ECGSYN: Final = "mcsharry2003"
TABLE: Final = "Table I, at 60 beats per minute, as a share of R"
DEVICE: Final = "ccmlab-device"
EVIDENCE: Final = "ccmlab-evidence"


@dataclass(frozen=True, slots=True)
class SinusWaves:
    """Waves of a conducted beat; times from the R peak, widths one Gaussian SD.

    The R peak stands half a QRS after the activation, which is the onset of the QRS.
    """

    p_mv: float = sourced(0.25 * 0.6, ECGSYN, TABLE, "derived")
    q_mv: float = sourced(-0.17, ECGSYN, TABLE, "derived")
    r_mv: float = sourced(1.0, ECGSYN, TABLE, "derived")
    s_mv: float = sourced(-0.25, ECGSYN, TABLE, "derived")
    t_mv: float = sourced(0.30, ECGSYN, TABLE, "derived")
    p_after_atrial_s: float = sourced(0.030, EVIDENCE, "E ECGSYN", "assumed")
    q_at_s: float = sourced(-0.042, ECGSYN, TABLE, "derived")
    s_at_s: float = sourced(0.042, ECGSYN, TABLE, "derived")
    t_at_s: float = sourced(0.25, ECGSYN, TABLE, "derived")
    p_sd_s: float = sourced(0.025, EVIDENCE, "E ECGSYN", "assumed")
    qrs_sd_s: float = sourced(0.016, ECGSYN, TABLE, "derived")
    t_sd_s: float = sourced(0.050, ECGSYN, TABLE, "derived")
    qrs_of_table_ms: float = sourced(100.0, EVIDENCE, "E ECGSYN", "assumed")


@dataclass(frozen=True, slots=True)
class EctopicWaves:
    """Waves of a ventricular ectopic beat: wide, with an opposite T, without P.

    S and T count from the R peak, and that from the activation.
    """

    r_mv: float = sourced(1.4, EVIDENCE, "E ECGSYN", "assumed")
    s_mv: float = sourced(-0.5, EVIDENCE, "E ECGSYN", "assumed")
    t_mv: float = sourced(-0.5, EVIDENCE, "E ECGSYN", "assumed")
    s_at_s: float = sourced(0.100, EVIDENCE, "E ECGSYN", "assumed")
    t_at_s: float = sourced(0.30, EVIDENCE, "E ECGSYN", "assumed")
    r_after_onset_s: float = sourced(0.080, EVIDENCE, "E ECGSYN", "assumed")
    r_sd_s: float = sourced(0.038, EVIDENCE, "E ECGSYN", "assumed")
    s_sd_s: float = sourced(0.030, EVIDENCE, "E ECGSYN", "assumed")
    t_sd_s: float = sourced(0.060, EVIDENCE, "E ECGSYN", "assumed")


@dataclass(frozen=True, slots=True)
class Fibrillation:
    """Baseline of atrial fibrillation: a saw tooth that wanders in rate."""

    f_mv: float = sourced(0.06, EVIDENCE, "E AF", "assumed")
    f_hz: float = sourced(6.0, EVIDENCE, "E AF", "assumed")
    wander_hz: float = sourced(0.6, EVIDENCE, "E AF", "assumed")
    wander_rate_hz: float = sourced(0.21, EVIDENCE, "E AF", "assumed")
    n_harmonics: int = sourced(3, EVIDENCE, "E AF", "assumed")


@dataclass(frozen=True, slots=True)
class Morphology:
    """Shape of everything in lead II."""

    sinus: SinusWaves = field(default_factory=SinusWaves)
    ectopic: EctopicWaves = field(default_factory=EctopicWaves)
    fibrillation: Fibrillation = field(default_factory=Fibrillation)
    artefact_mv_per_v: float = sourced(0.08, DEVICE, "3, row 9", "assumed")


@dataclass(frozen=True, slots=True, eq=False)
class StripBeats:
    """The columns of the beat table that a strip needs, each `(n,)`; times in seconds.

    `cause` is the code of the reason a beat got no train, -1 when there is none;
    times are nan where the event did not happen.
    """

    start_s: FloatArray
    rr_s: FloatArray
    origin: FloatArray
    delivered: FloatArray
    cause: FloatArray
    train_start_s: FloatArray
    train_end_s: FloatArray
    ls_s: FloatArray
    v_s: FloatArray
    atrial_s: FloatArray

    def between(self, start_s: float, end_s: float) -> "StripBeats":
        """Return the beats whose activation lies in the half-open span."""
        inside = (self.start_s >= start_s) & (self.start_s < end_s)
        return StripBeats(**{f.name: getattr(self, f.name)[inside] for f in FIELDS})


FIELDS: Final = fields(StripBeats)


@dataclass(frozen=True, slots=True)
class Marker:
    """One event as the programmer marks it below the ECG.

    `code` is short enough to print: AS, VS, VE (ectopic), LS, CCM or the reason a beat
    got no train. `end_s` differs from `at_s` for a train only.
    """

    kind: MarkerKind
    code: str
    at_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A piece of lead II with its markers. Sample `k` is at `start_s + k / hz`."""

    start_s: float
    sampling_hz: float
    lead_ii_mv: FloatArray
    markers: tuple[Marker, ...]

    @property
    def time_s(self) -> FloatArray:
        """Clock time of each sample, seconds."""
        return self.start_s + np.arange(self.lead_ii_mv.size) / self.sampling_hz


def ecg_strip(
    beats: StripBeats,
    settings: Settings,
    *,
    start_s: float,
    duration_s: float,
    sampling_hz: float = 500.0,
    qrs_ms: float = 100.0,
    cause_codes: Mapping[int, str] | None = None,
    morphology: Morphology | None = None,
) -> Strip:
    """Draw lead II and the markers of a span of the beat table.

    Parameters
    ----------
    beats
        The beats of the visit; those up to 2 s outside of the span are used too.
    settings
        Settings in force, for the shape of the train and whether the atrium is sensed.
    start_s, duration_s
        Span to draw, clock seconds; a ValueError when the duration is not positive.
    sampling_hz
        Samples a second, 250 to 500 for a readable train.
    qrs_ms
        QRS duration of the patient's conducted beats.
    cause_codes
        Short text by the code of an inhibit cause; the number is shown otherwise.

    Returns
    -------
    Strip
    """
    if not duration_s > 0.0:
        raise ValueError(f"duration_s must be above 0 s, got {duration_s:g} s")
    shape = morphology or Morphology()
    near = beats.between(start_s - 2.0, start_s + duration_s + 2.0)
    time_s = start_s + np.arange(round(duration_s * sampling_hz)) / sampling_hz
    trace_mv = _sinus_mv(time_s, near, shape.sinus, qrs_ms)
    trace_mv += _ectopic_mv(time_s, near, shape.ectopic)
    if (near.origin == AF).any():
        trace_mv += fibrillation_mv(time_s, shape.fibrillation)
    trace_mv += _artefact_mv(time_s, near, settings, shape.artefact_mv_per_v)
    within = beats.between(start_s, start_s + duration_s)
    marks = markers(within, settings, cause_codes or {})
    return Strip(start_s, sampling_hz, trace_mv, marks)


def gaussians_mv(
    time_s: FloatArray, at_s: FloatArray, height_mv: FloatArray, sd_s: FloatArray
) -> FloatArray:
    """Return the sum of Gaussian waves, shape `(n,)`; waves at nan are left out."""
    total_mv = np.zeros_like(time_s)
    for at, height, sd in zip(at_s, height_mv, sd_s, strict=True):
        if np.isfinite(at):
            total_mv += height * np.exp(-0.5 * ((time_s - at) / sd) ** 2)
    return total_mv


def fibrillation_mv(time_s: FloatArray, model: Fibrillation) -> FloatArray:
    """Return the fibrillatory baseline, a function of clock time alone."""
    swing = model.wander_hz / model.wander_rate_hz
    angle = 2.0 * np.pi * model.f_hz * time_s
    angle += swing * np.sin(2.0 * np.pi * model.wander_rate_hz * time_s)
    harmonics = range(1, model.n_harmonics + 1)
    return model.f_mv * sum(
        (np.sin(k * angle) / k for k in harmonics), start=np.zeros_like(time_s)
    )


def markers(
    beats: StripBeats, settings: Settings, cause_codes: Mapping[int, str]
) -> tuple[Marker, ...]:
    """Return what the device marks, in the order of time.

    The atrium is marked only where it is sensed, in mode ODO-LS-CCM.
    """
    sees_atrium = settings.mode == "ODO-LS-CCM"
    found: list[Marker] = []
    for k in range(beats.start_s.size):
        found += _beat_markers(beats, k, sees_atrium, cause_codes)
    return tuple(sorted(found, key=lambda marker: (marker.at_s, marker.code)))


def _beat_markers(
    beats: StripBeats, k: int, sees_atrium: bool, cause_codes: Mapping[int, str]
) -> list[Marker]:
    is_ectopic = beats.origin[k] in (PVC, VT)
    found: list[Marker] = []
    if np.isfinite(beats.v_s[k]):
        code = "VE" if is_ectopic else "VS"
        found.append(_at("ventricular", code, beats.v_s[k]))
    if sees_atrium and np.isfinite(beats.atrial_s[k]):
        found.append(_at("atrial", "AS", beats.atrial_s[k]))
    if np.isfinite(beats.ls_s[k]):
        found.append(_at("local sense", "LS", beats.ls_s[k]))
    cause = int(beats.cause[k])
    if beats.delivered[k]:
        start_s, end_s = float(beats.train_start_s[k]), float(beats.train_end_s[k])
        found.append(Marker("ccm", "CCM", start_s, end_s))
    elif cause >= 0:
        code = cause_codes.get(cause, f"cause {cause}")
        found.append(_at("inhibit", code, beats.start_s[k]))
    return found


def _at(kind: MarkerKind, code: str, at_s: float) -> Marker:
    return Marker(kind, code, float(at_s), float(at_s))


def _sinus_mv(
    time_s: FloatArray, beats: StripBeats, waves: SinusWaves, qrs_ms: float
) -> FloatArray:
    conducted = np.isin(beats.origin, (SINUS, AF))
    r_s = beats.start_s[conducted] + 0.5 * qrs_ms * S_PER_MS
    before_s = _interval_before_s(beats)[conducted]
    wide = qrs_ms / waves.qrs_of_table_ms
    # the T wave follows the square root of the interval before it, as ECGSYN does
    placed = (
        (
            beats.atrial_s[conducted] + waves.p_after_atrial_s,
            waves.p_mv,
            waves.p_sd_s,
        ),
        (r_s + wide * waves.q_at_s, waves.q_mv, wide * waves.qrs_sd_s),
        (r_s, waves.r_mv, wide * waves.qrs_sd_s),
        (r_s + wide * waves.s_at_s, waves.s_mv, wide * waves.qrs_sd_s),
        (r_s + waves.t_at_s * np.sqrt(before_s), waves.t_mv, waves.t_sd_s),
    )
    return _waves_mv(time_s, placed)


def _ectopic_mv(
    time_s: FloatArray, beats: StripBeats, waves: EctopicWaves
) -> FloatArray:
    r_s = beats.start_s[np.isin(beats.origin, (PVC, VT))] + waves.r_after_onset_s
    placed = (
        (r_s, waves.r_mv, waves.r_sd_s),
        (r_s + waves.s_at_s, waves.s_mv, waves.s_sd_s),
        (r_s + waves.t_at_s, waves.t_mv, waves.t_sd_s),
    )
    return _waves_mv(time_s, placed)


def _waves_mv(
    time_s: FloatArray, placed: tuple[tuple[FloatArray, float, float], ...]
) -> FloatArray:
    total_mv = np.zeros_like(time_s)
    for at_s, height_mv, sd_s in placed:
        total_mv += gaussians_mv(
            time_s, at_s, np.full_like(at_s, height_mv), np.full_like(at_s, sd_s)
        )
    return total_mv


def _interval_before_s(beats: StripBeats) -> FloatArray:
    before_s = np.empty_like(beats.rr_s)
    before_s[1:] = beats.rr_s[:-1]
    before_s[:1] = beats.rr_s[:1]
    return before_s


def _artefact_mv(
    time_s: FloatArray, beats: StripBeats, settings: Settings, mv_per_v: float
) -> FloatArray:
    sign = 1.0 if settings.phase1_polarity == "POSITIVE" else -1.0
    height_mv = sign * mv_per_v * settings.amplitude_v
    phase_s = settings.phase_duration_ms * S_PER_MS
    trace_mv = np.zeros_like(time_s)
    for k in np.flatnonzero(beats.delivered):
        since_s = time_s - beats.train_start_s[k]
        inside = (since_s >= 0.0) & (time_s < beats.train_end_s[k])
        phase = np.floor(since_s[inside] / phase_s)
        trace_mv[inside] += np.where(phase % 2 == 0, height_mv, -height_mv)
    return trace_mv
