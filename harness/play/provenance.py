"""Where the numbers come from: of every model, and of one visit.

A number that the scenario states is credited to the scenario, never to a paper.
"""

import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from importlib.resources import files
from typing import Any, Final

from harness.play.course_table import Habits
from harness.play.scenario import CourseScenario, Scenario
from harness.task.objective import Objective
from harness.task.prices import Prices
from optimizers.recommend import GATE_PROBABILITY
from sim.device.battery import LithiumCell
from sim.device.energy import CHARGING
from sim.device.lattice import device_model
from sim.device.leads import LeadModel
from sim.device.timing import UNIPOLAR
from sim.instruments import RULES, Errors, readout
from sim.patient import Patient, known_phenotypes
from sim.patient.checks import PARTS
from sim.patient.table import STATED
from sim.sources import (
    Source,
    SourcedNumber,
    differing,
    provenance,
    unit_of,
)
from sim.telemetry.ecg import Morphology
from sim.telemetry.morphology import INTERFERENCE
from sim.visit.arrival import ASKING
from sim.visit.bedside import AtrialCapture, LateTrains
from sim.visit.chart import KIDNEY
from sim.visit.chart import RULES as CHART
from sim.visit.delivery import RULES_OF_DELIVERY
from sim.visit.effects import STRAINS
from sim.visit.followup import RULES as FOLLOW_UP
from sim.visit.happenings import Happening
from sim.visit.icd_check import ICD
from sim.visit.measuring_noise import PLANNING
from sim.visit.order import VisitOrder
from sim.visit.plan import PROTOCOL, FoundDevice, VisitPlan
from sim.visit.programmer import Link
from sim.visit.programmer.scan import RULES_OF_SENSING
from sim.visit.programming import CHECKS
from sim.visit.safety import EctopyPrior, SafetyRules
from sim.visit.start import SET_BY_START, STARTING
from sim.visit.thresholds import SpreadPopulation
from sim.visit.verdict import RULES as VERDICT

Numbers = Mapping[str, list[SourcedNumber]]
PATIENT: Final = "patient"
"""The part that the clinic does not know: the heart, and the law of its response."""
_SOLVED: Final = Source("ccmlab-device", "1.6, solved to hold the rules", "derived")
_CARRIED: Final = Source(
    "scenario", "course: left by the visit before and the days at home", "derived"
)


def dataclasses_of_sim() -> Iterator[type]:
    """Yield each dataclass of the simulated world, module by module."""
    place = [str(files("sim"))]
    names = sorted(m.name for m in pkgutil.walk_packages(place, "sim."))
    for name in names:
        for item in list(vars(import_module(name)).values()):
            if not isinstance(item, type) or item.__module__ != name:
                continue
            if is_dataclass(item):
                yield item


def sourced_models() -> Iterator[type]:
    """Yield each model: a dataclass whose numbers have sources."""
    models = (*dataclasses_of_sim(), Objective, Prices)
    yield from (model for model in models if declared_numbers(model))


def declared_numbers(model: type) -> list[SourcedNumber]:
    """List the numbers that a model declares, with its own defaults."""
    return [
        SourcedNumber(
            item.name, item.default, unit_of(item.name), item.metadata["source"]
        )
        for item in fields(model)
        if "source" in item.metadata and item.default is not None
    ]


def run_numbers(scenario: Scenario, order: VisitOrder) -> Numbers:
    """Return every number that a visit used, by the part that it belongs to.

    Parameters
    ----------
    scenario
        What was stated.
    order
        The visit; later in a course patient and device are no more as stated.
    """
    patient, plan = order.patient, order.plan
    fixed = fixed_models(order.found.model, plan)
    return {
        PATIENT: [*_targets(scenario), *_of_patient(scenario, patient)],
        "device as found": _device_as_found(scenario, order),
        "visit plan": _plan(plan),
        "search": _search(scenario),
        **({"start": provenance(STARTING)} if scenario.device.start else {}),
        **{part: provenance(model) for part, model in fixed.items()},
        "readout errors": _errors(plan),
        "ECG drawing": _drawing(scenario, patient.in_atrial_fibrillation),
        **_happenings(order),
    }


def _happenings(order: VisitOrder) -> Numbers:
    """List what befell a patient; nothing where nothing was to happen."""
    if not order.happenings:
        return {}
    numbers = {
        "strains": provenance(STRAINS),
        "interference": provenance(INTERFERENCE),
    }
    for place, planned in enumerate(order.happenings):
        own = _happening(planned.happening, f"happenings.{place}")
        numbers[f"happening {place + 1}"] = own
    return numbers


def _happening(happening: Happening, place: str) -> list[SourcedNumber]:
    changed = differing(happening, Happening(happening.what))
    return provenance(happening, {name: _stated(f"{place}.{name}") for name in changed})


