"""The shape of every trace: waves of the ECG and the electrograms, of a pressure."""

from dataclasses import dataclass, field
from typing import Final

from sim.sources import sourced

ECGSYN: Final = "mcsharry2003"
TABLE: Final = "Table I, at 60 beats per minute, as a share of R"
DEVICE: Final = "ccmlab-device"
EVIDENCE: Final = "ccmlab-evidence"


@dataclass(frozen=True, slots=True)
class SinusWaves:
    """Waves of a conducted beat; times from the R peak, widths one Gaussian SD.

    The R peak stands half a QRS after the activation, which is the onset of the QRS.
    P and T each have a second wave, a share of the first one as high: that of T comes
    before it, so that T rises slowly and falls fast; that of P is its left atrial part.
    """

    p_mv: float = sourced(0.25 * 0.6, ECGSYN, TABLE, "derived")
    q_mv: float = sourced(-0.17, ECGSYN, TABLE, "derived")
    r_mv: float = sourced(1.0, ECGSYN, TABLE, "derived")
    s_mv: float = sourced(-0.25, ECGSYN, TABLE, "derived")
    t_mv: float = sourced(0.30, ECGSYN, TABLE, "derived")
    p_late_frac: float = sourced(0.3, EVIDENCE, "E ECGSYN", "assumed")
    t_early_frac: float = sourced(0.35, EVIDENCE, "E ECGSYN", "assumed")
    p_after_atrial_s: float = sourced(0.030, EVIDENCE, "E ECGSYN", "assumed")
    p_late_s: float = sourced(0.045, EVIDENCE, "E ECGSYN", "assumed")
    t_early_s: float = sourced(0.080, EVIDENCE, "E ECGSYN", "assumed")
    q_at_s: float = sourced(-0.042, ECGSYN, TABLE, "derived")
    s_at_s: float = sourced(0.042, ECGSYN, TABLE, "derived")
    t_at_s: float = sourced(0.25, ECGSYN, TABLE, "derived")
    p_sd_s: float = sourced(0.025, EVIDENCE, "E ECGSYN", "assumed")
    qrs_sd_s: float = sourced(0.016, ECGSYN, TABLE, "derived")
    t_sd_s: float = sourced(0.050, ECGSYN, TABLE, "derived")
    qrs_of_table_ms: float = sourced(100.0, EVIDENCE, "E ECGSYN", "assumed")


@dataclass(frozen=True, slots=True)
class SinusWavesV1(SinusWaves):
    """Waves of a conducted beat in V1: P up and down, a small r, a deep S, a flat T."""

    p_mv: float = sourced(0.06, EVIDENCE, "E ECGSYN", "assumed")
    q_mv: float = sourced(0.0, EVIDENCE, "E ECGSYN", "assumed")
    r_mv: float = sourced(0.25, EVIDENCE, "E ECGSYN", "assumed")
    s_mv: float = sourced(-1.1, EVIDENCE, "E ECGSYN", "assumed")
    t_mv: float = sourced(0.08, EVIDENCE, "E ECGSYN", "assumed")
    p_late_frac: float = sourced(-1.0, EVIDENCE, "E ECGSYN", "assumed")


@dataclass(frozen=True, slots=True)
class EctopicWaves:
    """Waves of a ventricular ectopic beat: wide, with an opposite T, without P.

    S and T count from the R peak, and that from the activation.
    """

    r_mv: float = sourced(1.6, EVIDENCE, "E ECGSYN", "assumed")
    s_mv: float = sourced(-0.7, EVIDENCE, "E ECGSYN", "assumed")
    t_mv: float = sourced(-0.5, EVIDENCE, "E ECGSYN", "assumed")
    s_at_s: float = sourced(0.075, EVIDENCE, "E ECGSYN", "assumed")
    t_at_s: float = sourced(0.30, EVIDENCE, "E ECGSYN", "assumed")
    r_after_onset_s: float = sourced(0.065, EVIDENCE, "E ECGSYN", "assumed")
    r_sd_s: float = sourced(0.028, EVIDENCE, "E ECGSYN", "assumed")
    s_sd_s: float = sourced(0.026, EVIDENCE, "E ECGSYN", "assumed")
    t_sd_s: float = sourced(0.060, EVIDENCE, "E ECGSYN", "assumed")


