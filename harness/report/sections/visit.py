"""Who came, where and when, the phases of the visit, and the patient's state."""

from typing import Final

from harness.common.words import plain
from harness.report.case import Case
from harness.report.parts import BeforeAfter, CheckRow, Fact, Part, Quantity
from harness.report.section import Section
from harness.report.values import check_row, minutes, notes, quantity
from sim.patient.solve import present_targets
from sim.visit.plan import Paper
from sim.visit.record import VisitRecord

# labels by which others find a fact
PSEUDONYM: Final = "Pseudonym"
SEX: Final = "Sex"
LENGTH: Final = "Length of the visit"


class Phase(Part):
    """One phase of the visit."""

    name: str
    start: Quantity
    duration: Quantity
    staff: str


class Encounter(Part):
    """Who, where, when and in what state."""

    facts: tuple[Fact, ...]
    patient: tuple[Fact, ...]
    phases: tuple[Phase, ...]
    checklist: tuple[CheckRow, ...]
    examination: tuple[Fact, ...]
    vitals: tuple[BeforeAfter, ...]
    symptoms: tuple[BeforeAfter, ...]
    symptoms_before: str
    symptoms_after: str
    paper: Paper = "a4"
    """Of the PDF; reports from before it was told were A4."""


def encounter_part(case: Case) -> Encounter:
    """Return who came, where, when and in what state."""
    record, metadata = case.record, dict(case.run.facts.scenario.metadata)
    before, after = record.symptoms
    noted = notes(record, "exam", ("check",))
    examined = [c for c in record.checklist if plain(f"{c.name}: {c.text}") in noted]
    return Encounter(
        facts=_visit_facts(record, metadata),
        patient=_patient_facts(record),
        phases=tuple(
            Phase(
                name=phase.name,
                start=minutes(phase.start_s),
                duration=minutes(phase.end_s - phase.start_s),
                staff=phase.staff,
            )
            for phase in record.phases
        ),
        checklist=tuple(
            check_row(check) for check in record.checklist if check not in examined
        ),
        examination=tuple(
            Fact(label=plain(check.name), value=plain(check.text)) for check in examined
        ),
        vitals=_vitals(record),
        symptoms=_symptoms(record),
        symptoms_before=plain(before.text),
        symptoms_after=plain(after.text),
        paper=case.run.facts.scenario.visit.printed_on,
    )


def _visit_facts(record: VisitRecord, metadata: dict[str, str]) -> tuple[Fact, ...]:
    site = record.plan.site
    total_s = record.phases[-1].end_s - record.phases[0].start_s
    free = (
        Fact(label=plain(name), value=plain(value)) for name, value in metadata.items()
    )
    return (
        Fact(label=PSEUDONYM, value=plain(record.pseudonym)),
        Fact(label="Site", value=site.title),
        Fact(
            label="Place of service (neutral metadata, not a choice)",
            value=site.place_of_service,
        ),
        Fact(label=LENGTH, value=minutes(total_s)),
        Fact(label="Consent", value=plain(_consent(record))),
        *free,
    )


def _consent(record: VisitRecord) -> str:
    for check in record.checklist:
        if "consent" in check.name.casefold():
            return check.text or ("given" if check.passed else "not given")
    return "not recorded"


def _patient_facts(record: VisitRecord) -> tuple[Fact, ...]:
    """Return what the clinic knows of the patient, never what the simulator does."""
    profile = record.patient.profile
    icd = (
        f"present, {profile.icd_distance_cm:g} cm from the nearest CCM lead"
        if profile.has_icd
        else "none"
    )
    return (
        Fact(label="Age", value=quantity(profile.age_years, "years")),
        Fact(label=SEX, value=profile.sex),
        Fact(label="Indication", value=plain(profile.indication)),
        Fact(label="Aetiology", value=plain(profile.aetiology_text)),
        Fact(
            label="Ejection fraction, CCM off",
            value=quantity(present_targets(record.patient).ejection_fraction_pct, "%"),
        ),
        Fact(label="NYHA class (1 to 4)", value=quantity(profile.nyha_class)),
        Fact(label="Rhythm", value=plain(profile.rhythm_text)),
        Fact(label="Medication", value=plain(", ".join(profile.medication)) or "none"),
        Fact(label="Implanted defibrillator (ICD)", value=icd),
    )


def _vitals(record: VisitRecord) -> tuple[BeforeAfter, ...]:
    before, after = record.vitals
    rows = (
        ("Systolic pressure, cuff", "sbp_mmhg", "mmHg"),
        ("Diastolic pressure, cuff", "dbp_mmhg", "mmHg"),
        ("Heart rate", "heart_rate_bpm", "/min"),
        ("Breaths", "respiration_per_min", "/min"),
        ("Oxygen saturation", "spo2_pct", "%"),
    )
    return tuple(
        BeforeAfter(
            label=label,
            before=quantity(getattr(before, name), unit),
            after=quantity(getattr(after, name), unit),
        )
        for label, name, unit in rows
    )


def _symptoms(record: VisitRecord) -> tuple[BeforeAfter, ...]:
    before, after = record.symptoms
    rows = (
        ("NYHA class (1 to 4)", "nyha_class", 0),
        ("Dyspnoea (0 none to 10 worst)", "dyspnoea", 1),
        ("Fatigue (0 none to 10 worst)", "fatigue", 1),
    )
    return tuple(
        BeforeAfter(
            label=label,
            before=quantity(getattr(before, name), "", digits),
            after=quantity(getattr(after, name), "", digits),
        )
        for label, name, digits in rows
    )


VISIT: Final = Section(
    name="visit", order=20, title="Visit and patient", build=encounter_part
)
