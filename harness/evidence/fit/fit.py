"""`ccmlab fit`: from a file of bedside values to a patient file, or one for each."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from harness.common.csv import csv_bytes
from harness.common.faults import Fault
from harness.common.files import (
    OutputError,
    cannot_write,
    check_free,
    check_name,
    replace_file,
    whole_folder,
    write_file,
)
from harness.common.words import plain
from harness.evidence.fit.measurements import (
    Decimal,
    MeasuredPerson,
    MeasurementFile,
    MeasurementsError,
    read_measurements,
)
from harness.evidence.fit.quantities import QUANTITIES
from harness.evidence.fit.solver import UNKNOWNS, FittedPatient, fit_patient
from harness.evidence.fit.text import LEAST_PROBABILITY, fit_text, patient_file
from sim.heart.repeating import ImplausibleHeartError, NotSettledError
from sim.patient import NoHeartError, Patient, patient_from_toml, phenotype
from sim.patient.checks import PatientTableError

_UNIT_IN_NAMES: Final = {
    "mmHg": "mmhg",
    "1/min": "bpm",
    "%": "pct",
    "mL": "ml",
    "L/min": "l_per_min",
    "mmHg/s": "mmhg_per_s",
}
TABLE: Final = "patients.csv"
_NO_LIFE: Final = (ImplausibleHeartError, NotSettledError)
_NO_PATIENT: Final = (PatientTableError, NoHeartError, *_NO_LIFE)
_OF_UNKNOWN: Final = ("low", "high", "told")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")

Tell = Callable[[str], object]


def fit_measurements(
    measurements: str | Path,
    out: str | Path | None = None,
    *,
    base: Patient | None = None,
    force: bool = False,
    decimal: Decimal | None = None,
    sheet: str | None = None,
    tell: Tell = lambda _: None,
) -> str:
    """Fit patients to a file, write them as TOML, and return what to tell.

    Parameters
    ----------
    measurements
        Path of the file.
    out
        Where the patient goes; by default `NAME-patient.toml` in the present folder.
        Of a file with several patients the folder, by default `NAME-patients`, with a
        patient file each and the table `patients.csv`.
    base
        Gives everything that is not fitted; hfref-ischaemic when none is given.
    force
        Replace what is there.
    decimal, sheet
        As of `read_measurements`.
    tell
        Hears how the file was understood, before anything is fitted, and then which
        of several patients is being fitted.

    Raises
    ------
    MeasurementsError
        With every fault of the file, or when the best fit is no living heart.
    OutputError
        When the patient cannot be written there.
    """
    source = Path(measurements)
    bedside = read_measurements(source, decimal=decimal, sheet=sheet)
    patient = base or phenotype("hfref-ischaemic")
    if len(bedside.people) > 1:
        return _many(bedside, source, out, patient, force=force, tell=tell)
    target = Path(out) if out is not None else Path(f"{source.stem}-patient.toml")
    check_free(target, force=force)
    tell(_as_read(bedside))
    (person,) = bedside.people
    try:
        fit, content = _fitted(person, patient, source)
    except _NO_PATIENT as error:
        raise MeasurementsError(str(source), [_no_life(error)]) from None
    replace_file(target, content)
    return f"{fit_text(fit)}\n\npatient  {target}"


def _as_read(bedside: MeasurementFile) -> str:
    n_values = sum(len(person.measurements) for person in bedside.people)
    ignored = f"ignored   {', '.join(bedside.ignored) or 'nothing'}"
    return "\n".join([*bedside.understood, ignored, f"values    {n_values}"])


def _fitted(
    person: MeasuredPerson, base: Patient, source: Path
) -> tuple[FittedPatient, bytes]:
    """Return a fit and the file of its patient, which `run` takes.

    A heart at the edge of what can live may settle here and not when it is read.
    """
    fit = fit_patient(person.measurements, base, name=plain(person.name))
    text = patient_file(fit, source)
    patient_from_toml(text)
    return fit, text.encode()


def _no_life(error: Exception) -> Fault:
    if isinstance(error, _NO_LIFE):
        return Fault("", f"the best fit is no heart that could live: {error}")
    return Fault("", f"the best fit is no patient that can be played: {error}")


def _many(
    bedside: MeasurementFile,
    source: Path,
    out: str | Path | None,
    base: Patient,
    *,
    force: bool,
    tell: Tell,
) -> str:
    folder = Path(out) if out is not None else Path(f"{source.stem}-patients")
    names = _file_names(bedside, source)
    check_name(folder)
    if folder.exists() and not (force and _is_ours(folder)):
        text = f"output folder {folder} is there already; name another with --out"
        raise OutputError(f"{text}, or replace one of patients with --force")
    tell(_as_read(bedside))
    rows: list[dict[str, Any]] = []
    try:
        folder.resolve().parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder.resolve()) as place:
            for number, (person, name) in enumerate(names.items(), start=1):
                tell(f"fitting   {plain(person.name)}, {number} of {len(names)}")
                rows.append(_one_of_many(person, name, base, source, place))
            write_file(place / TABLE, csv_bytes(rows))
    except OSError as error:
        raise OutputError(cannot_write(folder, error)) from None
    return _many_text(rows, folder)


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds nothing but fitted patients."""
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    return TABLE in names and all(n == TABLE or n.endswith(".toml") for n in names)


