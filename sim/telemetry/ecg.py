"""A synthetic ECG with the device's markers, drawn from the beat table.

Each wave is a Gaussian placed at the time of its beat (mcsharry2003). Nothing here is
read by anybody in the visit: it shows a reader what the beat table says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.device.settings import Settings
from sim.telemetry.beats import FloatArray, StripBeats
from sim.telemetry.fibrillation import (
    Fibrillatory,
    FibrillatoryPart,
    fibrillating,
)
from sim.telemetry.markers import Marker, markers
from sim.telemetry.morphology import EctopicWaves, Morphology, SinusWaves
from sim.telemetry.synthesis import Blocks, Waves, joined
from sim.units import S_PER_MS

__all__ = [
    "Marker",
    "Morphology",
    "SinusWaves",
    "Strip",
    "StripBeats",
    "ecg_strip",
    "ecg_waves",
    "r_peak_s",
    "train_blocks",
]


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
    fibrillatory: Fibrillatory | None = None,
) -> Strip:
    """Draw lead II and the markers of a span of the beat table, undisturbed.

    Parameters
    ----------
    beats
        The beats of the visit; those up to 2 s outside of the span are used too.
    settings
        Settings in force, for the shape of the train.
    start_s, duration_s
        Span to draw, clock seconds; a ValueError when the duration is not positive.
    sampling_hz
        Samples a second, 250 to 500 for a readable train.
    qrs_ms
        QRS duration of the patient's conducted beats.
    cause_codes
        Short text by the code of an inhibit cause; the number is shown otherwise.
    morphology
        Shapes of the waves.
    fibrillatory
        The fibrillatory waves of the visit; drawn from a generator of seed 0 by
        default.

    Returns
    -------
    Strip
    """
    if not duration_s > 0.0:
        raise ValueError(f"duration_s must be above 0 s, got {duration_s:g} s")
    shape = morphology or Morphology()
    near = beats.between(start_s - 2.0, start_s + duration_s + 2.0)
    trace_mv = np.zeros(round(duration_s * sampling_hz))
    waves = ecg_waves(near, shape.sinus, shape.ectopic, qrs_ms=qrs_ms)
    waves.draw(trace_mv, start_s, sampling_hz)
    f_waves = fibrillatory or Fibrillatory(shape.fibrillation, np.random.default_rng(0))
    FibrillatoryPart(f_waves, 0, near.start_s, fibrillating(near.origin)).draw(
        trace_mv, start_s, sampling_hz
    )
    train_blocks(near, (settings,), shape.artefact_mv_per_v).draw(
        trace_mv, start_s, sampling_hz
    )
    within = beats.between(start_s, start_s + duration_s)
    marks = markers(within, cause_codes or {})
    return Strip(start_s, sampling_hz, trace_mv, marks)


def r_peak_s(beats: StripBeats, ectopic: EctopicWaves, qrs_ms: float) -> FloatArray:
    """Return the time of each beat's R peak, `(n,)`, clock seconds."""
    after_s = np.where(beats.ectopic, ectopic.r_after_onset_s, 0.5 * qrs_ms * S_PER_MS)
    return beats.start_s + after_s


def ecg_waves(
    beats: StripBeats,
    sinus: SinusWaves,
    ectopic: EctopicWaves,
    *,
    qrs_ms: float,
    scale: FloatArray | None = None,
) -> Waves:
    """Return every wave of a lead; `scale`, `(n,)`, is how high those of a beat are."""
    r_s = r_peak_s(beats, ectopic, qrs_ms)
    high = np.ones_like(r_s) if scale is None else scale
    own, others = beats.conducted, beats.ectopic
    conducted = _conducted_waves(beats, r_s, sinus, qrs_ms / sinus.qrs_of_table_ms)
    return joined(
        [
            *(_scaled(wave, high[own]) for wave in conducted),
            *(
                _scaled(wave, high[others])
                for wave in _ectopic_waves(r_s[others], ectopic)
            ),
        ]
    )


