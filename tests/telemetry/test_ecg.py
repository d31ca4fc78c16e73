"""The synthetic ECG shows what the beat table says, at the time it says it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sim.device.settings import Settings
from sim.heart.contractility import AF, PVC, SINUS
from sim.sources import provenance, references, unsourced
from sim.telemetry.background import Background
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.channels import Setup, record_strips
from sim.telemetry.disturbance import Breath
from sim.telemetry.ecg import Morphology, Strip, StripBeats, ecg_strip
from sim.telemetry.morphology import Disturbance

HZ = 500.0
QRS_S = 0.100
SETTINGS = Settings()
NAN = float("nan")
STILL = Disturbance(
    mains_mv=0.0, muscle_mv=0.0, drift_mv=0.0, breathing_mv=0.0, breathing_frac=0.0
)


def beat_table(origins: list[int], rr_s: float = 0.8) -> StripBeats:
    """Make regular beats; conducted sinus ones have a P wave, all but PVCs a train."""
    start_s = np.asarray(0.5 + rr_s * np.arange(len(origins)), dtype=np.float64)
    origin = np.array(origins, dtype=np.float64)
    delivered = np.where(origin == PVC, 0.0, 1.0)
    train_s = np.where(delivered > 0, start_s + 0.055, NAN)
    return StripBeats(
        start_s=start_s,
        rr_s=np.full_like(start_s, rr_s),
        origin=origin,
        delivered=delivered,
        cause=np.where(origin == PVC, 2.0, -1.0),
        train_start_s=train_s,
        train_end_s=train_s + SETTINGS.train_ms * 1e-3,
        ls_s=np.where(origin == PVC, NAN, start_s + 0.020),
        v_s=start_s + 0.005,
        atrial_s=np.where(origin == SINUS, start_s - 0.18, NAN),
        a_sensed_s=np.full_like(start_s, NAN),
    )


def without_trains(beats: StripBeats) -> StripBeats:
    return replace(beats, delivered=np.zeros_like(beats.delivered))


def sensed_in_the_atrium(beats: StripBeats) -> StripBeats:
    return replace(beats, a_sensed_s=beats.atrial_s.copy())


def draw(beats: StripBeats, settings: Settings = SETTINGS) -> Strip:
    codes = {2: "PVC"}
    return ecg_strip(
        beats,
        settings,
        start_s=0.0,
        duration_s=8.0,
        sampling_hz=HZ,
        cause_codes=codes,
    )


def half_width_s(strip: Strip, at_s: float) -> float:
    """Return the time the trace stays above half of its peak around a beat."""
    peak = round((at_s - strip.start_s) * HZ)
    above = strip.lead_ii_mv > 0.5 * strip.lead_ii_mv[peak]
    left, right = peak, peak
    while above[left - 1]:
        left -= 1
    while above[right + 1]:
        right += 1
    return (right - left) / HZ


def test_the_r_peak_stands_half_a_qrs_after_each_activation() -> None:
    beats = without_trains(beat_table([SINUS] * 9))
    strip = draw(beats)
    for at_s in beats.start_s + 0.5 * QRS_S:
        near = np.abs(strip.time_s - at_s) < 0.2
        peak_s = strip.time_s[near][np.argmax(strip.lead_ii_mv[near])]
        assert peak_s == pytest.approx(at_s, abs=1.0 / HZ)


def test_an_ectopic_beat_is_far_wider() -> None:
    beats = without_trains(beat_table([SINUS, SINUS, PVC, SINUS, SINUS]))
    strip = draw(beats)
    r_after_s = Morphology().ectopic.r_after_onset_s
    conducted = half_width_s(strip, beats.start_s[1] + 0.5 * QRS_S)
    ectopic = half_width_s(strip, beats.start_s[2] + r_after_s)
    assert ectopic > 1.6 * conducted


def test_an_ectopic_beat_ends_in_a_t_wave_of_the_other_sign() -> None:
    beats = without_trains(beat_table([SINUS, PVC, SINUS], rr_s=1.0))
    strip = draw(beats)
    t_mv = [strip.lead_ii_mv[round((beats.start_s[k] + 0.34) * HZ)] for k in (0, 1)]
    assert t_mv[0] > 0.1
    assert t_mv[1] < -0.1


def test_a_p_wave_precedes_a_sinus_beat() -> None:
    beats = without_trains(beat_table([SINUS] * 5))
    strip = draw(beats)
    p_s = beats.atrial_s[2] + Morphology().sinus.p_after_atrial_s
    height_mv = strip.lead_ii_mv[round(p_s * HZ)]
    assert height_mv == pytest.approx(Morphology().sinus.p_mv, abs=0.02)


def test_fibrillation_has_no_p_wave_but_an_unquiet_baseline() -> None:
    beats = without_trains(beat_table([AF] * 9))
    strip = draw(beats)
    before_s = beats.start_s - 0.18
    diastole = [
        strip.lead_ii_mv[np.abs(strip.time_s - at_s) < 0.08] for at_s in before_s
    ]
    waves = Morphology().fibrillation
    highest_mv = max(piece.max() for piece in diastole)
    assert highest_mv < 2.0 * waves.f_mv
    assert all(np.ptp(piece) > 0.5 * waves.f_mv for piece in diastole)


@pytest.mark.parametrize("start_s", [0.0, 37.0, 61.5])
def test_lead_ii_of_a_figure_is_that_of_the_strips_but_for_what_an_amplifier_adds(
    beats_of: Callable[..., RecordedBeats], start_s: float
) -> None:
    rhythm = [PVC if k % 9 == 5 else AF if k > 60 else SINUS for k in range(100)]
    beats, shape = beats_of(rhythm), Morphology(disturbance=STILL)
    under = Background.drawn(np.random.default_rng(5), Breath(0.25), shape)
    recording = record_strips(
        beats, (SETTINGS,), Setup("S"), morphology=shape, background=under
    )
    strip = ecg_strip(
        beats,
        SETTINGS,
        start_s=start_s,
        duration_s=8.0,
        fibrillatory=under.fibrillatory,
    )
    lead = recording.channels[0]
    assert lead.name == "ECG II"
    drawn = lead.draw(start_s, strip.lead_ii_mv.size, strip.sampling_hz)
    # the same sums in the same order
    assert np.abs(strip.lead_ii_mv - drawn).max() < 1e-12


def test_the_train_is_drawn_exactly_while_it_lasts() -> None:
    beats = beat_table([SINUS] * 9)
    artefact_mv = draw(beats).lead_ii_mv - draw(without_trains(beats)).lead_ii_mv
    time_s = draw(beats).time_s
    expected = np.zeros(time_s.size, dtype=np.bool_)
    for start_s, end_s in zip(beats.train_start_s, beats.train_end_s, strict=True):
        expected |= (time_s >= start_s) & (time_s < end_s)
    assert np.array_equal(artefact_mv != 0.0, expected)


def test_the_two_phases_of_a_pulse_have_opposite_signs() -> None:
    beats = beat_table([SINUS] * 3)
    artefact_mv = draw(beats).lead_ii_mv - draw(without_trains(beats)).lead_ii_mv
    phase_s = SETTINGS.phase_duration_ms * 1e-3
    first, second = (
        artefact_mv[round((beats.train_start_s[0] + share * phase_s) * HZ)]
        for share in (0.5, 1.5)
    )
    assert first == pytest.approx(-second)
    assert first > 0.0


def test_markers_stand_at_the_times_of_the_beat_table() -> None:
    beats = sensed_in_the_atrium(beat_table([SINUS] * 4))
    marks = draw(beats).markers
    times = {
        code: [mark.at_s for mark in marks if mark.code == code]
        for code in ("AS", "VS", "LS", "CCM")
    }
    assert times["AS"] == pytest.approx(beats.atrial_s)
    assert times["VS"] == pytest.approx(beats.v_s)
    assert times["LS"] == pytest.approx(beats.ls_s)
    assert times["CCM"] == pytest.approx(beats.train_start_s)


def test_a_train_marker_lasts_as_long_as_the_train() -> None:
    marks = draw(beat_table([SINUS] * 4)).markers
    lengths = [mark.end_s - mark.at_s for mark in marks if mark.kind == "ccm"]
    assert lengths == pytest.approx([SETTINGS.train_ms * 1e-3] * 4)


def test_a_beat_without_a_train_shows_why() -> None:
    beats = beat_table([SINUS, PVC, SINUS])
    marks = [mark for mark in draw(beats).markers if mark.kind == "inhibit"]
    assert [mark.code for mark in marks] == ["PVC"]
    # local sense saw nothing of it, so the ventricular event is the last one
    assert marks[0].at_s == pytest.approx(beats.v_s[1])


def test_the_reason_stands_at_the_activation_when_nothing_was_sensed() -> None:
    beats = beat_table([SINUS, PVC, SINUS])
    beats.v_s[1] = NAN
    marks = [mark for mark in draw(beats).markers if mark.kind == "inhibit"]
    assert marks[0].at_s == pytest.approx(beats.start_s[1])


def test_a_beat_that_was_not_sensed_has_no_ventricular_marker() -> None:
    beats = beat_table([SINUS] * 3)
    unseen = replace(beats, v_s=np.array([beats.v_s[0], NAN, beats.v_s[2]]))
    codes = [mark.code for mark in draw(unseen).markers]
    assert codes.count("VS") == 2


def test_the_atrium_is_not_marked_where_it_is_not_sensed() -> None:
    beats = sensed_in_the_atrium(beat_table([SINUS] * 4))
    beats.a_sensed_s[2] = NAN
    marks = [mark.at_s for mark in draw(beats).markers if mark.code == "AS"]
    assert marks == pytest.approx(beats.atrial_s[[0, 1, 3]])


def test_markers_come_in_the_order_of_time() -> None:
    times = [mark.at_s for mark in draw(beat_table([SINUS, PVC] * 4)).markers]
    assert times == sorted(times)


def test_a_strip_without_beats_is_flat() -> None:
    empty = beat_table([SINUS]).between(100.0, 200.0)
    strip = ecg_strip(empty, SETTINGS, start_s=100.0, duration_s=6.0)
    assert strip.lead_ii_mv.size == 3000
    assert not strip.lead_ii_mv.any()


def test_a_strip_needs_a_length() -> None:
    with pytest.raises(ValueError, match="duration_s must be above 0 s, got 0 s"):
        ecg_strip(beat_table([SINUS]), SETTINGS, start_s=0.0, duration_s=0.0)


def test_every_number_of_the_morphology_has_a_known_source() -> None:
    assert unsourced(Morphology()) == []
    used = {row.source.reference for row in provenance(Morphology())}
    assert used <= set(references())
