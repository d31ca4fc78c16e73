"""All that a section may be built from: one visit that was played, and its truth.

A new thing that sections may tell of joins `Case`; no builder takes anything else.
"""

from dataclasses import dataclass
from functools import cached_property

from harness.play.run import Run
from harness.report.surface import Fitted, fitted
from harness.truth.answer_key import AnswerKey
from harness.truth.score import Scorer
from sim.visit.record import VisitRecord


@dataclass(frozen=True, eq=False)
class Case:
    """A visit as it was played, and the truth behind it.

    `truth` and `scorer` are for the section that holds the truth, and for no other.
    """

    run: Run
    truth: AnswerKey

    @property
    def record(self) -> VisitRecord:
        """What happened."""
        return self.run.record

    @cached_property
    def scorer(self) -> Scorer:
        """The truth of every setting that could have been chosen."""
        return Scorer.of(self.run.played)

    @cached_property
    def fit(self) -> Fitted | None:
        """What all readings together say; fitted once, for every section that asks."""
        return fitted(self.run.played)