def fixed_models(device: str, plan: VisitPlan) -> Mapping[str, Any]:
    """Return the parts of a visit whose numbers no scenario changes."""
    return {
        "device model": device_model(device),
        "leads": LeadModel(),
        "battery": LithiumCell(),
        "programmer": Link(),
        "late trains": LateTrains(),
        "atrial capture": AtrialCapture(),
        "unipolar sensing": UNIPOLAR,
        "spread of trains": SpreadPopulation(),
        "readout": readout(plan.readout),
        "rules of reading": RULES,
        "measuring plan": PLANNING,
        "bedside questions": ASKING,
        "chart": CHART,
        "kidney": KIDNEY,
        "sensing rules": RULES_OF_SENSING,
        "causes of low delivery": RULES_OF_DELIVERY,
        "safety rules": SafetyRules(),
        "ectopy judged": EctopyPrior(),
        "final checks": CHECKS,
        "charging": CHARGING,
        "ICD": ICD,
        "verdict": VERDICT,
        "follow-up": FOLLOW_UP,
    }


def _stated(place: str) -> Source:
    return Source("scenario", place, "overridden")


def _of_patient(scenario: Scenario, patient: Patient) -> Iterator[SourcedNumber]:
    """Yield the patient's numbers; without a file of its own, the scenario states."""
    parts = {part: table for table, part in PARTS.items()}
    for row in patient.provenance():
        source = row.source
        if source == STATED and not scenario.patient.file:
            part, _, name = row.name.partition(".")
            source = _stated(f"patient.{parts[part]}.{name}")
        yield replace(row, source=source)


def _targets(scenario: Scenario) -> Iterator[SourcedNumber]:
    """Yield the bedside values that the patient's circulation was solved to."""
    table = scenario.patient
    if table.circulation:  # stated, not solved
        return
    made = known_phenotypes()[table.phenotype]
    for item in fields(made.targets):
        name, value = item.name, getattr(made.targets, item.name)
        source = made.source
        if name in table.override:
            value, source = table.override[name], _stated(f"patient.override.{name}")
        yield SourcedNumber(f"targets.{name}", value, unit_of(name), source)


def course_numbers(scenario: CourseScenario) -> list[SourcedNumber]:
    """List how the patient of a course charges the device at home."""
    habits = scenario.course.habits
    changed = {name: _stated(f"course.{name}") for name in differing(habits, Habits())}
    return provenance(habits, changed, prefix="course.")


def _device_as_found(scenario: Scenario, order: VisitOrder) -> list[SourcedNumber]:
    device, found = scenario.device, order.found
    sources = {
        name: _SOLVED
        if name.startswith("settings.")
        else _stated(f"device.found.{name}")
        for name in differing(found, FoundDevice())
    }
    for symbol in device.settings:
        sources[f"settings.{symbol}"] = _stated(f"device.settings.{symbol}")
    first = scenario.found_device
    by_course = differing(first, device.found_device)
    sources |= dict.fromkeys(by_course, _stated("course.hours_per_day"))
    carried = differing(found, first)
    if device.start and not _comes_back(scenario, order):
        by_start = {f"settings.{name}" for name in SET_BY_START}
        sources |= dict.fromkeys(by_start, _stated("device.start"))
        carried = [name for name in carried if not name.startswith("settings.")]
    sources |= dict.fromkeys(carried, _CARRIED)
    return provenance(found, sources)


def _comes_back(scenario: Scenario, order: VisitOrder) -> bool:
    """Return whether a visit of a course finds what an earlier one left."""
    return isinstance(scenario, CourseScenario) and order.replicate > 0


def _plan(plan: VisitPlan) -> list[SourcedNumber]:
    usual = VisitPlan(site=plan.site)
    changed = {name: _stated(f"visit.{name}") for name in differing(plan, usual)}
    return provenance(plan, changed)


def _search(scenario: Scenario) -> list[SourcedNumber]:
    search = scenario.search
    objective = search.objective
    changed = differing(objective, Objective())
    gate = Source(PROTOCOL, "5, do-no-harm gate", "assumed")
    if search.gate_probability != GATE_PROBABILITY:
        gate = _stated("search.gate_probability")
    return [
        *provenance(objective, {name: _stated(f"search.{name}") for name in changed}),
        SourcedNumber("gate_probability", search.gate_probability, "", gate),
        *_prices(search.stopping.prices),
    ]


def _prices(prices: Prices) -> list[SourcedNumber]:
    """List the prices of tests where any is stated; else none has a part."""
    if not prices.stated:
        return []
    changed = differing(prices, Prices())
    return provenance(prices, {n: _stated(f"search.stopping.{n}") for n in changed})


def _errors(plan: VisitPlan) -> list[SourcedNumber]:
    """List the errors of every visit, and those of its readout."""
    numbers, own = Errors(), readout(plan.readout).error()
    if hasattr(numbers, own.part):
        return provenance(numbers)
    return [*provenance(numbers), *provenance(own, prefix=f"{own.part}.")]


def _drawing(scenario: Scenario, in_atrial_fibrillation: bool) -> list[SourcedNumber]:
    shape = Morphology(disturbance=scenario.visit.strip_noise.disturbance)
    changed = {
        name: _stated(name.replace("disturbance", "visit.strip_noise"))
        for name in differing(shape, Morphology())
    }
    unused = set() if in_atrial_fibrillation else {"fibrillation"}
    return _without(provenance(shape, changed), unused)


def _without(numbers: list[SourcedNumber], parts: set[str]) -> list[SourcedNumber]:
    return [row for row in numbers if row.name.partition(".")[0] not in parts]
