"""What `ccmlab list` prints: a line each, name first."""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from harness.clinic.lessons.reader import shipped_lessons
from harness.day.scenario import shipped_days
from harness.day.site import MODELS as DAY_MODELS
from harness.play.changeable import REASONS, changed_by, why_fixed
from harness.play.provenance import declared_numbers, sourced_models
from harness.play.scenario import shipped_scenarios
from harness.study.plan import shipped_studies
from optimizers.registry import strategies
from sim.device.lattice import parameters
from sim.device.settings import Settings
from sim.heart.parameters import HFREF, NORMAL
from sim.instruments import READOUTS
from sim.law.registry import known_laws
from sim.patient import OVERRIDES, Phenotype, known_phenotypes
from sim.patient.personalize import Override
from sim.sources import Source, SourcedNumber, differing, provenance, unit_of

Line = tuple[str, str]
OF_DAY: Final = "a day's file, where it has a range"


def scenarios_listed() -> Iterator[Line]:
    """Yield each shipped scenario and what it shows: lists are for who chooses."""
    for name, file in shipped_scenarios().items():
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        yield name, told.get("subject") or told["title"]


def studies_listed() -> Iterator[Line]:
    """Yield each shipped study and its title."""
    for name, file in shipped_studies().items():
        yield name, tomllib.loads(file.read_text(encoding="utf-8"))["title"]


def days_listed() -> Iterator[Line]:
    """Yield each shipped day of a clinic and its title."""
    for name, file in shipped_days().items():
        yield name, tomllib.loads(file.read_text(encoding="utf-8"))["title"]


def lessons_listed() -> Iterator[Line]:
    """Yield each shipped lesson, its title and its minutes, in teaching order."""
    for name, file in shipped_lessons().items():
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        yield name, f"{told['title']}, {told['minutes']} min: {told['goal']}"


def strategies_listed() -> Iterator[Line]:
    """Yield each registered strategy and its summary."""
    for name, strategy in strategies().items():
        yield name, strategy.summary


def phenotypes_listed() -> Iterator[Line]:
    """Yield each phenotype, with the bedside values that it is solved to."""
    for name, row in known_phenotypes().items():
        made = row.targets
        pumped = f"EF {made.ejection_fraction_pct:g} %, EDV {made.edv_ml:g} mL"
        seen = f"systolic {made.sbp_mmhg:g} mmHg, {made.heart_rate_bpm:g}/min"
        yield name, f"{row.title}; {pumped}, {seen}"


def overrides_listed() -> Iterator[Line]:
    """Yield what `override` of a patient may hold, with what each phenotype has."""
    for name, meaning, allowed, own in overrides_told():
        usual = Counter(own.values()).most_common(1)[0][0]
        others = [f"{who} {v}" for who, v in own.items() if v != usual]
        told = "; ".join([usual, *others])
        yield name, f"{meaning}: {allowed} (default: {told})"


def overrides_told() -> Iterator[tuple[str, str, str, Mapping[str, str]]]:
    """Yield name, meaning, range with its unit, and default by phenotype."""
    people = known_phenotypes()
    for name, row in OVERRIDES.items():
        unit = "" if unit_of(name) == "1" else unit_of(name)
        own = {who: _own(made, name, row) for who, made in people.items()}
        allowed = f"{row.low:g} to {row.high:g} {unit}".rstrip()
        yield name, row.meaning, allowed, own


def _own(made: Phenotype, name: str, row: Override) -> str:
    """Return what a phenotype has where nothing is overridden."""
    if not row.part:
        return f"{getattr(made.targets, name):g}"
    part = getattr(made.patient, row.part)
    value = getattr(part, row.field or "two_lead_gain_frac", None)
    return "none" if value is None else f"{value:.3g}"


def readouts_listed() -> Iterator[Line]:
    """Yield each readout, with the beats that one arm of a pair takes."""
    for name, readout in READOUTS.items():
        beats = f"settles {readout.settle_beats} beats, reads {readout.read_beats}"
        yield name, f"{readout.title}, {readout.unit}; {beats}"


def laws_listed() -> Iterator[Line]:
    """Yield each response law and its summary, those of plug-ins too."""
    for name, law in known_laws().items():
        yield name, law.summary


def parameters_listed() -> Iterator[Line]:
    """Yield what can be programmed, then every number of the model, with sources."""
    yield "DEVICE SETTINGS", "name: what it may be (default); where both come from"
    yield from _settings_listed()
    yield "", ""
    for word, reason in REASONS.items():
        yield f"fixed ({word})", f"{reason}; code may change it"
    yield "", ""
    yield "MODEL NUMBERS", "value and unit, what changes it, standing, reference: place"
    numbers = list(_numbers_listed())
    values = max(len(value) for _, value, _, _ in numbers)
    places = max(len(place) for _, _, place, _ in numbers)
    standings = max(len(row.standing) for _, _, _, row in numbers)
    for name, value, place, source in numbers:
        credit = f"{source.standing:<{standings}}  {source.reference}: {source.place}"
        yield name, f"{value:<{values}}  {place:<{places}}  {credit}"


def _settings_listed() -> Iterator[Line]:
    defaults = {row.name: row for row in provenance(Settings())}
    for symbol, row in parameters().items():
        default = defaults[symbol]
        is_bool = isinstance(default.value, bool)
        allowed = "true or false" if is_bool else row.allowed
        yield (
            symbol,
            f"{row.label}: {allowed} (default: {_shown(default.value)});"
            f" {_credit(row.source)}, default {_credit(default.source)}",
        )


def _credit(source: Source) -> str:
    return f"{source.standing} [{source.reference}: {source.place}]"


def _numbers_listed() -> Iterator[tuple[str, str, str, Source]]:
    """Yield name, value with unit, what changes it, and source of each number."""
    for model in sourced_models():
        if model is Settings:
            continue
        for row in declared_numbers(model):
            place = changed_by(model, row.name) or f"fixed ({why_fixed(model)})"
            yield f"{model.__name__}.{row.name}", _with_unit(row), place, row.source
    for model in DAY_MODELS:
        for row in declared_numbers(model):
            yield f"{model.__name__}.{row.name}", _with_unit(row), OF_DAY, row.source
    changed = differing(HFREF, NORMAL)
    for row in provenance(HFREF):
        if row.name in changed:
            place = f"patient.circulation.{row.name}"
            name = f"Circulation[HFrEF].{row.name}"
            yield name, _with_unit(row), place, row.source


def _with_unit(row: SourcedNumber) -> str:
    unit = "" if row.unit == "1" else row.unit
    return f"{_shown(row.value)} {unit}".rstrip()


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(_shown(item) for item in value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


LISTS: Final[Mapping[str, Callable[[], Iterator[Line]]]] = {
    "scenarios": scenarios_listed,
    "studies": studies_listed,
    "days": days_listed,
    "strategies": strategies_listed,
    "phenotypes": phenotypes_listed,
    "overrides": overrides_listed,
    "readouts": readouts_listed,
    "laws": laws_listed,
    "parameters": parameters_listed,
    "lessons": lessons_listed,
}


def listing(kind: str) -> str:
    """Return one list as text, names of each block in a column of their own."""
    lines = list(LISTS[kind]())
    blocks = [list(block) for named, block in groupby(lines, any) if named]
    return "\n\n".join(_aligned(block) for block in blocks)


def _aligned(lines: Sequence[Line]) -> str:
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in lines)
