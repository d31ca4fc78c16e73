"""Breathing, drift, muscle and mains are in the strips as large as asked for."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sim.device.settings import Settings
from sim.heart.contractility import SINUS
from sim.heart.rhythm import RhythmParameters, variability_s
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.channels import Setup, record_strips
from sim.telemetry.disturbance import STEP_S, Breath, Growing, breathing
from sim.telemetry.fibrillation import Fibrillatory, FibrillatoryPart
from sim.telemetry.morphology import Disturbance, Fibrillation, Morphology

HZ = 500
BREATHS_HZ = 0.25
CALM = Disturbance(
    mains_mv=0.0,
    muscle_mv=0.0,
    drift_mv=0.0,
    breathing_mv=0.0,
    breathing_frac=0.0,
    electrogram_mv=0.0,
    pressure_mmhg=0.0,
)
MakeBeats = Callable[..., RecordedBeats]


def breathed(beats_of: MakeBeats, n: int = 400) -> RecordedBeats:
    """Return beats without trains whose interval is longest at 2, 6, 10, ... s."""
    beats = beats_of([SINUS] * n)
    now_s = 0.5
    for k in range(n):
        beats.start_s[k] = now_s
        beats.rr_s[k] = 0.8 - 0.03 * np.cos(2 * np.pi * BREATHS_HZ * now_s)
        now_s += beats.rr_s[k]
    beats.atrial_s[:] = beats.start_s - 0.18
    beats.delivered[:] = 0.0
    return beats


def trace(
    beats: RecordedBeats, name: str, start_s: float, seconds: int, **changes: float
) -> np.ndarray:
    """Draw a trace that has no disturbance but those given."""
    shape = Morphology(disturbance=replace(CALM, **changes))
    drawn = record_strips(beats, (Settings(),), Setup("S", HZ), morphology=shape)
    channel = {channel.name: channel for channel in drawn.channels}[name]
    return channel.draw(start_s, seconds * HZ, float(HZ))


def added(
    beats: RecordedBeats, name: str, start_s: float, seconds: int, **changes: float
) -> np.ndarray:
    """Return what a disturbance adds to a trace."""
    with_it = trace(beats, name, start_s, seconds, **changes)
    return with_it - trace(beats, name, start_s, seconds)


def test_breath_has_the_phase_of_the_sinus_arrhythmia() -> None:
    time_s = STEP_S * np.arange(4096)
    # longest at 2, 6, 10, ... s, with a slow wave that is no breath
    wave_s = -0.03 * np.cos(2 * np.pi * BREATHS_HZ * time_s)
    wave_s += 0.05 * np.sin(2 * np.pi * time_s / time_s.size / STEP_S * 20)
    breath = breathing(wave_s, BREATHS_HZ, CALM.breathing_band_hz)
    expected = -np.cos(2 * np.pi * BREATHS_HZ * time_s)
    assert breath.values(0, time_s.size) == pytest.approx(expected, abs=1e-9)
    assert breath.at(time_s[:-1]) == pytest.approx(expected[:-1], abs=1e-9)


def test_breath_goes_on_behind_the_end_of_its_wave() -> None:
    wave_s = variability_s(RhythmParameters(), np.random.default_rng(1), 100.0)
    breath = breathing(wave_s, BREATHS_HZ, CALM.breathing_band_hz)
    n = wave_s.size
    assert np.array_equal(breath.values(n, n + 9), breath.values(0, 9))


def test_breath_is_regular_where_the_interval_tells_nothing() -> None:
    breath = breathing(np.empty(0), BREATHS_HZ, CALM.breathing_band_hz)
    expected = np.cos(2 * np.pi * BREATHS_HZ * STEP_S * np.arange(50, 90))
    assert breath.values(50, 90) == pytest.approx(expected)


def test_numbers_grow_the_same_in_whichever_pieces_they_are_asked_for() -> None:
    at_once = Growing(np.random.default_rng(4), 3).rows(3000)[:3000]
    growing = Growing(np.random.default_rng(4), 3)
    for n in (1, 7, 300, 3000):
        assert np.array_equal(growing.rows(n)[:n], at_once[:n])


def test_breathing_scales_the_leads_in_opposite_ways(beats_of: MakeBeats) -> None:
    beats = breathed(beats_of)
    breath = Breath(BREATHS_HZ).at(beats.start_s)
    for name, way, extreme in (("ECG II", 1.0, np.max), ("ECG V1", -1.0, np.min)):
        still = trace(beats, name, 40.0, 60)
        moved = trace(beats, name, 40.0, 60, breathing_frac=0.08)
        inside = np.flatnonzero((beats.start_s > 41.0) & (beats.start_s < 99.0))
        for k in inside.tolist():
            first = round((beats.start_s[k] - 40.0) * HZ)
            own = slice(first, first + round(0.15 * HZ))
            # the T wave of the beat before reaches here with less than 0.1 %
            assert extreme(moved[own]) / extreme(still[own]) == pytest.approx(
                1.0 + way * 0.08 * breath[k], abs=1e-3
            )


def test_breathing_moves_the_baseline_with_the_breath(beats_of: MakeBeats) -> None:
    beats = breathed(beats_of)
    moved = added(beats, "ECG II", 0.0, 100, breathing_mv=0.07)
    breath = Breath(BREATHS_HZ).values(0, round(100.0 / STEP_S))
    at_knots = moved[:: round(STEP_S * HZ)]
    assert at_knots == pytest.approx(0.07 * breath)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_mains_is_one_line_of_the_spectrum(
    beats_of: MakeBeats, mains_hz: float
) -> None:
    mains = added(
        breathed(beats_of), "ECG V1", 7.0, 10, mains_hz=mains_hz, mains_mv=0.02
    )
    amplitude_mv = 2.0 * np.abs(np.fft.rfft(mains)) / mains.size
    line = round(mains_hz * 10)  # ten seconds: a line every 0.1 Hz
    assert amplitude_mv[line] == pytest.approx(0.02)
    assert np.delete(amplitude_mv, line).max() < 1e-9


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("ECG II", "muscle_mv"),
        ("ECG V1", "muscle_mv"),
        ("EGM V1", "electrogram_mv"),
        ("EGM V2", "electrogram_mv"),
        ("ABP", "pressure_mmhg"),
    ],
)
def test_noise_has_the_standard_deviation_asked_for(
    beats_of: MakeBeats, name: str, option: str
) -> None:
    noise = added(breathed(beats_of), name, 7.0, 200, **{option: 0.05})
    # 5 standard errors of an SD from 100,000 samples
    assert noise.std() == pytest.approx(0.05, rel=5 / np.sqrt(2e5))


def test_noise_of_one_lead_is_not_that_of_another(beats_of: MakeBeats) -> None:
    ii, v1 = (
        added(breathed(beats_of), name, 0.0, 100, muscle_mv=1.0)
        for name in ("ECG II", "ECG V1")
    )
    assert np.corrcoef(ii, v1)[0, 1] == pytest.approx(0.0, abs=5 / np.sqrt(50_000))


def test_drift_is_slow_and_as_large_as_asked(beats_of: MakeBeats) -> None:
    drift = added(breathed(beats_of, 5000), "ECG II", 0.0, 3600, drift_mv=0.05)
    # 1,200 independent values; between two of them a cubic has 0.6 to 1 of the variance
    assert 0.7 * 0.05 < drift.std() < 1.1 * 0.05
    power = np.abs(np.fft.rfft(drift)) ** 2
    above = np.fft.rfftfreq(drift.size, 1.0 / HZ) > 0.67
    # what a monitor's high-pass for ST segments would take away
    assert power[above].sum() < 0.01 * power[1:].sum()


def test_to_leave_one_disturbance_out_changes_no_other(beats_of: MakeBeats) -> None:
    beats = breathed(beats_of)
    both = added(beats, "ECG V1", 0.0, 20, muscle_mv=0.02, drift_mv=0.05)
    apart = added(beats, "ECG V1", 0.0, 20, muscle_mv=0.02)
    apart += added(beats, "ECG V1", 0.0, 20, drift_mv=0.05)
    assert both == pytest.approx(apart, abs=1e-12)


def f_waves() -> Fibrillatory:
    return Fibrillatory(Fibrillation(), np.random.default_rng(3))


def test_fibrillatory_waves_come_at_their_rate_but_not_regularly() -> None:
    model = Fibrillation()
    at_s, sizes = f_waves().between(0.0, 3600.0)
    interval_s = np.diff(at_s)
    # 5 standard errors of a mean over 21,600 waves
    assert interval_s.mean() * model.f_hz == pytest.approx(1.0, abs=0.006)
    spread = interval_s.std() / interval_s.mean()
    assert spread == pytest.approx(model.interval_cv_frac, rel=0.05)
    assert at_s.max() > 3600.0 - 2.0 / model.f_hz
    assert not np.allclose(sizes[:, 0], sizes[:, 1])


def test_a_fibrillatory_wave_moves_no_baseline() -> None:
    always = np.array([True])
    part = FibrillatoryPart(f_waves(), 0, np.zeros(1), always)
    drawn = np.zeros(60 * HZ)
    part.draw(drawn, 100.0, float(HZ))
    # at most one wave in 360 is cut at either end
    assert abs(drawn.mean()) < 0.01 * drawn.std()


def test_fibrillatory_waves_are_the_same_in_whichever_pieces_they_are_asked_for() -> (
    None
):
    whole, pieces = f_waves(), f_waves()
    late = pieces.between(20.0, 30.0)[0]
    early = pieces.between(0.0, 20.0)[0]
    assert np.array_equal(whole.between(0.0, 30.0)[0], np.append(early, late))
    assert np.array_equal(
        f_waves().between(0.0, 3000.0)[1][:50], whole.between(0.0, 30.0)[1][:50]
    )
