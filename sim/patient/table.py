"""A patient as nested tables of values: made from one, written as one."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, Final

from sim.law.registry import constants_of, law_beside
from sim.patient.checks import (
    PARTS,
    RATES,
    PatientTableError,
    TableFault,
    patient_faults,
)
from sim.patient.overlap import overlap_faults
from sim.patient.patient import Patient
from sim.patient.personalize import personalize
from sim.patient.solve import adapted
from sim.sources import Source
from sim.textfiles import UnreadableError, read_text, toml_table

STATED: Final = Source("patient-file", "stated by the user", "overridden")
_LAW: Final = "response_law"
_FOLLOWS: Final = {"reflex.set_map_mmhg", "muscle.baseline_elastance_mmhg_per_ml"}


def read_file(path: str | Path) -> str:
    """Return the text of a patient file; PatientTableError when there is none."""
    try:
        return read_text(path)
    except UnreadableError as error:
        raise PatientTableError(str(path), [TableFault("", str(error))]) from None


def read_table(
    text: str, origin: str, known: Iterable[str], folder: Path | None = None
) -> dict[str, Any]:
    """Return the checked table of a TOML text; PatientTableError lists every fault.

    `folder` is where the file of a law is looked for, the present one by default.
    """
    try:
        table = toml_table(text)
    except UnreadableError as error:
        raise PatientTableError(origin, [TableFault("", str(error))]) from None
    if folder is not None and "response" in table:
        table["response"] = law_beside(table["response"], folder)
    faults = patient_faults(table, known) or overlap_faults(table)
    if faults:
        raise PatientTableError(origin, faults)
    return table


def patient_of_table(
    table: Mapping[str, Any], find: Callable[[str], Patient]
) -> Patient:
    """Return the patient of a faultless table.

    First the parts take the place of the phenotype's, then `override` and `response`
    do, last the values of `response_law`.

    Parameters
    ----------
    table
        Keys of `KEYS`.
    find
        Gives the patient of a phenotype's name.
    """
    base = find(table["phenotype"])
    own = {key: table[key] for key in PARTS if key in table and key != _LAW}
    patient = with_parts(base, own, table.get("source", {}))
    patient = personalize(patient, table.get("override"), table.get("response"))
    law = {_LAW: table[_LAW]} if _LAW in table else {}
    _check_constants(patient, table.get(_LAW, {}))
    patient = with_parts(patient, law, table.get("source", {}))
    return replace(patient, name=table.get("name", patient.name))


def _check_constants(patient: Patient, stated: Mapping[str, Any]) -> None:
    """Raise PatientTableError for a constant that the patient's law does not have."""
    law = patient.response
    known = constants_of(law)
    faults = [
        TableFault(
            f"{_LAW}.{name}",
            f"the law {law.name} has no such constant; it has"
            f" {', '.join(known) or 'none that a table may state'}",
        )
        for name in stated
        if name not in known
    ]
    if faults:
        raise PatientTableError(patient.name, faults)


def with_parts(
    patient: Patient, parts: Mapping[str, Any], sources: Mapping[str, Any]
) -> Patient:
    """Return the patient with stated values in place of its own.

    Rates, the set point of the reflex and the baseline of the dose law follow a changed
    circulation, unless they are stated too.

    Parameters
    ----------
    patient
        Where everything else comes from.
    parts
        Faultless values by part, named as in `PARTS`, and field.
    sources
        Where they come from, by part and field. A value without one is the patient's
        or the code's own where it equals that, else stated by the user.
    """
    stated = {
        f"{PARTS[part]}.{name}": _as_declared(patient, f"{PARTS[part]}.{name}", value)
        for part, values in parts.items()
        for name, value in values.items()
    }
    told = {
        f"{PARTS[part]}.{name}": _source(row)
        for part, rows in sources.items()
        for name, row in rows.items()
    }
    known = dict(patient.sources)
    for name, value in stated.items():
        source = told.get(name) or _implied_source(patient, name, value)
        if name in known or source != field_of(patient, name).metadata.get("source"):
            known[name] = source
    changed = replace(_with_values(patient, stated), sources=known)
    return _at_rest(_with_rates(changed, stated), patient, stated.keys())


def _implied_source(patient: Patient, name: str, value: object) -> Any:
    declaration = field_of(patient, name)
    declared_source = declaration.metadata.get("source")
    if declared_source is None or value == declaration.default:
        return declared_source
    if value == value_of(patient, name):
        return source_of(patient, name)
    return STATED


def _source(row: Any) -> Source:
    if isinstance(row, str):
        return replace(STATED, place=row)
    return Source(row["reference"], row["place"], row["standing"])


def _with_values(patient: Patient, values: Mapping[str, object]) -> Patient:
    for part in PARTS.values():
        own = {
            name.partition(".")[2]: value
            for name, value in values.items()
            if name.startswith(f"{part}.")
        }
        if own:
            changed = replace(getattr(patient, part), **own)
            patient = replace(patient, **{part: changed})
    return patient


def _with_rates(patient: Patient, stated: Mapping[str, object]) -> Patient:
    """Let the other heart rates follow a stated one, with its source."""
    leading = next((name for name in RATES if name in stated), None)
    if leading is None:
        return patient
    rates = (*RATES, "contractility.reference_rate_bpm")
    others = dict.fromkeys((n for n in rates if n not in stated), stated[leading])
    changed = _with_values(patient, others)
    source = source_of(patient, leading) or STATED
    sources = {**patient.sources, **dict.fromkeys(others, source)}
    return replace(changed, sources=sources)


def _at_rest(patient: Patient, before: Patient, stated: Set[str]) -> Patient:
    """Let what hangs on the circulation follow it, where it was not stated."""
    follows = _FOLLOWS - stated
    if not follows or _what_settles(patient) == _what_settles(before):
        return patient
    rested = adapted(patient)
    values = {name: value_of(rested, name) for name in follows}
    sources = {name: rested.sources[name] for name in follows}
    changed = _with_values(patient, values)
    return replace(changed, sources={**patient.sources, **sources})


def _what_settles(patient: Patient) -> tuple[object, ...]:
    """Return what the resting mean pressure hangs on."""
    rhythm, squeeze = patient.rhythm, patient.contractility
    rates = (rhythm.heart_rate_bpm, squeeze.reference_rate_bpm)
    return patient.circulation, rhythm.kind, rates, squeeze.force_frequency_frac


def source_of(patient: Patient, name: str) -> Source | None:
    """Return where a value of a patient, by its dotted name, comes from."""
    return patient.sources.get(name) or field_of(patient, name).metadata.get("source")


def value_of(patient: Patient, name: str) -> Any:
    """Return a value of a patient by its dotted name."""
    part, _, field = name.partition(".")
    return getattr(getattr(patient, part), field)


def field_of(patient: Patient, name: str) -> Field[Any]:
    """Return the declaration behind a dotted name of a patient's value."""
    part, _, field = name.partition(".")
    return next(i for i in fields(getattr(patient, part)) if i.name == field)


def _as_declared(patient: Patient, name: str, value: Any) -> Any:
    default = field_of(patient, name).default
    if isinstance(default, tuple):
        return tuple(value)
    return float(value) if isinstance(default, float) else value
