"""Every trace shows what the beat table says, at its time, in its unit."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sim.device.settings import Settings
from sim.heart.contractility import AF, PVC, SINUS, VT
from sim.telemetry.annotations import device_marks, true_beats
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.channels import MARKER_BITS, Recording, Setup, record_strips
from sim.telemetry.morphology import Disturbance, Morphology

HZ = 1000
SHAPE = Morphology()
CALM = Disturbance(
    mains_mv=0.0,
    muscle_mv=0.0,
    drift_mv=0.0,
    breathing_mv=0.0,
    breathing_frac=0.0,
    electrogram_mv=0.0,
    pressure_mmhg=0.0,
)
UNDISTURBED = replace(SHAPE, disturbance=CALM)
MakeBeats = Callable[..., RecordedBeats]


def record(
    beats: RecordedBeats,
    *settings: Settings,
    shape: Morphology = UNDISTURBED,
    **changes: object,
) -> Recording:
    setup = Setup("SIM-000001-000", HZ, **changes)  # type: ignore[arg-type]
    return record_strips(beats, settings or (Settings(),), setup, morphology=shape)


def trace(recording: Recording, name: str) -> np.ndarray:
    """Return six seconds of one trace in its unit."""
    names = [channel.name for channel in recording.channels]
    return recording.channels[names.index(name)].draw(0.0, 6 * HZ, float(HZ))


def without_trains(beats: RecordedBeats) -> RecordedBeats:
    return replace(beats, delivered=np.zeros_like(beats.delivered))


def near(samples: np.ndarray, at_s: float, reach_s: float) -> np.ndarray:
    return samples[round((at_s - reach_s) * HZ) : round((at_s + reach_s) * HZ)]


def test_a_conducted_beat_is_upright_in_lead_ii_and_deep_in_v1(
    beats_of: MakeBeats,
) -> None:
    beats = without_trains(beats_of([SINUS] * 7))
    drawn = record(beats)
    ii, v1 = (near(trace(drawn, n), 1.35, 0.08) for n in ("ECG II", "ECG V1"))
    assert ii.max() > 0.8 > -3 * ii.min()
    assert v1.min() < -0.8 < -3 * v1.max()


def test_an_ectopic_beat_turns_its_t_wave_in_either_lead(beats_of: MakeBeats) -> None:
    beats = without_trains(beats_of([SINUS, SINUS, PVC, SINUS], rr_s=1.0))
    drawn = record(beats)
    waves = SHAPE.ectopic
    t_s = beats.start_s[2] + waves.r_after_onset_s + waves.t_at_s
    for name, sign in (("ECG II", -1.0), ("ECG V1", 1.0)):
        peak_s = beats.start_s[2] + waves.r_after_onset_s
        samples = trace(drawn, name)
        assert sign * samples[round(t_s * HZ)] > 0.2
        assert sign * samples[round(peak_s * HZ)] < -1.0


def test_fibrillatory_waves_are_larger_in_v1_and_absent_in_sinus_rhythm(
    beats_of: MakeBeats,
) -> None:
    in_af, in_sinus = (
        record(without_trains(beats_of([origin] * 7))) for origin in (AF, SINUS)
    )
    quiet = slice(round(0.95 * HZ), round(1.1 * HZ))  # after T, before the next P
    ii, v1 = (np.ptp(trace(in_af, n)[quiet]) for n in ("ECG II", "ECG V1"))
    assert v1 > 1.3 * ii > 0.05
    assert np.ptp(trace(in_sinus, "ECG V1")[quiet]) < 0.02


def test_an_electrogram_peaks_behind_the_leading_edge_as_high_as_was_sensed(
    beats_of: MakeBeats,
) -> None:
    beats = without_trains(beats_of([SINUS] * 7))
    drawn = record(beats)
    for name, edge_s, height_mv in (
        ("EGM V1", beats.v1_s, 9.0),
        ("EGM V2", beats.v2_s, 8.0),
    ):
        samples = near(trace(drawn, name), float(edge_s[2]), 0.05)
        # the deflection back pulls the peak down by less than 2 %
        assert samples.max() == pytest.approx(height_mv, rel=0.02)
        peak_s = edge_s[2] - 0.05 + samples.argmax() / HZ
        after_s = SHAPE.electrogram.peak_after_edge_s
        assert peak_s == pytest.approx(edge_s[2] + after_s, abs=0.001)


def test_a_faulty_lead_sees_less(beats_of: MakeBeats) -> None:
    beats = without_trains(beats_of([SINUS] * 7))
    intact, faulty = record(beats), record(beats, sensing=(1.0, 0.3))
    assert trace(faulty, "EGM V2") == pytest.approx(0.3 * trace(intact, "EGM V2"))
    assert np.array_equal(trace(faulty, "EGM V1"), trace(intact, "EGM V1"))


def test_the_artefact_follows_the_settings_of_its_beat(beats_of: MakeBeats) -> None:
    beats = beats_of([SINUS] * 7)
    beats.setting_id[4:] = 1.0
    soft = Settings(amplitude_v=5.0, phase1_polarity="NEGATIVE")
    with_ccm, without = (
        trace(record(item, Settings(), soft), "ECG II")
        for item in (beats, without_trains(beats))
    )
    middle_s = 0.5 * Settings().phase_duration_ms * 1e-3
    first, later = (
        (with_ccm - without)[round((beats.train_start_s[k] + middle_s) * HZ)]
        for k in (3, 4)
    )
    assert first == pytest.approx(7.5 * SHAPE.artefact_mv_per_v)
    assert later == pytest.approx(-5.0 * SHAPE.artefact_mv_per_v)


def height_of_train(beats: RecordedBeats, name: str, settings: Settings) -> float:
    """Return what the first phase of a train adds to a trace."""
    with_ccm, without = (
        trace(record(item, settings), name) for item in (beats, without_trains(beats))
    )
    middle_s = 0.5 * settings.phase_duration_ms * 1e-3
    return float((with_ccm - without)[round((beats.train_start_s[3] + middle_s) * HZ)])


def test_each_lead_of_the_ecg_sees_the_artefact_in_its_own_size(
    beats_of: MakeBeats,
) -> None:
    beats = beats_of([SINUS] * 7)
    ii, v1 = (height_of_train(beats, name, Settings()) for name in ("ECG II", "ECG V1"))
    assert ii == pytest.approx(7.5 * SHAPE.artefact_mv_per_v)
    assert v1 == pytest.approx(7.5 * SHAPE.artefact_v1_mv_per_v)
    assert ii != v1


def test_a_lead_that_is_not_stimulated_sees_the_train_of_the_other_smaller(
    beats_of: MakeBeats,
) -> None:
    beats = beats_of([SINUS] * 7)
    one = Settings(ccm_channels="V1")
    v1, v2 = (height_of_train(beats, name, one) for name in ("EGM V1", "EGM V2"))
    assert v2 == pytest.approx(SHAPE.electrogram.artefact_far_frac * v1)
    assert 0.0 < v2 < v1


def test_the_t_wave_rises_slower_than_it_falls(beats_of: MakeBeats) -> None:
    beats = without_trains(beats_of([SINUS] * 7, rr_s=1.0))
    samples = trace(record(beats), "ECG II")
    r_s = beats.start_s[2] + 0.05
    own = samples[round((r_s + 0.10) * HZ) : round((r_s + 0.45) * HZ)]
    above = np.flatnonzero(own > 0.5 * own.max())
    peak = own.argmax()
    assert peak - above[0] > 1.2 * (above[-1] - peak)


def test_the_p_wave_goes_up_and_then_down_in_v1(beats_of: MakeBeats) -> None:
    beats = without_trains(beats_of([SINUS] * 7, rr_s=1.0))
    a_s = float(beats.atrial_s[2])
    p = trace(record(beats), "ECG V1")[round(a_s * HZ) : round((a_s + 0.11) * HZ)]
    assert p.argmax() < p.argmin()
    assert p.max() > 0.03
    assert p.min() < -0.03


def test_the_marker_channel_tells_kind_and_time(beats_of: MakeBeats) -> None:
    beats = beats_of([SINUS, SINUS, PVC, SINUS])
    beats.a_sensed_s[:] = beats.atrial_s
    bits = trace(record(beats), "MARKER").astype(int)
    for kind, at_s in (
        ("atrial", beats.atrial_s[1]),
        ("ventricular", beats.v_s[1]),
        ("local sense", beats.ls_s[1]),
        ("ccm", beats.train_start_s[1]),
        ("inhibit", beats.v_s[2]),
    ):
        after, before = round(at_s * HZ) + 1, round(at_s * HZ) - 2
        bit = MARKER_BITS[kind]  # type: ignore[index]
        assert bits[after] & bit
        assert not bits[before] & bit


def test_left_ventricular_pressure_is_there_with_a_catheter_only(
    beats_of: MakeBeats,
) -> None:
    beats = beats_of([SINUS] * 7)
    names = [
        [channel.name for channel in record(beats, with_lv_pressure=asked).channels]
        for asked in (False, True)
    ]
    assert set(names[1]) - set(names[0]) == {"LVP"}


def test_counts_are_the_trace_within_half_a_count(recording: Recording) -> None:
    counts = recording.counts(1000, 5000)
    hz = float(recording.sampling_hz)
    for k, channel in enumerate(recording.channels):
        exact = channel.draw(1000 / hz, 5000, hz) * channel.counts_per_unit
        assert np.abs(counts[:, k] - exact).max() <= 0.5 + 1e-9


def test_no_wave_is_cut_where_pieces_meet(recording: Recording) -> None:
    whole = recording.counts(0, 6000)
    pieces = [recording.counts(first, 375) for first in range(0, 6000, 375)]
    assert np.array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("hz", [249, 1001])
def test_a_rate_that_readers_do_not_expect_is_refused(hz: int) -> None:
    with pytest.raises(ValueError, match=f"250 to 1000 Hz, got {hz} Hz"):
        Setup("S", hz)


def test_the_true_beats_stand_at_their_r_peaks(beats_of: MakeBeats) -> None:
    beats = without_trains(beats_of([SINUS, SINUS, PVC, SINUS, SINUS]))
    drawn = record(beats)
    samples = np.abs(trace(drawn, "ECG II"))
    marks = [mark for mark in true_beats(drawn, 100.0) if mark.symbol in "NV"]
    assert [mark.symbol for mark in marks] == list("NNVNN")
    for mark in marks:
        peak_s = mark.at_s - 0.06 + near(samples, mark.at_s, 0.06).argmax() / HZ
        assert peak_s == pytest.approx(mark.at_s, abs=0.005)


def test_the_rhythm_is_marked_where_it_changes(beats_of: MakeBeats) -> None:
    drawn = record(beats_of([SINUS, PVC, SINUS, VT, VT, SINUS]))
    rhythms = [mark.text for mark in true_beats(drawn, 100.0) if mark.symbol == "+"]
    assert rhythms == ["(N", "(VT", "(N"]
    in_af = record(beats_of([AF, PVC, AF]))
    assert [m.text for m in true_beats(in_af, 100.0) if m.symbol == "+"] == ["(AFIB"]


def test_each_train_is_marked_with_its_setting(beats_of: MakeBeats) -> None:
    beats = beats_of([SINUS, PVC, SINUS])
    beats.setting_id[2] = 1.0
    drawn = record(beats, Settings(), Settings(amplitude_v=5.5))
    trains = [mark for mark in device_marks(drawn) if mark.symbol == "^"]
    assert [mark.at_s for mark in trains] == beats.train_start_s[[0, 2]].tolist()
    assert [mark.text.split()[1] for mark in trains] == [
        "amplitude_v=7.5",
        "amplitude_v=5.5",
    ]
