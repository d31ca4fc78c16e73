"""What was read of the patient on the day agrees with the heart, and with itself."""

from dataclasses import replace

import numpy as np
import pytest

from sim.heart.equilibrium import with_reflex_held
from sim.patient import Patient, phenotype
from sim.patient.chronic import LAW
from sim.units import CMH2O_PER_MMHG
from sim.visit.chart import KIDNEY, RULES, PatientChart, chart_of
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan

SILENT = VisitPlan(noise_scale=0.0)


def order(patient: Patient, seed: int = 3, **changes: object) -> VisitOrder:
    return replace(VisitOrder(patient, FoundDevice(), VisitPlan(), seed), **changes)


def charts(patient: Patient, n: int) -> list[PatientChart]:
    return [chart_of(order(patient, seed)) for seed in range(n)]


@pytest.fixture(scope="module")
def ischaemic() -> Patient:
    return phenotype("hfref-ischaemic")


def test_a_perfect_reading_is_the_heart_itself(ischaemic: Patient) -> None:
    """30 % of 220 mL, as its phenotype is solved to; the pressure of its atrium."""
    read = chart_of(order(ischaemic, plan=SILENT))
    assert (read.edv_ml, read.esv_ml) == (220.0, 154.0)
    assert read.ejection_fraction_pct == pytest.approx(30.0)
    beat = with_reflex_held(ischaemic.heart).haemodynamics
    assert read.jugular_cm_h2o == round(CMH2O_PER_MMHG * beat.ra_mean_mmhg)
    assert read.qrs_ms == ischaemic.conduction.qrs_ms
    assert not read.has_rales
    assert not read.has_oedema


def test_the_volumes_told_give_the_fraction_told(ischaemic: Patient) -> None:
    for read in charts(ischaemic, 20):
        told = 100.0 * (1.0 - read.esv_ml / read.edv_ml)
        assert read.ejection_fraction_pct == pytest.approx(told)


def test_the_echo_errs_as_echo_does(ischaemic: Patient) -> None:
    """200 readings: the SD of a SD of n is its 1 / sqrt(2 n), 5 %; three of those."""
    read = np.array([c.ejection_fraction_pct for c in charts(ischaemic, 200)])
    assert read.std() / 30.0 == pytest.approx(LAW.ef_error_frac, rel=0.15)


def test_a_patient_keeps_body_and_kidney_from_visit_to_visit(
    ischaemic: Patient,
) -> None:
    first, second = (chart_of(order(ischaemic, replicate=r)) for r in (0, 1))
    assert first.height_cm == second.height_cm
    assert abs(first.weight_kg - second.weight_kg) < 6 * RULES.weight_day_sd_kg
    assert first.weight_kg != second.weight_kg
    assert first.ejection_fraction_pct != second.ejection_fraction_pct


def test_another_patient_of_a_cohort_is_somebody_else(ischaemic: Patient) -> None:
    heights = {chart_of(order(ischaemic, patient_index=k)).height_cm for k in range(9)}
    assert len(heights) > 3


def test_the_healthy_have_little_peptide_and_no_congestion() -> None:
    """ESC 2021: below 125 pg/mL heart failure is unlikely."""
    read = charts(phenotype("normal"), 20)
    assert np.median([chart.nt_probnp_pg_per_ml for chart in read]) < 125.0
    silent = chart_of(order(phenotype("normal"), plan=SILENT))
    assert not silent.is_jugular_raised
    assert silent.congestion_text.endswith("(not raised), no rales, no ankle oedema")


def test_fibrillating_atria_raise_the_peptide(ischaemic: Patient) -> None:
    rhythm = replace(ischaemic.rhythm, kind="af")
    beside = replace(ischaemic, rhythm=rhythm)
    one, other = (
        chart_of(order(p, plan=SILENT)).nt_probnp_pg_per_ml for p in (ischaemic, beside)
    )
    factor = RULES.nt_probnp_fibrillating_factor
    assert other / one == pytest.approx(factor, rel=0.02)  # both rounded to 5 pg/mL


def test_full_veins_are_found(ischaemic: Patient) -> None:
    """A third more stressed volume fills both circulations."""
    circulation = ischaemic.circulation
    fuller = replace(
        circulation, stressed_volume_ml=1.3 * circulation.stressed_volume_ml
    )
    read = chart_of(order(replace(ischaemic, circulation=fuller), plan=SILENT))
    assert read.is_jugular_raised
    assert read.has_oedema
    assert "ankle oedema" in read.congestion_text


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "rate"),
    [  # 142 (Scr/k)^a 0.9938^age, worked out by hand
        (0.9, 50.0, "male", 142.0 * 0.9938**50),
        (1.8, 50.0, "male", 142.0 * 0.9938**50 * 2.0**-1.2),
        (0.7, 70.0, "female", 142.0 * 0.9938**70 * 1.012),
        (0.35, 70.0, "female", 142.0 * 0.9938**70 * 1.012 * 2.0**0.241),
    ],
)
def test_the_filtration_rate_is_that_of_the_equation(
    creatinine: float, age: float, sex: str, rate: float
) -> None:
    assert KIDNEY.egfr(creatinine, age, sex) == pytest.approx(rate)
    back = KIDNEY.creatinine_mg_per_dl(rate, age, sex)
    assert back == pytest.approx(creatinine)


def test_the_same_order_gives_the_same_chart(ischaemic: Patient) -> None:
    assert chart_of(order(ischaemic)) == chart_of(order(ischaemic))
