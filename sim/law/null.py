"""The null law: every setting gives the same, so that there is nothing to find."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.saturating import Saturating


@dataclass(frozen=True, slots=True)
class Null(Saturating):
    """Whatever is delivered gains what the nominal train of two leads would.

    It keeps the shape's constants, which it never asks, so that the person whom a
    study makes indifferent to settings stays the same person under every law.
    """

    name: ClassVar[str] = "null"

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the same gain for every train that any lead delivers."""
        full = patient.muscle.scaled(self.g_one_lead_frac) * self.two_lead_factor
        leads, *_ = np.broadcast_arrays(
            train.n_leads, train.amplitude_v, train.delay_ms
        )
        flat: FloatArray = np.where(leads > 0.0, full, 0.0)
        return flat
