import math
import pickle
from dataclasses import replace

import pytest

from sim.heart.beating import settled
from sim.heart.train import Train
from sim.patient import (
    OVERRIDES,
    PHENOTYPES,
    Targets,
    UnreachableTargetError,
    personalize,
    phenotype,
    solve_patient,
)
from sim.sources import references, unsourced

NOMINAL = Train(7.5, delay_ms=32.0)


@pytest.mark.parametrize("name", PHENOTYPES)
def test_each_phenotype_settles_at_its_bedside_values(name):
    patient, targets = phenotype(name), PHENOTYPES[name].targets
    beat = settled(patient.heart).haemodynamics
    # The solver refuses more than 1e-4 relative.
    assert 100.0 * beat.ef_frac == pytest.approx(
        targets.ejection_fraction_pct, rel=2e-4
    )
    assert beat.edv_ml == pytest.approx(targets.edv_ml, rel=2e-4)
    assert beat.sbp_mmhg == pytest.approx(targets.sbp_mmhg, rel=2e-4)
    assert patient.rhythm.heart_rate_bpm == targets.heart_rate_bpm
    assert beat.map_mmhg == pytest.approx(patient.reflex.set_map_mmhg, abs=1e-6)


@pytest.mark.parametrize("name", [n for n in PHENOTYPES if n != "normal"])
def test_heart_failure_phenotypes_look_like_heart_failure(name):
    patient = phenotype(name)
    beat = settled(patient.heart).haemodynamics
    # Filling pressures of chronic stable HFrEF; normal LA mean is below 12 mmHg.
    assert 12.0 < beat.la_mean_mmhg < 25.0
    assert 20.0 < beat.pa_mean_mmhg < 40.0
    assert beat.ra_mean_mmhg < 16.0
    assert beat.dpdt_max_mmhg_per_s < 1000.0
    rate = patient.rhythm.heart_rate_bpm
    assert 4.0 < beat.sv_ml * rate / 1000.0 < 6.0


@pytest.mark.parametrize("name", PHENOTYPES)
def test_every_number_of_a_patient_has_a_source_that_exists(name):
    patient = phenotype(name)
    assert unsourced(patient) == []
    known = references()
    assert {row.source.reference for row in patient.provenance()} <= set(known)


def test_solved_numbers_say_that_they_were_solved():
    rows = {row.name: row for row in phenotype("hfref-ischaemic").provenance()}
    source = rows["circulation.lv_elastance_mmhg_per_ml"].source
    assert "solved" in source.place
    assert rows["response.k"].source.standing == "assumed"


def test_the_null_phenotype_has_no_gain_at_any_setting():
    null = phenotype("hfref-null")
    assert null.gain(NOMINAL) == 0.0
    assert personalize(null, {}, "nominal").gain(NOMINAL) == 0.0


def test_phenotypes_gain_about_nine_percent():
    gains = {name: float(phenotype(name).gain(NOMINAL)) for name in PHENOTYPES}
    # Evidence A16: dP/dt max +9.1 +- 4.5 % in patients.
    for name in ("hfref-ischaemic", "hfref-nonischaemic", "hfref-af"):
        assert 0.046 < gains[name] < 0.136


def test_a_normal_heart_gains_less_only_where_weak_hearts_are_said_to_gain_more():
    weak, normal = phenotype("hfref-ischaemic"), phenotype("normal")
    # protocol 6: no beta-blocker, 1 / 0.6; the strength of the heart says nothing
    assert normal.gain(NOMINAL) == pytest.approx(weak.gain(NOMINAL) / 0.6)
    stiff = replace(normal, muscle=replace(normal.muscle, weak_hearts=True))
    assert float(stiff.gain(NOMINAL)) < 0.5 * float(weak.gain(NOMINAL))


def test_fibrillation_and_ectopy_are_where_their_names_say():
    assert phenotype("hfref-af").in_atrial_fibrillation
    assert not phenotype("hfref-ischaemic").in_atrial_fibrillation
    per_day = 24.0 * phenotype("hfref-frequent-pvc").rhythm.pvc_per_hour
    assert 1000.0 < per_day < 10_000.0


