"""What stands in a recording beside the heart: breathing, drift, muscle, mains.

Nothing of it is read by anybody in the visit. Breathing has the phase of the sinus
rhythm's own respiratory arrhythmia, so that both can be told from a strip together.
"""

import math
from collections.abc import Sequence

import numpy as np

from sim.telemetry.beats import FloatArray, StripBeats
from sim.telemetry.morphology import Disturbance
from sim.telemetry.synthesis import Curve, Noise, Part, Tone

STEP_S = 0.25
_LARGEST_KEY = 2**63


def breathing(
    beats: StripBeats, breathing_hz: float, band_sd_hz: float, *, until_s: float
) -> FloatArray:
    """Return the breath every `STEP_S` from 0 on, between -1 and 1; 1 is breathed out.

    It is the phase of the interval's variation in a band around `breathing_hz`, a bell
    of the width `band_sd_hz`; the interval is longest when breathed out. Where it
    varies in all bands alike, as in fibrillation, breath is as regular but tells
    nothing of the beats.
    """
    time_s = STEP_S * np.arange(math.ceil(until_s / STEP_S) + 2, dtype=np.float64)
    usual = beats.conducted
    usual[:-1] &= beats.conducted[1:]
    if not usual.any():
        return np.cos(2.0 * np.pi * breathing_hz * time_s)
    rr_s = np.interp(time_s, beats.start_s[usual], beats.rr_s[usual])
    away = (np.fft.fftfreq(time_s.size, STEP_S) - breathing_hz) / band_sd_hz
    one_sided = np.fft.ifft(np.fft.fft(rr_s - rr_s.mean()) * np.exp(-0.5 * away**2))
    return np.cos(np.angle(one_sided))


def lead_disturbance(
    model: Disturbance, breath: FloatArray, rng: np.random.Generator
) -> list[Part]:
    """Return what is added to a lead of the ECG."""
    # every draw is made, so that leaving a part out does not change another
    n = math.ceil(breath.size * STEP_S / model.drift_step_s) + 2
    drift = model.drift_mv * rng.standard_normal(n)
    phase = rng.uniform(0.0, 2.0 * math.pi)
    parts: list[tuple[float, Part]] = [
        (model.drift_mv, Curve.sampled(model.drift_step_s, drift)),
        (model.breathing_mv, Curve.sampled(STEP_S, model.breathing_mv * breath)),
        (model.mains_mv, Tone(model.mains_hz, model.mains_mv, phase)),
    ]
    return [*(p for height, p in parts if height), *noise(model.muscle_mv, rng)]


def noise(sd: float, rng: np.random.Generator) -> Sequence[Noise]:
    """Return broadband noise of its own; none when `sd` is 0."""
    key = int(rng.integers(_LARGEST_KEY))
    return [Noise(key, sd)] if sd else []


def at_beats(breath: FloatArray, beats: StripBeats) -> FloatArray:
    """Return the breath at each activation, `(n,)`."""
    return np.interp(beats.start_s, STEP_S * np.arange(breath.size), breath)
