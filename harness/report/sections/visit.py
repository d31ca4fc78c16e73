"""Who came, where and when, the phases of the visit, and the patient's state."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

from harness.common.words import plain
from harness.play.scenario import Scenario
from harness.report.case import Case
from harness.report.fhir_observations import component, observation, slug
from harness.report.fhir_terms import Json, Names, concept
from harness.report.parts import (
    BeforeAfter,
    CheckRow,
    Fact,
    Interval,
    Part,
    Quantity,
)
from harness.report.section import Section
from harness.report.values import check_row, minutes, notes, quantity
from sim.units import MIN_PER_H
from sim.visit.chart import PatientChart, chart_of
from sim.visit.plan import Paper
from sim.visit.record import Check, VisitRecord

# labels by which others find a fact
PSEUDONYM: Final = "Pseudonym"
SEX: Final = "Sex"
NAME: Final = "Name in the scenario"
DATE: Final = "Date (simulated)"
LENGTH: Final = "Length of the visit"
CONGESTION: Final = "congestion"
"""The check of the visit's examination whose finding the chart has."""

EXPECTATION: Final = (
    "Scores that fell within the visit are mostly expectation: whoever knows of being "
    "treated feels better, and an hour is too short for more (the size is assumed). "
    "They count neither in the search nor in the verdict."
)


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
    chart: tuple[Fact, ...] = ()
    """Echo, ECG, scale and laboratory of the day."""
    vitals: tuple[BeforeAfter, ...]
    symptoms: tuple[BeforeAfter, ...]
    symptoms_before: str
    symptoms_after: str
    symptoms_note: str = ""
    started: str = ""
    """Simulated day and time of check-in, ISO 8601 with its offset."""
    paper: Paper = "a4"
    """Of the PDF; reports from before it was told were A4."""


def encounter_part(case: Case) -> Encounter:
    """Return who came, where, when and in what state."""
    record, scenario = case.record, case.run.facts.scenario
    before, after = record.symptoms
    noted = notes(record, "exam", ("check",))
    examined = [c for c in record.checklist if plain(f"{c.name}: {c.text}") in noted]
    chart = chart_of(record.order)
    started = started_at(scenario, record)
    symptoms = _symptoms(record)
    return Encounter(
        facts=_visit_facts(record, scenario, started),
        patient=_patient_facts(record, chart, scenario),
        phases=_phases(record),
        checklist=tuple(
            check_row(check) for check in record.checklist if check not in examined
        ),
        examination=tuple(
            Fact(label=plain(check.name), value=plain(_found(check, chart)))
            for check in examined
        ),
        chart=_chart_facts(chart),
        vitals=_vitals(record),
        symptoms=symptoms,
        symptoms_before=plain(before.text),
        symptoms_after=plain(after.text),
        symptoms_note=EXPECTATION if any(map(_fell, symptoms)) else "",
        started=started.isoformat(),
        paper=scenario.visit.printed_on,
    )


def started_at(scenario: Scenario, record: VisitRecord) -> datetime:
    """Return the simulated day and time of check-in."""
    midnight = datetime.combine(scenario.visit.date, time(), UTC)
    minutes_past = round(record.order.found.arrival_h * MIN_PER_H)
    return midnight + timedelta(minutes=minutes_past)


def _found(check: Check, chart: PatientChart) -> str:
    """Return what an item of the examination found."""
    return chart.congestion_text if check.name == CONGESTION else check.text


def _fell(row: BeforeAfter) -> bool:
    before, after = row.before.value, row.after.value
    return before is not None and after is not None and after < before


def _phases(record: VisitRecord) -> tuple[Phase, ...]:
    return tuple(
        Phase(
            name=phase.name,
            start=minutes(phase.start_s),
            duration=minutes(phase.end_s - phase.start_s),
            staff=phase.staff,
        )
        for phase in record.phases
    )


