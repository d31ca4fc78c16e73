"""Before the device is touched: check-in, consent, vitals, exam, symptoms."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final

import simpy

from sim.instruments import CuffError
from sim.sources import sourced
from sim.units import S_PER_MIN, rate_bpm
from sim.visit.record import Check, SymptomReport, Vitals
from sim.visit.visit import Visit

Process = Generator[simpy.Event, object, None]
WORST_SCORE: Final = 10.0  # end of the scale on which symptoms are asked for


@dataclass(frozen=True, slots=True)
class Asking:
    """How exactly saturation and symptoms are told, and what a true gain relieves.

    Symptom scores are points of 0 to 10; expectation outweighs the relief.
    """

    spo2_sd_pct: float = sourced(0.5, "ccmlab-protocol", "3, step 1", "assumed")
    symptom_sd: float = sourced(0.5, "ccmlab-protocol", "3, step 2", "assumed")
    vitals_beats: int = sourced(20, "ccmlab-protocol", "3, step 1", "assumed")
    relief_per_pct: float = sourced(
        0.1, "ccmlab-evidence", "0 finding 4, expectation", "assumed"
    )


ASKING: Final = Asking()


def check_in(visit: Visit) -> Process:
    """Identity, consent, vitals; emergency equipment is checked off."""
    step_s = visit.plan.site.check_in_min * S_PER_MIN / 3.0
    yield from visit.bedside.wait_s(step_s)
    check_off(
        visit, "identity", f"pseudonym {visit.order.pseudonym} matches the device"
    )
    check_off(visit, "consent", "purpose, possible sensations and risks explained")
    yield from visit.bedside.wait_s(step_s)
    check_off(visit, "external defibrillator", "at hand, self-test passed")
    check_off(visit, "12-lead ECG", f"recorded: {visit.patient.profile.rhythm_text}")
    yield from visit.bedside.wait_s(step_s)
    take_vitals(visit)


def examine(visit: Visit) -> Process:
    """Brief exam, symptom review, medication."""
    profile, half_s = visit.patient.profile, visit.plan.site.exam_min * S_PER_MIN / 2.0
    yield from visit.bedside.wait_s(half_s)
    check_off(visit, "device pocket", "dry, not tender, no swelling")
    check_off(visit, "congestion", f"examined; NYHA class {profile.nyha_class}")
    check_off(visit, "medication", ", ".join(profile.medication) or "none")
    yield from visit.bedside.wait_s(half_s)
    review_symptoms(visit, relief=0.0)


def check_off(visit: Visit, name: str, text: str) -> None:
    """Put one item of the checklist on record."""
    done = (*visit.findings.checklist, Check(name, True, text))
    visit.findings = replace(visit.findings, checklist=done)
    visit.note("check", f"{name}: {text}")


def take_vitals(visit: Visit) -> None:
    """Read cuff pressure, rate, respiration and oxygen saturation."""
    bedside, cuff = visit.bedside, CuffError()
    n = ASKING.vitals_beats
    window = bedside.window(max(0, bedside.n_beats - n), n)
    error = visit.rng_symptoms.standard_normal(4) * visit.plan.noise_scale
    step = cuff.rounding_mmhg
    sbp, dbp = (
        step * round(float(true.mean() + cuff.sd_mmhg * e) / step)
        for true, e in zip((window.sbp_mmhg, window.dbp_mmhg), error[:2], strict=True)
    )
    spo2_error = ASKING.spo2_sd_pct * error[2]
    vitals = Vitals(
        at_s=float(visit.env.now),
        sbp_mmhg=sbp,
        dbp_mmhg=dbp,
        heart_rate_bpm=round(rate_bpm(float(window.rr_s.mean()))),
        respiration_per_min=round(S_PER_MIN * visit.patient.breathing_hz),
        spo2_pct=min(100.0, round(visit.patient.profile.spo2_pct + spo2_error)),
    )
    taken = (*visit.findings.vitals, vitals)
    visit.findings = replace(visit.findings, vitals=taken)
    visit.tell(vitals)
    visit.note(
        "vitals",
        f"cuff {sbp:.0f}/{dbp:.0f} mmHg, heart rate {vitals.heart_rate_bpm:.0f}/min,"
        f" SpO2 {vitals.spo2_pct:.0f} %",
    )


def review_symptoms(visit: Visit, *, relief: float) -> None:
    """Ask for symptoms; `relief` is what expectation and effect take off a score."""
    profile, rng = visit.patient.profile, visit.rng_symptoms
    dyspnoea, fatigue = (
        float(round(min(max(score - relief + e, 0.0), WORST_SCORE)))
        for score, e in zip(
            (profile.dyspnoea, profile.fatigue),
            ASKING.symptom_sd * rng.standard_normal(2),
            strict=True,
        )
    )
    text = f"dyspnoea {dyspnoea:.0f}/10, fatigue {fatigue:.0f}/10"
    symptoms = SymptomReport(
        float(visit.env.now), profile.nyha_class, dyspnoea, fatigue, text
    )
    told = (*visit.findings.symptoms, symptoms)
    visit.findings = replace(visit.findings, symptoms=told)
    visit.note("symptoms", text)