def test_bedside_overrides_are_met_and_the_others_kept():
    patient = personalize(
        phenotype("hfref-ischaemic"), {"ejection_fraction_pct": 28, "pvc_per_hour": 12}
    )
    beat = settled(patient.heart).haemodynamics
    assert 100.0 * beat.ef_frac == pytest.approx(28.0, rel=2e-4)
    assert beat.edv_ml == pytest.approx(220.0, rel=2e-4)
    assert beat.sbp_mmhg == pytest.approx(117.0, rel=2e-4)
    assert patient.rhythm.pvc_per_hour == 12.0
    assert patient.sources["rhythm.pvc_per_hour"].standing == "overridden"


def test_a_stated_gain_is_the_patients_own():
    patient = personalize(
        phenotype("hfref-ischaemic"), {"g_two_leads": 0.165, "edv_ml": 260}, "nominal"
    )
    assert patient.gain(NOMINAL) == pytest.approx(0.165, rel=1e-3)


def test_a_response_family_is_taken_over():
    sharp = personalize(phenotype("hfref-ischaemic"), response="sharp")
    assert sharp.response.name == "sharp"
    assert sharp.response.k == 4.0


def test_an_unknown_override_is_answered_with_the_nearest_name():
    with pytest.raises(ValueError, match="did you mean 'ejection_fraction_pct'"):
        personalize(phenotype("hfref-ischaemic"), {"ejection_fraction": 28})


def test_a_value_out_of_range_is_refused_with_the_range():
    patient = phenotype("hfref-ischaemic")
    with pytest.raises(ValueError, match=r"carry_over_frac must be 0 to 0\.4"):
        personalize(patient, {"carry_over_frac": 0.9})


def test_an_unknown_phenotype_is_answered_with_the_nearest_name():
    with pytest.raises(ValueError, match="did you mean 'hfref-ischaemic'"):
        phenotype("hfref-ischemic")


def test_an_unreachable_target_is_named_with_what_is_missed():
    asked = Targets(78.0, 480.0, 70.0, 40.0)
    with pytest.raises(UnreachableTargetError) as caught:
        solve_patient(phenotype("hfref-ischaemic"), asked)
    assert caught.value.name in str(caught.value)
    assert caught.value.asked != pytest.approx(caught.value.reached, rel=1e-4)


def test_a_target_out_of_range_is_refused():
    with pytest.raises(ValueError, match="edv_ml must be 60 to 500 mL, got 900 mL"):
        Targets(30.0, 900.0, 115.0, 70.0)


@pytest.mark.parametrize(
    "asked",
    [
        Targets(20.0, 320.0, 95.0, 95.0),
        Targets(45.0, 150.0, 140.0, 60.0),
        Targets(31.0, 228.0, 118.0, 73.0),
        Targets(62.0, 110.0, 130.0, 75.0),
    ],
)
def test_the_range_of_the_cohort_can_be_solved(asked):
    base = "normal" if asked.ejection_fraction_pct > 50.0 else "hfref-ischaemic"
    beat = settled(solve_patient(phenotype(base), asked).heart).haemodynamics
    assert beat.edv_ml == pytest.approx(asked.edv_ml, rel=2e-4)
    assert beat.sbp_mmhg == pytest.approx(asked.sbp_mmhg, rel=2e-4)


def test_every_override_changes_the_patient():
    patient = phenotype("hfref-ischaemic")
    for name, rule in OVERRIDES.items():
        if not rule.part:
            continue
        changed = personalize(patient, {name: rule.low})
        assert changed != patient, name


def test_a_patient_can_be_a_key_and_travels_between_processes():
    patient = phenotype("hfref-ischaemic")
    twin = pickle.loads(pickle.dumps(patient))
    assert twin == patient
    assert hash(twin) == hash(patient)
    assert not math.isnan(replace(patient, name="x").breathing_hz)
