"""What a visit is made from: with an advisor, it decides every beat and reading."""

from dataclasses import dataclass
from hashlib import blake2s
from typing import Literal

import numpy as np

from sim.patient import Patient
from sim.streams import stream
from sim.visit.happenings import Happened
from sim.visit.plan import FoundDevice, VisitPlan

EngineName = Literal["beats", "table"]


@dataclass(frozen=True, slots=True)
class VisitOrder:
    """Who comes, with which device, for which visit, and the key of all chance.

    The same order and advisor give the same visit, to the last bit. Another day of the
    same patient is another order, made by `replace`.

    `replicate` numbers the visits of a patient, `patient_index` the patients of a
    cohort; they key the random streams beside `seed`. `happenings` are known
    beforehand by who made the order, by nobody in the visit. `engine` is one of
    `sim.visit.engines`.
    """

    patient: Patient
    found: FoundDevice
    plan: VisitPlan
    seed: int
    replicate: int = 0
    patient_index: int = 0
    happenings: tuple[Happened, ...] = ()
    engine: EngineName = "beats"

    @property
    def pseudonym(self) -> str:
        """What stands for the simulated patient everywhere; the seed is not in it."""
        return pseudonym(self.seed, self.replicate)

    def rng(self, name: str, *key: int) -> np.random.Generator:
        """Return one named random stream of this visit, from its beginning."""
        return stream(
            self.seed,
            name=name,
            patient=self.patient_index,
            replicate=self.replicate,
            key=key,
        )


def pseudonym(seed: int, replicate: int = 0) -> str:
    """Return the pseudonym of the patient of a seed; visits differ in its last number.

    A hash, so that who reads a hand-out cannot play the patient again.
    """
    code = blake2s(str(seed).encode(), digest_size=3).hexdigest().upper()
    return f"SIM-{code}-{replicate:03d}"
