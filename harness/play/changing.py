"""Values of a scenario changed by dotted path: each is used, or refused by its path.

A patient file that is named here is read, as one in a scenario file is: its values are
the patient's then, and those of the patient before are gone.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.common.faults import Fault
from harness.play.patient_file import lost_faults, resolve_patient

_PATIENT: Final = "patient"
_FILE: Final = "patient.file"
_PHENOTYPE: Final = "patient.phenotype"


def with_changes(data: dict[str, Any], changes: Mapping[str, object]) -> list[Fault]:
    """Put changes into the nested tables of a scenario; return what cannot be.

    Parameters
    ----------
    data
        The tables, as a scenario is dumped; changed in place.
    changes
        Values by dotted path: a value, a row of a list by its number, or a whole table.
        A file of a patient is looked for in the present folder.
    """
    plain = {path: _plain(value) for path, value in changes.items()}
    faults = _patient_faults(data, plain)
    if faults:
        return faults
    first = {path: plain[path] for path in (_PATIENT, _FILE) if path in plain}
    if _FILE in first:
        data[_PATIENT] = {}
    for path, value in (first | plain).items():
        text = _put(data, path, value)
        if text:
            faults.append(Fault(path, text))
    patient = data.get(_PATIENT)
    if not isinstance(patient, dict):
        return faults
    if not faults and first:
        faults = resolve_patient(data, patient, Path())
    return faults or lost_faults(data[_PATIENT], _said_of_patient(plain))


def _said_of_patient(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of a patient that changes speak of, with the names there."""
    said: dict[str, Any] = {}
    for path, value in changes.items():
        root, _, rest = path.partition(".")
        part, _, name = rest.partition(".")
        if root == _PATIENT and part:
            of_part = {name: value} if name else value
            if isinstance(of_part, dict):
                said.setdefault(part, {}).update(of_part)
    return said


def changes_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return changes written as `path=value`, the value as TOML, or text as it is.

    Raises ValueError for what has no equals sign, and for a path given twice.

    >>> changes_of(["visit.readout=cuff", "search.axes=['delay_ms']", "seed=3"])
    {'visit.readout': 'cuff', 'search.axes': ['delay_ms'], 'seed': 3}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        path = path.strip()
        if not (equals and path):
            raise ValueError(f"takes KEY=VALUE, got {pair!r}")
        if path in found:
            raise ValueError(f"takes each key once, got {path} twice")
        found[path] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _patient_faults(data: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Fault]:
    """Return what would leave values of one patient under the name of another."""
    if _PATIENT in changes:
        return []
    remembered = data[_PATIENT].get("file", "")
    if _FILE in changes and not changes[_FILE]:
        text = "must name a file; give patient as a whole table to leave the file"
        return [Fault(_FILE, text)] if remembered else []
    if remembered and _PHENOTYPE in changes and _FILE not in changes:
        text = (
            f"cannot be given beside file {remembered!r}, whose values would stay; "
            "give patient as a whole table, {phenotype = ...}"
        )
        return [Fault(_PHENOTYPE, text)]
    return []


def _put(data: dict[str, Any], path: str, value: Any) -> str:
    """Put one value at its path; return what is wrong with the path."""
    *steps, name = path.split(".")
    table: Any = data
    for place, step in enumerate(steps):
        table, text = _inside(table, step)
        if text:
            return f"{'.'.join(steps[: place + 1])} {text}"
    if isinstance(table, list):
        if not _is_row(table, name):
            return f"has {len(table)} rows, counted from 0, got {name!r}"
        table[int(name)] = value
    elif isinstance(table, dict):
        table[name] = value
    else:
        return f"{'.'.join(steps)} is a value, no table"
    return ""


def _inside(table: Any, step: str) -> tuple[Any, str]:
    """Return what stands in a table under a name, or why nothing does."""
    if isinstance(table, list):
        if _is_row(table, step):
            return table[int(step)], ""
        return None, f"must be a row of {len(table)}, counted from 0"
    if not isinstance(table, dict):
        return None, "is in a value, not in a table"
    return table.setdefault(step, {}), ""


def _is_row(rows: Sequence[object], step: str) -> bool:
    return step.isdecimal() and int(step) < len(rows)


def _plain(value: object) -> Any:
    """Return a value as a file could hold it: numbers of numpy are numbers."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
