"""The first pages: verdict, permanent values, who came, and what the device told."""

import math
from dataclasses import fields
from typing import Final

from harness.common.words import plain
from harness.report.model import (
    BeforeAfter,
    CheckRow,
    Count,
    Device,
    Encounter,
    Fact,
    Permanent,
    Phase,
    Verdict,
)
from harness.report.values import gain, interval, minutes, quantity, setting_row, share
from sim.device.settings import Settings
from sim.instruments import readout
from sim.units import PCT_PER_FRAC
from sim.visit.record import Check, Interrogation, VisitRecord

MAIN: Final = (
    "mode",
    "ccm_mode",
    "ccm_channels",
    "ls_channel",
    "amplitude_v",
    "phase_duration_ms",
    "n_pulses",
    "delay_ms",
    "alert_start_ms",
    "alert_width_ms",
    "post_ls_refractory_ms",
    "pvarp_ms",
    "vrp_ms",
    "ccm_hours_per_day",
)
ALL_BEATS: Final = "BEATS"
COUNTERS: Final = {
    ALL_BEATS: "beats counted",
    "VENTRICULAR": "ventricular events sensed",
    "LOCAL_SENSE": "local sense events",
    "DELIVERED": "beats with CCM",
    "SHORT_AV": "inhibited: short AV interval",
    "LONG_AV": "inhibited: long AV interval",
    "PVC": "inhibited: premature ventricular beat",
    "AT": "inhibited: atrial tachycardia",
    "LS_OUT": "inhibited: local sense outside the alert window",
    "NOISE": "inhibited: noise",
    "VT": "inhibited: ventricular rate above the limit",
    "INHIBITED": "inhibited: cycles of an earlier cause",
    "NO_LS": "no CCM: no local sense in the alert window",
    "V_UNDERSENSED": "no CCM: ventricular beat not sensed",
    "SCHEDULE_OFF": "no CCM: outside the schedule",
    "OFF": "no CCM: switched off",
    "PERMANENT_OFF": "no CCM: state Permanent Off",
    "DOWN": "no CCM: state DOWN",
    "SAFE_MODE": "no CCM: Safe Mode",
    "BATTERY_LOW": "no CCM: battery low",
}
NEEDS_ATRIUM: Final = "ODO-LS-CCM"
READ: Final = {
    "finger-pressure": "systolic finger pressure",
    "cuff": "systolic cuff pressure",
    "echo-vti": "the echo velocity-time integral",
    "invasive-dpdt": "invasive LV dP/dt max",
    "invasive-systolic": "invasive LV systolic pressure",
}
ADJUSTED: Final = (
    "Iterative adjustment was done: in-person programming evaluation with repeated "
    "adjustment to test function and select the best permanent values, with analysis, "
    "review and report (0417T-style). No code is chosen by this report."
)
READ_ONLY: Final = (
    "Interrogation only: settings were read and no iterative adjustment was made "
    "(0418T-style). No code is chosen by this report."
)


def verdict_part(record: VisitRecord) -> Verdict:
    """Return the verdict with the numbers it rests on."""
    verdict = record.verdict
    return Verdict(
        kind=verdict.kind,
        sentence=_sentence(record),
        reason=plain(verdict.reason),
        confidence=_confidence(record),
        gain=gain(verdict.gain_pct),
        standard_error=quantity(verdict.standard_error_pct, "%", 1),
        interval_95=interval(verdict.ci95_pct),
        interval_90=interval(verdict.ci90_pct),
        service=ADJUSTED if record.tested else READ_ONLY,
    )


