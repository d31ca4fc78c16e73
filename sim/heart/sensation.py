"""What the patient feels of a CCM train, graded 0 (nothing) to 4 (cannot stand it).

There are two thresholds: from one amplitude on a train is felt (grade 1), from a higher
one on it is not tolerated (grade 2 and more).

Level, grade and report are three things: the level is a number without bounds that says
how near a train is to being felt (eq. 29 of docs/model.md), the grade is the level cut
to 0 and above, and the report is what the patient says, a whole number with an error.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.sources import sourced

WORST_GRADE: Final = 4
FELT_GRADE: Final = 1
INTOLERABLE_GRADE: Final = 2
"""Grade of a patient's threshold, from which on settings are excluded."""


@dataclass(frozen=True, slots=True)
class Sensation:
    """How one patient feels trains.

    With the reference train, two pulses of 5.14 ms on two leads, `felt_v` is the
    amplitude of grade 1 and `threshold_v` that of grade 2, from which on trains are not
    tolerated. They are `least_gap_v` apart or more: a lower threshold is felt that much
    below it. Longer trains and more leads count as a little more voltage.
    """

    felt_v: float = sourced(9.0, "stix2004", "abstract, A22", "derived")
    threshold_v: float = sourced(10.5, "ccmlab-evidence", "A4", "assumed")
    least_gap_v: float = sourced(0.3, "ccmlab-evidence", "A4", "assumed")
    reference_train_ms: float = sourced(20.56, "ccmlab-evidence", "A3 w", "derived")
    train_exponent: float = sourced(0.15, "ccmlab-evidence", "A4", "assumed")
    one_lead_factor: float = sourced(0.93, "ccmlab-evidence", "A4", "assumed")
    reporting_sd: float = sourced(0.35, "ccmlab-evidence", "A4", "assumed")


@dataclass(frozen=True, slots=True)
class SensationPopulation:
    """Spread of both thresholds: felt logistic, the gap to not tolerated lognormal.

    The centre is such that 39 % of patients say at 7.73 V that they feel trains. How
    far above it trains are no longer tolerated no source tells.
    """

    centre_v: float = sourced(9.0, "stix2004", "abstract, A22", "derived")
    scale_v: float = sourced(0.9, "ccmlab-evidence", "A4", "assumed")
    least_v: float = sourced(2.0, "ccmlab-evidence", "A4", "assumed")
    gap_median_v: float = sourced(1.5, "ccmlab-evidence", "A4", "assumed")
    gap_log_sd: float = sourced(0.5, "ccmlab-evidence", "A4", "assumed")

    def felt_v(self, score: FloatArray) -> FloatArray:
        """Return felt thresholds of standard normal scores, never below the least."""
        share = ndtr(score)
        drawn_v = self.centre_v + self.scale_v * np.log(share / (1.0 - share))
        return np.asarray(np.maximum(self.least_v, drawn_v))

    def gap_v(self, score: FloatArray) -> FloatArray:
        """Return gaps up to the amplitude that is not tolerated, of normal scores."""
        return np.asarray(self.gap_median_v * np.exp(self.gap_log_sd * score))


def sensation_level(sensation: Sensation, train: Train) -> FloatArray:
    """Return how near a train is to being felt, on the scale of the grades.

    Returns
    -------
    () or (n,)
        1 where the train is felt, 2 where it is not tolerated; below 0 when so far
        under that no error of reporting makes it felt; -4 (the least) without a lead.
    """
    leads = np.asarray(train.n_leads, dtype=np.float64)
    longer = (
        train.length_ms / sensation.reference_train_ms
    ) ** sensation.train_exponent
    per_leads = np.where(leads > 1.0, 1.0, sensation.one_lead_factor)
    felt_v = np.asarray(train.amplitude_v) * longer * per_leads
    top_v = sensation.threshold_v
    gap_v = np.maximum(top_v - np.asarray(sensation.felt_v), sensation.least_gap_v)
    # eq. 29
    grade = INTOLERABLE_GRADE + (felt_v - top_v) / gap_v
    worst = float(WORST_GRADE)
    level: FloatArray = np.where(leads > 0.0, np.clip(grade, -worst, worst), -worst)
    return level


def sensation_grade(sensation: Sensation, train: Train) -> FloatArray:
    """Return the true grade, not rounded.

    Returns
    -------
    () or (n,)
        0 to 4; 1 where the train is felt, 2 where it is not tolerated; 0 without a
        lead.
    """
    grade: FloatArray = np.maximum(sensation_level(sensation, train), 0.0)
    return grade


def reported_grade(sensation: Sensation, level: float, rng: np.random.Generator) -> int:
    """Return what the patient says: the level with an error, rounded to 0 to 4."""
    said = round(level + sensation.reporting_sd * float(rng.standard_normal()))
    return min(max(said, 0), WORST_GRADE)
