"""Device and leads, and what the first interrogation read before anything changed."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from harness.common.words import plain
from harness.report.case import Case
from harness.report.fhir_observations import component, observation, slug
from harness.report.fhir_terms import Json, Names, concept
from harness.report.parts import Count, Fact, Interval, Part, Quantity
from harness.report.section import Section
from harness.report.values import minutes, notes, quantity, share
from sim.units import PCT_PER_FRAC
from sim.visit.record import Interrogation, VisitRecord

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
# labels by which others find a fact
READ_AT: Final = "Read at"
BATTERY_V: Final = "Battery voltage"
GENERATOR: Final = "Pulse generator"


class Device(Part):
    """Device, leads and what the first interrogation read."""

    identity: tuple[Fact, ...]
    leads: tuple[Fact, ...]
    as_found: tuple[Fact, ...]
    counters: tuple[Count, ...]
    alerts: tuple[str, ...]
    notes: tuple[str, ...]
    sensing: tuple[str, ...]


def device_part(case: Case) -> Device:
    """Return device, leads and the first interrogation."""
    record = case.record
    found = record.as_found
    return Device(
        identity=_identity(record, record.found.model),
        leads=_leads(found),
        as_found=interrogation_facts(found),
        counters=counter_rows(found),
        alerts=tuple(plain(alert) for alert in found.alerts),
        notes=notes(record, "interrogation", ("interrogation", "device", "telemetry")),
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
        Fact(label=GENERATOR, value=f"simulated CCM generator, type {model}"),
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
        Fact(label=READ_AT, value=minutes(read.at_s)),
        Fact(label="State", value=read.ccm_state),
        Fact(label="CCM % (beats with CCM)", value=share(read.delivered_frac)),
        Fact(label="Battery charge", value=quantity(read.battery_pct, "%")),
        Fact(label=BATTERY_V, value=quantity(read.battery_v, "V", 2)),
        Fact(
            label="Since the last charge",
            value=quantity(read.days_since_charge, "days", 1),
        ),
    )


def interrogation_in_fhir(
    names: Names, key: str, facts: Sequence[Fact]
) -> Iterator[tuple[str, Json]]:
    """Yield what one interrogation read as an Observation."""
    shown = [
        (fact.label, fact.text if isinstance(fact.value, Interval) else fact.value)
        for fact in facts
    ]
    read = [fact.value for fact in facts if fact.label == READ_AT]
    at = read[0].value if read and isinstance(read[0], Quantity) else None
    yield (
        key,
        observation(
            names,
            key,
            concept(key, f"device {key}"),
            [f"{fact.label}: {fact.text}" for fact in facts],
            **names.clock.at(at),
            component=[component(slug(label), label, value) for label, value in shown],
        ),
    )


def _in_fhir(device: Device, names: Names) -> Iterator[tuple[str, Json]]:
    facts = (*device.as_found, *device.leads)
    return interrogation_in_fhir(names, "interrogation", facts)


DEVICE: Final = Section(
    name="device",
    order=30,
    title="Device and leads as found",
    build=device_part,
    fhir=_in_fhir,
)
