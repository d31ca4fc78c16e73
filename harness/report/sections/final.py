"""Checks at the final settings, and the re-interrogation that proves what was left.

One part of the data, shown in two places: the proof stands behind the observation,
which the checks come before.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from harness.common.words import plain
from harness.report.case import Case
from harness.report.fhir_terms import Json, Names
from harness.report.parts import CheckRow, Count, Fact, Part
from harness.report.section import Section
from harness.report.sections.device import (
    counter_rows,
    interrogation_facts,
    interrogation_in_fhir,
)
from harness.report.values import SCHEDULE, check_row, quantity
from sim.device.settings import Settings
from sim.visit.record import VisitRecord


class FinalState(Part):
    """Checks at the final settings, and proof of what was programmed."""

    checks: tuple[CheckRow, ...]
    schedule: tuple[Fact, ...]
    charge_plan: str
    proof: str
    proof_passed: bool
    as_left: tuple[Fact, ...]
    counters: tuple[Count, ...]
    alerts: tuple[str, ...]


def final_part(case: Case) -> FinalState:
    """Return the checks at the final settings, and the proof."""
    record = case.record
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
    # told again whenever the permanent values change: the last one holds
    return plans[-1] if plans else ""


def _in_fhir(final: FinalState, names: Names) -> Iterator[tuple[str, Json]]:
    return interrogation_in_fhir(names, "re-interrogation", final.as_left)


FINAL: Final = Section(
    name="final",
    order=70,
    title="Checks at the final settings",
    build=final_part,
    fhir=_in_fhir,
)
PROOF: Final = Section(name="proof", order=90, title="Re-interrogation as proof")
