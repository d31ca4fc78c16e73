from dataclasses import replace

import numpy as np
import pytest

from sim.heart.dose import (
    FAMILIES,
    DoseResponse,
    Train,
    baseline_factor,
    delay_factor,
    relative_gain,
    response_family,
    strength,
    two_lead_gain,
)
from sim.sources import unsourced

LAW = DoseResponse()
NOMINAL = Train(7.5, delay_ms=LAW.best_delay_ms)


def test_the_nominal_two_lead_train_gives_nine_percent():
    # 0.067 x 1.35 = 0.0905; evidence A16: +9 % in patients who had two leads.
    assert relative_gain(LAW, NOMINAL) == pytest.approx(0.067 * 1.35, rel=1e-3)


def test_one_lead_gives_the_one_lead_gain_and_no_lead_gives_none():
    train = Train(7.5, delay_ms=32.0, n_leads=np.array([0, 1, 2]))
    gains = relative_gain(LAW, train)
    assert gains[0] == 0.0
    assert gains[1] == pytest.approx(0.067, rel=1e-3)
    assert gains[2] / gains[1] == pytest.approx(1.35)


@pytest.mark.parametrize(("amplitude_v", "share"), [(4.5, 0.51), (6.0, 0.79)])
def test_a_lower_amplitude_keeps_the_share_of_the_evidence_table(amplitude_v, share):
    # ccm-evidence A3 prints two decimals.
    assert strength(LAW, Train(amplitude_v)) == pytest.approx(share, abs=0.005)


def test_no_effect_below_the_threshold_current():
    assert strength(LAW, Train(0.35 * 7.5 - 0.01)) == 0.0
    assert strength(LAW, Train(0.35 * 7.5 + 0.10)) > 0.0


@pytest.mark.parametrize(
    ("pulses", "width_ms", "x"), [(1, 5.14, 0.67), (3, 5.14, 1.17), (2, 6.6, 1.11)]
)
def test_train_length_scales_the_dose_as_in_the_evidence_table(pulses, width_ms, x):
    s = strength(LAW, Train(7.5, width_ms, pulses))
    # Invert S = (1 + k) x / (k + x); the table prints two decimals.
    assert LAW.k * s / (1.0 + LAW.k - s) == pytest.approx(x, abs=0.006)


def test_a_higher_lead_impedance_weakens_the_train():
    gains = relative_gain(
        LAW, Train(7.5, impedance_ohm=np.array([400.0, 550.0, 900.0]))
    )
    assert np.all(np.diff(gains) < 0.0)


def test_the_gain_has_an_optimum_inside_the_delay_range_and_can_turn_negative():
    delays_ms = np.arange(3.0, 141.0)
    gains = relative_gain(LAW, Train(7.5, delay_ms=delays_ms))
    assert delays_ms[np.argmax(gains)] == LAW.best_delay_ms
    assert gains[-1] < 0.0 < gains.max()
    assert delay_factor(LAW, Train(7.5, delay_ms=1e4)) == pytest.approx(-0.1)


def test_weaker_hearts_gain_more_as_in_the_ferret():
    # Relative gains at 1, 2, 4, 8 mM calcium (A04-A07); a three-constant law through
    # four points measured in 6 hearts is not closer than 3 %.
    pressures = np.array([50.0, 67.5, 79.3, 84.6])
    measured = np.array([70.1, 79.0, 87.1, 91.8]) / pressures - 1.0
    span = np.log(2.897 / 0.874) / np.log(84.6 / 50.0)
    elastance = 0.874 * (pressures / 50.0) ** span
    factors = baseline_factor(LAW, elastance)
    assert factors[0] == pytest.approx(1.0)
    assert factors == pytest.approx(measured / measured[0], rel=0.03)


def test_a_heart_of_any_strength_gains_alike_unless_the_switch_is_on():
    strong = replace(LAW, baseline_elastance_mmhg_per_ml=3.3 * 0.874)
    assert relative_gain(strong, NOMINAL) == relative_gain(LAW, NOMINAL)
    switched = replace(strong, weak_hearts=True)
    ratio = relative_gain(switched, NOMINAL) / relative_gain(LAW, NOMINAL)
    # the ferret's strongest state gained 8.5 % where its weakest gained 40.2 %
    assert float(ratio) == pytest.approx(8.5 / 40.2, rel=0.03)


def test_the_baseline_factor_saturates_for_very_weak_and_very_strong_hearts():
    weak, strong = baseline_factor(LAW, np.array([1e-3, 1e3]))
    assert weak == pytest.approx(LAW.weak_ceiling)
    assert strong == pytest.approx(LAW.strong_floor)


def test_beta_block_scales_the_gain():
    high_dose = replace(LAW, beta_block_factor=0.6)
    assert relative_gain(high_dose, NOMINAL) == pytest.approx(
        0.6 * relative_gain(LAW, NOMINAL)
    )


def test_the_null_family_gives_every_setting_the_same_gain():
    null = response_family("null")
    trains = Train(
        np.array([4.5, 6.0, 7.5]), np.array([5.14, 6.6, 5.14]), delay_ms=[3.0, 45.0, 90]
    )
    gains = relative_gain(null, trains)
    assert gains == pytest.approx(0.067 * 1.35)
    assert relative_gain(null, Train(7.5, n_leads=0)) == 0.0


def test_plateau_is_flatter_and_sharp_is_steeper_than_nominal():
    low = Train(4.5, delay_ms=22.0)
    plateau, nominal, sharp = (
        float(relative_gain(response_family(name), low))
        for name in ("plateau", "nominal", "sharp")
    )
    assert plateau > nominal > sharp > 0.0


def test_families_agree_at_the_nominal_train():
    gains = [float(relative_gain(response_family(f), NOMINAL)) for f in FAMILIES]
    assert gains == pytest.approx([gains[0]] * len(FAMILIES))


def test_a_stated_two_lead_gain_holds_for_this_patient_whatever_its_elastance():
    strong = replace(LAW, baseline_elastance_mmhg_per_ml=1.5, weak_hearts=True)
    stated = two_lead_gain(strong, 0.165)
    assert relative_gain(stated, NOMINAL) == pytest.approx(0.165, rel=1e-6)


def test_an_unknown_family_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="nominal, plateau, sharp, null, got 'flat'"):
        response_family("flat")


def test_every_number_has_a_source():
    assert unsourced(LAW) == []
