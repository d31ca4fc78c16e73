"""The table `[course]` of a scenario: several visits of one patient over months."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator

from harness.play.filled import filling, values_of, within
from harness.play.tables import Table
from sim.device.leads import Fault
from sim.device.settings import AXES
from sim.heart.train import LeadName
from sim.patient.chronic import LAW
from sim.sources import sourced

MOST_VISITS: Final = 24
MOST_MONTHS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Habits:
    """How patients charge their device, where a scenario does not say."""

    charge_every_days: int = sourced(
        7, "ccmlab-evidence", "F08", "measured", allowed=(1, 60)
    )
    charging_adherence_frac: float = sourced(
        0.9, "ccmlab-device", "1.5", "assumed", allowed=(0.0, 1.0)
    )
    charge_to_frac: float = sourced(
        1.0, "ccmlab-device", "1.5", "assumed", allowed=(0.1, 1.0)
    )


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _ascending(months: Sequence[float]) -> Sequence[float]:
    if not 1 <= len(months) <= MOST_VISITS:
        raise ValueError(f"must be 1 to {MOST_VISITS} visits, got {len(months)}")
    if months[0] < 0.0 or months[-1] > MOST_MONTHS:
        raise ValueError(f"must be 0 to {MOST_MONTHS:g} months, got {list(months)}")
    if any(b - a < 0.25 for a, b in pairwise(months)):
        raise ValueError(
            f"must rise by 0.25 months or more from visit to visit, got {list(months)}"
        )
    return months


def _hours(hours: float | None) -> float | None:
    allowed = AXES["ccm_hours_per_day"]
    if hours is not None and hours not in allowed:
        raise ValueError(f"must be whole hours from 1 to 24 h, got {hours:g} h")
    return hours


class LeadFaultTable(Table):
    """What happens to a lead, when, and when it is revised (never by default)."""

    lead: LeadName
    fault: Fault
    month: Annotated[float, within(0.0, MOST_MONTHS)]
    mended_month: Annotated[float, within(0.0, MOST_MONTHS)] | None = None

    def at(self, month: float) -> Fault:
        """Return the state of the lead at a month."""
        mended = self.mended_month is not None and month >= self.mended_month
        return self.fault if self.month <= month and not mended else "none"


class _VisitsTable(Table):
    """When the patient comes back, and for how long CCM is given."""

    visit_months: Annotated[
        tuple[float, ...], BeforeValidator(_listed), AfterValidator(_ascending)
    ]
    hours_per_day: Annotated[float | None, AfterValidator(_hours)] = None


@filling(Habits)
class _HabitsTable(_VisitsTable):
    """How the device is charged at home."""


class CourseTable(_HabitsTable):
    """When the patient comes back, and what happens at home in between.

    `traits` says how the patient responds: as drawn with the scenario's seed, or as
    the average. `blinded` patients do not know whether CCM is on. With
    `settings_matter` the slow effects grow with the acute gain of the settings in use
    over that of the factory settings, which no source tells.
    """

    lead_fault: LeadFaultTable | None = None
    traits: Literal["drawn", "average"] = "drawn"
    blinded: bool = False
    settings_matter: bool = False
    peak_vo2_ml_per_kg_min: Annotated[
        float, within(LAW.peak_vo2_ml_per_kg_min.low, LAW.peak_vo2_ml_per_kg_min.high)
    ] = LAW.usual_peak_vo2_ml_per_kg_min
    walk_m: Annotated[float, within(LAW.walk_m.low, LAW.walk_m.high)] = LAW.usual_walk_m

    @property
    def habits(self) -> Habits:
        """How the patient charges the device."""
        return Habits(**values_of(self, Habits))
