"""Scenario files: who comes, with which device, for which visit, searched how.

A file is read once and every fault in it is reported together. Numbers that a file
leaves out are those of `VisitPlan` and `Settings`, said there and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from harness.common.faults import (
    Fault,
    FaultsError,
    ScenarioError,
    faults_of,
    nearest,
    not_among,
    shown,
)
from harness.play.course_table import CourseTable
from harness.play.filled import within
from harness.play.tables import (
    WITHOUT_CODE,
    DeviceTable,
    PatientTable,
    SearchTable,
    Table,
    VisitTable,
)
from sim.device.settings import with_hours_per_day
from sim.patient.checks import PARTS
from sim.textfiles import UnreadableError, toml_table
from sim.textfiles import read_text as text_of
from sim.visit.plan import FoundDevice

__all__ = [
    "CourseScenario",
    "Scenario",
    "ScenarioError",
    "load_scenario",
    "scenario_name",
]

LARGEST_SEED: Final = 2**53 - 1
"""JSON readers keep whole numbers up to here."""


class Scenario(Table):
    """One visit, completely described: with its seed it gives the same bytes."""

    title: str
    description: str = ""
    seed: Annotated[int, within(0, LARGEST_SEED)] = 0
    patient: PatientTable
    device: DeviceTable = DeviceTable()
    visit: VisitTable = VisitTable()
    search: SearchTable = Field(default=SearchTable(), validate_default=True)
    metadata: dict[str, str] = Field(default_factory=dict)

    @field_validator("search")
    @classmethod
    def _limits_hold_what_was_found(
        cls, search: SearchTable, info: ValidationInfo
    ) -> SearchTable:
        faults = limits_faults(search, info.data.get("device"))
        if faults:
            raise FaultsError(faults)
        return search

    @property
    def found_device(self) -> FoundDevice:
        """The device as the first visit finds it."""
        return self.device.found_device

    def changed(self, changes: Mapping[str, object]) -> Self:
        """Return a copy with values changed by dotted path, checked like a file.

        >>> scenario = load_scenario("first_visit")
        >>> scenario.changed({"visit.readout": "cuff"}).visit.readout
        'cuff'
        """
        data = self.model_dump(mode="json")
        for path, value in changes.items():
            *tables, name = path.split(".")
            table = data
            for step in tables:
                table = table.setdefault(step, {})
            table[name] = value
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
    found = getattr(device.as_found, name) if device else low
    if low <= found <= high:
        return ""
    return (
        f"must hold the value as found, {shown(found, name)}, "
        f"got {low:g} to {shown(high, name)}"
    )


def shipped_scenarios() -> Mapping[str, Traversable]:
    """Return the files that come with the package, by name, sorted."""
    found = {
        entry.name.removesuffix(".toml"): entry
        for entry in files("scenarios").iterdir()
        if entry.name.endswith(".toml")
    }
    return dict(sorted(found.items()))


def scenario_name(path_or_name: str | Path) -> str:
    """Return the name under which runs of a scenario are kept."""
    return Path(path_or_name).stem if _is_path(path_or_name) else str(path_or_name)


def load_scenario(path_or_name: str | Path) -> Scenario:
    """Read a scenario: a path, or the name of a shipped one.

    A file with a table `[course]` gives a `CourseScenario`.

    Raises
    ------
    ScenarioError
        With every fault of the file, or the nearest names for an unknown one.
    """
    if _is_path(path_or_name):
        path = Path(path_or_name)
        return parse_scenario(read_text(path, str(path)), str(path), path.parent)
    shipped, name = shipped_scenarios(), str(path_or_name)
    if name not in shipped:
        text = f"no shipped scenario is called {name!r}; {_nearest_names(name)}"
        raise ScenarioError("scenario", [Fault("", text)])
    return parse_scenario(shipped[name].read_text(encoding="utf-8"), f"{name}.toml")


def _nearest_names(name: str) -> str:
    shipped = shipped_scenarios()
    return (
        f"nearest is {nearest(name, shipped)!r}; shipped: {', '.join(shipped)}; "
        "a file is given by its path, ending in .toml"
    )


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
        Where a patient file is looked for; the present folder by default.
    """
    data = read_toml(text, origin)
    patient = data.get("patient")
    own: list[Fault] = []
    if isinstance(patient, dict):
        own = _resolve_patient(data, patient, folder or Path())
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


def _resolve_patient(
    data: dict[str, Any], patient: dict[str, Any], folder: Path
) -> list[Fault]:
    """Put the values of a patient file under those of the scenario itself."""
    name = patient.get("file")
    if name is None and "phenotype" not in patient:
        return [Fault("patient.phenotype", "must be given, or a file")]
    if not isinstance(name, str):
        return []
    data["patient"] = patient | {"file": Path(name).name, "phenotype": "normal"}
    if "phenotype" in patient:
        return [Fault("patient.file", "cannot be given beside phenotype; give one")]
    try:
        read = _patient_file(folder / name, name)
    except ScenarioError as error:
        return [Fault("patient.file", f"{name}: {fault}") for fault in error.faults]
    own_source = patient.get("source", {})
    data["patient"] = read | data["patient"] | {"phenotype": read["phenotype"]}
    for key in ("override", *PARTS):
        _lay_under(data["patient"], key, read, patient)
    if "source" in read and isinstance(own_source, dict):
        data["patient"]["source"] = own_source | _sources_left(read, patient)
    return []


def _lay_under(
    into: dict[str, Any], key: str, read: dict[str, Any], own: dict[str, Any]
) -> None:
    """Put the table of a patient file under the scenario's, unless that is faulty."""
    if key in read and isinstance(own.get(key, {}), dict):
        into[key] = read[key] | own.get(key, {})


def _sources_left(read: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the sources of the file's values that the scenario did not replace."""
    given = own.get("source", {})
    return {
        part: {name: row for name, row in rows.items() if name not in own.get(part, {})}
        | given.get(part, {})
        for part, rows in read["source"].items()
    }


def _patient_file(path: Path, origin: str) -> dict[str, Any]:
    data = read_toml(read_text(path, origin), origin)
    try:
        return PatientTable.model_validate(data).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise ScenarioError(origin, faults_of(error, PatientTable)) from None


def read_text(path: Path, origin: str) -> str:
    """Return the text of a file; ScenarioError, with its origin, if it has none."""
    try:
        return text_of(path)
    except UnreadableError as error:
        raise ScenarioError(origin, [Fault("", str(error))]) from None


def read_toml(text: str, origin: str) -> dict[str, Any]:
    """Return what a TOML text holds; ScenarioError, with its origin, if it is none."""
    try:
        return toml_table(text)
    except UnreadableError as error:
        raise ScenarioError(origin, [Fault("", str(error))]) from None


def _is_path(path_or_name: str | Path) -> bool:
    text = str(path_or_name)
    return isinstance(path_or_name, Path) or text.endswith(".toml") or "/" in text
