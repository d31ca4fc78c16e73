"""The oxygen estimate follows area and rate, and CCM makes the area cheaper."""

import pytest

from sim.heart.oxygen import OxygenUse, oxygen_ml_per_min_100g
from sim.heart.parameters import HFREF
from sim.heart.repeating import repeating_beat
from sim.sources import unsourced

BEAT = repeating_beat(HFREF).haemodynamics
USE = OxygenUse()


def test_oxygen_is_the_base_and_the_cost_of_the_area_at_the_rate() -> None:
    area = USE.area_ml_per_mmhg_ml_100g * BEAT.pva_mmhg_ml * 74.0
    found = oxygen_ml_per_min_100g(BEAT, HFREF.rr_s)
    assert found == pytest.approx(USE.base_ml_per_min_100g + area)


def test_a_heart_at_half_the_rate_spends_half_on_its_area() -> None:
    slow = oxygen_ml_per_min_100g(BEAT, 2.0 * HFREF.rr_s) - USE.base_ml_per_min_100g
    fast = oxygen_ml_per_min_100g(BEAT, HFREF.rr_s) - USE.base_ml_per_min_100g
    assert fast == pytest.approx(2.0 * slow)


def test_ccm_is_neutral_where_an_inotrope_is_not() -> None:
    # A23: no change, limits -4 to +14 % of 6.81; the same gain by a drug costs more
    stronger = repeating_beat(HFREF, contractility=1.09).haemodynamics
    before = oxygen_ml_per_min_100g(BEAT, HFREF.rr_s)
    ccm = oxygen_ml_per_min_100g(stronger, HFREF.rr_s, ccm_effect=0.09)
    drug = oxygen_ml_per_min_100g(stronger, HFREF.rr_s)
    assert abs(ccm / before - 1.0) < 0.02
    assert drug > ccm


def test_every_number_of_the_estimate_has_a_source() -> None:
    assert unsourced(USE) == []
