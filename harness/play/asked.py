"""The scenario that somebody asks for in Python, by name, with a patient or settings.

A patient or settings that were made in code are stated in the scenario, as a file would
state them. So they are checked like one, `run.json` says them, and a replay has them.
"""

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.play.scenario import Scenario, load_scenario, scenario_name
from harness.play.settings_table import DEPENDENTS, as_found
from sim.device.settings import Settings
from sim.patient import Patient, patient_to_toml, phenotype


def asked_for(
    scenario: Scenario | str | Path,
    *,
    patient: Patient | str | None = None,
    settings: Settings | None = None,
) -> Scenario:
    """Return a scenario with another patient, or another device as found.

    Parameters
    ----------
    scenario
        A scenario, the name of a shipped one, or a path.
    patient, settings
        Take the place of the scenario's, a patient also by the name of a phenotype;
        settings that of a named start too.

    Raises
    ------
    ScenarioError
        As for a file.
    ValueError
        For a patient whom no file can state, such as one under a law made in code.
    """
    found = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    if patient is not None:
        who = phenotype(patient) if isinstance(patient, str) else patient
        found = _with_patient(found, who)
    if not isinstance(settings, Settings | None):
        text = "settings must be Settings(amplitude_v=...) and the like, got "
        raise TypeError(f"{text}{settings!r}")
    return found if settings is None else _with_settings(found, settings)


def name_of(scenario: Scenario | str | Path) -> str:
    """Return the name of a scenario that was asked for by it, else nothing."""
    return "" if isinstance(scenario, Scenario) else scenario_name(scenario)


def _with_patient(scenario: Scenario, patient: Patient) -> Scenario:
    if not isinstance(patient, Patient):
        kind = type(patient).__name__
        raise TypeError(f"patient must be a Patient or a phenotype's name, got {kind}")
    stated = tomllib.loads(patient_to_toml(patient))
    changed = scenario.changed({"patient": stated})
    if changed.patient.patient != patient:
        raise ValueError(
            f"patient {patient.name!r} cannot be stated in a scenario: its law, "
            f"{patient.response.name}, or a value is not one that a patient file holds"
        )
    return changed


def _with_settings(scenario: Scenario, settings: Settings) -> Scenario:
    device, usual = scenario.device, asdict(Settings())
    own: dict[str, Any] = asdict(settings)
    given = {name: value for name, value in own.items() if value != usual[name]}
    solve = device.dependents == "solved"
    if as_found(given, device.model, solve=solve) != settings:
        given |= {name: own[name] for name in DEPENDENTS}
    return scenario.changed({"device.start": None, "device.settings": given})
