"""What the patient feels of a CCM train, graded 0 (nothing) to 4 (cannot stand it).

Level, grade and report are three things: the level is a number without bounds that says
how near a train is to being felt (eq. 29 of docs/model.md), the grade is the level cut
to 0 and above, and the report is what the patient says, a whole number with an error.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.sources import sourced

WORST_GRADE: Final = 4
INTOLERABLE_GRADE: Final = 2
"""Grade that a patient's threshold stands for, and from which settings are excluded."""


@dataclass(frozen=True, slots=True)
class Sensation:
    """How one patient feels trains.

    `threshold_v` is the amplitude of grade 2 with the reference train: two pulses of
    5.14 ms on two leads. Longer trains and more leads count as a little more voltage.
    """

    threshold_v: float = sourced(8.13, "stix2004", "abstract, A22", "derived")
    volts_per_grade_v: float = sourced(0.3, "ccmlab-evidence", "A4", "assumed")
    reference_train_ms: float = sourced(20.56, "ccmlab-evidence", "A3 w", "derived")
    train_exponent: float = sourced(0.15, "ccmlab-evidence", "A4", "assumed")
    one_lead_factor: float = sourced(0.93, "ccmlab-evidence", "A4", "assumed")
    reporting_sd: float = sourced(0.35, "ccmlab-evidence", "A4", "assumed")


@dataclass(frozen=True, slots=True)
class SensationPopulation:
    """Logistic spread of thresholds: 39 % of patients feel 7.73 V by construction."""

    centre_v: float = sourced(8.13, "stix2004", "abstract, A22", "derived")
    scale_v: float = sourced(0.9, "ccmlab-evidence", "A4", "assumed")
    least_v: float = sourced(2.0, "ccmlab-evidence", "A4", "assumed")


def sample_threshold_v(
    population: SensationPopulation, rng: np.random.Generator
) -> float:
    """Draw one patient's threshold, never below the least."""
    drawn_v = float(rng.logistic(population.centre_v, population.scale_v))
    return max(population.least_v, drawn_v)


def sensation_level(sensation: Sensation, train: Train) -> FloatArray:
    """Return how near a train is to being felt, on the scale of the grades.

    Returns
    -------
    () or (n,)
        2 at the threshold; below 0 when so far under it that no error of reporting
        makes it felt; -4 (the least) without a lead.
    """
    leads = np.asarray(train.n_leads, dtype=np.float64)
    longer = (
        train.length_ms / sensation.reference_train_ms
    ) ** sensation.train_exponent
    per_leads = np.where(leads > 1.0, 1.0, sensation.one_lead_factor)
    felt_v = np.asarray(train.amplitude_v) * longer * per_leads
    grade = (
        INTOLERABLE_GRADE
        + (felt_v - sensation.threshold_v) / sensation.volts_per_grade_v
    )
    worst = float(WORST_GRADE)
    level: FloatArray = np.where(leads > 0.0, np.clip(grade, -worst, worst), -worst)
    return level


def sensation_grade(sensation: Sensation, train: Train) -> FloatArray:
    """Return the true grade, not rounded.

    Returns
    -------
    () or (n,)
        0 to 4; 2 where the train is felt at the threshold; 0 without a lead.
    """
    grade: FloatArray = np.maximum(sensation_level(sensation, train), 0.0)
    return grade


def reported_grade(sensation: Sensation, level: float, rng: np.random.Generator) -> int:
    """Return what the patient says: the level with an error, rounded to 0 to 4."""
    said = round(level + sensation.reporting_sd * float(rng.standard_normal()))
    return min(max(said, 0), WORST_GRADE)
