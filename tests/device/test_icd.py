"""An ICD beside the device counts a train that its blanking and threshold let pass."""

import math

import pytest

from sim.device.icd import (
    Icd,
    IcdBeat,
    ImplantedIcd,
    detects_fibrillation,
    watch_icd,
)
from sim.sources import unsourced

ICD = Icd()
NEAR_MV = ICD.artefact_at_mv(7.5, 1.0)


def beats(rr_s: float, start_ms: float, end_ms: float, n: int = 40) -> list[IcdBeat]:
    return [
        IcdBeat(k * rr_s, k * rr_s + start_ms / 1000, k * rr_s + end_ms / 1000)
        for k in range(n)
    ]


def test_a_train_inside_the_blanking_is_never_counted() -> None:
    assert math.isnan(ICD.counts_train_at_ms(99.0, 120.0, 1000.0))


def test_a_train_that_outlasts_the_blanking_is_counted_at_its_end() -> None:
    assert ICD.counts_train_at_ms(110.0, 131.0, NEAR_MV) == 120.0


def test_a_train_after_the_blanking_is_counted_when_it_begins() -> None:
    assert ICD.counts_train_at_ms(140.0, 161.0, NEAR_MV) == 140.0


def test_a_middling_artefact_is_counted_when_the_threshold_has_come_down() -> None:
    # 3 mV fall to 2.9 mV after 450 ln(3 / 2.9) = 15.26 ms
    at_ms = ICD.counts_train_at_ms(110.0, 150.0, 2.9)
    assert at_ms == pytest.approx(120.0 + 450.0 * math.log(3.0 / 2.9))
    assert math.isnan(ICD.counts_train_at_ms(110.0, 130.0, 2.9))


def test_the_artefact_falls_with_the_cube_of_the_distance_and_with_the_voltage() -> (
    None
):
    assert ICD.artefact_at_mv(7.5, 2.0) == pytest.approx(3.0)
    assert ICD.artefact_at_mv(7.5, 4.0) == pytest.approx(3.0 / 8.0)
    assert ICD.artefact_at_mv(5.0, 2.0) == pytest.approx(2.0)
    assert ICD.artefact_at_mv(7.5, 0.0) == ICD.artefact_at_mv(7.5, 0.5)


def test_the_distance_of_the_manual_is_enough_inside_any_refractory_period() -> None:
    # 4 cm, the usual distance, at the highest output and until 300 ms after the beat
    far_mv = ICD.artefact_at_mv(7.5, 4.0)
    assert math.isnan(ICD.counts_train_at_ms(260.0, 300.0, far_mv))


def test_the_threshold_decays_to_its_floor() -> None:
    assert ICD.threshold_at_mv(120.0) == 3.0
    assert ICD.threshold_at_mv(570.0) == pytest.approx(3.0 / math.e)
    assert ICD.threshold_at_mv(3000.0) == 0.3


def test_double_counting_at_rest_does_not_reach_detection() -> None:
    seen = watch_icd(ICD, beats(0.8, 120.0, 141.0), NEAR_MV)
    assert (seen.n_beats, seen.n_double) == (40, 40)
    # one of two intervals is short: 12 of 24, and 18 are needed
    assert not seen.detects_fibrillation


def test_double_counting_in_a_fast_rhythm_ends_in_a_shock() -> None:
    rate_bpm = ICD.shock_rate_bpm(120.0)
    assert rate_bpm == pytest.approx(60.0 / 0.44)
    faster_s = 60.0 / (rate_bpm + 1.0)
    assert watch_icd(ICD, beats(faster_s, 115.0, 136.0), NEAR_MV).detects_fibrillation
    alone = [IcdBeat(k * faster_s, math.nan, math.nan) for k in range(40)]
    assert not watch_icd(ICD, alone, NEAR_MV).detects_fibrillation


def test_eighteen_of_twenty_four_short_intervals_are_needed() -> None:
    def rhythm(n_short: int) -> list[float]:
        at_s, times = 0.0, [0.0]
        for k in range(24):
            at_s += 0.3 if k < n_short else 0.8
            times.append(at_s)
        return times

    assert not detects_fibrillation(ICD, rhythm(17))
    assert detects_fibrillation(ICD, rhythm(18))


def through(icd: ImplantedIcd, played: list[IcdBeat], amplitude_v: float) -> list[bool]:
    shocks = []
    for at_s, start_s, end_s in played:
        icd.beat(at_s)
        shocks.append(icd.train(at_s, start_s, end_s, amplitude_v))
    return shocks


def test_an_icd_in_the_patient_shocks_in_a_fast_rhythm_and_begins_anew() -> None:
    icd = ImplantedIcd(ICD, 1.0)
    faster_s = 60.0 / (ICD.shock_rate_bpm(120.0) + 1.0)
    shocks = through(icd, beats(faster_s, 115.0, 136.0), 7.5)
    # 1 + 2 k intervals are fast after k more beats; 18 of them at k = 9, then anew
    assert shocks.index(True) == 9
    assert icd.n_shocks == sum(shocks) == 4
    assert icd.n_double == 40


def test_an_icd_in_the_patient_does_not_shock_at_rest_or_from_afar() -> None:
    near, far = ImplantedIcd(ICD, 1.0), ImplantedIcd(ICD, 4.0)
    assert not any(through(near, beats(0.8, 115.0, 136.0), 7.5))
    assert near.n_double == 40
    assert not any(through(far, beats(0.43, 115.0, 136.0), 7.5))
    assert far.n_double == 0


@pytest.mark.parametrize("rr_s", [0.38, 0.43, 0.45, 0.8])
def test_the_icd_in_the_patient_and_its_markers_agree(rr_s: float) -> None:
    played, icd = beats(rr_s, 118.0, 139.0), ImplantedIcd(ICD, 1.5)
    seen = watch_icd(ICD, played, ICD.artefact_at_mv(7.5, 1.5))
    assert any(through(icd, played, 7.5)) == seen.detects_fibrillation
    assert icd.n_double == seen.n_double


def test_every_number_of_the_icd_has_a_source() -> None:
    assert unsourced(ICD) == []
