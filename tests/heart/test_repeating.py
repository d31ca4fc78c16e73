"""The beat that repeats itself, and hearts that are refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from sim.heart.circulation import BeatHaemodynamics, ClosedLoop
from sim.heart.parameters import HFREF, NORMAL, VOLUMES, Circulation
from sim.heart.repeating import (
    PLAUSIBLE,
    ImplausibleHeartError,
    NotSettledError,
    check_plausible,
    repeating_beat,
)


@pytest.mark.parametrize("circulation", [NORMAL, HFREF], ids=["normal", "hf"])
def test_the_settled_beat_repeats_itself(circulation: Circulation) -> None:
    settled = repeating_beat(circulation)
    heart = ClosedLoop(circulation)
    heart.volumes_ml = settled.volumes_ml
    for _ in range(20):
        heart.beat(circulation.rr_s)
    # the tolerance of settle is a change of 1e-8 mL a beat
    assert heart.volumes_ml == pytest.approx(settled.volumes_ml, abs=1e-5)


def test_settling_agrees_with_plain_patience_and_is_much_quicker() -> None:
    settled = repeating_beat(HFREF)
    heart = ClosedLoop(HFREF)
    for _ in range(1500):
        heart.beat(HFREF.rr_s)
    assert settled.volumes_ml == pytest.approx(heart.volumes_ml, abs=1e-5)
    assert settled.n_beats < 40


@settings(max_examples=25, deadline=None)
@given(
    elastance=st.floats(0.6, 4.0),
    resistance=st.floats(0.6, 2.0),
    volume=st.floats(900.0, 1700.0),
    rate=st.floats(45.0, 120.0),
)
def test_settling_keeps_the_total_volume(
    elastance: float, resistance: float, volume: float, rate: float
) -> None:
    circulation = replace(
        HFREF,
        lv_elastance_mmhg_per_ml=elastance,
        systemic_resistance_mmhg_s_per_ml=resistance,
        stressed_volume_ml=volume,
        heart_rate_bpm=rate,
    )
    total = ClosedLoop(circulation).volumes_ml.sum()
    try:
        settled = repeating_beat(circulation)
    except ImplausibleHeartError:
        reject()  # stiff, full and narrow together: 200 mmHg in diastole
    assert settled.volumes_ml.sum() == pytest.approx(total, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1.01, 1.5))
def test_a_stronger_ventricle_never_ejects_less(scale: float) -> None:
    before = repeating_beat(HFREF).haemodynamics
    after = repeating_beat(HFREF, contractility=scale).haemodynamics
    assert after.sv_ml > before.sv_ml
    assert after.esv_ml < before.esv_ml
    assert after.dpdt_max_mmhg_per_s > before.dpdt_max_mmhg_per_s
    assert after.la_mean_mmhg < before.la_mean_mmhg


def test_more_resistance_raises_pressure_and_lowers_output() -> None:
    before = repeating_beat(HFREF).haemodynamics
    after = repeating_beat(HFREF, resistance_scale=1.2).haemodynamics
    assert after.map_mmhg > before.map_mmhg
    assert after.sv_ml < before.sv_ml
    # evidence C2: dP/dt max moves by less than 2.5 %
    change = after.dpdt_max_mmhg_per_s / before.dpdt_max_mmhg_per_s - 1.0
    assert abs(change) < 0.025


def test_pooling_in_the_veins_lowers_filling_like_a_loss_of_volume() -> None:
    pooled = repeating_beat(HFREF, venous_shift_ml=100.0).haemodynamics
    bled = repeating_beat(
        replace(HFREF, stressed_volume_ml=HFREF.stressed_volume_ml - 100.0)
    ).haemodynamics
    assert pooled.edv_ml == pytest.approx(bled.edv_ml, rel=1e-6)
    assert pooled.sbp_mmhg == pytest.approx(bled.sbp_mmhg, rel=1e-6)


def test_mean_flow_is_pressure_over_resistance() -> None:
    beat = repeating_beat(HFREF).haemodynamics
    output = beat.sv_ml / HFREF.rr_s
    upstream = beat.map_mmhg - HFREF.aortic_resistance_mmhg_s_per_ml * output
    total = (
        HFREF.systemic_resistance_mmhg_s_per_ml
        + HFREF.systemic_venous_resistance_mmhg_s_per_ml
    )
    # trapezoid sums at 1 ms
    assert (upstream - beat.ra_mean_mmhg) / total == pytest.approx(output, rel=1e-5)


def test_a_heart_that_may_not_beat_long_enough_names_the_volume() -> None:
    with pytest.raises(NotSettledError, match=r"volume \w+ still changes by") as caught:
        repeating_beat(HFREF, max_beats=2)
    assert caught.value.volume in VOLUMES
    assert abs(caught.value.change_ml) > 1e-8


def test_a_heart_without_contractility_is_refused() -> None:
    dead = replace(HFREF, lv_elastance_mmhg_per_ml=0.02)
    with pytest.raises(ImplausibleHeartError) as caught:
        repeating_beat(dead)
    assert caught.value.quantity in PLAUSIBLE
    assert str(caught.value.value)[:3] in str(caught.value)


def test_an_emptied_heart_is_refused() -> None:
    with pytest.raises(ImplausibleHeartError, match=r"must be .* to"):
        repeating_beat(replace(HFREF, stressed_volume_ml=200.0))


def test_too_little_blood_to_fill_the_arteries_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="stressed_volume_ml must be at least"):
        ClosedLoop(replace(HFREF, stressed_volume_ml=50.0))


def test_a_quantity_that_is_not_a_number_is_implausible() -> None:
    beat = repeating_beat(HFREF).haemodynamics
    with pytest.raises(ImplausibleHeartError, match="sbp_mmhg"):
        check_plausible(replace(beat, sbp_mmhg=math.nan))


def test_a_plausible_beat_passes() -> None:
    check_plausible(repeating_beat(NORMAL).haemodynamics)


def test_settling_from_a_given_state_keeps_its_volume() -> None:
    start = repeating_beat(HFREF).volumes_ml + np.array([0, 0, 0, 0, 0, 40.0, 0, 0])
    assert repeating_beat(HFREF, start_ml=start).volumes_ml.sum() == pytest.approx(
        start.sum()
    )


def test_haemodynamics_come_from_a_row_in_order() -> None:
    row = np.arange(21.0)
    assert BeatHaemodynamics.from_row(row).ejection_s == 20.0
