"""Part of the analysis: what the permanent values cost the battery, and those found."""

import math
from typing import Final

from harness.report.parts import BeforeAfter, Quantity
from harness.report.values import mean_and_error, quantity, same_therapy, share
from sim.device.energy import Use, energy_use
from sim.device.leads import LeadOhms
from sim.units import PCT_PER_FRAC
from sim.visit.record import Interrogation, VisitRecord

PER_DAY: Final = "Energy per day"
LASTS: Final = "From full charge until CCM would stop"


def energy_rows(record: VisitRecord) -> tuple[BeforeAfter, ...]:
    """Return energy and charge with the values as found and as left."""
    rate_bpm = record.vitals[1].heart_rate_bpm
    found = _use(record.as_found, record.as_found.delivered_frac, rate_bpm)
    left = _use(record.as_left, _delivered_frac(record), rate_bpm)
    return tuple(
        BeforeAfter(label=label, before=before, after=after)
        for (label, before), (_, after) in zip(found, left, strict=True)
    )


def energy_statement(record: VisitRecord) -> str:
    """Return what the change means for the battery, in a sentence."""
    rows = {row.label: row for row in energy_rows(record)}
    found, left = rows[PER_DAY].before.value, rows[PER_DAY].after.value
    if not found or left is None:
        return "Energy a day cannot be compared: no CCM was delivered as found."
    change = quantity(PCT_PER_FRAC * (left / found - 1.0), "%", signed=True)
    before, after = (q.text for q in (rows[LASTS].before, rows[LASTS].after))
    return (
        f"Energy a day changes by {change.text}; a full charge would last {after}, "
        f"as found {before}."
    )


def _delivered_frac(record: VisitRecord) -> float:
    """Delivered share of the final therapy where it was read, else as found."""
    read = [
        arm.reading.delivered_frac
        for pair in (
            *record.verification_pairs,
            *record.response_pairs,
            *record.harm_pairs,
        )
        for arm in pair.arms
        if same_therapy(arm.settings, record.final)
    ]
    mean = mean_and_error(read)[0]
    return mean if math.isfinite(mean) else record.as_found.delivered_frac


def _use(
    read: Interrogation, delivered_frac: float, rate_bpm: float
) -> tuple[tuple[str, Quantity], ...]:
    ohms = LeadOhms(read.impedance_v1_ohm, read.impedance_v2_ohm)
    used = energy_use(read.settings, Use(ohms, rate_bpm, delivered_frac))
    return (
        ("Beats with CCM, expected", share(delivered_frac)),
        ("Energy per train", quantity(used.energy_mj_per_train, "mJ", 2)),
        ("Trains per day, expected", _whole_tens(used.trains_per_day)),
        (PER_DAY, quantity(used.energy_j_per_day, "J", 1)),
        ("Charge per day", quantity(used.cell_mah_per_day, "mAh", 1)),
        (LASTS, quantity(used.battery_days, "days", 1)),
    )


def _whole_tens(trains: float) -> Quantity:
    return quantity(round(trains, -1) if math.isfinite(trains) else trains)
