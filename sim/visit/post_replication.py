"""Post-replication: what the chosen settings gain in fresh pairs with fresh errors."""

from collections.abc import Generator
from math import nan
from statistics import fmean
from typing import Final

import simpy

from sim.device.settings import Settings
from sim.patient import Patient
from sim.streams import stream
from sim.visit.clinic import Visit
from sim.visit.pairs import ABBA, BAAB, Comparison, StoppedError, read_pair
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.record import Choice, Tested

_REST_BEATS: Final = 60
_LARGEST_SEED: Final = 2**53


class _Nobody:
    """Advises nothing: all that is read is decided beforehand."""

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Take no note."""

    def propose(self) -> Settings | None:
        """Propose nothing."""
        return None

    def learn(self, tested: Tested) -> None:
        """Learn nothing."""

    def recommend(self) -> Choice:
        """Refuse: there is nothing to choose."""
        raise ValueError("a post-replication has no choice to make")


def post_gain_pct(
    patient: Patient,
    plan: VisitPlan,
    found: FoundDevice,
    *,
    candidate: Settings,
    n_pairs: int,
    seed: int,
    patient_index: int = 0,
    replicate: int = 0,
) -> float:
    """Return the mean gain of a candidate over the settings as found, percent.

    The pairs are those of a verification, on the same patient at another time: rhythm,
    ectopy, drift and errors come from the stream of the post-replication, the same
    for every strategy. Exactly 0 where candidate and reference are equal; nan where no
    pair could be read.
    """
    if candidate == found.settings:
        return 0.0
    root = stream(
        seed, name="post_replication", patient=patient_index, replicate=replicate
    )
    visit = Visit(
        patient,
        plan,
        found,
        advisor=_Nobody(),
        seed=int(root.integers(_LARGEST_SEED)),
        patient_index=patient_index,
    )
    gains: list[float] = []
    visit.env.run(until=visit.env.process(_pairs(visit, candidate, n_pairs, gains)))
    return fmean(gains) if gains else nan


def _pairs(
    visit: Visit, candidate: Settings, n_pairs: int, gains: list[float]
) -> Generator[simpy.Event, object, None]:
    visit.generator.force_on = True
    yield from visit.bedside.wait_beats(_REST_BEATS)
    for number in range(n_pairs):
        order = ABBA if number % 2 == 0 else BAAB
        comparison = Comparison("verification", candidate, visit.reference, order=order)
        try:
            pair = yield from read_pair(visit, comparison)
        except StoppedError:
            return
        if pair.gains is not None:
            gains.append(pair.gains.primary_pct)