def _visit_facts(
    record: VisitRecord, scenario: Scenario, started: datetime
) -> tuple[Fact, ...]:
    site = record.plan.site
    total_s = record.phases[-1].end_s - record.phases[0].start_s
    free = (
        Fact(label=plain(name), value=plain(value))
        for name, value in scenario.metadata.items()
    )
    return (
        Fact(label=PSEUDONYM, value=plain(record.pseudonym)),
        Fact(label=DATE, value=f"{started:%Y-%m-%d}, check-in at {started:%H:%M}"),
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


def _patient_facts(
    record: VisitRecord, chart: PatientChart, scenario: Scenario
) -> tuple[Fact, ...]:
    """Return what the clinic knows of the patient, never what the simulator does."""
    profile, name = record.patient.profile, scenario.visit.patient_name
    icd = (
        f"present, {profile.icd_distance_cm:g} cm from the nearest CCM lead"
        if profile.has_icd
        else "none"
    )
    named = (Fact(label=NAME, value=plain(name)),) if name else ()
    return (
        *named,
        Fact(label="Age", value=quantity(profile.age_years, "years")),
        Fact(label=SEX, value=profile.sex),
        Fact(label="Height", value=quantity(chart.height_cm, "cm")),
        Fact(label="Indication", value=plain(profile.indication)),
        Fact(label="Aetiology", value=plain(profile.aetiology_text)),
        Fact(label="NYHA class (1 to 4)", value=quantity(profile.nyha_class)),
        Fact(label="Rhythm", value=plain(profile.rhythm_text)),
        Fact(label="Medication", value=plain(", ".join(profile.medication)) or "none"),
        Fact(label="Implanted defibrillator (ICD)", value=icd),
    )


def _chart_facts(chart: PatientChart) -> tuple[Fact, ...]:
    """Return what was read on the day beside the device."""
    rows = (
        ("Ejection fraction, echo, CCM off", chart.ejection_fraction_pct, "%", 0),
        ("LV end-diastolic volume, echo", chart.edv_ml, "mL", 0),
        ("LV end-systolic volume, echo", chart.esv_ml, "mL", 0),
        ("QRS duration, 12-lead ECG", chart.qrs_ms, "ms", 0),
        ("Weight", chart.weight_kg, "kg", 1),
        ("NT-proBNP", chart.nt_probnp_pg_per_ml, "pg/mL", 0),
        ("Creatinine", chart.creatinine_mg_per_dl, "mg/dL", 2),
        ("Filtration rate (eGFR, CKD-EPI 2021)", chart.egfr, "mL/min/1.73 m²", 0),
    )
    return tuple(
        Fact(label=label, value=quantity(value, unit, digits))
        for label, value, unit, digits in rows
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


def _in_fhir(encounter: Encounter, names: Names) -> Iterator[tuple[str, Json]]:
    """Yield chart, vital signs and symptoms: before at the exam, after at the end."""
    if encounter.chart:
        findings = (*encounter.chart, *encounter.examination)
        shown = [
            (fact.label, fact.text if isinstance(fact.value, Interval) else fact.value)
            for fact in findings
        ]
        yield "chart", _seen(names, "chart", "findings of the day", "exam", shown)
    for what, rows in (("vitals", encounter.vitals), ("symptoms", encounter.symptoms)):
        for when, phase in (("before", "check-in"), ("after", "observation")):
            values = [(row.label, getattr(row, when)) for row in rows]
            key = f"{what}-{when}"
            yield key, _seen(names, key, f"{what}, {when}", phase, values)


def _seen(
    names: Names,
    key: str,
    display: str,
    phase: str,
    values: Sequence[tuple[str, Quantity | str]],
) -> Json:
    words = [f"{label}: {_told(value)}" for label, value in values]
    return observation(
        names,
        key,
        concept(key, display),
        words,
        **names.clock.during(phase),
        component=[component(slug(label), label, value) for label, value in values],
    )


def _told(value: Quantity | str) -> str:
    """Return a finding as shown."""
    return value if isinstance(value, str) else value.text


VISIT: Final = Section(
    name="visit",
    order=20,
    title="Visit and patient",
    build=encounter_part,
    fhir=_in_fhir,
)