@dataclass(frozen=True, slots=True)
class EctopicWavesV1(EctopicWaves):
    """Waves of an ectopic beat in V1, of right ventricular origin: deep and wide."""

    r_mv: float = sourced(-1.5, EVIDENCE, "E ECGSYN", "assumed")
    s_mv: float = sourced(0.4, EVIDENCE, "E ECGSYN", "assumed")
    t_mv: float = sourced(0.4, EVIDENCE, "E ECGSYN", "assumed")


@dataclass(frozen=True, slots=True)
class Fibrillation:
    """Fibrillatory waves: humps, each with a dip behind it, irregular in time and size.

    From wave to wave the interval varies by `interval_cv_frac` and the height by
    `height_cv_frac` (standard deviations); lead V1 has heights of its own.
    """

    f_mv: float = sourced(0.07, EVIDENCE, "E AF", "assumed")
    f_v1_mv: float = sourced(0.12, EVIDENCE, "E AF", "assumed")
    f_hz: float = sourced(6.0, EVIDENCE, "E AF", "assumed")
    interval_cv_frac: float = sourced(0.15, EVIDENCE, "E AF", "assumed")
    height_cv_frac: float = sourced(0.35, EVIDENCE, "E AF", "assumed")
    hump_sd_s: float = sourced(0.022, EVIDENCE, "E AF", "assumed")
    dip_after_s: float = sourced(0.065, EVIDENCE, "E AF", "assumed")
    dip_sd_s: float = sourced(0.033, EVIDENCE, "E AF", "assumed")


@dataclass(frozen=True, slots=True)
class ElectrogramWaves:
    """A bipolar electrogram: a fast deflection down and up again, a flat T.

    The device's amplitude is the height of the first deflection, whose peak stands
    `peak_after_edge_s` after the leading edge; the others are shares of it. A lead that
    is not stimulated sees `artefact_far_frac` of a train of the other.
    """

    peak_after_edge_s: float = sourced(0.006, EVIDENCE, "E Conduction", "assumed")
    peak_sd_s: float = sourced(0.003, EVIDENCE, "E Conduction", "assumed")
    back_frac: float = sourced(-0.7, EVIDENCE, "E Conduction", "assumed")
    back_at_s: float = sourced(0.021, EVIDENCE, "E Conduction", "assumed")
    back_sd_s: float = sourced(0.005, EVIDENCE, "E Conduction", "assumed")
    t_frac: float = sourced(0.08, EVIDENCE, "E Conduction", "assumed")
    t_at_s: float = sourced(0.27, EVIDENCE, "E Conduction", "assumed")
    t_sd_s: float = sourced(0.035, EVIDENCE, "E Conduction", "assumed")
    ectopic_wide: float = sourced(1.8, EVIDENCE, "E Conduction", "assumed")
    artefact_mv_per_v: float = sourced(1.5, DEVICE, "3, row 9", "assumed")
    artefact_far_frac: float = sourced(0.4, DEVICE, "3, row 9", "assumed")


@dataclass(frozen=True, slots=True)
class PressureShape:
    """The course of arterial and LV pressure between the values of the beat table.

    Ejection rises from the opening of the aortic valve with the slope of dP/dt max and
    bends like an exponential to its peak, its exponent there held to `least_bend` and
    `most_bend`; shares count from diastolic to systolic. The run-off begins steeper and
    ends flatter than its mean slope. The notch is a dip at the closing of the valve and
    a small wave after it.
    """

    peak_at_frac: float = sourced(0.70, EVIDENCE, "C2 settled beat", "fitted")
    least_bend: float = sourced(2.0, EVIDENCE, "C2 settled beat", "assumed")
    most_bend: float = sourced(8.0, EVIDENCE, "C2 settled beat", "assumed")
    close_frac: float = sourced(0.89, EVIDENCE, "C2 settled beat", "fitted")
    run_off_first: float = sourced(1.18, EVIDENCE, "C2 settled beat", "fitted")
    run_off_last: float = sourced(0.80, EVIDENCE, "C2 settled beat", "fitted")
    pause_ratio: float = sourced(1.1, EVIDENCE, "C2 settled beat", "assumed")
    notch_frac: float = sourced(-0.07, EVIDENCE, "C2 Waveforms", "assumed")
    notch_sd_s: float = sourced(0.010, EVIDENCE, "C2 Waveforms", "assumed")
    dicrotic_frac: float = sourced(0.06, EVIDENCE, "C2 Waveforms", "assumed")
    dicrotic_after_s: float = sourced(0.050, EVIDENCE, "C2 Waveforms", "assumed")
    dicrotic_sd_s: float = sourced(0.018, EVIDENCE, "C2 Waveforms", "assumed")
    mitral_above_mean_mmhg: float = sourced(3.0, EVIDENCE, "C2 settled beat", "fitted")
    suction_mmhg: float = sourced(4.7, EVIDENCE, "C2 settled beat", "fitted")
    suction_after_s: float = sourced(0.060, EVIDENCE, "C2 settled beat", "fitted")
    unopened_peak_s: float = sourced(0.12, EVIDENCE, "C2 settled beat", "assumed")
    unopened_frac: float = sourced(0.55, EVIDENCE, "C2 settled beat", "assumed")


