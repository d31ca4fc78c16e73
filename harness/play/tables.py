"""The tables of a scenario file, each with what it may hold."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from harness.common.faults import Fault, FaultsError, no_such, not_among, shown
from harness.play.filled import filling, values_of, within
from harness.play.host import laws  # noqa: F401 laws of files live apart from here on
from harness.play.settings_table import as_found, checked_settings
from harness.task.lattice import PULSE, TRAIN_AXES
from harness.task.objective import Objective
from harness.task.people import Knowledge
from harness.task.prices import Prices
from harness.task.task import Task
from optimizers.dialogue import OnFinish
from optimizers.problem import Budget
from optimizers.recommend import RECOMMENDERS
from optimizers.registry import check_source, preferred_recommender
from optimizers.search import Duplicates
from sim.device.lattice import ModelName, Value
from sim.device.settings import Settings
from sim.instruments import READOUTS
from sim.law.registry import check_law, law_kind
from sim.patient import Patient, known_phenotypes, phenotype
from sim.patient.checks import (
    TableFault,
    joint_faults,
    override_faults,
    part_faults,
    source_faults,
)
from sim.patient.table import patient_of_table
from sim.telemetry.morphology import Disturbance
from sim.units import S_PER_MIN
from sim.visit.happenings import Happened, Happening, What
from sim.visit.measuring import PLANS
from sim.visit.plan import SITES, FoundDevice, Paper, VisitPlan, site
from sim.visit.start import SET_BY_START, StartName

SEARCHABLE: Final = TRAIN_AXES
LONGEST_NAME: Final = 60
_PLAN: Final = VisitPlan()
_FOUND: Final = FoundDevice()
_TASK: Final = Task()


WITHOUT_CODE: Final = "without code"
"""Context of a validation that runs no file of a strategy or of a law."""


class Table(BaseModel):
    """A table of the file: no unknown names, no silent conversion, no change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


def one_of(known: Callable[[], object]) -> AfterValidator:
    """Return a validator for a name in a table that is filled when first asked for."""

    def check(value: str) -> str:
        names: Any = known()
        if value not in names:
            raise ValueError(not_among(value, names))
        return value

    return AfterValidator(check)


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _override(values: object) -> dict[str, float]:
    given = _faultless(values, override_faults(values))
    return {name: float(value) for name, value in given.items()}


def _part(values: object, info: ValidationInfo) -> dict[str, Any]:
    return _faultless(values, part_faults(info.field_name or "", values))


def _source(values: object) -> dict[str, Any]:
    return _faultless(values, source_faults(values))


def _faultless(values: Any, faults: Sequence[TableFault]) -> dict[str, Any]:
    if faults:
        raise FaultsError(Fault(fault.path, fault.text) for fault in faults)
    return dict(values)


def _known_law(word: str, info: ValidationInfo) -> str:
    check_law(word)
    if info.context != WITHOUT_CODE:
        law_kind(word).typical()
    return word


Part = Annotated[dict[str, Any], PlainValidator(_part)]


