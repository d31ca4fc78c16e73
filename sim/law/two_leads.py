"""The two-leads law: each lead has a gain and a best delay of its own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import LeadName, Train
from sim.law.response_law import LawInputs
from sim.law.shapes import LEADS, flanked, lead_share, lowered
from sim.law.sized import ChargeLaw
from sim.law.spread import Even, LogNormal, Normal, drawn


@dataclass(frozen=True, slots=True)
class TwoLeads(ChargeLaw):
    """The sum of what each lead does; both together are worth K / 2 of each.

    V2 has the height 1, V1 one of its own; each has its best delay, counted from the
    local sense of V2. Now and then one lead alone is better than both. A01 to A03 allow
    it: the two sites of a dog did not gain alike, and both gave 1.35 to 1.47 of one.
    Heights and delays are assumed; the spread of the heights was narrowed (CV
    0.35, not 0.42), because the factory settings alone would otherwise spread the gain
    more than A16 does.
    """

    name: ClassVar[str] = "two-leads"
    summary: ClassVar[str] = "each lead has its own gain and its own best delay"
    g_one_lead_frac: float = drawn(
        0.067, LogNormal(0.092, 0.13), "A3 laws, A16", "fitted"
    )
    threshold_frac: float = drawn(0.35, Even(0.25, 0.45), "A3 laws, two-leads")
    v1_height_frac: float = drawn(1.0, LogNormal(1.0, 0.35), "A3 laws, two-leads")
    v1_delay_ms: float = drawn(
        32.0, Normal(32.0, 8.0, 12.0, 60.0), "A3 laws, two-leads"
    )
    v2_delay_ms: float = drawn(
        32.0, Normal(32.0, 8.0, 12.0, 60.0), "A3 laws, two-leads"
    )
    early_width_ms: float = drawn(10.0, Even(6.0, 14.0), "A3 laws, two-leads")
    late_width_ms: float = drawn(18.0, Even(10.0, 30.0), "A3 laws, two-leads")
    negative_frac: float = drawn(0.15, Even(0.0, 0.3), "A3 laws, two-leads")

    def shape(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the sum over the leads, eq. 46."""
        total = np.zeros(train.shape)
        for lead in LEADS:
            share = lead_share(self.two_lead_factor, train, lead)
            total = total + share * self.alone(train, lead)
        return total

    def alone(self, train: Train, lead: LeadName) -> FloatArray:
        """Return what a lead would do by itself."""
        first = lead == "V1"
        ohm = train.v1_ohm if first else train.v2_ohm
        best_ms = self.v1_delay_ms if first else self.v2_delay_ms
        height = self.v1_height_frac if first else 1.0
        hump = flanked(train.delay_ms, best_ms, self.early_width_ms, self.late_width_ms)
        # eq. 46
        near = lowered(hump, self.negative_frac)
        return height * self.strength_at(train, ohm) * near