def _sentence(record: VisitRecord) -> str:
    verdict = record.verdict
    noun = READ.get(record.plan.readout, readout(record.plan.readout).title)
    if verdict.kind == "stopped for safety":
        left = "CCM off" if _is_off(record.final) else "the values stated below"
        return (
            f"Stopped for safety: {plain(verdict.reason)}. The device was left with "
            f"{left}."
        )
    if verdict.kind == "harmful as found":
        risen = quantity(verdict.gain_pct, "%", 1).text
        return (
            f"Harmful as found: {noun} was higher by {risen} (95 % interval"
            f" {interval(verdict.ci95_pct).text}) with CCM off than with the values"
            f" found, over {verdict.pairs_done} fresh pairs of readings; CCM is"
            " recommended off and was programmed off."
        )
    if not math.isfinite(verdict.gain_pct):
        return (
            f"No difference shown ({verdict.kind}): {plain(verdict.reason)}; no fresh "
            "pairs were read."
        )
    limits = f"95 % interval {interval(verdict.ci95_pct).text}"
    pairs = f"over {verdict.pairs_done} fresh pairs of readings"
    if verdict.kind == "improved":
        risen = quantity(verdict.gain_pct, "%", 1).text
        return (
            f"Improved: {noun} rose by {risen} ({limits}) with the new permanent "
            f"values against the reference values, {pairs}."
        )
    kept = (
        "the values that need less energy were programmed"
        if verdict.kind == "equivalent"
        else "the reference values were kept"
    )
    return (
        f"No difference shown ({verdict.kind}): {noun} changed by "
        f"{gain(verdict.gain_pct).text} ({limits}) {pairs}; {kept}."
    )


def _confidence(record: VisitRecord) -> str:
    verdict, plan = record.verdict, record.plan
    return (
        f"Rule fixed before the visit: improved needs a lower 95 % limit above 0 and "
        f"a gain of at least {plan.least_relevant_gain_pct:g} %; equivalent needs the "
        f"90 % interval inside ±{plan.equivalence_margin_pct:g} %. With "
        f"{verdict.pairs_planned} pairs this visit could have shown a gain of "
        f"{quantity(verdict.least_detectable_gain_pct, '%', 1).text} with 80 % power."
    )


def _is_off(settings: Settings) -> bool:
    return settings.mode == "OOO" or settings.ccm_mode == "OFF"


def permanent_part(record: VisitRecord) -> Permanent:
    """Return the permanent values beside those found."""
    found, reference = record.as_found.settings, record.reference
    rows = [
        setting_row(item.name, found, reference, record.final)
        for item in fields(Settings)
    ]
    shown = [row for row in rows if row.symbol in MAIN or row.changed]
    n_changed = sum(row.changed for row in rows)
    return Permanent(
        statement=(
            f"{n_changed} of {len(rows)} values were changed."
            if n_changed
            else "No value was changed; the device leaves as it came."
        ),
        shows_reference=bool(reference.changed(found)),
        main=tuple(shown),
        others=tuple(row for row in rows if row not in shown),
    )


def encounter_part(record: VisitRecord, metadata: dict[str, str]) -> Encounter:
    """Return who came, where, when and in what state."""
    before, after = record.symptoms
    noted = _notes(record, "exam", ("check",))
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
    )


def _notes(record: VisitRecord, phase: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        plain(event.text)
        for event in record.events
        if event.phase == phase and event.kind in kinds
    )


def check_row(check: Check) -> CheckRow:
    """Return one check as shown."""
    return CheckRow(
        name=plain(check.name), passed=bool(check.passed), text=plain(check.text)
    )


def _visit_facts(record: VisitRecord, metadata: dict[str, str]) -> tuple[Fact, ...]:
    site = record.plan.site
    total_s = record.phases[-1].end_s - record.phases[0].start_s
    free = (
        Fact(label=plain(name), value=plain(value)) for name, value in metadata.items()
    )
    return (
        Fact(label="Pseudonym", value=plain(record.pseudonym)),
        Fact(label="Site", value=site.title),
        Fact(
            label="Place of service (neutral metadata, not a choice)",
            value=site.place_of_service,
        ),
        Fact(label="Length of the visit", value=minutes(total_s)),
        Fact(label="Consent", value=plain(_consent(record))),
        *free,
    )


