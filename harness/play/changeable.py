"""Which number of a model a file can change, and why the others are fixed.

A number with a range (`sourced(..., allowed=...)`) is a value of a scenario; the parts
of a patient and of its response law stand in a patient file, or under `[patient]`. What
is left is fixed for all files, for the reason of its kind. Code may change anything.
"""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Final

from harness.play.course_table import Habits
from harness.task.objective import Objective
from harness.task.prices import Prices
from sim.device.settings import Settings
from sim.heart.conduction import ConductionParameters
from sim.heart.contractility import Contractility
from sim.heart.parameters import Circulation
from sim.heart.reflex import Reflex
from sim.heart.rhythm import RhythmParameters
from sim.heart.sensation import Sensation
from sim.law.muscle import Muscle
from sim.law.registry import SHIPPED
from sim.patient import Profile
from sim.patient.checks import part_faults
from sim.telemetry.morphology import Disturbance
from sim.visit.happenings import Happening
from sim.visit.plan import FoundDevice, VisitPlan

IN_SCENARIO: Final[Mapping[type, str]] = MappingProxyType(
    {
        VisitPlan: "visit",
        FoundDevice: "device.found",
        Settings: "device.settings",
        Disturbance: "visit.strip_noise",
        Objective: "search",
        Prices: "search.stopping",
        Habits: "course",
        Happening: "happenings",
    }
)
"""Where a scenario has the numbers of a model that have a range."""

IN_PATIENT: Final[Mapping[type, str]] = MappingProxyType(
    {
        Circulation: "circulation",
        Contractility: "contractility",
        Reflex: "reflex",
        Muscle: "muscle",
        RhythmParameters: "rhythm",
        ConductionParameters: "conduction",
        Sensation: "sensation",
        Profile: "profile",
    }
)
"""Which part of a patient file has the numbers of a model."""

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "device": "the device is what its manuals say; a scenario chooses the model",
        "error": "verdicts are calibrated on it; visit.noise_scale scales all errors, "
        "and code adds a readout of its own",
        "visit": "the rules of the visit, for which rates of verdicts and harm are "
        "shown; a scenario changes the plan",
        "drawing": "shapes of drawn strips, which nothing reads",
        "law": "a response law of one's own has its own file",
        "population": "how people spread: include of [cohort] narrows it",
        "months": "fitted to published trials together",
        "heart": "held to the validation as a whole",
    }
)
"""What a word after "fixed" means."""

# the longest beginning of a module's name counts
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sim.device": "device",
        "sim.instruments": "error",
        "sim.visit": "visit",
        "sim.visit.thresholds": "population",
        "sim.visit.chart": "population",
        "sim.visit.start": "visit",
        "sim.telemetry": "drawing",
        "sim.law": "law",
        "sim.patient": "population",
        "sim.patient.chronic": "months",
        "sim.heart": "heart",
        "harness.task": "visit",
    }
)


def changed_by(model: type, name: str) -> str:
    """Return the path by which a file changes a number; nothing where it is fixed.

    >>> changed_by(VisitPlan, "titration_min")
    'visit.titration_min'
    """
    place = IN_SCENARIO.get(model)
    if place is not None:
        told = {item.name for item in fields(model) if "allowed" in item.metadata}
        return f"{place}.{name}" if model is Settings or name in told else ""
    if model in {type(kind.typical()) for kind in SHIPPED.values()}:
        return f"patient.response_law.{name}"
    part = IN_PATIENT.get(model)
    if part is not None:
        default = next(item.default for item in fields(model) if item.name == name)
        return "" if part_faults(part, {name: default}) else f"patient.{part}.{name}"
    return ""


def why_fixed(model: type) -> str:
    """Return the word of `REASONS` for the numbers of a model that no file changes."""
    known = [place for place in _KINDS if model.__module__.startswith(place)]
    return _KINDS[max(known, key=len)]
