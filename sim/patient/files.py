"""Patients in TOML: a file is one patient, written in full or as a few changes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from sim.law.registry import constants_of, law_word
from sim.patient.checks import PARTS
from sim.patient.patient import Patient
from sim.patient.phenotypes import known_phenotypes, phenotype
from sim.patient.table import (
    field_of,
    patient_of_table,
    read_file,
    read_table,
    source_of,
    value_of,
)

HEADER: Final = (
    "# A virtual patient of ccmlab. Simulated data only: not for patient care."
)


def patient_to_toml(patient: Patient) -> str:
    """Return a patient as TOML text that `patient_from_toml` reads back exactly.

    Every value is stated, each number in full; `[source]` tells of those whose value or
    source is not the one declared in the code.

    Examples
    --------
    >>> from sim.patient import phenotype
    >>> patient = phenotype("hfref-ischaemic")
    >>> patient_from_toml(patient_to_toml(patient)) == patient
    True
    """
    lines = [
        HEADER,
        f"name = {_toml(patient.name)}",
        f"phenotype = {_toml(patient.phenotype)}",
        f"response = {_toml(law_word(patient.response))}",
    ]
    for part, attribute in PARTS.items():
        lines += ["", f"[{part}]"]
        values = {name: f"{attribute}.{name}" for name in _stated(patient, part)}
        lines += _assignments({n: value_of(patient, p) for n, p in values.items()})
    return "\n".join([*lines, "", "[source]", *_assignments(_sources(patient)), ""])


def patient_from_toml(text: str, origin: str = "patient file") -> Patient:
    """Return the patient that a TOML text describes.

    Parameters
    ----------
    text
        `phenotype` names the patient that all that is not stated comes from;
        `override` and `response` are as in a scenario; each table of `PARTS` states
        values of that part, and `[source]` where they come from.
    origin
        Names the file in messages.

    Raises
    ------
    PatientTableError
        With every fault of the file.
    UnreachableTargetError, ImplausibleHeartError, NotSettledError
        When no such heart can live.
    """
    return patient_of_table(read_table(text, origin, known_phenotypes()), phenotype)


def load_patient(path: str | Path) -> Patient:
    """Return the patient of a file; raises what `patient_from_toml` does."""
    text, folder = read_file(path), Path(path).parent
    table = read_table(text, str(path), known_phenotypes(), folder)
    return patient_of_table(table, phenotype)


def _stated(patient: Patient, part: str) -> tuple[str, ...]:
    """Return the values of a part that a file states, those of a law's file not."""
    if part == "response_law":
        return tuple(constants_of(patient.response))
    return tuple(item.name for item in fields(getattr(patient, PARTS[part])))


def _sources(patient: Patient) -> dict[str, Any]:
    """Return the sources that a reader could not tell from the value, by name."""
    found: dict[str, Any] = {}
    for part, attribute in PARTS.items():
        for name in _stated(patient, part):
            path = f"{attribute}.{name}"
            source, item = source_of(patient, path), field_of(patient, path)
            own = value_of(patient, path) != item.default
            if source and (own or source != item.metadata["source"]):
                found[f"{part}.{name}"] = asdict(source)
    return found


def _assignments(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_assignments(value)) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)
