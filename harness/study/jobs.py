"""The visits of a study in their order, each keyed by what determines it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

from harness.common.faults import Fault, ScenarioError, no_such
from harness.common.files import file_hash
from harness.play.order import order_for, task_of
from harness.play.tables import DeviceTable, SearchTable, VisitTable
from harness.study.plan import Study
from harness.study.visit import Job, Preparation
from harness.task.limits import USUAL_MEMORY_GB, StrategyLimits
from harness.task.task import Task
from optimizers.registry import preferred_recommender, source_of
from sim.heart.repeating import ImplausibleHeartError, NotSettledError
from sim.patient import (
    NoHeartError,
    Patient,
    PatientTableError,
    UnreachableTargetError,
    known_phenotypes,
    load_patient,
    phenotype,
    sample_cohort,
)
from sim.streams import stream
from sim.textfiles import portable
from sim.visit.order import EngineName, VisitOrder
from sim.visit.start import GIVEN, started

KEY_LENGTH: Final = 24
_LEFT_OUT: Final = SearchTable().recommender
_NO_MATTER: Final = ("strips", "strip_rate_hz", "strip_noise", "paper")


@dataclass(frozen=True, slots=True, eq=False)
class StudyPlan:
    """A study with the people who come, and the memory that a strategy may take.

    A visit's key is the hash of what determines it and nothing else: patient, device,
    plan, contender, seeds, version. So an extended study finds what is done.
    """

    study: Study
    patients: tuple[Patient, ...]
    memory_gb: float = USUAL_MEMORY_GB

    def jobs(self) -> Iterator[Job]:
        """Yield every visit, patient by patient: the order of all tables."""
        ways = list(self._ways())
        for index, patient in enumerate(self.patients):
            digest = patient_digest(patient)
            for way in ways:
                first = way.order_of(patient, index, self.study.seed)
                task = task_of(way.search, way.device, first)
                task = replace(task, limits=self.limits)
                earlier = tuple(self._earlier(way, index))
                for replicate in range(self.study.replicates):
                    order = replace(first, replicate=replicate)
                    yield self._job(way, order, task, digest, earlier)

    def _earlier(self, way: "_Way", index: int) -> Iterator[Preparation]:
        """Yield the visits of the patients before one, of which its search is told."""
        for before in range(max(0, index - way.history), index):
            patient = self.patients[before]
            order = way.order_of(patient, before, self.study.seed)
            yield order, task_of(way.search, way.device, order, strategy=way.history_by)

    def _ways(self) -> "Iterator[_Way]":
        study = self.study
        for one in study.contenders:
            search = one.search(study.search)
            for plan in study.plans:
                for budget in study.budgets_min:
                    visit = study.visit_of(plan, budget)
                    for device in study.devices:
                        way = _Way.of(one.name, search, visit, device, study.engine)
                        yield way.told_of(one.history, one.history_by)

    @property
    def limits(self) -> StrategyLimits:
        """What a strategy that is not ours may use in one visit."""
        limits = StrategyLimits(
            visit_s=self.study.visit_limit_s, memory_gb=self.memory_gb
        )
        return replace(limits, answer_s=min(limits.answer_s, limits.visit_s))

    def _job(
        self,
        way: "_Way",
        order: VisitOrder,
        task: Task,
        patient_digest: str,
        earlier: tuple[Preparation, ...],
    ) -> Job:
        post_pairs = self.study.post_replication_pairs
        own: tuple[object, ...] = (
            *(order.patient_index, order.seed, order.replicate, post_pairs),
            *(_known_digest(before.patient) for before, _ in earlier),
        )
        key = _hash([_version(), patient_digest, way.digest, *own])[:KEY_LENGTH]
        return Job(
            key=key,
            contender=way.contender,
            order=order,
            task=task,
            start=way.device.start or GIVEN,
            post_pairs=post_pairs,
            file_digest=way.file_digest,
            earlier=earlier,
        )


@dataclass(frozen=True, slots=True)
class _Way:
    """How a contender's visits of one plan, budget and start are made, whoever comes.

    What hangs on who comes, the settings that a start leaves and the laws that a search
    is told of, is made when the patient is known.
    """

    contender: str
    search: SearchTable
    visit: VisitTable
    device: DeviceTable
    engine: EngineName
    digest: str
    file_digest: str
    history: int = 0
    history_by: str = ""

    @classmethod
    def of(
        cls,
        contender: str,
        search: SearchTable,
        visit: VisitTable,
        device: DeviceTable,
        engine: EngineName,
    ) -> Self:
        """Return a way, with the hashes of all that it is made of."""
        digest = _way_digest(contender, search, visit, device)
        # beats are what keys of before meant
        digest = digest if engine == "beats" else _hash([engine, digest])
        file = file_digest(search.strategy)
        return cls(contender, search, visit, device, engine, digest, file)

    def told_of(self, history: int, by: str) -> "_Way":
        """Return the same told of earlier patients, whom another search has seen."""
        if not history:
            return self
        digest = _hash([history, by, self.digest])
        return replace(self, digest=digest, history=history, history_by=by)

    def order_of(self, patient: Patient, index: int, seed: int) -> VisitOrder:
        """Return the first visit of a patient."""
        order = order_for(
            patient, self.device, self.visit, seed=seed, engine=self.engine
        )
        order = replace(order, patient_index=index)
        start = self.device.start
        return started(order, start) if start is not None else order


def plan_of(
    study: Study, folder: Path | None = None, *, origin: str = "study"
) -> StudyPlan:
    """Return a study with its patients: drawn, ready-made or from files.

    Parameters
    ----------
    study
        A validated study.
    folder
        Where patient files are looked for; the present folder by default.
    origin
        Names the study's file in messages.

    Raises
    ------
    ScenarioError
        When a patient is not known, cannot be read or cannot live, or the cohort
        cannot be drawn.
    """
    if study.cohort is not None:
        return StudyPlan(study, _drawn(study, origin))
    found, faults = [], []
    for i, name in enumerate(study.patients or ()):
        try:
            found.append(_patient(name, folder or Path()))
        except _NOBODY as error:
            faults.append(Fault(f"patients.{i}", _told(name, error)))
    if faults:
        raise ScenarioError(origin, faults)
    return StudyPlan(study, tuple(found))


_NOBODY: Final = (
    PatientTableError,
    UnreachableTargetError,
    NoHeartError,
    ImplausibleHeartError,
    NotSettledError,
    OSError,
    LookupError,
)


def _told(name: str, error: BaseException) -> str:
    if isinstance(error, LookupError):
        return no_such(name, known_phenotypes()) + "; a file ends in .toml"
    if isinstance(error, OSError):
        return f"{name} cannot be read: {(error.strerror or str(error)).lower()}"
    return str(error)


def _patient(name: str, folder: Path) -> Patient:
    if name.endswith(".toml"):
        return load_patient(folder / name)
    if name not in known_phenotypes():
        raise LookupError(name)
    return phenotype(name)


def _drawn(study: Study, origin: str) -> tuple[Patient, ...]:
    cohort = study.cohort
    if cohort is None:
        return ()
    rng = stream(study.seed, name="patient")
    try:
        drawn = sample_cohort(
            cohort.n,
            rng,
            families=cohort.families,
            population=cohort.spread,
            inclusion=cohort.inclusion,
        )
    except ValueError as error:
        raise ScenarioError(origin, [Fault("cohort", str(error))]) from None
    return tuple(drawn.patients)


@cache
def _version() -> str:
    return version("ccmlab")


def _way_digest(
    contender: str, search: SearchTable, visit: VisitTable, device: DeviceTable
) -> str:
    """Return the hash of how a patient's visits are searched and read.

    A strategy that is not ours counts with the bytes of its file.
    """
    return _hash(
        {
            "contender": contender,
            "strategy": _strategy_digest(search.strategy),
            "search": _search_told(search),
            "visit": visit.model_dump(mode="json", exclude=set(_NO_MATTER)),
            "device": device.model_dump(mode="json"),
        }
    )


def _search_told(search: SearchTable) -> dict[str, Any]:
    """Return what steers a search, strategy apart.

    A recommender that is left out is the strategy's own, whatever the table says.
    """
    told = search.model_dump(mode="json", exclude={"strategy"})
    chosen = search.recommender_for()
    own = chosen == preferred_recommender(search.strategy)
    told["recommender"] = _LEFT_OUT if own else f"instead of its own: {chosen}"
    return told


@lru_cache(maxsize=256)
def _known_digest(patient: Patient) -> str:
    return patient_digest(patient)


def patient_digest(patient: Patient) -> str:
    """Return the hash of a patient's values; where they come from does not matter."""
    return _hash(asdict(replace(patient, sources={})))


def _strategy_digest(strategy: str) -> str:
    place = source_of(strategy)
    if place is None:
        return strategy
    return f"{portable(strategy)} {file_hash(place.resolve())}"


def file_digest(strategy: str, folder: Path | None = None) -> str:
    """Return the hash of the file that a strategy is in; empty for `module:function`.

    Raises OSError when the file is not there; `folder` is where it is looked for.
    """
    place = strategy.rpartition(":")[0]
    if not place.endswith(".py"):
        return ""
    return file_hash(((folder or Path()) / place).resolve())


def _hash(told: object) -> str:
    text = json.dumps(told, sort_keys=True, default=float)
    return sha256(text.encode()).hexdigest()
