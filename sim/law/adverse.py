"""The adverse law: every setting takes some contractility away, in step with charge."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.shapes import current_share, lead_factor, train_weight
from sim.law.spread import EvenLog, LogNormal, draw_of, drawn
from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class Adverse:
    """A loss in proportion to the charge; off is the best setting.

    A13 allows it: in some of the muscle strips the effect was negative. How much is
    lost at the factory settings is assumed; no patient is known to have lost any.
    """

    name: ClassVar[str] = "adverse"
    summary: ClassVar[str] = "every setting weakens the heart a little: off is best"
    loss_one_lead_frac: float = drawn(0.03, LogNormal(0.03, 0.5), "A3 laws, adverse")
    two_lead_factor: float = sourced(1.35, "ccmlab-evidence", "A3 K", "assumed")
    nominal_amplitude_v: float = sourced(7.5, "ccmlab-evidence", "A3 I1", "assumed")
    reference_impedance_ohm: float = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )
    width_constant_ms: float = drawn(15.0, EvenLog(8.0, 30.0), "A3 tw")
    nominal_train_ms: float = sourced(20.56, "ccmlab-evidence", "A3 w", "derived")

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the steady relative gain, below 0, eq. 50."""
        # eq. 50
        charge = current_share(
            train,
            train.impedance_ohm,
            self.nominal_amplitude_v,
            self.reference_impedance_ohm,
        ) * train_weight(train, self.width_constant_ms, self.nominal_train_ms)
        leads = lead_factor(self.two_lead_factor, train.n_leads)
        lost = patient.muscle.scaled(self.loss_one_lead_frac) * leads * charge
        return np.array(0.0 - np.broadcast_to(lost, train.shape))

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Return the law of one patient, from a stream of its own."""
        return draw_of(cls, rng)

    def sized(self, gain_frac: float) -> Self:
        """Return the law with this gain of two leads at the nominal train."""
        return replace(self, loss_one_lead_frac=-gain_frac / self.two_lead_factor)