def _file_names(bedside: MeasurementFile, source: Path) -> dict[MeasuredPerson, str]:
    """Return the file of each patient; refuse two names that would share one."""
    names: dict[MeasuredPerson, str] = {}
    owner: dict[str, MeasuredPerson] = {}
    for person in bedside.people:
        safe = _UNSAFE.sub("-", person.name).strip("-.") or "patient"
        names[person] = name = f"{safe}-patient.toml"
        other = owner.setdefault(name.lower(), person)  # some disks know no case
        if other is not person:
            text = f"patients {other.name!r} and {person.name!r} would share the file"
            raise MeasurementsError(str(source), [Fault("", f"{text} {name}")])
    return names


def _one_of_many(
    person: MeasuredPerson, name: str, base: Patient, source: Path, folder: Path
) -> dict[str, Any]:
    """Write one patient and return the row of the table; with no file where no fit."""
    row: dict[str, Any] = {"patient": plain(person.name), "file": name, "note": ""}
    try:
        fit, content = _fitted(person, base, source)
    except _NO_PATIENT as error:
        return row | {"file": "", "note": str(_no_life(error))} | _no_numbers()
    write_file(folder / name, content)
    return row | _numbers(fit)


def _numbers(fit: FittedPatient) -> dict[str, Any]:
    row: dict[str, Any] = _no_numbers()
    for estimate in fit.estimates:
        row[estimate.name] = estimate.value
        row[f"{estimate.name}_low"] = estimate.low
        row[f"{estimate.name}_high"] = estimate.high
        row[f"{estimate.name}_told"] = estimate.told
    for left in fit.residuals:
        key = _key(left.quantity)
        row[f"{key}_measured"], row[f"{key}_fitted"] = left.measured, left.fitted
    return row | {"misfit_probability": fit.misfit_probability}


def _no_numbers() -> dict[str, Any]:
    return dict.fromkeys(_columns())


def _columns() -> Iterator[str]:
    for unknown in UNKNOWNS:
        yield from (unknown.name, *(f"{unknown.name}_{w}" for w in _OF_UNKNOWN))
    for name in QUANTITIES:
        yield from (f"{_key(name)}_measured", f"{_key(name)}_fitted")
    yield "misfit_probability"


def _key(quantity: str) -> str:
    """Return the name of a quantity in columns, with its unit."""
    unit = _UNIT_IN_NAMES[QUANTITIES[quantity].unit]
    return f"{re.sub('[^a-z]', '', quantity.lower())}_{unit}"


def _many_text(rows: list[dict[str, Any]], folder: Path) -> str:
    fitted = [row for row in rows if row["file"]]
    lines = [f"fitted    {len(fitted)} of {len(rows)} patients"]
    lines += [f"no fit    {r['patient']}: {r['note']}" for r in rows if not r["file"]]
    poor = [
        row["patient"]
        for row in fitted
        if row["misfit_probability"] < LEAST_PROBABILITY
    ]
    if poor:
        lines.append(f"no heart of this model has the values of {', '.join(poor)}")
    return "\n".join([*lines, f"patients  {folder}", f"table     {folder / TABLE}"])
