"""Virtual patients: what one is made of, the ready-made, how to fit one, or many.

The life of a patient. A phenotype or a drawn set of traits names bedside values; the
circulation is solved until the heart, at rest, shows them; the reflex's set point and
the muscle's baseline are put where that heart is (`solve.adapted`). Overrides and a
patient file replace numbers, each with its own source, and a response law is chosen.
From then on the patient is frozen: a visit reads it, and months make another of it
(`chronic`).
"""

from sim.patient.checks import PatientTableError
from sim.patient.cohort import Cohort, sample_cohort
from sim.patient.files import load_patient, patient_from_toml, patient_to_toml
from sim.patient.named import NAMED, named_population
from sim.patient.patient import Patient, Profile
from sim.patient.personalize import OVERRIDES, personalize
from sim.patient.phenotypes import PHENOTYPES, Phenotype, known_phenotypes, phenotype
from sim.patient.solve import (
    NoHeartError,
    Targets,
    UnreachableTargetError,
    solve_patient,
)

__all__ = [
    "NAMED",
    "OVERRIDES",
    "PHENOTYPES",
    "Cohort",
    "NoHeartError",
    "Patient",
    "PatientTableError",
    "Phenotype",
    "Profile",
    "Targets",
    "UnreachableTargetError",
    "known_phenotypes",
    "load_patient",
    "named_population",
    "patient_from_toml",
    "patient_to_toml",
    "personalize",
    "phenotype",
    "sample_cohort",
    "solve_patient",
]