def _scaled(waves: Waves, scale: FloatArray) -> Waves:
    return replace(waves, height=scale * waves.height)


def _conducted_waves(
    beats: StripBeats, r_s: FloatArray, waves: SinusWaves, wide: float
) -> list[Waves]:
    own = beats.conducted
    peak_s, qrs_sd_s = r_s[own], wide * waves.qrs_sd_s
    # the T wave follows the square root of the interval before it, as ECGSYN does
    t_s = peak_s + waves.t_at_s * np.sqrt(_interval_before_s(beats)[own])
    p_s = beats.atrial_s[own] + waves.p_after_atrial_s
    p_late_mv, t_early_mv = (
        waves.p_late_frac * waves.p_mv,
        waves.t_early_frac * waves.t_mv,
    )
    return [
        _waves(p_s, waves.p_mv, waves.p_sd_s),
        _waves(p_s + waves.p_late_s, p_late_mv, waves.p_sd_s),
        _waves(peak_s + wide * waves.q_at_s, waves.q_mv, qrs_sd_s),
        _waves(peak_s, waves.r_mv, qrs_sd_s),
        _waves(peak_s + wide * waves.s_at_s, waves.s_mv, qrs_sd_s),
        _waves(t_s - waves.t_early_s, t_early_mv, waves.t_sd_s),
        _waves(t_s, waves.t_mv, waves.t_sd_s),
    ]


def _ectopic_waves(peak_s: FloatArray, waves: EctopicWaves) -> list[Waves]:
    return [
        _waves(peak_s, waves.r_mv, waves.r_sd_s),
        _waves(peak_s + waves.s_at_s, waves.s_mv, waves.s_sd_s),
        _waves(peak_s + waves.t_at_s, waves.t_mv, waves.t_sd_s),
    ]


def _waves(at_s: FloatArray, height_mv: float, sd_s: float) -> Waves:
    return Waves(at_s, np.full_like(at_s, height_mv), np.full_like(at_s, sd_s))


def _interval_before_s(beats: StripBeats) -> FloatArray:
    before_s = np.empty_like(beats.rr_s)
    before_s[1:] = beats.rr_s[:-1]
    before_s[:1] = beats.rr_s[:1]
    return before_s


def train_blocks(
    beats: StripBeats,
    programmed: tuple[Settings, ...],
    mv_per_v: float | Sequence[float],
    setting_id: FloatArray | None = None,
) -> Blocks:
    """Return the phases of every train as blocks, in millivolts.

    Parameters
    ----------
    beats
        The beats.
    programmed
        The settings that were in force.
    mv_per_v
        What one volt at the lead makes in the trace, one or for each of the settings.
    setting_id
        `(n,)`, which of them each beat had; the first one by default.
    """
    given = np.flatnonzero(beats.delivered)
    which = np.zeros_like(given) if setting_id is None else setting_id[given]
    signs = {"POSITIVE": 1.0, "NEGATIVE": -1.0}
    volts = np.array([signs[s.phase1_polarity] * s.amplitude_v for s in programmed])
    phases_s = np.array([s.phase_duration_ms * S_PER_MS for s in programmed])
    which = which.astype(np.int64)
    height_mv, phase_s = (volts * mv_per_v)[which], phases_s[which]
    start_s, end_s = beats.train_start_s[given], beats.train_end_s[given]
    n_phases = np.ceil((end_s - start_s) / phase_s - _WHOLE)
    most = int(n_phases.max(initial=0.0))
    phase = np.arange(most)
    from_s = start_s[:, None] + phase * phase_s[:, None]
    to_s = np.minimum(start_s[:, None] + (phase + 1) * phase_s[:, None], end_s[:, None])
    heights = height_mv[:, None] * np.where(phase % 2 == 0, 1.0, -1.0)
    used = phase < n_phases[:, None]
    return Blocks(from_s[used], to_s[used], heights[used])


_WHOLE = 1e-6  # a train that ends with a phase has no phase more
