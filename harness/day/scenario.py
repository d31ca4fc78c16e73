"""Day files: read once, every fault told together, resolved to a clinic and its rules.

A plan is the file with some values changed; it is checked like a file of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from harness.common.faults import (
    Fault,
    ScenarioError,
    faults_of,
    no_such,
    shown,
)
from harness.day.clinic import Clinic, people_of
from harness.day.site import (
    PHYSICIAN,
    ROLES,
    Admission,
    Coming,
    Equipment,
    Hours,
    MayDo,
    Places,
    Role,
    Staff,
)
from harness.day.tables import DayPlan, DayScenario
from harness.play.scenario import (
    CourseScenario,
    Scenario,
    load_scenario,
)
from harness.play.shipped import file_named, read_toml, shipped
from sim.sources import Source, SourcedNumber, differing, provenance
from sim.units import S_PER_H, S_PER_MIN

BASE: Final = "as planned"
Model = TypeVar("Model", bound=BaseModel)
Part = TypeVar("Part", Hours, Coming, Places, Equipment, Staff, Admission)


@dataclass(frozen=True, slots=True)
class VisitKind:
    """Visits of one kind as they are to be played, and how often they come."""

    name: str
    scenario: Scenario
    share: float
    is_urgent: bool


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One plan of a day, resolved: what `play` needs, and where its numbers are from.

    `due_s` are the appointments, seconds since midnight.
    """

    name: str
    table: DayPlan
    clinic: Clinic
    coming: Coming
    admission: Admission
    kinds: tuple[VisitKind, ...]
    due_s: tuple[float, ...]
    numbers: tuple[SourcedNumber, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DayFile:
    """A file that was read: the day as planned, then its other plans by name."""

    name: str
    scenario: DayScenario
    base: Plan
    plans: Mapping[str, Plan]


def shipped_days() -> Mapping[str, Traversable]:
    """Return the days that come with the package, by name, sorted."""
    return shipped("days")


def load_day(path_or_name: str | Path) -> DayFile:
    """Read a day: a path ending in .toml, or the name of a shipped one.

    Raises
    ------
    ScenarioError
        With every fault of the file, or the nearest names for an unknown one.
    """
    file = file_named("day", path_or_name, shipped_days())
    return parse_day(file.text, file.origin, file.folder)


def parse_day(text: str, origin: str, folder: Path | None = None) -> DayFile:
    """Return the day written in TOML; ScenarioError lists every fault.

    Parameters
    ----------
    text, origin
        Contents of the file, and how messages name it.
    folder
        Where scenarios of its own are looked for; the present folder by default.
    """
    data = read_toml(text, origin)
    place = folder or Path()
    scenario = _checked(DayScenario, data, origin)
    base, faults = _resolved(BASE, _plan_table(scenario), place)
    plans: dict[str, Plan] = {}
    for name, changes in scenario.plans.items():
        prefix = f"plans.{name}"
        merged = _merged({k: v for k, v in data.items() if k != "plans"}, changes)
        try:
            table = _checked(DayPlan, merged, origin)
        except ScenarioError as error:
            faults += [Fault(f"{prefix}.{f.path}", f.text) for f in error.faults]
            continue
        plan, found = _resolved(name, table, place)
        if base is not None:
            faults += [Fault(f"{prefix}.{f.path}", f.text) for f in found]
        if plan is not None:
            plans[name] = plan
    if faults or base is None:
        raise ScenarioError(origin, faults)
    return DayFile(Path(origin).stem, scenario, base, plans)


def plan_named(day: DayFile, name: str) -> Plan:
    """Return another plan of a file; a ValueError offers the nearest name."""
    if name in day.plans:
        return day.plans[name]
    if not day.plans:
        raise ValueError(f"{day.name} has no table [plans], got {name!r}")
    raise ValueError(f"{name!r} of {day.name}: {no_such(name, day.plans)}")


def _checked(model: type[Model], data: Mapping[str, Any], origin: str) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(origin, faults_of(error, model)) from None


def _plan_table(scenario: DayScenario) -> DayPlan:
    own = {name: getattr(scenario, name) for name in DayPlan.model_fields}
    return DayPlan.model_construct(scenario.model_fields_set - {"plans"}, **own)


def _merged(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested tables with some values changed."""
    found = dict(data)
    for name, value in changes.items():
        old = found.get(name)
        inside = isinstance(old, dict) and isinstance(value, dict)
        found[name] = _merged(old, value) if inside else value  # type: ignore[arg-type]
    return found


def _resolved(
    name: str, table: DayPlan, folder: Path
) -> tuple[Plan | None, list[Fault]]:
    site = table.day_site
    hours = _over(Hours(), table.hours)
    coming = _over(Coming(), table.coming)
    places = _over(site.places, table.places)
    equipment = _over(site.equipment, table.equipment)
    staff = _over(site.staff, table.staff)
    admission = _over(site.admission, table.admission)
    may_do = _may_do(site.may_do, table.may_do)
    kinds, faults = _kinds(table, folder)
    faults += [*_hours_faults(hours, table), *_staff_faults(staff, may_do)]
    if faults:
        return None, faults
    clinic = Clinic(
        people_of(staff, may_do, hours.break_from_h, hours.break_min),
        rooms=places.rooms,
        chairs=places.chairs,
        programmers=equipment.programmers,
        opens_s=hours.opens_h * S_PER_H,
        closes_s=hours.closes_h * S_PER_H,
        turnover_s=places.turnover_min * S_PER_MIN,
        break_s=hours.break_min * S_PER_MIN,
    )
    used = {
        "hours": (hours, Hours()),
        "coming": (coming, Coming()),
        "places": (places, site.places),
        "equipment": (equipment, site.equipment),
        "staff": (staff, site.staff),
        "admission": (admission, site.admission),
    }
    numbers = tuple(_numbers(used))
    due_s = tuple(due_h * S_PER_H for due_h in table.appointments.due_h)
    return Plan(name, table, clinic, coming, admission, kinds, due_s, numbers), []


def _over(part: Part, table: BaseModel) -> Part:
    """Return the site's values under those that the file gives."""
    given = {k: v for k, v in dict(table).items() if v is not None}
    return replace(part, **given)


def _may_do(usual: MayDo, table: BaseModel) -> MayDo:
    given = {name: roles for name, roles in dict(table).items() if roles is not None}
    own: dict[Role, tuple[Role, ...]] = {}
    for role in ROLES:
        more = given.get(role.replace(" ", "_"), usual[role])
        own[role] = tuple(dict.fromkeys((role, *more)))
    return own


def _numbers(used: Mapping[str, tuple[Any, Any]]) -> Iterator[SourcedNumber]:
    """Yield every number of a plan; what the file says is credited to its line."""
    for part, (model, usual) in used.items():
        stated = {
            name: Source("scenario", f"{part}.{name}", "overridden")
            for name in differing(model, usual)
        }
        yield from provenance(model, stated, f"{part}.")


def _hours_faults(hours: Hours, table: DayPlan) -> Iterator[Fault]:
    opens, closes = hours.opens_h, hours.closes_h
    if closes <= opens:
        text = f"must be after opens_h, {shown(opens, 'opens_h')}"
        yield Fault("hours.closes_h", f"{text}, got {shown(closes, 'closes_h')}")
        return
    wrong = [h for h in table.appointments.due_h if not opens <= h < closes]
    if wrong:
        by_list = table.appointments.times_h is not None
        path = "appointments.times_h" if by_list else "appointments"
        yield Fault(
            path,
            f"must lie in the opening hours, {opens:g} to {closes:g} h, "
            f"got one at {wrong[0]:g} h",
        )


def _staff_faults(staff: Staff, may_do: MayDo) -> Iterator[Fault]:
    """Yield roles that nobody fills who is free of the physicians' work.

    A titration and an observation after a stop take a physician and somebody else.
    """
    there = [role for role in ROLES if getattr(staff, role.replace(" ", "_")) > 0]
    for role in ROLES:
        able = [
            one
            for one in there
            if role in may_do[one]
            and (role == PHYSICIAN or PHYSICIAN not in may_do[one])
        ]
        if not able:
            yield Fault(
                f"staff.{role.replace(' ', '_')}",
                f"must be 1 or more, or others than physicians must be allowed to do "
                f"the work of a {role} under may_do",
            )


def _kinds(table: DayPlan, folder: Path) -> tuple[tuple[VisitKind, ...], list[Fault]]:
    found: list[VisitKind] = []
    faults: list[Fault] = []
    for i, one in enumerate(table.visits.kinds):
        path = f"visits.kinds.{i}"
        titration_min = one.titration_min
        if titration_min is None:
            titration_min = table.visits.titration_min
        changes = {
            "visit.site": table.site,
            "visit.strips": "none",
            "visit.titration_min": titration_min,
            "search.strategy": one.strategy,
            "patient.phenotype": one.phenotype,
        }
        try:
            loaded = load_scenario(_place(one.scenario, folder))
            if isinstance(loaded, CourseScenario):
                text = "must be a scenario of one visit, got one with a table [course]"
                faults.append(Fault(f"{path}.scenario", text))
                continue
            played = loaded.changed({k: v for k, v in changes.items() if v is not None})
        except ScenarioError as error:
            told = f"{one.scenario}: {{}}"
            faults += [
                Fault(f"{path}.scenario", told.format(fault)) for fault in error.faults
            ]
            continue
        found.append(VisitKind(_kind_name(one), played, one.share, one.urgent))
    return tuple(found), faults


def _place(scenario: str, folder: Path) -> str | Path:
    is_path = scenario.endswith(".toml") or "/" in scenario
    return folder / scenario if is_path else scenario


def _kind_name(kind: Any) -> str:
    own = [kind.strategy, kind.phenotype]
    words = [Path(kind.scenario).stem, *(word for word in own if word)]
    return ", ".join(words)