@dataclass(frozen=True, slots=True)
class MarkerShape:
    """How long a sensed event is high in the marker channel."""

    width_s: float = sourced(0.008, DEVICE, "3, row 8", "assumed")


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What an amplifier adds: mains, muscle, slow drift, and the patient's breathing.

    `mains_mv` and the `breathing` heights are amplitudes, the others standard
    deviations. Breathing moves the baseline and scales the ECG by `breathing_frac`, in
    V1 the other way, since the heart turns; the breath is found in a band of the
    rhythm. Drift has a value of its own every `drift_step_s`. A height of 0 leaves a
    part out.
    """

    mains_hz: float = sourced(
        50.0, EVIDENCE, "E ECGSYN", "assumed", allowed=(45.0, 65.0)
    )
    mains_mv: float = sourced(
        0.008, EVIDENCE, "E ECGSYN", "assumed", allowed=(0.0, 1.0)
    )
    muscle_mv: float = sourced(
        0.010, EVIDENCE, "E ECGSYN", "assumed", allowed=(0.0, 1.0)
    )
    drift_mv: float = sourced(0.03, EVIDENCE, "E ECGSYN", "assumed", allowed=(0.0, 1.0))
    breathing_mv: float = sourced(
        0.05, EVIDENCE, "E ECGSYN", "assumed", allowed=(0.0, 1.0)
    )
    breathing_frac: float = sourced(
        0.08, EVIDENCE, "E ECGSYN", "assumed", allowed=(0.0, 0.5)
    )
    breathing_band_hz: float = sourced(0.02, EVIDENCE, "E ECGSYN", "assumed")
    drift_step_s: float = sourced(3.0, EVIDENCE, "E ECGSYN", "assumed")
    electrogram_mv: float = sourced(
        0.03, EVIDENCE, "E ECGSYN", "assumed", allowed=(0.0, 2.0)
    )
    pressure_mmhg: float = sourced(
        0.2, EVIDENCE, "E ECGSYN", "assumed", allowed=(0.0, 10.0)
    )


@dataclass(frozen=True, slots=True)
class Interference:
    """What interference from outside makes of every lead while it lasts."""

    sd_mv: float = sourced(0.4, EVIDENCE, "E ECGSYN", "assumed")


INTERFERENCE: Final = Interference()


@dataclass(frozen=True, slots=True)
class Morphology:
    """Shape of everything in lead II, lead V1, the electrograms and the pressures."""

    sinus: SinusWaves = field(default_factory=SinusWaves)
    ectopic: EctopicWaves = field(default_factory=EctopicWaves)
    sinus_v1: SinusWavesV1 = field(default_factory=SinusWavesV1)
    ectopic_v1: EctopicWavesV1 = field(default_factory=EctopicWavesV1)
    fibrillation: Fibrillation = field(default_factory=Fibrillation)
    electrogram: ElectrogramWaves = field(default_factory=ElectrogramWaves)
    pressure: PressureShape = field(default_factory=PressureShape)
    marker: MarkerShape = field(default_factory=MarkerShape)
    disturbance: Disturbance = field(default_factory=Disturbance)
    artefact_mv_per_v: float = sourced(0.08, DEVICE, "3, row 9", "assumed")
    artefact_v1_mv_per_v: float = sourced(0.12, DEVICE, "3, row 9", "assumed")