def _consent(record: VisitRecord) -> str:
    for check in record.checklist:
        if "consent" in check.name.casefold():
            return check.text or ("given" if check.passed else "not given")
    return "not recorded"


def _patient_facts(record: VisitRecord) -> tuple[Fact, ...]:
    profile = record.patient.profile
    icd = (
        f"present, {profile.icd_distance_cm:g} cm from the nearest CCM lead"
        if profile.has_icd
        else "none"
    )
    return (
        Fact(label="Age", value=quantity(profile.age_years, "years")),
        Fact(label="Sex", value=profile.sex),
        Fact(label="Indication", value=plain(profile.indication)),
        Fact(label="Aetiology", value=plain(profile.aetiology)),
        Fact(label="Rhythm", value=plain(profile.rhythm_text)),
        Fact(label="Medication", value=plain(", ".join(profile.medication)) or "none"),
        Fact(label="Implanted defibrillator (ICD)", value=icd),
        Fact(label="Virtual patient", value=plain(record.patient.phenotype)),
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


def device_part(record: VisitRecord, model: str) -> Device:
    """Return device, leads and the first interrogation."""
    found = record.as_found
    return Device(
        identity=_identity(record, model),
        leads=_leads(found),
        as_found=interrogation_facts(found),
        counters=counter_rows(found),
        alerts=tuple(plain(alert) for alert in found.alerts),
        notes=_notes(record, "interrogation", ("interrogation", "device", "telemetry")),
        sensing=tuple(plain(text) for text in record.sensing_findings),
    )


def counter_rows(read: Interrogation) -> tuple[Count, ...]:
    """Return the counters in the device's order, each with its share of the beats."""
    beats = read.counters.get(ALL_BEATS, 0)
    return tuple(
        Count(
            name=COUNTERS.get(name, plain(name)),
            count=count,
            share=quantity(PCT_PER_FRAC * count / beats if beats else math.nan, "%", 1),
        )
        for name, count in read.counters.items()
    )


def _identity(record: VisitRecord, model: str) -> tuple[Fact, ...]:
    found = record.as_found.settings
    return (
        Fact(label="Pulse generator", value=f"simulated CCM generator, type {model}"),
        Fact(label="Leads", value="two right-ventricular septal leads, V1 and V2"),
        Fact(label="Local sense lead", value=found.ls_channel),
        Fact(label="Ventricular reference lead", value=found.reference_channel),
        Fact(label="Delivering leads", value=found.ccm_channels),
    )


def _leads(found: Interrogation) -> tuple[Fact, ...]:
    p_wave = (
        quantity(found.p_wave_mv, "mV", 1)
        if found.settings.mode == NEEDS_ATRIUM
        else "not sensed in this mode"
    )
    return (
        Fact(label="Impedance V1", value=quantity(found.impedance_v1_ohm, "ohm")),
        Fact(label="Impedance V2", value=quantity(found.impedance_v2_ohm, "ohm")),
        Fact(label="R wave V1", value=quantity(found.r_wave_v1_mv, "mV", 1)),
        Fact(label="R wave V2", value=quantity(found.r_wave_v2_mv, "mV", 1)),
        Fact(label="P wave", value=p_wave),
    )


def interrogation_facts(read: Interrogation) -> tuple[Fact, ...]:
    """Return what one interrogation read, apart from settings and leads."""
    return (
        Fact(label="Read at", value=minutes(read.at_s)),
        Fact(label="State", value=read.ccm_state),
        Fact(label="CCM % (beats with CCM)", value=share(read.delivered_frac)),
        Fact(label="Battery charge", value=quantity(read.battery_pct, "%")),
        Fact(label="Battery voltage", value=quantity(read.battery_v, "V", 2)),
        Fact(
            label="Since the last charge",
            value=quantity(read.days_since_charge, "days", 1),
        ),
    )
