"""The two-humps law: an early and a late window, either of which may be the better."""

from dataclasses import dataclass
from typing import ClassVar

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.shapes import flanked
from sim.law.sized import ChargeLaw
from sim.law.spread import Even, LogNormal, drawn


@dataclass(frozen=True, slots=True)
class TwoHumps(ChargeLaw):
    """The sum of an early hump of height 1 and a late one of a height of its own.

    A13 allows it: size and sign hang on the delay, in no way that was told. Places,
    widths and heights of the humps are assumed. The late hump was widened (7 to 12 ms,
    not 4 to 9) and its height narrowed (CV 0.25, not 0.5), for otherwise the factory
    settings alone would spread the gain more than A16 does.
    """

    name: ClassVar[str] = "two-humps"
    summary: ClassVar[str] = "an early and a late best delay, either may be higher"
    g_one_lead_frac: float = drawn(
        0.067, LogNormal(0.085, 0.06), "A3 laws, A16", "fitted"
    )
    threshold_frac: float = drawn(0.35, Even(0.25, 0.45), "A3 laws, two-humps")
    early_delay_ms: float = drawn(19.5, Even(15.0, 24.0), "A3 laws, two-humps")
    early_width_ms: float = drawn(5.0, Even(3.0, 7.0), "A3 laws, two-humps")
    late_delay_ms: float = drawn(37.5, Even(30.0, 45.0), "A3 laws, two-humps")
    late_width_ms: float = drawn(9.5, Even(7.0, 12.0), "A3 laws, two-humps")
    late_height_frac: float = drawn(1.0, LogNormal(1.0, 0.25), "A3 laws, two-humps")

    def shape(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the product of leads, strength and both humps, eq. 44."""
        return self.leads(train) * self.strength(train) * self.humps(train)

    def humps(self, train: Train) -> FloatArray:
        """Return the sum of both humps at the delay of a train."""
        (early, late) = (self.early_width_ms, self.late_width_ms)
        # eq. 44
        return flanked(
            train.delay_ms, self.early_delay_ms, early, early
        ) + self.late_height_frac * flanked(
            train.delay_ms, self.late_delay_ms, late, late
        )
