"""The tables of a day's file, each with what it may hold; left out is the site's."""

from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from harness.common.faults import Fault, FaultsError, not_among
from harness.day.site import DAY_SITES, ROLES, DaySite, Role
from harness.play.filled import within
from harness.play.scenario import LARGEST_SEED
from harness.play.tables import Table, one_of
from optimizers.registry import check_source
from sim.patient import known_phenotypes
from sim.sources import allowed_range
from sim.units import MIN_PER_H
from sim.visit.plan import VisitPlan

LAST_H: Final = 24.0
_SHARED: Final = ("title", "description", "seed", "days", "site", "plans", "metadata")


def _known_strategy(name: str) -> str:
    check_source(name)
    return name


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


TitrationMin = Annotated[float, within(*allowed_range(VisitPlan, "titration_min"))]


class KindTable(Table):
    """Visits of one kind: whose, searched how, how often among those who come."""

    scenario: str
    strategy: Annotated[str, AfterValidator(_known_strategy)] | None = None
    phenotype: Annotated[str, one_of(known_phenotypes)] | None = None
    titration_min: TitrationMin | None = None
    share: Annotated[float, within(0.0, 1000.0)] = 1.0
    urgent: bool = False


class VisitsTable(Table):
    """The visits played beforehand: how many of each kind, and the kinds."""

    per_kind: Annotated[int, within(1, 200)] = 4
    titration_min: TitrationMin | None = None
    kinds: Annotated[tuple[KindTable, ...], BeforeValidator(_listed)]

    @model_validator(mode="after")
    def _somebody_has_an_appointment(self) -> Self:
        if sum(kind.share for kind in self.kinds if not kind.urgent) <= 0.0:
            text = "must hold one kind or more that is not urgent, of a share above 0"
            raise FaultsError([Fault("kinds", text)])
        urgent = [kind for kind in self.kinds if kind.urgent]
        if urgent and sum(kind.share for kind in urgent) <= 0.0:
            text = "must give one urgent kind or more a share above 0"
            raise FaultsError([Fault("kinds", text)])
        return self


class HoursTable(Table):
    """Opening hours and breaks, by the clock."""

    opens_h: Annotated[float, within(0.0, LAST_H)] | None = None
    closes_h: Annotated[float, within(0.0, LAST_H)] | None = None
    break_from_h: Annotated[float, within(0.0, LAST_H)] | None = None
    break_min: Annotated[float, within(0.0, 120.0)] | None = None


class AppointmentsTable(Table):
    """When patients are due: a list of times, or a first one and what lies between.

    `at_once` patients are due at each time.
    """

    times_h: Annotated[tuple[float, ...], BeforeValidator(_listed)] | None = None
    first_h: Annotated[float, within(0.0, LAST_H)] = 8.0
    every_min: Annotated[float, within(1.0, 600.0)] = 60.0
    n: Annotated[int, within(1, 200)] = 6
    at_once: Annotated[int, within(1, 20)] = 1

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        others = sorted(self.model_fields_set - {"times_h"})
        if self.times_h is not None and others:
            text = "cannot be given beside times_h; give one"
            raise FaultsError(Fault(name, text) for name in others)
        if self.times_h is not None and not self.times_h:
            raise FaultsError([Fault("times_h", "must hold one time or more")])
        return self

    @property
    def due_h(self) -> tuple[float, ...]:
        """When each patient is due, hours since midnight."""
        if self.times_h is not None:
            return tuple(sorted(self.times_h))
        every_h = self.every_min / MIN_PER_H
        return tuple(self.first_h + i // self.at_once * every_h for i in range(self.n))


class ComingTable(Table):
    """Who comes, and how punctually."""

    no_show_frac: Annotated[float, within(0.0, 1.0)] | None = None
    late_mean_min: Annotated[float, within(-60.0, 60.0)] | None = None
    late_sd_min: Annotated[float, within(0.0, 60.0)] | None = None
    urgent_frac: Annotated[float, within(0.0, 0.5)] | None = None


class PlacesTable(Table):
    """Rooms and chairs."""

    rooms: Annotated[int, within(1, 50)] | None = None
    chairs: Annotated[int, within(1, 50)] | None = None
    turnover_min: Annotated[float, within(0.0, 120.0)] | None = None


class EquipmentTable(Table):
    """What is shared between the rooms."""

    programmers: Annotated[int, within(1, 50)] | None = None


class StaffTable(Table):
    """How many there are of each profession."""

    medical_assistant: Annotated[int, within(0, 50)] | None = None
    nurse: Annotated[int, within(0, 50)] | None = None
    device_specialist: Annotated[int, within(0, 50)] | None = None
    physician: Annotated[int, within(1, 50)] | None = None


def _roles(given: object) -> object:
    if not isinstance(given, list | tuple):
        return given
    wrong = [
        Fault(str(i), not_among(role, ROLES))
        for i, role in enumerate(given)
        if role not in ROLES
    ]
    if wrong:
        raise FaultsError(wrong)
    return tuple(given)


Roles = Annotated[tuple[Role, ...], BeforeValidator(_roles)]


class MayDoTable(Table):
    """Whose work people of a profession may do beside their own."""

    medical_assistant: Roles | None = None
    nurse: Roles | None = None
    device_specialist: Roles | None = None
    physician: Roles | None = None


class AdmissionTable(Table):
    """Admission for heart failure management, after the observation."""

    admit_frac: Annotated[float, within(0.0, 1.0)] | None = None
    admit_stopped_frac: Annotated[float, within(0.0, 1.0)] | None = None
    handover_min: Annotated[float, within(0.0, 240.0)] | None = None
    transport_min: Annotated[float, within(0.0, 480.0)] | None = None


class DayPlan(Table):
    """A day without its other plans: what a plan may change, and all it is made of."""

    title: str
    description: str = ""
    seed: Annotated[int, within(0, LARGEST_SEED)] = 0
    days: Annotated[int, within(2, 100_000)] = 200
    site: Annotated[str, one_of(lambda: DAY_SITES)] = "device-clinic"
    visits: VisitsTable
    hours: HoursTable = HoursTable()
    appointments: AppointmentsTable = AppointmentsTable()
    coming: ComingTable = ComingTable()
    places: PlacesTable = PlacesTable()
    equipment: EquipmentTable = EquipmentTable()
    staff: StaffTable = StaffTable()
    may_do: MayDoTable = MayDoTable()
    admission: AdmissionTable = AdmissionTable()
    metadata: dict[str, str] = Field(default_factory=dict)

    @property
    def day_site(self) -> DaySite:
        """What the site has when nothing else is said."""
        return DAY_SITES[self.site]


class DayScenario(DayPlan):
    """A day, and by name what other plans would change in it."""

    plans: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("plans")
    @classmethod
    def _change_something(cls, plans: dict[str, Any]) -> dict[str, Any]:
        wrong = [
            Fault(f"{name}.{key}", "is the same in all plans of a file; leave it out")
            for name, changes in plans.items()
            for key in changes
            if key in _SHARED
        ]
        wrong += [
            Fault(name, "must change something, got an empty table")
            for name, changes in plans.items()
            if not changes
        ]
        if wrong:
            raise FaultsError(wrong)
        return plans
