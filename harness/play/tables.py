"""The tables of a scenario file, each with what it may hold."""

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
from harness.play.settings_table import as_found, checked_settings
from harness.task.objective import Objective
from optimizers.dialogue import OnFinish
from optimizers.problem import Budget
from optimizers.recommend import GATE_PROBABILITY, RECOMMENDERS
from optimizers.registry import load_strategy, preferred_recommender
from optimizers.search import Duplicates
from sim.device.generator import State
from sim.device.lattice import ModelName, Value
from sim.device.leads import Fault as LeadFault
from sim.device.leads import LeadSite
from sim.device.settings import Settings
from sim.instruments import READOUTS
from sim.law.shipped import LAW_WORDS
from sim.patient import Patient, known_phenotypes, phenotype
from sim.patient.checks import (
    TableFault,
    joint_faults,
    override_faults,
    part_faults,
    source_faults,
)
from sim.patient.table import patient_of_table
from sim.sources import unit_of
from sim.telemetry.morphology import Disturbance
from sim.visit.measuring import PLANS
from sim.visit.plan import SITES, FoundDevice, VisitPlan, site

SEARCHABLE: Final = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")
_PLAN: Final = VisitPlan()
_FOUND: Final = FoundDevice()
_OBJECTIVE: Final = Objective()
_KEPT: Final = ("strips", "strip_rate_hz", "strip_noise")
_NOISE: Final = Disturbance()


