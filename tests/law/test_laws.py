from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from sim.heart.train import Train
from sim.law.muscle import Muscle, baseline_factor, unscaled
from sim.law.registry import SHIPPED, law_named
from sim.law.response_law import LawInputs
from sim.law.saturating import Saturating
from sim.patient import phenotype
from sim.sources import unsourced

LAW = Saturating()
ANYBODY = LawInputs()
NOMINAL = Train(7.5, delay_ms=LAW.best_delay_ms)


def of_strength(elastance_mmhg_per_ml):
    return Muscle(baseline_elastance_mmhg_per_ml=elastance_mmhg_per_ml)


def test_the_nominal_two_lead_train_gives_nine_percent():
    # 0.067 x 1.35 = 0.0905; evidence A16: +9 % in patients who had two leads.
    assert LAW.gain(NOMINAL, ANYBODY) == pytest.approx(0.067 * 1.35, rel=1e-3)


def test_one_lead_gives_the_one_lead_gain_and_no_lead_gives_none():
    v1, v2 = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])
    train = Train(7.5, delay_ms=32.0, v1_delivers=v1, v2_delivers=v2)
    gains = LAW.gain(train, ANYBODY)
    assert gains[0] == 0.0
    assert gains[1] == pytest.approx(0.067, rel=1e-3)
    assert gains[2] / gains[1] == pytest.approx(1.35)


@pytest.mark.parametrize(("amplitude_v", "share"), [(4.5, 0.51), (6.0, 0.79)])
def test_a_lower_amplitude_keeps_the_share_of_the_evidence_table(amplitude_v, share):
    # ccm-evidence A3 prints two decimals.
    assert LAW.strength(Train(amplitude_v)) == pytest.approx(share, abs=0.005)


def test_no_effect_below_the_threshold_current():
    assert LAW.strength(Train(0.35 * 7.5 - 0.01)) == 0.0
    assert LAW.strength(Train(0.35 * 7.5 + 0.10)) > 0.0


@pytest.mark.parametrize(
    ("pulses", "width_ms", "x"), [(1, 5.14, 0.67), (3, 5.14, 1.17), (2, 6.6, 1.11)]
)
def test_train_length_scales_the_dose_as_in_the_evidence_table(pulses, width_ms, x):
    s = LAW.strength(Train(7.5, width_ms, pulses))
    # Invert S = (1 + k) x / (k + x); the table prints two decimals.
    assert LAW.k * s / (1.0 + LAW.k - s) == pytest.approx(x, abs=0.006)


def test_a_higher_lead_impedance_weakens_the_train():
    ohm = np.array([400.0, 550.0, 900.0])
    train = Train(7.5, v1_ohm=ohm, v2_ohm=ohm)
    gains = LAW.gain(train, ANYBODY)
    assert np.all(np.diff(gains) < 0.0)


def test_the_gain_has_an_optimum_inside_the_delay_range_and_can_turn_negative():
    delays_ms = np.arange(3.0, 141.0)
    gains = LAW.gain(Train(7.5, delay_ms=delays_ms), ANYBODY)
    assert delays_ms[np.argmax(gains)] == LAW.best_delay_ms
    assert gains[-1] < 0.0 < gains.max()
    assert LAW.delay_factor(Train(7.5, delay_ms=1e4)) == pytest.approx(-0.1)


def test_weaker_hearts_gain_more_as_in_the_ferret():
    # Relative gains at 1, 2, 4, 8 mM calcium (A04-A07); a three-constant law through
    # four points measured in 6 hearts is not closer than 3 %.
    pressures = np.array([50.0, 67.5, 79.3, 84.6])
    measured = np.array([70.1, 79.0, 87.1, 91.8]) / pressures - 1.0
    span = np.log(2.897 / 0.874) / np.log(84.6 / 50.0)
    elastance = 0.874 * (pressures / 50.0) ** span
    factors = baseline_factor(of_strength(elastance))
    assert factors[0] == pytest.approx(1.0)
    assert factors == pytest.approx(measured / measured[0], rel=0.03)


