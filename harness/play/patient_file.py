"""The patient of a scenario that comes from a file of its own, laid under the table."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.common.faults import Fault, ScenarioError, faults_of
from harness.play.shipped import read_text, read_toml
from harness.play.tables import PatientTable
from sim.law.registry import law_beside
from sim.patient.checks import PARTS
from sim.patient.overlap import overlap_faults, overlaps, told


def resolve_patient(
    data: dict[str, Any], patient: dict[str, Any], folder: Path
) -> list[Fault]:
    """Put the values of a patient file under those of the scenario itself.

    Parameters
    ----------
    data
        The scenario, whose `patient` is replaced.
    patient
        Its table as it was written.
    folder
        Where a patient file, a table of a law or a law's own file are looked for.
    """
    if "response" in patient:
        word = law_beside(patient["response"], folder)
        patient = data["patient"] = patient | {"response": word}
    twice = [Fault(f"patient.{f.path}", f.text) for f in overlap_faults(patient)]
    name = patient.get("file")
    if name is None and "phenotype" not in patient:
        return [Fault("patient.phenotype", "must be given, or a file"), *twice]
    if not isinstance(name, str):
        return twice
    data["patient"] = patient | {"file": Path(name).name, "phenotype": "normal"}
    if "phenotype" in patient:
        text = "cannot be given beside phenotype; give one"
        return [Fault("patient.file", text), *twice]
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
    return twice or lost_faults(data["patient"], patient)


def lost_faults(table: dict[str, Any], own: dict[str, Any]) -> list[Fault]:
    """Return which of somebody's own values are lost to others of a patient's table.

    Parameters
    ----------
    table
        The whole table.
    own
        The part of it that somebody has just said.
    """
    return [
        Fault(f"patient.{pair.lost}", told(pair))
        for pair in overlaps(table)
        if (part := pair.lost.partition("."))[2] in _names(own.get(part[0]))
    ]


def _names(values: Any) -> dict[str, Any]:
    return values if isinstance(values, dict) else {}


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
    if "response" in data:
        data["response"] = law_beside(data["response"], path.parent)
    twice = overlap_faults(data)
    if twice:
        raise ScenarioError(origin, [Fault(fault.path, fault.text) for fault in twice])
    try:
        return PatientTable.model_validate(data).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise ScenarioError(origin, faults_of(error, PatientTable)) from None
