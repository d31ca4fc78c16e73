"""The saturating law: a threshold, then less and less for each volt; one best delay.

It satisfies each verified fact: a threshold, grading in amplitude, width, delay and
number of pulses, a possible change of sign (evidence A3). `plateau` and `sharp` are its
named corners, where whole studies may stand; its spreads reach both.
"""

from dataclasses import dataclass
from typing import ClassVar

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.shapes import flanked, lowered
from sim.law.sized import ChargeLaw
from sim.law.spread import Even, LogNormal, Normal, drawn
from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class Saturating(ChargeLaw):
    """Constants of the relative gain of LV elastance; notation of evidence A3."""

    name: ClassVar[str] = "saturating"
    summary: ClassVar[str] = "a threshold, less and less for each volt, one best delay"
    g_one_lead_frac: float = drawn(
        0.067, LogNormal(0.085, 0.23), "A3 g_i, A16", "fitted"
    )
    best_delay_ms: float = drawn(32.0, Normal(32.0, 8.0, 12.0, 60.0), "A3 di")
    early_width_ms: float = drawn(14.0, Even(8.0, 20.0), "A3 sL")
    late_width_ms: float = drawn(38.0, Even(10.0, 60.0), "A3 sR; sharp")
    negative_frac: float = drawn(0.1, Even(0.0, 0.3), "A3 dn")

    def shape(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return K S D of evidence A3."""
        return self.leads(train) * self.strength(train) * self.delay_factor(train)

    def delay_factor(self, train: Train) -> FloatArray:
        """Return D of evidence A3: 1 at the best delay, `-negative_frac` far off."""
        hump = flanked(
            train.delay_ms,
            self.best_delay_ms,
            self.early_width_ms,
            self.late_width_ms,
        )
        return lowered(hump, self.negative_frac)


@dataclass(frozen=True, slots=True)
class Plateau(Saturating):
    """The corner of early saturation and a wide delay optimum."""

    name: ClassVar[str] = "plateau"
    summary: ClassVar[str] = "corner of saturating: early saturation, a wide optimum"
    k: float = sourced(0.7, "ccmlab-evidence", "A3 family plateau", "assumed")
    late_width_ms: float = sourced(
        60.0, "ccmlab-evidence", "A3 family plateau", "assumed"
    )


@dataclass(frozen=True, slots=True)
class Sharp(Saturating):
    """The corner of late saturation and a narrow delay optimum."""

    name: ClassVar[str] = "sharp"
    summary: ClassVar[str] = "corner of saturating: late saturation, a narrow optimum"
    k: float = sourced(4.0, "ccmlab-evidence", "A3 family sharp", "assumed")
    early_width_ms: float = sourced(
        10.0, "ccmlab-evidence", "A3 family sharp", "assumed"
    )
    late_width_ms: float = sourced(
        10.0, "ccmlab-evidence", "A3 family sharp", "assumed"
    )
