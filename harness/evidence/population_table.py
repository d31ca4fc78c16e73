"""The shipped table of simulated people, and the command that writes it again.

One row a person: rate, beta-blockade, where sensation begins, and how each readout
answers to elastance. No law stands in it: `harness.task.people` gives each person one.
The people are drawn once, as cohorts are, under a seed that no study reports on.
`python -m harness.evidence.population_table` writes the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from harness.common.csv import csv_bytes
from harness.common.files import replace_file
from harness.task.people import MUSCLE, TABLE, bend_column, slope_column
from harness.truth.answer_key import window_gain_pct
from sim.instruments.readouts import READOUTS
from sim.patient import Patient
from sim.patient.cohort import sample_cohort
from sim.streams import stream
from sim.visit.plan import VisitPlan

NODES_FRAC: Final = (0.06, 0.14)
"""Gains of elastance at which each readout is played against CCM off."""

DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class PeopleDrawn:
    """Who is in the table; all drawn, none fitted to what a study reports on."""

    n: int = 800
    seed: int = 417
    verification_pairs: int = 2


DRAWN: Final = PeopleDrawn()


def people_rows(n: int, drawn: PeopleDrawn = DRAWN) -> Iterator[dict[str, str]]:
    """Yield the rows of the first n people; person 7 is the same whatever n is."""
    cohort = sample_cohort(n, stream(drawn.seed, name="patient"))
    plan = replace(VisitPlan(), verification_pairs=drawn.verification_pairs)
    for patient in cohort.patients:
        yield _row(patient, plan)


def _row(patient: Patient, plan: VisitPlan) -> dict[str, str]:
    numbers = {"heart_rate_bpm": patient.rhythm.heart_rate_bpm}
    numbers |= {name: getattr(patient.muscle, name) for name in MUSCLE}
    numbers["sensation_felt_v"] = patient.sensation.felt_v
    numbers["sensation_threshold_v"] = patient.sensation.threshold_v
    for name in READOUTS:
        slope, bend = _curve(patient, replace(plan, readout=name))
        numbers |= {slope_column(name): slope, bend_column(name): bend}
    return {
        "person": patient.name,
        "rhythm": patient.rhythm.kind,
        **{name: f"{value:.{DIGITS}g}" for name, value in numbers.items()},
    }


def _curve(patient: Patient, plan: VisitPlan) -> tuple[float, float]:
    """Return slope and bend of the parabola through 0 and both nodes."""
    nodes = np.array(NODES_FRAC)
    read = [window_gain_pct(patient, plan, gain, 0.0) for gain in NODES_FRAC]
    slope, bend = np.linalg.solve(np.column_stack([nodes, nodes**2]), read)
    return float(slope), float(bend)


def main() -> None:
    """Write the table again."""
    replace_file(TABLE, csv_bytes(people_rows(DRAWN.n)))


if __name__ == "__main__":
    main()
