"""The last pages: final checks, observation, follow-up, sources, limits, sign-off."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final

from harness.common.words import plain, setting_text
from harness.play.provenance import run_numbers
from harness.play.run import Run
from harness.report.encounter import check_row, counter_rows, interrogation_facts
from harness.report.model import (
    AdverseRow,
    Fact,
    FinalState,
    FollowUp,
    Observation,
    Provenance,
    Recommendation,
    ReferenceRow,
    SignOff,
    SourceRow,
)
from harness.report.values import SCHEDULE, minutes, quantity
from sim.device.settings import Settings
from sim.sources import SourcedNumber, references
from sim.units import S_PER_MIN
from sim.visit.record import VisitRecord

LIMITS: Final = (
    "Everything here is simulated: patient, device, readings and staff. It describes "
    "no person and supports no decision about one.",
    "How contractility depends on the CCM settings is a documented assumption; no "
    "published curve exists for most of it.",
    "The reading is an acute pressure surrogate. It can also rise by vasoconstriction "
    "or rate, and there is no evidence that it predicts outcome.",
    "Symptom scores within one visit are mostly expectation; they never enter the "
    "choice of settings.",
    "The observation is minutes long: rare or late events cannot be excluded by it.",
    "Ranges and timing rules follow public manual pages; values marked recalled or "
    "assumed in the table of sources may differ in the real device.",
    "The ECG is drawn from the beat table with fixed wave shapes; it is not a model of "
    "conduction in the torso.",
)


def final_part(record: VisitRecord) -> FinalState:
    """Return the checks at the final settings, and the proof."""
    wrong = record.as_left.settings.changed(record.final)
    n_values = len(fields(Settings))
    return FinalState(
        checks=tuple(check_row(check) for check in record.final_checks),
        schedule=_schedule(record),
        charge_plan=_charge_plan(record),
        proof=_proof(n_values, wrong),
        proof_passed=not wrong,
        as_left=interrogation_facts(record.as_left),
        counters=counter_rows(record.as_left),
        alerts=tuple(plain(alert) for alert in record.as_left.alerts),
    )


def _proof(n_values: int, wrong: tuple[tuple[str, object, object], ...]) -> str:
    if not wrong:
        return (
            f"Re-interrogation read {n_values} of {n_values} values equal to those "
            "programmed."
        )
    text = ", ".join(
        f"{name} read {read}, programmed {meant}" for name, read, meant in wrong
    )
    return f"Re-interrogation differs from what was programmed: {text}."


def _schedule(record: VisitRecord) -> tuple[Fact, ...]:
    found, left = record.as_found.settings, record.as_left.settings
    moved = [name for name, _, _ in left.changed(found) if name in SCHEDULE]
    restored = "no, changed on purpose" if moved else "yes, as found"
    return (
        Fact(label="Schedule restored after the visit", value=restored),
        Fact(label="CCM therapy per day", value=quantity(left.ccm_hours_per_day, "h")),
        Fact(label="ON segment", value=quantity(left.ccm_on_min, "min")),
        Fact(label="OFF segment", value=quantity(left.ccm_off_min, "min")),
        Fact(
            label="Between",
            value=f"{left.ccm_start_time} and {left.ccm_end_time}",
        ),
    )


def _charge_plan(record: VisitRecord) -> str:
    plans = [plain(event.text) for event in record.events if event.kind == "battery"]
    return plans[-1] if plans else ""


def observation_part(record: VisitRecord) -> Observation:
    """Return the observation and all adverse events, or the statement of none."""
    watched = next((p for p in record.phases if p.name == "observation"), None)
    watched_s = watched.end_s - watched.start_s if watched else math.nan
    total_s = record.phases[-1].end_s - record.phases[0].start_s
    rows = tuple(
        AdverseRow(
            at=minutes(event.at_s),
            kind=plain(event.kind),
            text=plain(event.text),
            action=plain(event.action),
        )
        for event in record.adverse_events
    )
    statement = (
        f"{len(rows)} in {total_s / S_PER_MIN:.0f} min of visit."
        if rows
        else f"None seen in {total_s / S_PER_MIN:.0f} min of visit."
    )
    return Observation(
        text=_sentence(plain(record.observation_text)),
        minutes=minutes(watched_s),
        adverse=rows,
        adverse_statement=statement,
    )


def _sentence(text: str) -> str:
    """Return a note of the log as a sentence."""
    ended = "" if text.endswith((".", "!", "?")) or not text else "."
    return f"{text[:1].upper()}{text[1:]}{ended}"


def follow_up_part(record: VisitRecord) -> FollowUp:
    """Return recommendations with their findings, the next visit and its triggers."""
    return FollowUp(
        recommendations=_recommended(record, next_visit=False),
        next_visit=_recommended(record, next_visit=True),
        triggers=_triggers(record.final),
    )


def _recommended(
    record: VisitRecord, *, next_visit: bool
) -> tuple[Recommendation, ...]:
    return tuple(
        Recommendation(text=plain(item.text), because=plain(item.because))
        for item in record.follow_up
        if item.is_next_visit == next_visit
    )


def _triggers(settings: Settings) -> tuple[str, ...]:
    least = setting_text(settings.alert_min_ccm_pct, "%")
    change = setting_text(settings.alert_dz_pct, "%")
    days = setting_text(settings.alert_recharge_days, "days")
    return (
        f"Alert of the charger: delivered share below {least} of eligible beats.",
        f"Alert of the charger: a lead impedance changed by more than {change}.",
        f"No recharge for {days}.",
        "Chest or diaphragm sensation, palpitation, syncope, or a shock of a "
        "defibrillator.",
        "More dyspnoea or fatigue, weight gain, or an admission to hospital.",
    )


def provenance_part(run: Run) -> Provenance:
    """Return every sourced number that the run used, and the works behind them."""
    return provenance_of(run_numbers(run.facts.scenario, run.played.order))


def provenance_of(numbers: Mapping[str, list[SourcedNumber]]) -> Provenance:
    """Return numbers, by the part that they belong to, as a section of a report."""
    rows = tuple(_source_rows(numbers))
    standing = sorted({row.standing for row in rows})
    counts = ", ".join(
        f"{sum(row.standing == word for row in rows)} {word}" for word in standing
    )
    return Provenance(
        statement=f"{len(rows)} numbers: {counts}.",
        rows=rows,
        references=_references({row.reference for row in rows}),
    )


def _source_rows(parts: Mapping[str, list[SourcedNumber]]) -> Iterable[SourceRow]:
    for part, numbers in parts.items():
        for number in numbers:
            yield SourceRow(
                part=part,
                name=number.name,
                value=_value_text(number.value),
                unit=number.unit,
                reference=number.source.reference,
                place=plain(number.source.place),
                standing=number.source.standing,
            )


def _value_text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "not set"}[value]
    if isinstance(value, float | int):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        return ", ".join(_value_text(item) for item in value)
    return plain(str(value))


def _references(used: set[str]) -> tuple[ReferenceRow, ...]:
    known = references()
    return tuple(
        ReferenceRow(
            key=work.key,
            title=work.title,
            authors=work.authors,
            year=work.year,
            identifier=work.identifier,
        )
        for work in (known[key] for key in sorted(used) if key in known)
    )


def sign_off_part() -> SignOff:
    """Return the empty field for a reviewer."""
    return SignOff(
        statement=(
            "Not reviewed. This simulated report has no author of record; the lines "
            "are left for a reader who practises the review."
        ),
        fields=("Reviewed by", "Role", "Date and time", "Signature", "Remarks"),
    )
