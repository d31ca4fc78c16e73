"""One virtual patient: what it is made of, the ready-made ones, and how to fit one."""

from sim.patient.model import Patient, Profile
from sim.patient.personalize import OVERRIDES, personalize
from sim.patient.phenotypes import PHENOTYPES, phenotype
from sim.patient.solve import Targets, UnreachableTargetError, solve_patient

__all__ = [
    "OVERRIDES",
    "PHENOTYPES",
    "Patient",
    "Profile",
    "Targets",
    "UnreachableTargetError",
    "personalize",
    "phenotype",
    "solve_patient",
]