class PatientTable(Table):
    """Who comes. `file` is only remembered: its values are in the other fields."""

    phenotype: Annotated[str, one_of(known_phenotypes)]
    override: Annotated[dict[str, float], PlainValidator(_override)] = {}
    response: Annotated[str, AfterValidator(_known_law)] | None = None
    file: str = ""
    name: str = ""
    title: str = ""
    circulation: Part = {}
    contractility: Part = {}
    reflex: Part = {}
    response_law: Part = {}
    muscle: Part = {}
    rhythm: Part = {}
    conduction: Part = {}
    sensation: Part = {}
    profile: Part = {}
    source: Annotated[dict[str, Any], PlainValidator(_source)] = {}

    @model_validator(mode="after")
    def _values_agree(self) -> Self:
        _faultless({}, joint_faults(dict(self)))
        return self

    @model_serializer(mode="wrap")
    def _without_empty(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        always = ("phenotype", "override", "response", "file")
        return {key: v for key, v in dump(self).items() if v or key in always}

    @property
    def patient(self) -> Patient:
        """The virtual patient; raises what `solve_patient` does."""
        table = {key: value for key, value in dict(self).items() if value}
        return patient_of_table(table, phenotype)

    def grown(self, override: Mapping[str, float]) -> Self:
        """Return the patient of a later day: other values over those of the file.

        They come from the simulated world, so nothing is checked as a file's would be.
        """
        return self.model_copy(update={"override": {**self.override, **override}})


@filling(FoundDevice)
class FoundTable(Table):
    """The fields of `FoundDevice`, apart from model and settings."""

    @model_serializer(mode="wrap")
    def _without_past(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the site and the shares of the past out while they say nothing."""
        data: dict[str, Any] = handler(self)
        usual = ("fault_frac", "suspended_frac", "lead_site")
        past = {name: getattr(_FOUND, name) for name in usual}
        return {k: v for k, v in data.items() if k not in past or v != past[k]}


def _settings(given: object, info: ValidationInfo) -> dict[str, Value]:
    model = info.data.get("model", "CCM X11")
    solve = info.data.get("dependents", "solved") == "solved"
    return checked_settings(given, model, solve=solve)


class DeviceTable(Table):
    """The device as found. `dependents` says whether refractories follow a change.

    `start` names what its pulses were left at, instead of values in `settings`: those
    are drawn when the patient is known (`sim.visit.start`).
    """

    start: StartName | None = None
    model: ModelName = "CCM X11"
    dependents: Literal["solved", "fixed"] = "solved"
    found: FoundTable = FoundTable()
    settings: Annotated[dict[str, Any], PlainValidator(_settings)] = {}

    @model_validator(mode="after")
    def _start_or_values(self) -> Self:
        both = [name for name in SET_BY_START if name in self.settings]
        if self.start is not None and both:
            text = (
                f"{self.start!r} sets {', '.join(SET_BY_START)}; leave "
                f"{', '.join(both)} out of settings, or leave the start out"
            )
            raise FaultsError([Fault("start", text)])
        return self

    @model_serializer(mode="wrap")
    def _without_start(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the start out while every value is given."""
        data: dict[str, Any] = handler(self)
        if self.start is None:
            data.pop("start", None)
        return data

    @property
    def as_found(self) -> Settings:
        """The settings that the device comes with, dependent ones solved if asked.

        With a start, those of the factory: what is tolerated only the patient tells.
        """
        solve = self.dependents == "solved"
        return as_found(self.settings, self.model, solve=solve)

    @property
    def found_device(self) -> FoundDevice:
        """The device as the visit finds it."""
        return FoundDevice(self.as_found, self.model, **dict(self.found))


@filling(Disturbance)
class StripNoiseTable(Table):
    """What stands in the strips beside the heart; a height of 0 leaves a part out."""

    @property
    def disturbance(self) -> Disturbance:
        """The same for the strips."""
        return Disturbance(**dict(self))


@filling(
    VisitPlan,
    site=(Annotated[str, one_of(lambda: SITES)], _PLAN.site.name),
    readout=(Annotated[str, one_of(lambda: READOUTS)], _PLAN.readout),
    plan=(Annotated[str, one_of(lambda: PLANS)], _PLAN.plan),
)
class _PlanTable(Table):
    """The fields of `VisitPlan` that a file may set."""


USUAL_DATE: Final = dt.date(2030, 1, 15)
"""Of a visit whose scenario says none: no such visit took place."""


def _date(value: object) -> object:
    """Return the day that a text names; a file of TOML has days of its own."""
    if not isinstance(value, str):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"must be a day such as 2030-01-15, got {value!r}") from None


def _label(value: str) -> str:
    if not 0 < len(value.strip()) <= LONGEST_NAME:
        raise ValueError(f"must have 1 to {LONGEST_NAME} letters, got {len(value)}")
    return value.strip()


class VisitTable(_PlanTable):
    """The fields of `VisitPlan` that a file may set, and what is only told.

    `date` and `patient_name` are of the report alone: day and name that the simulated
    clinic writes down. Nothing in the visit depends on them.
    """

    date: Annotated[dt.date, BeforeValidator(_date)] = USUAL_DATE
    patient_name: Annotated[str, AfterValidator(_label)] | None = None
    strips: Literal["none", "events", "whole"] = "events"
    strip_rate_hz: Annotated[int, within(250, 1000)] = 500
    strip_noise: StripNoiseTable = StripNoiseTable()
    paper: Paper | None = None

    @model_serializer(mode="wrap")
    def _without_the_usual(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        """Leave out what is only told or drawn while it is usual."""
        data: dict[str, Any] = handler(self)
        if self.date == USUAL_DATE:
            data.pop("date", None)
        if self.patient_name is None:
            data.pop("patient_name", None)
        if self.strip_noise == StripNoiseTable():
            data.pop("strip_noise", None)
        if self.paper is None:
            data.pop("paper", None)
        return data

    @property
    def printed_on(self) -> Paper:
        """The paper of the PDF: the site's, unless it is said."""
        return self.paper or self.visit_plan.site.paper

    @property
    def visit_plan(self) -> VisitPlan:
        """The plan that the visit follows."""
        planned = values_of(self, VisitPlan)
        return VisitPlan(**{**planned, "site": site(planned["site"])})


@filling(Budget)
class BudgetTable(Table):
    """What the search may cost beside the minutes of the titration clock."""

    @property
    def budget(self) -> Budget:
        """The same for a search."""
        return Budget(**dict(self))


@filling(Happening, what=(What, ...))
class _HappeningTable(Table):
    """The fields of `Happening`."""


class HappeningTable(_HappeningTable):
    """Something that befalls patient or device, minutes after check-in."""

    at_min: Annotated[float, within(0.0, 240.0)]

    @property
    def planned(self) -> Happened:
        """The same for a visit."""
        happening = Happening(**values_of(self, Happening))
        return Happened(self.at_min * S_PER_MIN, happening)


def _known_strategy(name: str, info: ValidationInfo) -> str:
    if info.context != WITHOUT_CODE or ":" not in name:
        check_source(name)
    return name


def _axes(names: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [name for name in names if name not in SEARCHABLE]
    if wrong:
        raise FaultsError(Fault("", not_among(name, SEARCHABLE)) for name in wrong)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"must name one axis or more, each once, got {list(names)}")
    return names


Limits = Annotated[tuple[float, float], BeforeValidator(_listed)]


def _limit_names(limits: dict[str, Limits]) -> dict[str, Limits]:
    wrong = [name for name in limits if name not in PULSE]
    if wrong:
        raise FaultsError(Fault(name, no_such(name, PULSE)) for name in wrong)
    return limits


def _knowledge(value: object) -> Knowledge:
    if value is True or value is False:
        return value
    if value == "told" or value == "left-out":
        return value
    raise ValueError(f"must be true, false, 'told' or 'left-out', got {shown(value)}")


class _ChoosingTable(Table):
    """How the settings to try are chosen."""

    strategy: Annotated[str, AfterValidator(_known_strategy)] = _TASK.strategy_name
    axes: Annotated[
        tuple[str, ...], BeforeValidator(_listed), AfterValidator(_axes)
    ] = _TASK.lattice.axes
    limits: Annotated[dict[str, Limits], AfterValidator(_limit_names)] = {}
    recommender: Annotated[str, one_of(lambda: RECOMMENDERS)] = _TASK.recommender
    budget: BudgetTable = BudgetTable()
    on_finish: OnFinish = _TASK.on_finish
    duplicates: Duplicates = _TASK.duplicates
    listed: Annotated[tuple[dict[str, Value], ...], BeforeValidator(_listed)] = ()


@filling(Objective)
class _ValuingTable(_ChoosingTable):
    """What the settings are worth."""


@filling(Prices)
class StoppingTable(Table):
    """What a test costs; a search whose tests cost something may end early."""

    @property
    def prices(self) -> Prices:
        """The same for a task."""
        return Prices(**dict(self))


class SearchTable(_ValuingTable):
    """How the settings to try are chosen, and what the search maximizes."""

    gate_probability: Annotated[float, within(0.0, 1.0)] = _TASK.gate_probability
    population: Annotated[Knowledge, PlainValidator(_knowledge)] = True
    stopping: StoppingTable = StoppingTable()

    @model_serializer(mode="wrap")
    def _without_unsaid(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a recommender that was not said, a list and prices of none."""
        data: dict[str, Any] = handler(self)
        if "recommender" not in self.model_fields_set:
            data.pop("recommender", None)
        if not self.listed:
            data.pop("listed", None)
        if self.stopping == StoppingTable():
            data.pop("stopping", None)
        return data

    @property
    def objective(self) -> Objective:
        """What the search maximizes."""
        return Objective(**values_of(self, Objective))

    def recommender_for(self, strategy: str = "") -> str:
        """Return the recommender: the one written down, or the strategy's own.

        `strategy` replaces the table's.
        """
        if "recommender" in self.model_fields_set:
            return self.recommender
        return preferred_recommender(strategy or self.strategy)
