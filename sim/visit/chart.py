"""What the clinic reads beside the device: echo, ECG, scale, laboratory, congestion.

The heart gives what the model has of it: volumes, QRS, the pressures behind congestion.
Weight, kidney and natriuretic peptide are drawn; nothing in the visit depends on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sim.heart.circulation import BeatHaemodynamics
from sim.heart.equilibrium import with_reflex_held
from sim.patient import Patient
from sim.patient.chronic import LAW
from sim.sources import sourced
from sim.streams import stream
from sim.units import CM_PER_M, CMH2O_PER_MMHG, FRAC_PER_PCT, PCT_PER_FRAC
from sim.visit.order import VisitOrder

_E: Final = "ccmlab-evidence"
_P: Final = "B chart"
_KIDNEY: Final = "ckd-epi-2021"


@dataclass(frozen=True, slots=True)
class ChartRules:
    """How people of a heart failure clinic spread, and how exactly they are read.

    `egfr` is the estimated glomerular filtration rate, mL/min per 1.73 m2. The
    logarithm of NT-proBNP rises with left atrial pressure, falls with the ejection
    fraction, and is higher in atrial fibrillation.
    """

    edv_error_frac: float = sourced(0.06, _E, _P, "assumed")
    qrs_step_ms: float = sourced(2.0, _E, _P, "assumed")
    height_male_cm: float = sourced(175.0, _E, _P, "assumed")
    height_female_cm: float = sourced(162.0, _E, _P, "assumed")
    height_sd_cm: float = sourced(7.0, _E, _P, "assumed")
    bmi_mean_kg_per_m2: float = sourced(28.5, _E, _P, "assumed")
    bmi_sd_kg_per_m2: float = sourced(5.0, _E, _P, "assumed")
    bmi_low_kg_per_m2: float = sourced(19.0, _E, _P, "assumed")
    bmi_high_kg_per_m2: float = sourced(45.0, _E, _P, "assumed")
    weight_day_sd_kg: float = sourced(0.6, _E, _P, "assumed")
    egfr_mean: float = sourced(62.0, _E, _P, "assumed")
    egfr_healthy: float = sourced(95.0, _E, _P, "assumed")
    egfr_sd: float = sourced(18.0, _E, _P, "assumed")
    egfr_low: float = sourced(20.0, _E, _P, "assumed")
    egfr_high: float = sourced(115.0, _E, _P, "assumed")
    creatinine_day_cv_frac: float = sourced(0.05, _E, _P, "assumed")
    nt_probnp_pg_per_ml: float = sourced(1000.0, _E, _P, "assumed")
    nt_probnp_step_pg_per_ml: float = sourced(5.0, _E, _P, "assumed")
    nt_probnp_usual_la_mmhg: float = sourced(17.4, _E, _P, "assumed")
    nt_probnp_usual_ef_pct: float = sourced(30.0, _E, _P, "assumed")
    nt_probnp_log_per_mmhg: float = sourced(0.05, _E, _P, "assumed")
    nt_probnp_log_per_pct: float = sourced(-0.08, _E, _P, "assumed")
    nt_probnp_fibrillating_factor: float = sourced(1.8, _E, _P, "assumed")
    nt_probnp_log_sd: float = sourced(0.5, _E, _P, "assumed")
    nt_probnp_day_log_sd: float = sourced(0.2, _E, _P, "assumed")
    jugular_sd_cm: float = sourced(2.0, _E, _P, "assumed")
    jugular_raised_cm: float = sourced(8.0, _E, _P, "assumed")
    rales_la_mmhg: float = sourced(25.0, _E, _P, "assumed")
    rales_sd_mmhg: float = sourced(4.0, _E, _P, "assumed")
    oedema_ra_mmhg: float = sourced(13.0, _E, _P, "assumed")
    oedema_sd_mmhg: float = sourced(3.0, _E, _P, "assumed")


@dataclass(frozen=True, slots=True)
class KidneyEquation:
    """CKD-EPI 2021: filtration rate from creatinine, age and sex, without race."""

    rate: float = sourced(142.0, _KIDNEY, "equation, creatinine", "recalled")
    high_exponent: float = sourced(-1.200, _KIDNEY, "equation, creatinine", "recalled")
    per_year: float = sourced(0.9938, _KIDNEY, "equation, creatinine", "recalled")
    knee_male_mg_per_dl: float = sourced(0.9, _KIDNEY, "kappa", "recalled")
    knee_female_mg_per_dl: float = sourced(0.7, _KIDNEY, "kappa", "recalled")
    low_exponent_male: float = sourced(-0.302, _KIDNEY, "alpha", "recalled")
    low_exponent_female: float = sourced(-0.241, _KIDNEY, "alpha", "recalled")
    female_factor: float = sourced(1.012, _KIDNEY, "equation, creatinine", "recalled")

    def egfr(self, creatinine_mg_per_dl: float, age_years: float, sex: str) -> float:
        """Return the filtration rate, mL/min per 1.73 m2.

        >>> round(KIDNEY.egfr(1.2, 62.0, "male"))
        68
        """
        rate, knee, low = self._of(age_years, sex)
        ratio = creatinine_mg_per_dl / knee
        return float(rate * ratio ** (low if ratio < 1.0 else self.high_exponent))

    def creatinine_mg_per_dl(self, egfr: float, age_years: float, sex: str) -> float:
        """Return the creatinine that has this filtration rate: `egfr` turned round."""
        rate, knee, low = self._of(age_years, sex)
        ratio = egfr / rate
        exponent = low if ratio > 1.0 else self.high_exponent
        return float(knee * ratio ** (1.0 / exponent))

    def _of(self, age_years: float, sex: str) -> tuple[float, float, float]:
        """Return the rate at the knee, the knee, and the exponent below it."""
        rate = self.rate * self.per_year**age_years
        if sex == "female":
            low = self.low_exponent_female
            return rate * self.female_factor, self.knee_female_mg_per_dl, low
        return rate, self.knee_male_mg_per_dl, self.low_exponent_male


RULES: Final = ChartRules()
KIDNEY: Final = KidneyEquation()


@dataclass(frozen=True, slots=True)
class PatientChart:
    """What was read of one patient on the day of the visit; CCM off for the echo."""

    ejection_fraction_pct: float
    edv_ml: float
    esv_ml: float
    qrs_ms: float
    height_cm: float
    weight_kg: float
    nt_probnp_pg_per_ml: float
    creatinine_mg_per_dl: float
    egfr: float
    jugular_cm_h2o: float
    has_rales: bool
    has_oedema: bool

    @property
    def is_jugular_raised(self) -> bool:
        """Whether the jugular veins stand higher than they should."""
        return self.jugular_cm_h2o > RULES.jugular_raised_cm

    @property
    def congestion_text(self) -> str:
        """The three signs, as an examiner writes them."""
        jugular = "raised" if self.is_jugular_raised else "not raised"
        rales = "basal rales" if self.has_rales else "no rales"
        oedema = "ankle oedema" if self.has_oedema else "no ankle oedema"
        veins = f"jugular veins at about {self.jugular_cm_h2o:.0f} cm H2O ({jugular})"
        return f"{veins}, {rales}, {oedema}"


def chart_of(order: VisitOrder) -> PatientChart:
    """Return what is read on the day of a visit: the same order, the same chart.

    What is the patient's own comes from a stream that replicates share, what changes
    from day to day from one of the visit.
    """
    patient, scale = order.patient, order.plan.noise_scale
    beat = with_reflex_held(patient.heart).haemodynamics
    own = stream(order.seed, name="chart", patient=order.patient_index)
    day = order.rng("chart", 1)
    return PatientChart(
        **_echo(beat, scale * day.standard_normal(2)),
        qrs_ms=_rounded(patient.conduction.qrs_ms, RULES.qrs_step_ms),
        **_body(patient, own.standard_normal(2), day.standard_normal()),
        **_kidney(patient, own.standard_normal(), scale * day.standard_normal()),
        nt_probnp_pg_per_ml=_nt_probnp(
            patient, beat, own.standard_normal(), day.standard_normal()
        ),
        **_signs(beat, scale * day.standard_normal(3)),
    )


def _echo(beat: BeatHaemodynamics, error: np.ndarray) -> Mapping[str, Any]:
    """Return volumes that agree with the ejection fraction that is told beside them."""
    ef_pct = PCT_PER_FRAC * beat.ef_frac * (1.0 + LAW.ef_error_frac * float(error[0]))
    edv_ml = round(beat.edv_ml * (1.0 + RULES.edv_error_frac * float(error[1])))
    esv_ml = round(edv_ml * (1.0 - FRAC_PER_PCT * ef_pct))
    return {
        "ejection_fraction_pct": PCT_PER_FRAC * (1.0 - esv_ml / edv_ml),
        "edv_ml": float(edv_ml),
        "esv_ml": float(esv_ml),
    }


def _body(patient: Patient, own: np.ndarray, day: float) -> Mapping[str, Any]:
    r = RULES
    male = patient.profile.sex != "female"
    height_cm = r.height_male_cm if male else r.height_female_cm
    height_cm += r.height_sd_cm * float(own[0])
    bmi = r.bmi_mean_kg_per_m2 + r.bmi_sd_kg_per_m2 * float(own[1])
    bmi = min(max(bmi, r.bmi_low_kg_per_m2), r.bmi_high_kg_per_m2)
    weight_kg = bmi * (height_cm / CM_PER_M) ** 2 + r.weight_day_sd_kg * day
    return {"height_cm": round(height_cm), "weight_kg": round(weight_kg, 1)}


def _kidney(patient: Patient, own: float, day: float) -> Mapping[str, Any]:
    r, profile = RULES, patient.profile
    mean = r.egfr_mean if profile.ccm_indicated else r.egfr_healthy
    rate = min(max(mean + r.egfr_sd * own, r.egfr_low), r.egfr_high)
    told = profile.age_years, profile.sex
    true = KIDNEY.creatinine_mg_per_dl(rate, *told)
    read = round(true * float(np.exp(r.creatinine_day_cv_frac * day)), 2)
    return {"creatinine_mg_per_dl": read, "egfr": KIDNEY.egfr(read, *told)}


def _nt_probnp(
    patient: Patient, beat: BeatHaemodynamics, own: float, day: float
) -> float:
    r = RULES
    beyond_mmhg = beat.la_mean_mmhg - r.nt_probnp_usual_la_mmhg
    beyond_pct = PCT_PER_FRAC * beat.ef_frac - r.nt_probnp_usual_ef_pct
    stretch = r.nt_probnp_log_per_mmhg * beyond_mmhg
    stretch += r.nt_probnp_log_per_pct * beyond_pct
    spread = r.nt_probnp_log_sd * own + r.nt_probnp_day_log_sd * day
    usual = r.nt_probnp_pg_per_ml
    if patient.in_atrial_fibrillation:
        usual *= r.nt_probnp_fibrillating_factor
    return _rounded(usual * float(np.exp(stretch + spread)), r.nt_probnp_step_pg_per_ml)


def _signs(beat: BeatHaemodynamics, error: np.ndarray) -> Mapping[str, Any]:
    r = RULES
    jugular = CMH2O_PER_MMHG * beat.ra_mean_mmhg + r.jugular_sd_cm * float(error[0])
    rales = beat.la_mean_mmhg + r.rales_sd_mmhg * float(error[1])
    oedema = beat.ra_mean_mmhg + r.oedema_sd_mmhg * float(error[2])
    return {
        "jugular_cm_h2o": float(max(0, round(jugular))),
        "has_rales": rales > r.rales_la_mmhg,
        "has_oedema": oedema > r.oedema_ra_mmhg,
    }


def _rounded(value: float, step: float) -> float:
    return step * round(value / step)
