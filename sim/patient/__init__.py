"""Virtual patients: what one is made of, the ready-made, how to fit one, or many."""

from sim.patient.checks import PatientTableError
from sim.patient.cohort import Cohort, sample_cohort
from sim.patient.files import load_patient, patient_from_toml, patient_to_toml
from sim.patient.model import Patient, Profile
from sim.patient.personalize import OVERRIDES, personalize
from sim.patient.phenotypes import PHENOTYPES, Phenotype, phenotype, phenotypes
from sim.patient.solve import Targets, UnreachableTargetError, solve_patient

__all__ = [
    "OVERRIDES",
    "PHENOTYPES",
    "Cohort",
    "Patient",
    "PatientTableError",
    "Phenotype",
    "Profile",
    "Targets",
    "UnreachableTargetError",
    "load_patient",
    "patient_from_toml",
    "patient_to_toml",
    "personalize",
    "phenotype",
    "phenotypes",
    "sample_cohort",
    "solve_patient",
]
