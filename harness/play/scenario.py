"""Scenario files: who comes, with which device, for which visit, searched how.

A file is read once and every fault in it is reported together. Numbers that a file
leaves out are those of `VisitPlan` and `Settings`, said there and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from harness.common.faults import (
    Fault,
    FaultsError,
    ScenarioError,
    faults_of,
    not_among,
    shown,
)
from harness.play.changing import with_changes
from harness.play.course_table import CourseTable
from harness.play.filled import within
from harness.play.listed import list_faults
from harness.play.patient_file import resolve_patient
from harness.play.shipped import file_named, is_path, read_toml, shipped
from harness.play.tables import (
    WITHOUT_CODE,
    DeviceTable,
    HappeningTable,
    PatientTable,
    SearchTable,
    Table,
    VisitTable,
)
from sim.device.settings import with_hours_per_day
from sim.visit.order import EngineName
from sim.visit.plan import FoundDevice
from sim.visit.start import StartName, reach_of

__all__ = [
    "CourseScenario",
    "Scenario",
    "ScenarioError",
    "load_scenario",
    "scenario_name",
]

LARGEST_SEED: Final = 2**53 - 1
"""JSON readers keep whole numbers up to here."""


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Scenario(Table):
    """One visit, completely described: with its seed it gives the same bytes.

    `title` is what everybody reads, and gives nothing away; `subject` and `description`
    say what the visit shows, in lists and in the answer key alone. `engine` says what
    plays it.
    """

    title: str
    subject: str = ""
    description: str = ""
    seed: Annotated[int, within(0, LARGEST_SEED)] = 0
    patient: PatientTable
    device: DeviceTable = DeviceTable()
    visit: VisitTable = VisitTable()
    search: SearchTable = Field(default=SearchTable(), validate_default=True)
    metadata: dict[str, str] = Field(default_factory=dict)
    happenings: Annotated[tuple[HappeningTable, ...], BeforeValidator(_listed)] = ()
    engine: EngineName = "beats"

    @model_serializer(mode="wrap")
    def _without_nothing(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what does not happen and the usual engine, as before there were."""
        data: dict[str, Any] = dump(self)
        if not self.happenings:
            data.pop("happenings", None)
        if self.engine == "beats":
            data.pop("engine", None)
        return data

    @field_validator("search")
    @classmethod
    def _limits_hold_what_was_found(
        cls, search: SearchTable, info: ValidationInfo
    ) -> SearchTable:
        device = info.data.get("device")
        faults = limits_faults(search, device)
        faults += list_faults(search, device.model if device else DeviceTable().model)
        if faults:
            raise FaultsError(faults)
        return search

    @property
    def found_device(self) -> FoundDevice:
        """The device as the first visit finds it; with a start, before it is drawn."""
        return self.device.found_device

    def changed(self, changes: Mapping[str, object]) -> Self:
        """Return a copy with values changed by dotted path, checked like a file.

        `patient.file` names a file that is read, from the present folder: its patient
        takes the place of the one before; other changes of `patient` go over it.
        Raises ScenarioError with every fault.

        >>> scenario = load_scenario("first_visit")
        >>> scenario.changed({"visit.readout": "cuff"}).visit.readout
        'cuff'
        """
        data = self.model_dump(mode="json")
        faults = with_changes(data, changes)
        if faults:
            raise ScenarioError("scenario", faults)
        return type(self).checked(data, origin="scenario")

    @classmethod
    def checked(cls, data: Mapping[str, Any], *, origin: str) -> Self:
        """Return the scenario in nested tables; ScenarioError lists every fault."""
        try:
            cls.model_validate(data, context=WITHOUT_CODE)
            return cls.model_validate(data)
        except ValidationError as error:
            raise ScenarioError(origin, faults_of(error, cls)) from None


class CourseScenario(Scenario):
    """Several visits of one patient over months."""

    course: CourseTable

    @property
    def found_device(self) -> FoundDevice:
        """The device at month 0, with the hours a day of the course."""
        found, hours = self.device.found_device, self.course.hours_per_day
        if hours is None:
            return found
        return replace(found, settings=with_hours_per_day(found.settings, hours))


