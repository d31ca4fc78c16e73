"""What a visit is made from: with an advisor, it decides every beat and reading."""

from dataclasses import dataclass

import numpy as np

from sim.patient import Patient
from sim.streams import stream
from sim.visit.plan import FoundDevice, VisitPlan


@dataclass(frozen=True, slots=True)
class VisitOrder:
    """Who comes, with which device, for which visit, and the key of all chance.

    The same order and advisor give the same visit, to the last bit. Another day of the
    same patient is another order, made by `replace`.

    `replicate` numbers the visits of a patient, `patient_index` the patients of a
    cohort; they key the random streams beside `seed`.
    """

    patient: Patient
    found: FoundDevice
    plan: VisitPlan
    seed: int
    replicate: int = 0
    patient_index: int = 0

    def rng(self, name: str, *key: int) -> np.random.Generator:
        """Return one named random stream of this visit, from its beginning."""
        return stream(
            self.seed,
            name=name,
            patient=self.patient_index,
            replicate=self.replicate,
            key=key,
        )
