"""Study files: who comes, by which contenders, plans and budgets, how often.

A file is read once and every fault in it is reported together. The tables device,
visit and search are those of a scenario; what the study varies is not said in them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
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
    nearest,
    no_such,
    shown,
)
from harness.play.filled import within
from harness.play.scenario import LARGEST_SEED, limits_faults, read_text, read_toml
from harness.play.tables import (
    WITHOUT_CODE,
    DeviceTable,
    SearchTable,
    Table,
    VisitTable,
    one_of,
)
from sim.patient.named import NAMED, USUAL, named_population
from sim.patient.population import TraitSpread, checked_families

MOST_BUDGET_MIN: Final = 240.0
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
)
_TRAITS: Final = tuple(item.name for item in fields(TraitSpread))


class ContenderTable(SearchTable):
    """One way to search: the study's table `search` with some values changed."""

    label: str = ""

    @property
    def name(self) -> str:
        """The label, or the strategy without the folder of its file."""
        return self.label or portable(self.strategy)

    def search(self, base: SearchTable) -> SearchTable:
        """Return the study's search with this contender's own values."""
        own = self.model_fields_set - {"label"}
        return base.model_copy(update={name: getattr(self, name) for name in own})


def portable(strategy: str) -> str:
    """Return a strategy without the folder of its file: no path of a machine stays."""
    place, colon, function = strategy.rpartition(":")
    return f"{PurePath(place).name}{colon}{function}"


def _families(given: object) -> dict[str, float]:
    shares = _numbers(given)
    checked_families(shares)
    return shares


def _population(given: object) -> dict[str, float]:
    values = _numbers(given)
    wrong = [name for name in values if name not in _TRAITS]
    if wrong:
        raise FaultsError(Fault(name, no_such(name, _TRAITS)) for name in wrong)
    return values


def _numbers(given: object) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise ValueError(f"must be a table, got {shown(given)}")
    wrong = [
        Fault(str(name), f"must be a number, got {shown(value)}")
        for name, value in given.items()
        if isinstance(value, bool) or not isinstance(value, int | float)
    ]
    if wrong:
        raise FaultsError(wrong)
    return {str(name): float(value) for name, value in given.items()}


class CohortTable(Table):
    """A cohort that is drawn: its size, shares of the families, changed spreads.

    `trial` names whom it is drawn from; `population` changes numbers of it.
    """

    n: Annotated[int, within(1, 100_000)]
    trial: Annotated[str, one_of(lambda: NAMED)] = USUAL
    families: Annotated[dict[str, float], PlainValidator(_families)] = Field(
        default_factory=lambda: {"nominal": 1.0}
    )
    population: Annotated[dict[str, float], PlainValidator(_population)] = Field(
        default_factory=dict
    )

    @property
    def spread(self) -> TraitSpread:
        """The spread of each trait."""
        return named_population(self.trial, self.population)


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
        Fault(str(i), f"must be text in quotes, got {shown(name)}")
        for i, name in enumerate(names)
        if not isinstance(name, str)
    ]
    if wrong:
        raise FaultsError(wrong)
    return tuple(names)


def _intact(device: DeviceTable) -> DeviceTable:
    """Refuse faulty leads: the truth that visits are scored by knows intact ones."""
    text = "must be 'none' in a study, whose truth is that of intact leads"
    found = {name: getattr(device.found, name) for name in ("v1_fault", "v2_fault")}
    wrong = [name for name, fault in found.items() if fault != "none"]
    if wrong:
        raise FaultsError(
            Fault(f"found.{name}", f"{text}, got {shown(found[name])}")
            for name in wrong
        )
    return device


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
    replicates: Annotated[int, within(1, 10_000)] = 1
    visit_limit_s: Annotated[float, within(1.0, 3600.0)] = 60.0
    post_replication_pairs: Annotated[int, within(0, 60)] = 6
    device: Annotated[DeviceTable, AfterValidator(_intact)] = DeviceTable()
    visit: Annotated[VisitTable, AfterValidator(_not_varied)] = VisitTable()
    search: SearchTable = Field(default=SearchTable(), validate_default=True)
    metadata: dict[str, str] = Field(default_factory=dict)

    @field_validator("search")
    @classmethod
    def _limits_hold_what_was_found(
        cls, search: SearchTable, info: ValidationInfo
    ) -> SearchTable:
        if "strategy" in search.model_fields_set:
            text = "is what the study varies; name it in contenders instead"
            raise FaultsError([Fault("strategy", text)])
        faults = limits_faults(search, info.data.get("device"))
        if faults:
            raise FaultsError(faults)
        return search

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
            for fault in limits_faults(one.search(self.search), self.device)
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
        return self.n_patients * by_patient * self.replicates

    def visit_of(self, plan: str, budget_min: float) -> VisitTable:
        """Return the visit of one plan and budget."""
        varied = {"plan": plan, "titration_min": budget_min, "strips": "none"}
        return self.visit.model_copy(update=varied)

    def as_read(self) -> dict[str, Any]:
        """Return the study with everything that was left out, for JSON."""
        data = self.model_dump(mode="json", exclude_none=True, exclude={"contenders"})
        data["contenders"] = [
            {"label": one.name, "strategy": portable(one.strategy)}
            | one.model_dump(mode="json", include=one.model_fields_set & {*_OPTIONS})
            | {"recommender": one.search(self.search).recommender_for()}
            for one in self.contenders
        ]
        data["patients"] = [PurePath(name).name for name in self.patients or ()]
        for name in _VARIED:
            data["visit"].pop(name, None)
        for name in ("strategy", "recommender"):
            data["search"].pop(name)
        return data


def shipped_studies() -> Mapping[str, Traversable]:
    """Return the studies that come with the package, by name, sorted."""
    folder = files("scenarios") / "studies"
    found = {
        entry.name.removesuffix(".toml"): entry
        for entry in (folder.iterdir() if folder.is_dir() else ())
        if entry.name.endswith(".toml")
    }
    return dict(sorted(found.items()))


def load_study(path_or_name: str | Path) -> Study:
    """Read a study: a path ending in .toml, or the name of a shipped one.

    Raises
    ------
    ScenarioError
        With every fault of the file, or the nearest names for an unknown one.
    """
    text = str(path_or_name)
    if isinstance(path_or_name, Path) or text.endswith(".toml") or "/" in text:
        return parse_study(read_text(Path(text), text), text)
    shipped = shipped_studies()
    if text not in shipped:
        near = f"; nearest is {nearest(text, shipped)!r}" if shipped else ""
        raise ScenarioError(
            "study",
            [
                Fault(
                    "",
                    f"no shipped study is called {text!r}{near}; shipped: "
                    f"{', '.join(shipped) or 'none'}; a file is given by its path, "
                    "ending in .toml",
                )
            ],
        )
    return parse_study(shipped[text].read_text(encoding="utf-8"), f"{text}.toml")


def parse_study(text: str, origin: str) -> Study:
    """Return the study written in TOML; ScenarioError lists every fault."""
    try:
        data = read_toml(text, origin)
        Study.model_validate(data, context=WITHOUT_CODE)
        return Study.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(origin, faults_of(error, Study)) from None
