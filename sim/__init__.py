"""The simulated world: heart, patient, device, instruments and the visit.

What a script needs is importable from here and loaded when it is first asked for, so
that `import sim.units` loads nothing else. Modules inside import each other, never this
face. A name keeps its meaning here; where it lives may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.device.settings import Settings as Settings
    from sim.instruments.readouts import READOUTS as READOUTS
    from sim.instruments.readouts import Readout as Readout
    from sim.instruments.readouts import add_readout as add_readout
    from sim.patient.cohort import sample_cohort as sample_cohort
    from sim.patient.files import load_patient as load_patient
    from sim.patient.patient import Patient as Patient
    from sim.patient.personalize import personalize as personalize
    from sim.patient.phenotypes import known_phenotypes as known_phenotypes
    from sim.patient.phenotypes import phenotype as phenotype
    from sim.streams import stream as stream
    from sim.visit.advisor import Advisor as Advisor
    from sim.visit.checklist import run_visit as run_visit
    from sim.visit.order import VisitOrder as VisitOrder
    from sim.visit.plan import FoundDevice as FoundDevice
    from sim.visit.plan import VisitPlan as VisitPlan
    from sim.visit.record import Choice as Choice
    from sim.visit.record import Tested as Tested
    from sim.visit.record import VisitRecord as VisitRecord

# Each name with the module it is in, and the name that it has there if another.
HOMES = {
    "Advisor": "sim.visit.advisor",
    "Choice": "sim.visit.record",
    "FoundDevice": "sim.visit.plan",
    "Patient": "sim.patient.patient",
    "READOUTS": "sim.instruments.readouts",
    "Readout": "sim.instruments.readouts",
    "Settings": "sim.device.settings",
    "Tested": "sim.visit.record",
    "VisitOrder": "sim.visit.order",
    "VisitPlan": "sim.visit.plan",
    "VisitRecord": "sim.visit.record",
    "add_readout": "sim.instruments.readouts",
    "known_phenotypes": "sim.patient.phenotypes",
    "load_patient": "sim.patient.files",
    "personalize": "sim.patient.personalize",
    "phenotype": "sim.patient.phenotypes",
    "run_visit": "sim.visit.checklist",
    "sample_cohort": "sim.patient.cohort",
    "stream": "sim.streams",
}
__all__ = list(HOMES)


if not TYPE_CHECKING:  # else every name would pass the type checker

    def __getattr__(name: str) -> object:
        if name not in HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = HOMES[name].partition(":")
        found = getattr(import_module(module), attribute or name)
        globals()[name] = found  # asked for once
        return found


def __dir__() -> list[str]:
    return sorted(globals().keys() | HOMES.keys())
