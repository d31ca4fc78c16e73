from dataclasses import replace

import numpy as np
import pytest

from sim.heart.contractility import AF, PVC, SINUS, VT
from sim.heart.rhythm import (
    GRID_S,
    Rhythm,
    RhythmParameters,
    ectopic_events,
    variability_s,
)
from sim.sources import unsourced
from sim.streams import stream

HOUR_S = 3600.0
STEADY = RhythmParameters(heart_rate_bpm=60.0, sdnn_ms=1e-9, pvc_per_hour=0.0)


def rhythm(parameters, *, seed=1, duration_s=HOUR_S):
    return Rhythm(
        parameters,
        stream(seed, name="rhythm"),
        stream(seed, name="ectopy"),
        duration_s,
    )


def play(source, until_s, reflex_s=0.0):
    now_s, times, origins = 0.0, [], []
    while now_s < until_s:
        interval = source.next_interval(now_s, reflex_s)
        now_s += interval.rr_s
        times.append(now_s)
        origins.append(interval.next_origin)
    return np.array(times), np.array(origins)


def test_five_minute_sdnn_is_the_stated_one():
    wave = variability_s(RhythmParameters(), stream(2, name="rhythm"), HOUR_S)
    per_window = round(300.0 / GRID_S)
    windows = wave[: wave.size // per_window * per_window].reshape(-1, per_window)
    sdnn_ms = 1e3 * np.sqrt(windows.var(axis=1).mean())
    # 54 windows; the slowest band leaks a little below the 5-minute line.
    assert sdnn_ms == pytest.approx(22.0, rel=0.1)


def test_low_and_breathing_bands_have_the_stated_ratio():
    parameters = RhythmParameters()
    wave = variability_s(parameters, stream(3, name="rhythm"), HOUR_S)
    power = np.abs(np.fft.rfft(wave)) ** 2
    hz = np.fft.rfftfreq(wave.size, GRID_S)
    low = power[(hz > 0.05) & (hz < 0.15)].sum()
    high = power[(hz > 0.2) & (hz < 0.3)].sum()
    # About 400 independent lines in each band: 7 % standard error of the ratio.
    assert low / high == pytest.approx(parameters.lf_hf_ratio, rel=0.25)


def test_the_variation_does_not_depend_on_how_long_the_visit_may_last():
    short = variability_s(RhythmParameters(), stream(4, name="rhythm"), 600.0)
    long = variability_s(RhythmParameters(), stream(4, name="rhythm"), 4 * HOUR_S)
    assert np.array_equal(short, long)


def test_mean_rate_is_the_stated_one():
    times, _ = play(rhythm(RhythmParameters(pvc_per_hour=0.0)), HOUR_S)
    assert 60.0 * times.size / times[-1] == pytest.approx(74.0, rel=0.005)


def test_ectopic_rate_averages_to_the_stated_one_over_many_visits():
    parameters = RhythmParameters(pvc_per_hour=36.0)
    counts = [
        len(ectopic_events(parameters, stream(5, name="ectopy", patient=i), HOUR_S))
        for i in range(400)
    ]
    # Overdispersed counts: SD about 40 an hour, 2.0 of the mean of 400.
    assert np.mean(counts) == pytest.approx(36.0, abs=8.0)
    assert np.var(counts) > 5.0 * np.mean(counts)


def test_a_single_ectopic_is_early_and_followed_by_a_full_compensatory_pause():
    parameters = replace(STEADY, pvc_per_hour=60.0, couplet_frac=0.0, run_frac=0.0)
    source = rhythm(parameters)
    times, origins = play(source, HOUR_S)
    intervals = np.diff(times)
    at = np.flatnonzero(origins[1:-1] == PVC)
    assert at.size > 5
    coupling = intervals[at]
    assert np.all((coupling >= 0.5 - 1e-6) & (coupling <= 0.75 + 1e-6))
    assert coupling + intervals[at + 1] == pytest.approx(2.0, abs=1e-6)


def test_a_couplet_ends_on_the_patients_own_sinus_clock():
    parameters = replace(STEADY, pvc_per_hour=60.0, couplet_frac=1.0, run_frac=0.0)
    times, origins = play(rhythm(parameters), HOUR_S)
    at = np.flatnonzero((origins[:-3] == PVC) & (origins[1:-2] == PVC))
    assert at.size > 5
    last_sinus, next_sinus = times[at - 1], times[at + 2]
    cycles = next_sinus - last_sinus
    assert cycles == pytest.approx(np.round(cycles), abs=1e-6)
    assert np.all(origins[at + 2] == SINUS)


def test_two_identical_seeds_give_the_same_beats():
    first = play(rhythm(RhythmParameters(pvc_per_hour=200.0)), 600.0)
    second = play(rhythm(RhythmParameters(pvc_per_hour=200.0)), 600.0)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_ectopic_clock_times_do_not_move_with_the_heart_rate():
    slow, fast = (
        rhythm(replace(STEADY, heart_rate_bpm=rate, pvc_per_hour=60.0))
        for rate in (60.0, 75.0)
    )
    assert slow.ectopics == fast.ectopics
    times, origins = play(slow, HOUR_S)
    quick_times, quick_origins = play(fast, HOUR_S)
    first = times[np.argmax(origins == PVC)]
    quick_first = quick_times[np.argmax(quick_origins == PVC)]
    assert first == pytest.approx(quick_first, abs=2.0)  # the beat that meets the event


def test_a_captured_atrium_leads_to_one_early_beat_and_resets_the_node():
    source = rhythm(STEADY)
    source.advance(0.4)
    intervals = [source.next_interval(0.0), source.next_interval(0.4)]
    assert [interval.next_origin for interval in intervals] == [SINUS, SINUS]
    assert [interval.rr_s for interval in intervals] == pytest.approx([0.4, 1.0])


def test_a_captured_atrium_cannot_delay_a_beat_or_exceed_the_highest_rate():
    source = rhythm(STEADY)
    source.advance(1.4)
    assert source.next_interval(0.0).rr_s == pytest.approx(1.0)
    source.advance(0.1)
    assert source.next_interval(1.0).rr_s == STEADY.least_rr_s


def test_a_provoked_beat_comes_before_that_of_a_captured_atrium():
    source = rhythm(STEADY)
    source.advance(0.4)
    source.provoke(1, 0.3)
    assert source.next_interval(0.0) == (pytest.approx(0.3), PVC)
    source.next_interval(0.3)  # the pause after it
    assert source.next_interval(2.0).rr_s == pytest.approx(1.0)


def test_a_provoked_beat_comes_next_and_a_provoked_run_is_a_tachycardia():
    source = rhythm(STEADY)
    source.next_interval(0.0)
    source.provoke(1)
    assert source.next_interval(1.0).next_origin == PVC
    assert source.next_interval(1.55).next_origin == SINUS
    source.provoke(5)
    origins = [source.next_interval(10.0 + i).next_origin for i in range(6)]
    assert origins == [VT] * 5 + [SINUS]


def test_a_run_can_be_ended():
    source = rhythm(STEADY)
    source.provoke(100)
    source.next_interval(0.0)
    source.end_run()
    assert source.next_interval(0.5).next_origin == SINUS


def test_fibrillation_is_irregular_with_the_stated_mean_and_spread():
    parameters = RhythmParameters(kind="af", heart_rate_bpm=80.0, pvc_per_hour=0.0)
    times, origins = play(rhythm(parameters), HOUR_S)
    intervals = np.diff(times)
    assert set(origins) == {AF}
    # 4,800 draws; the floor of 0.33 s trims a little of the left tail.
    assert intervals.mean() == pytest.approx(0.75, rel=0.02)
    assert intervals.std() / intervals.mean() == pytest.approx(0.25, rel=0.05)
    assert abs(np.corrcoef(intervals[1:], intervals[:-1])[0, 1]) < 0.05


def test_the_reflex_lengthens_each_sinus_interval_by_what_it_adds():
    plain = rhythm(RhythmParameters(pvc_per_hour=0.0)).next_interval(100.0)
    slowed = rhythm(RhythmParameters(pvc_per_hour=0.0)).next_interval(100.0, 0.02)
    assert slowed.rr_s - plain.rr_s == pytest.approx(0.02)


def test_an_unknown_kind_of_rhythm_is_refused():
    with pytest.raises(ValueError, match="kind must be 'sinus' or 'af', got 'paced'"):
        rhythm(RhythmParameters(kind="paced"))


def test_every_number_has_a_source():
    assert unsourced(RhythmParameters()) == []
