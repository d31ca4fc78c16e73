"""`ccmlab fit`: from a file of bedside values to a patient file."""

from pathlib import Path
from typing import Final

from harness.common.faults import Fault
from harness.common.files import check_free, replace_file
from harness.common.words import plain
from harness.evidence.fit.measurements import (
    Bedside,
    MeasurementsError,
    read_measurements,
)
from harness.evidence.fit.solver import fit_patient
from harness.evidence.fit.text import fit_text, patient_file
from sim.heart.repeating import ImplausibleHeartError, NotSettledError
from sim.patient import NoHeartError, Patient, patient_from_toml, phenotype
from sim.patient.checks import PatientTableError

_NO_LIFE: Final = (ImplausibleHeartError, NotSettledError)


def fit_measurements(
    measurements: str | Path,
    out: str | Path | None = None,
    *,
    base: Patient | None = None,
    force: bool = False,
) -> str:
    """Fit a patient to a CSV file, write it as TOML, and return what to tell.

    Parameters
    ----------
    measurements
        Path of the CSV file.
    out
        Where the patient goes; by default `NAME-patient.toml` in the present folder.
    base
        Gives everything that is not fitted; hfref-ischaemic when none is given.
    force
        Replace a file that is there.

    Raises
    ------
    MeasurementsError
        With every fault of the CSV file, or when its best fit is no living heart.
    OutputError
        When the patient cannot be written there.
    """
    source = Path(measurements)
    target = Path(out) if out is not None else Path(f"{source.stem}-patient.toml")
    bedside = read_measurements(source)
    check_free(target, force=force)
    patient = base or phenotype("hfref-ischaemic")
    try:
        fit = fit_patient(bedside.measurements, patient, name=plain(source.stem))
    except _NO_LIFE as error:
        fault = Fault("", f"the best fit is no heart that could live: {error}")
        raise MeasurementsError(str(source), [fault]) from None
    replace_file(target, _accepted(patient_file(fit, source), source))
    return f"{fit_text(fit)}\n\n{_rows_told(bedside)}\npatient  {target}"


def _accepted(text: str, source: Path) -> bytes:
    """Return a patient file as `run` takes it; else the fit is at fault, not its user.

    A heart at the edge of what can live may settle here and not when it is read.
    """
    try:
        patient_from_toml(text)
    except (PatientTableError, NoHeartError, *_NO_LIFE) as error:
        fault = Fault("", f"the best fit is no patient that can be played: {error}")
        raise MeasurementsError(str(source), [fault]) from None
    return text.encode()


def _rows_told(bedside: Bedside) -> str:
    read = f"rows     {len(bedside.measurements)} read"
    return f"{read}; ignored: {', '.join(bedside.ignored) or 'none'}"
