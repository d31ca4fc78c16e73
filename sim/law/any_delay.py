"""The any-delay law: the best delay lies anywhere, and nothing else tells where."""

from dataclasses import dataclass
from typing import ClassVar

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.shapes import flanked, lowered
from sim.law.sized import ChargeLaw
from sim.law.spread import Even, LogNormal, drawn


@dataclass(frozen=True, slots=True)
class AnyDelay(ChargeLaw):
    """Saturating in charge, with a best delay anywhere in what OVO can program.

    Nothing that was measured speaks against it: no best delay of a patient is known.
    Its place, independent of everything else, and flanks of equal width are assumed;
    the spread of the width was narrowed (CV 0.22, not 0.3), because the factory
    settings alone would otherwise spread the gain more than A16 does.
    """

    name: ClassVar[str] = "any-delay"
    summary: ClassVar[str] = "the best delay anywhere from 15 to 45 ms"
    g_one_lead_frac: float = drawn(
        0.067, LogNormal(0.097, 0.12), "A3 laws, A16", "fitted"
    )
    threshold_frac: float = drawn(0.35, Even(0.25, 0.45), "A3 laws, any-delay")
    best_delay_ms: float = drawn(32.0, Even(15.0, 45.0), "A3 laws, any-delay")
    delay_width_ms: float = drawn(15.0, LogNormal(15.5, 0.22), "A3 laws, any-delay")
    negative_frac: float = drawn(0.1, Even(0.0, 0.2), "A3 laws, any-delay")

    def shape(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the product of leads, strength and delay, eq. 45."""
        width_ms = self.delay_width_ms
        # eq. 45
        hump = flanked(train.delay_ms, self.best_delay_ms, width_ms, width_ms)
        near = lowered(hump, self.negative_frac)
        return self.leads(train) * self.strength(train) * near