def test_a_heart_of_any_strength_gains_alike_unless_the_switch_is_on():
    strong = of_strength(3.3 * 0.874)
    alike = LAW.gain(NOMINAL, ANYBODY)
    assert LAW.gain(NOMINAL, LawInputs(strong)) == alike
    switched = LawInputs(replace(strong, weak_hearts=True))
    # the ferret's strongest state gained 8.5 % where its weakest gained 40.2 %
    ratio = LAW.gain(NOMINAL, switched) / alike
    assert float(ratio) == pytest.approx(8.5 / 40.2, rel=0.03)


def test_the_baseline_factor_saturates_for_very_weak_and_very_strong_hearts():
    weak, strong = baseline_factor(of_strength(np.array([1e-3, 1e3])))
    assert weak == pytest.approx(Muscle().weak_ceiling)
    assert strong == pytest.approx(Muscle().strong_floor)


def test_beta_block_scales_the_gain_of_every_law():
    high_dose = LawInputs(Muscle(beta_block_factor=0.6))
    for name in SHIPPED:
        law = law_named(name)
        full = law.gain(NOMINAL, ANYBODY)
        assert law.gain(NOMINAL, high_dose) == pytest.approx(0.6 * full)


def test_the_null_law_gives_every_setting_the_same_gain():
    null = law_named("null")
    trains = Train(
        np.array([4.5, 6.0, 7.5]), np.array([5.14, 6.6, 5.14]), delay_ms=[3.0, 45.0, 90]
    )
    assert null.gain(trains, ANYBODY) == pytest.approx([0.067 * 1.35] * 3)
    assert null.gain(Train(7.5, v1_delivers=0.0, v2_delivers=0.0), ANYBODY) == 0.0


def test_plateau_is_flatter_and_sharp_is_steeper_than_saturating():
    low = Train(4.5, delay_ms=22.0)
    plateau, saturating, sharp = (
        float(law_named(name).gain(low, ANYBODY))
        for name in ("plateau", "saturating", "sharp")
    )
    assert plateau > saturating > sharp > 0.0


def test_a_law_may_hang_on_the_refractory_period_and_the_visit_asks_it():
    @dataclass(frozen=True)
    class InTheWindow:
        share: float = 0.1
        name: ClassVar[str] = "in-the-window"

        def gain(self, train, patient):
            left_ms = patient.conduction.erp_ms - train.delay_ms
            return np.where(left_ms > 200.0, self.share, 0.0)

    patient = replace(phenotype("hfref-ischaemic"), response=InTheWindow())
    erp_ms = patient.conduction.erp_ms
    assert patient.gain(Train(7.5, delay_ms=erp_ms - 201.0)) == 0.1
    assert patient.gain(Train(7.5, delay_ms=erp_ms - 199.0)) == 0.0


def test_a_stated_two_lead_gain_holds_for_this_patient_whatever_its_elastance():
    strong = Muscle(0.6, baseline_elastance_mmhg_per_ml=1.5)
    stated = LAW.sized(0.165)
    own = LawInputs(unscaled(strong))
    assert stated.gain(NOMINAL, own) == pytest.approx(0.165, rel=1e-6)


def test_a_person_keeps_the_constants_that_two_laws_share():
    own = Saturating(g_one_lead_frac=0.04, k=2.0, best_delay_ms=25.0)
    sharp = law_named("sharp", own)
    assert (sharp.g_one_lead_frac, sharp.best_delay_ms) == (0.04, 25.0)
    assert sharp.k == 4.0  # by which the corner is one, evidence A3
    # the null law knows no more of a person than the size of the gain
    assert law_named("null", own).gain_frac == pytest.approx(0.04 * 1.35)
    back = law_named("saturating", law_named("null", own))
    assert back.g_one_lead_frac == pytest.approx(0.04)


def test_older_scenarios_call_the_saturating_law_nominal():
    assert law_named("nominal") == law_named("saturating") == LAW


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_has_a_source(name):
    assert unsourced(law_named(name)) == []
    assert unsourced(Muscle()) == []