class Table(BaseModel):
    """A table of the file: no unknown names, no silent conversion, no change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


def within(low: float, high: float) -> AfterValidator:
    """Return a validator that holds a number to a range and names its unit."""

    def check(value: float, info: ValidationInfo) -> float:
        name = info.field_name or ""
        if not low <= value <= high:
            allowed = f"{low:.17g} to {high:.17g} {unit_of(name)}".rstrip()
            given = int(value) if value == int(value) else value
            raise ValueError(f"must be {allowed}, got {shown(given, name)}")
        return value

    return AfterValidator(check)


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


Part = Annotated[dict[str, Any], PlainValidator(_part)]


class PatientTable(Table):
    """Who comes. `file` is only remembered: its values are in the other fields."""

    phenotype: Annotated[str, one_of(known_phenotypes)]
    override: Annotated[dict[str, float], PlainValidator(_override)] = {}
    response: Annotated[str, one_of(lambda: LAW_WORDS)] | None = None
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


class FoundTable(Table):
    """The fields of `FoundDevice`, apart from model and settings."""

    state: State = _FOUND.state
    v1_fault: LeadFault = _FOUND.v1_fault
    v2_fault: LeadFault = _FOUND.v2_fault
    days_since_charge: Annotated[float, within(0.0, 60.0)] = _FOUND.days_since_charge
    since_last_visit_days: Annotated[float, within(1.0, 3650.0)] = (
        _FOUND.since_last_visit_days
    )
    charge_frac: Annotated[float, within(0.0, 1.0)] = _FOUND.charge_frac
    arrival_h: Annotated[float, within(0.0, 24.0)] = _FOUND.arrival_h
    fault_frac: Annotated[float, within(0.0, 1.0)] = _FOUND.fault_frac
    suspended_frac: Annotated[float, within(0.0, 0.98)] = _FOUND.suspended_frac
    lead_site: LeadSite = _FOUND.lead_site

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
    """The device as found. `dependents` says whether refractories follow a change."""

    model: ModelName = "CCM X11"
    dependents: Literal["solved", "fixed"] = "solved"
    found: FoundTable = FoundTable()
    settings: Annotated[dict[str, Any], PlainValidator(_settings)] = {}

    @property
    def as_found(self) -> Settings:
        """The settings that the device comes with, dependent ones solved if asked."""
        solve = self.dependents == "solved"
        return as_found(self.settings, self.model, solve=solve)

    @property
    def found_device(self) -> FoundDevice:
        """The device as the visit finds it."""
        return FoundDevice(self.as_found, self.model, **dict(self.found))


class StripNoiseTable(Table):
    """What stands in the strips beside the heart; a height of 0 leaves a part out."""

    mains_hz: Annotated[float, within(45.0, 65.0)] = _NOISE.mains_hz
    mains_mv: Annotated[float, within(0.0, 1.0)] = _NOISE.mains_mv
    muscle_mv: Annotated[float, within(0.0, 1.0)] = _NOISE.muscle_mv
    drift_mv: Annotated[float, within(0.0, 1.0)] = _NOISE.drift_mv
    breathing_mv: Annotated[float, within(0.0, 1.0)] = _NOISE.breathing_mv
    breathing_frac: Annotated[float, within(0.0, 0.5)] = _NOISE.breathing_frac
    electrogram_mv: Annotated[float, within(0.0, 2.0)] = _NOISE.electrogram_mv
    pressure_mmhg: Annotated[float, within(0.0, 10.0)] = _NOISE.pressure_mmhg

    @property
    def disturbance(self) -> Disturbance:
        """The same for the strips."""
        return Disturbance(**dict(self))


class VisitTable(Table):
    """The fields of `VisitPlan` that a file may set, and which strips are kept."""

    site: Annotated[str, one_of(lambda: SITES)] = _PLAN.site.name
    readout: Annotated[str, one_of(lambda: READOUTS)] = _PLAN.readout
    plan: Annotated[str, one_of(lambda: PLANS)] = _PLAN.plan
    tests_per_reference: Annotated[int, within(1, 100)] = _PLAN.tests_per_reference
    target_se_pct: Annotated[float, within(0.05, 50.0)] = _PLAN.target_se_pct
    most_replicates: Annotated[int, within(1, 20)] = _PLAN.most_replicates
    titration_min: Annotated[float, within(0.0, 240.0)] = _PLAN.titration_min
    response_pairs: Annotated[int, within(0, 20)] = _PLAN.response_pairs
    verification_pairs: Annotated[int, within(2, 60)] = _PLAN.verification_pairs
    settle_beats: Annotated[int, within(0, 600)] | None = None
    read_beats: Annotated[int, within(4, 600)] | None = None
    programming_s: Annotated[float, within(0.0, 120.0)] = _PLAN.programming_s
    question_s: Annotated[float, within(0.0, 300.0)] = _PLAN.question_s
    baseline_min: Annotated[float, within(1.0, 60.0)] = _PLAN.baseline_min
    safety_rest_s: Annotated[float, within(0.0, 1800.0)] = _PLAN.safety_rest_s
    observation_min: Annotated[float, within(0.0, 240.0)] = _PLAN.observation_min
    least_relevant_gain_pct: Annotated[float, within(0.0, 20.0)] = (
        _PLAN.least_relevant_gain_pct
    )
    equivalence_margin_pct: Annotated[float, within(0.0, 20.0)] = (
        _PLAN.equivalence_margin_pct
    )
    expected_pair_sd_pct: Annotated[float, within(0.0, 50.0)] | None = None
    noise_scale: Annotated[float, within(0.0, 10.0)] = _PLAN.noise_scale
    strips: Literal["none", "events", "whole"] = "events"
    strip_rate_hz: Annotated[int, within(250, 1000)] = 500
    strip_noise: StripNoiseTable = StripNoiseTable()

    @model_serializer(mode="wrap")
    def _without_usual_noise(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        """Leave the noise of the strips out while it is the usual one."""
        data: dict[str, Any] = handler(self)
        if self.strip_noise == StripNoiseTable():
            data.pop("strip_noise", None)
        return data

    @property
    def visit_plan(self) -> VisitPlan:
        """The plan that the visit follows."""
        planned = {k: v for k, v in dict(self).items() if k not in _KEPT}
        return VisitPlan(**{**planned, "site": site(self.site)})


class BudgetTable(Table):
    """What the search may cost beside the minutes of the titration clock."""

    evaluations: Annotated[int, within(1, 1000)] | None = None
    minutes: Annotated[float, within(1.0, 240.0)] | None = None
    beats: Annotated[int, within(1, 1_000_000)] | None = None
    unpleasant_events: Annotated[int, within(1, 1000)] | None = None

    @property
    def budget(self) -> Budget:
        """The same for a search."""
        return Budget(**dict(self))


def _known_strategy(name: str) -> str:
    load_strategy(name)
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
    wrong = [name for name in limits if name not in SEARCHABLE]
    if wrong:
        raise FaultsError(Fault(name, no_such(name, SEARCHABLE)) for name in wrong)
    return limits


class SearchTable(Table):
    """How the settings to try are chosen, and what the search maximizes."""

    strategy: Annotated[str, AfterValidator(_known_strategy)] = "titration"
    axes: Annotated[
        tuple[str, ...], BeforeValidator(_listed), AfterValidator(_axes)
    ] = ("amplitude_v", "phase_duration_ms", "delay_ms")
    limits: Annotated[dict[str, Limits], AfterValidator(_limit_names)] = {}
    recommender: Annotated[str, one_of(lambda: RECOMMENDERS)] = "posterior_mean"
    budget: BudgetTable = BudgetTable()
    on_finish: OnFinish = "replicate"
    duplicates: Duplicates = "remeasure"
    energy_weight: Annotated[float, within(0.0, 100.0)] = _OBJECTIVE.energy_weight
    discomfort_weight: Annotated[float, within(0.0, 100.0)] = (
        _OBJECTIVE.discomfort_weight
    )
    gate_probability: Annotated[float, within(0.0, 1.0)] = GATE_PROBABILITY
    population: bool = True

    def recommender_for(self, strategy: str = "") -> str:
        """Return the recommender: the one written down, or the strategy's own.

        `strategy` replaces the table's.
        """
        if "recommender" in self.model_fields_set:
            return self.recommender
        return preferred_recommender(strategy or self.strategy)