def limits_faults(search: SearchTable, device: DeviceTable | None) -> list[Fault]:
    """Return what is wrong with the limits of a search of a device as found."""
    return [
        Fault(f"limits.{name}", text)
        for name, limits in search.limits.items()
        if (text := _limits_fault(name, limits, search, device))
    ]


def _limits_fault(
    name: str,
    limits: tuple[float, float],
    search: SearchTable,
    device: DeviceTable | None,
) -> str:
    if name not in search.axes:
        return not_among(name, search.axes)
    low, high = limits
    if high < low:
        return f"must be [lowest, highest], got [{low:g}, {high:g}]"
    if device and device.start:
        return start_fault(name, limits, device.start, device.model)
    found = getattr(device.as_found, name) if device else low
    if low <= found <= high:
        return ""
    return (
        f"must hold the value as found, {shown(found, name)}, "
        f"got {low:g} to {shown(high, name)}"
    )


def start_fault(
    name: str, limits: tuple[float, float], start: StartName, model: str
) -> str:
    """Return what is wrong with limits of a search that begins at a named start."""
    low, high = reach_of(start, model)[name]
    if limits[0] <= low and high <= limits[1]:
        return ""
    return (
        f"must hold what start {start!r} may leave, {low:g} to {shown(high, name)}, "
        f"got {limits[0]:g} to {shown(limits[1], name)}"
    )


def one_visit(scenario: Scenario, does: str) -> None:
    """Raise ScenarioError for a course of visits, where one visit is played.

    `does` says in the message who plays one visit alone.
    """
    if isinstance(scenario, CourseScenario):
        n_visits = len(scenario.course.visit_months)
        text = f"is a course of {n_visits} visits; {does}"
        raise ScenarioError("scenario", [Fault("course", text)])


def a_course(scenario: Scenario) -> CourseScenario:
    """Return a scenario that is a course of visits; ScenarioError for one visit."""
    if isinstance(scenario, CourseScenario):
        return scenario
    text = "must be given: this is one visit, which run_scenario plays"
    raise ScenarioError("scenario", [Fault("course", text)])


def beat_by_beat(scenario: Scenario, does: str) -> None:
    """Raise ScenarioError for a visit by table, where each beat is to be told.

    `does` says in the message who needs the beats.
    """
    if scenario.engine != "beats":
        text = f"must be 'beats', got {scenario.engine!r}: {does}"
        raise ScenarioError("scenario", [Fault("engine", text)])


def shipped_scenarios() -> Mapping[str, Traversable]:
    """Return the files that come with the package, by name, sorted."""
    return shipped()


def scenario_name(path_or_name: str | Path) -> str:
    """Return the name under which runs of a scenario are kept."""
    return Path(path_or_name).stem if is_path(path_or_name) else str(path_or_name)


def load_scenario(path_or_name: str | Path) -> Scenario:
    """Read a scenario: a path, or the name of a shipped one.

    A file with a table `[course]` gives a `CourseScenario`.

    Raises
    ------
    ScenarioError
        With every fault of the file, or the nearest names for an unknown one.
    """
    file = file_named("scenario", path_or_name, shipped_scenarios())
    return parse_scenario(file.text, file.origin, file.folder)


def parse_scenario(text: str, origin: str, folder: Path | None = None) -> Scenario:
    """Return the scenario written in TOML; ScenarioError lists every fault.

    A text with a table `[course]` gives a `CourseScenario`.

    Parameters
    ----------
    text
        Contents of the file.
    origin
        Names the file in messages.
    folder
        Where a patient file, a table of a law or a law's own file are looked for; the
        present folder by default.
    """
    data = read_toml(text, origin)
    patient = data.get("patient")
    own: list[Fault] = []
    if isinstance(patient, dict):
        own = resolve_patient(data, patient, folder or Path())
    kind = CourseScenario if "course" in data else Scenario
    try:
        scenario = kind.checked(data, origin=origin)
    except ScenarioError as error:
        seen = {fault.path for fault in own}
        others = [fault for fault in error.faults if fault.path not in seen]
        raise ScenarioError(origin, own + others) from None
    if own:
        raise ScenarioError(origin, own)
    return scenario
