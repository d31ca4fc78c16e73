"""Study files: who comes, by which contenders, plans and budgets, how often.

A file is read once and every fault in it is reported together. The tables device,
visit and search are those of a scenario; what the study varies is not said in them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.resources.abc import Traversable
from pathlib import Path, PurePath
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from harness.common.faults import (
    Fault,
    FaultsError,
    ScenarioError,
    faults_of,
    no_such,
    not_among,
    shown,
)
from harness.play.filled import within
from harness.play.listed import list_faults
from harness.play.scenario import LARGEST_SEED, limits_faults
from harness.play.shipped import file_named, read_toml, shipped
from harness.play.tables import (
    WITHOUT_CODE,
    DeviceTable,
    SearchTable,
    Table,
    VisitTable,
    one_of,
)
from optimizers.registry import check_source, is_ours, uses_history
from sim.law.registry import law_beside, law_kind
from sim.patient.inclusion import Inclusion, inclusion, inclusion_faults
from sim.patient.named import NAMED, USUAL, named_population
from sim.patient.population import TraitSpread, checked_families
from sim.sources import allowed_range
from sim.textfiles import portable
from sim.visit.order import EngineName
from sim.visit.plan import VisitPlan
from sim.visit.start import SET_BY_START, STARTS, StartName

MOST_BUDGET_MIN: Final = allowed_range(VisitPlan, "titration_min")[1]
# of a scenario's visit: what the study says in its stead; empty where nothing does
_VARIED: Final = {
    "titration_min": "budgets_min",
    "plan": "plans",
    "strips": "",
    "strip_rate_hz": "",
}
_OPTIONS: Final = (
    "recommender",
    "on_finish",
    "duplicates",
    "gate_probability",
    "axes",
    "population",
    "listed",
    "stopping",
    "history",
    "history_by",
)
_NOT_OF_SEARCH: Final = ("label", "history", "history_by")
_TRAITS: Final = tuple(item.name for item in fields(TraitSpread))


def _preparing(name: str) -> str:
    check_source(name)
    if not is_ours(name):
        raise ValueError(f"must be a strategy that comes with ccmlab, got {name!r}")
    return name


class ContenderTable(SearchTable):
    """One way to search: the study's table `search` with some values changed.

    `history` is how many earlier patients of the study the strategy is told of, what
    the search of `history_by` saw in them; fewer of the first ones.
    """

    label: str = ""
    history: Annotated[int, within(0, 50)] = 0
    history_by: Annotated[str, AfterValidator(_preparing)] = "sobol"

    @model_validator(mode="after")
    def _has_use_of_it(self) -> Self:
        if self.history and not uses_history(self.strategy):
            text = f"strategy {self.strategy!r} makes no use of earlier searches"
            raise FaultsError([Fault("history", text)])
        return self

    @property
    def name(self) -> str:
        """The label, or the strategy without the folder of its file."""
        return self.label or portable(self.strategy)

    def search(self, base: SearchTable) -> SearchTable:
        """Return the study's search with this contender's own values."""
        own = self.model_fields_set - {*_NOT_OF_SEARCH}
        return base.model_copy(update={name: getattr(self, name) for name in own})


def _families(given: object, info: ValidationInfo) -> dict[str, float]:
    shares = _numbers(given)
    checked_families(shares)
    # somebody's own law is made once now: better told here than by every visit
    if info.context != WITHOUT_CODE:
        for name in shares:
            law_kind(name).typical()
    return shares


def _population(given: object) -> dict[str, float]:
    values = _numbers(given)
    wrong = [name for name in values if name not in _TRAITS]
    if wrong:
        raise FaultsError(Fault(name, no_such(name, _TRAITS)) for name in wrong)
    return values


def _include(given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ValueError(f"must be a table, got {shown(given)}")
    criteria = {str(name): value for name, value in given.items()}
    faults = [Fault(name, text) for name, text in inclusion_faults(criteria)]
    if faults:
        raise FaultsError(faults)
    return criteria


def _numbers(given: object) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise ValueError(f"must be a table, got {shown(given)}")
    wrong = [
        Fault(str(name), f"must be a number, got {shown(value)}")
        for name, value in given.items()
        if isinstance(value, bool) or not isinstance(value, int | float)  # true is 1
    ]
    if wrong:
        raise FaultsError(wrong)
    return {str(name): float(value) for name, value in given.items()}


class CohortTable(Table):
    """A cohort that is drawn: its size, shares of the response laws, changed spreads.

    `trial` names whom it is drawn from; `population` changes numbers of it; `include`
    says whom a trial takes of them, such as `ejection_fraction_pct = [25, 35]`.
    """

    n: Annotated[int, within(1, 100_000)]
    trial: Annotated[str, one_of(lambda: NAMED)] = USUAL
    families: Annotated[dict[str, float], PlainValidator(_families)] = Field(
        default_factory=lambda: {"nominal": 1.0}
    )
    population: Annotated[dict[str, float], PlainValidator(_population)] = Field(
        default_factory=dict
    )
    include: Annotated[dict[str, Any], PlainValidator(_include)] = Field(
        default_factory=dict
    )

    @property
    def spread(self) -> TraitSpread:
        """The spread of each trait."""
        return named_population(self.trial, self.population)

    @property
    def inclusion(self) -> Inclusion:
        """The criteria of inclusion."""
        return inclusion(**self.include)


def _items(given: object, what: str) -> list[Any]:
    if not isinstance(given, list | tuple):
        raise ValueError(f"must be a list of {what}, got {shown(given)}")
    if not given:
        raise ValueError(f"must name one or more {what}, got an empty list")
    return list(given)


def _once(names: Sequence[object], hint: str = "") -> None:
    """Raise where an item of a list is there twice."""
    twice = [
        Fault(str(i), f"{shown(name)} is there twice{hint}")
        for i, name in enumerate(names)
        if name in names[:i]
    ]
    if twice:
        raise FaultsError(twice)


def _contenders(given: object, info: ValidationInfo) -> tuple[ContenderTable, ...]:
    faults: list[Fault] = []
    found: list[ContenderTable] = []
    for i, item in enumerate(_items(given, "strategies")):
        try:
            found.append(_contender(item, info.context))
        except ValidationError as error:
            told = faults_of(error, ContenderTable)
            faults += [Fault(f"{i}.{f.path}".rstrip("."), f.text) for f in told]
        except FaultsError as error:
            faults += [Fault(f"{i}.{f.path}", f.text) for f in error.faults]
        except ValueError as error:
            faults.append(Fault(str(i), str(error)))
    if faults:
        raise FaultsError(faults)
    # rows of the tables know a contender by its name alone
    _once([one.name for one in found], "; give each a label of its own")
    return tuple(found)


def _contender(item: object, context: object) -> ContenderTable:
    table = {"strategy": item} if isinstance(item, str) else item
    if not isinstance(table, Mapping):
        raise ValueError(f"must be a strategy's name or a table, got {shown(item)}")
    known = ("label", "strategy", *_OPTIONS)
    wrong = [Fault(name, no_such(name, known)) for name in table if name not in known]
    if "strategy" not in table:
        wrong.insert(0, Fault("strategy", "must be given"))
    if wrong:
        raise FaultsError(wrong)
    return ContenderTable.model_validate(table, context=context)


def _plans(given: object) -> tuple[str, ...]:
    names = _items(given, "measuring plans")
    faults = []
    for i, name in enumerate(names):
        try:
            VisitTable.model_validate({"plan": name})
        except ValidationError as error:
            told = faults_of(error, VisitTable)
            faults += [Fault(str(i), fault.text) for fault in told]
    if faults:
        raise FaultsError(faults)
    _once(names)
    return tuple(names)


def _budgets(given: object) -> tuple[float, ...]:
    minutes = _items(given, "budgets in minutes")
    wrong = [
        Fault(str(i), f"must be 1 to {MOST_BUDGET_MIN:g} min, got {shown(value)} min")
        for i, value in enumerate(minutes)
        if isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 1.0 <= value <= MOST_BUDGET_MIN
    ]
    if wrong:
        raise FaultsError(wrong)
    _once(minutes)
    return tuple(float(value) for value in minutes)


def _patients(given: object) -> tuple[str, ...]:
    names = _items(given, "phenotypes or patient files")
    wrong = [
        Fault(str(i), _text(name))
        for i, name in enumerate(names)
        if not isinstance(name, str)
    ]
    if wrong:
        raise FaultsError(wrong)
    return tuple(names)


def _intact(device: DeviceTable) -> DeviceTable:
    """Refuse a start, which is varied, and faulty leads.

    The truth that visits are scored by knows intact ones.
    """
    if device.start is not None:
        raise FaultsError([Fault("start", _why_not("starts"))])
    text = "must be 'none' in a study, whose truth is that of intact leads"
    found = {name: getattr(device.found, name) for name in ("v1_fault", "v2_fault")}
    wrong = [name for name, fault in found.items() if fault != "none"]
    if wrong:
        raise FaultsError(
            Fault(f"found.{name}", f"{text}, got {shown(found[name])}")
            for name in wrong
        )
    return device


def _starts(given: object) -> tuple[str, ...]:
    names = _items(given, "starts")
    wrong = [
        Fault(str(i), not_among(name, STARTS) if isinstance(name, str) else _text(name))
        for i, name in enumerate(names)
        if name not in STARTS
    ]
    if wrong:
        raise FaultsError(wrong)
    _once(names)
    return tuple(names)


def _text(given: object) -> str:
    return f"must be text in quotes, got {shown(given)}"


def _not_varied(visit: VisitTable) -> VisitTable:
    given = [name for name in _VARIED if name in visit.model_fields_set]
    if given:
        raise FaultsError(Fault(name, _why_not(_VARIED[name])) for name in given)
    return visit


def _why_not(instead: str) -> str:
    if instead:
        return f"is what the study varies; give {instead} beside the title instead"
    return "is not for a study: it keeps no strips; leave it out"


class Study(Table):
    """Patients by contenders, plans, budgets and replicates: a visit for each."""

    title: str
    description: str = ""
    seed: Annotated[int, within(0, LARGEST_SEED)] = 0
    cohort: CohortTable | None = None
    patients: Annotated[tuple[str, ...], BeforeValidator(_patients)] | None = None
    contenders: Annotated[tuple[ContenderTable, ...], BeforeValidator(_contenders)]
    plans: Annotated[tuple[str, ...], BeforeValidator(_plans)] = ("paired",)
    budgets_min: Annotated[tuple[float, ...], BeforeValidator(_budgets)] = (40.0,)
    starts: Annotated[tuple[StartName, ...], BeforeValidator(_starts)] | None = None
    replicates: Annotated[int, within(1, 10_000)] = 1
    visit_limit_s: Annotated[float, within(1.0, 3600.0)] = 60.0
    post_replication_pairs: Annotated[int, within(0, 60)] = 6
    device: Annotated[DeviceTable, AfterValidator(_intact)] = DeviceTable()
    visit: Annotated[VisitTable, AfterValidator(_not_varied)] = VisitTable()
    # below device and starts, which its check looks at; also where it is left out
    search: SearchTable = Field(default=SearchTable(), validate_default=True)
    metadata: dict[str, str] = Field(default_factory=dict)
    engine: EngineName = "beats"

    @field_validator("search")
    @classmethod
    def _limits_hold_what_was_found(
        cls, search: SearchTable, info: ValidationInfo
    ) -> SearchTable:
        if "strategy" in search.model_fields_set:
            text = "is what the study varies; name it in contenders instead"
            raise FaultsError([Fault("strategy", text)])
        found = info.data.get("device")
        starts = info.data.get("starts")
        for device in devices_of(found, starts) if found else [None]:
            faults = limits_faults(search, device)
            if faults:
                raise FaultsError(faults)
        return search

    @field_validator("device")
    @classmethod
    def _starts_or_values(
        cls, device: DeviceTable, info: ValidationInfo
    ) -> DeviceTable:
        both = [name for name in SET_BY_START if name in device.settings]
        if info.data.get("starts") and both:
            text = "is what starts set, beside the title; leave one of the two out"
            raise FaultsError(Fault(f"settings.{name}", text) for name in both)
        return device

    @model_validator(mode="after")
    def _somebody_comes(self) -> Self:
        if self.cohort is None and self.patients is None:
            text = "must be given, or a list of patients beside the title"
            raise FaultsError([Fault("cohort", text)])
        if self.cohort is not None and self.patients is not None:
            text = "cannot be given beside a cohort; give one"
            raise FaultsError([Fault("patients", text)])
        return self

    @model_validator(mode="after")
    def _axes_hold_the_limits(self) -> Self:
        faults = [
            Fault(f"contenders.{i}.axes.{fault.path}", fault.text)
            for i, one in enumerate(self.contenders)
            for fault in limits_faults(one.search(self.search), self.devices[0])
        ]
        faults += [
            Fault(f"contenders.{i}.{fault.path}", fault.text)
            for i, one in enumerate(self.contenders)
            for fault in list_faults(one.search(self.search), self.devices[0].model)
        ]
        if faults:
            raise FaultsError(faults)
        return self

    @property
    def n_patients(self) -> int:
        """How many patients come."""
        return self.cohort.n if self.cohort else len(self.patients or ())

    @property
    def n_visits(self) -> int:
        """How many visits are played."""
        by_patient = len(self.contenders) * len(self.plans) * len(self.budgets_min)
        return self.n_patients * by_patient * self.replicates * len(self.devices)

    @property
    def devices(self) -> tuple[DeviceTable, ...]:
        """The device as found, at each start; as given where none is named."""
        return devices_of(self.device, self.starts)

    def visit_of(self, plan: str, budget_min: float) -> VisitTable:
        """Return the visit of one plan and budget."""
        varied = {"plan": plan, "titration_min": budget_min, "strips": "none"}
        return self.visit.model_copy(update=varied)

    def as_read(self) -> dict[str, Any]:
        """Return the study with everything that was left out, for JSON."""
        data = self.model_dump(mode="json", exclude_none=True, exclude={"contenders"})
        # told as resolved, since what a strategy's own recommender is may change
        data["contenders"] = [
            {"label": one.name, "strategy": portable(one.strategy)}
            | one.model_dump(mode="json", include=one.model_fields_set & {*_OPTIONS})
            | {"recommender": one.search(self.search).recommender_for()}
            for one in self.contenders
        ]
        # without folders: a study that is handed on tells nothing of a machine
        data["patients"] = [PurePath(name).name for name in self.patients or ()]
        for name in _VARIED:
            data["visit"].pop(name, None)
        for name in ("strategy", "recommender"):
            data["search"].pop(name, None)
        return data


def devices_of(
    device: DeviceTable, starts: Sequence[StartName] | None
) -> tuple[DeviceTable, ...]:
    """Return a device table for each start; the table itself without any."""
    if not starts:
        return (device,)
    return tuple(device.model_copy(update={"start": start}) for start in starts)


def _resolve_families(cohort: object, folder: Path) -> None:
    """Let the families of a cohort's table name files beside the study."""
    if isinstance(cohort, dict) and isinstance(cohort.get("families"), dict):
        shares = cohort["families"]
        cohort["families"] = {law_beside(n, folder): v for n, v in shares.items()}


def shipped_studies() -> Mapping[str, Traversable]:
    """Return the studies that come with the package, by name, sorted."""
    return shipped("studies")


def load_study(path_or_name: str | Path) -> Study:
    """Read a study: a path ending in .toml, or the name of a shipped one.

    Raises
    ------
    ScenarioError
        With every fault of the file, or the nearest names for an unknown one.
    """
    file = file_named("study", path_or_name, shipped_studies())
    return parse_study(file.text, file.origin, file.folder)


def parse_study(text: str, origin: str, folder: Path | None = None) -> Study:
    """Return the study written in TOML; ScenarioError lists every fault.

    `folder` is where files of laws are looked for, the present one by default.
    """
    try:
        data = read_toml(text, origin)
        _resolve_families(data.get("cohort"), folder or Path())
        Study.model_validate(data, context=WITHOUT_CODE)
        return Study.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(origin, faults_of(error, Study)) from None
