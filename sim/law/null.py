"""The null law: every setting gives the same, so that there is nothing to find."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.spread import LogNormal, draw_of, drawn


@dataclass(frozen=True, slots=True)
class Null:
    """Whatever is delivered, on one lead or two, gains the same."""

    name: ClassVar[str] = "null"
    summary: ClassVar[str] = "the same gain at every setting: nothing to find"
    gain_frac: float = drawn(0.09045, LogNormal(0.103, 0.29), "A3 laws, A16", "fitted")

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the gain of every train that any lead delivers, eq. 49."""
        full = patient.muscle.scaled(self.gain_frac)
        # eq. 49
        flat = np.where(train.n_leads > 0.0, full, 0.0)
        return np.array(np.broadcast_to(flat, train.shape))

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Return the law of one patient, from a stream of its own."""
        return draw_of(cls, rng)

    @property
    def two_lead_gain_frac(self) -> float:
        """Gain of two leads."""
        return self.gain_frac

    def sized(self, gain_frac: float) -> Self:
        """Return the law with this gain."""
        return replace(self, gain_frac=gain_frac)
