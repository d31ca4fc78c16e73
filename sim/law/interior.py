"""The interior law: the best current lies inside the range, and more is less."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.shapes import flanked, lowered
from sim.law.sized import ChargeLaw
from sim.law.spread import Even, LogNormal, Normal, drawn
from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class Interior(ChargeLaw):
    """Rises to the patient's best dose, falls beyond it, and may turn negative.

    With the dose x = i w, current times what the length is worth: y (2 - y) up to the
    best dose b, y = (x - I0) / (b - I0); 1 - ((x - b) / fall)^2 beyond it, never below
    the floor; times D and the factor of the leads. A13 allows it: size and sign of the
    effect hang on the amplitude. That a best dose lies between 0.6 and 0.95 of the
    nominal, and how steeply it falls, is assumed; a fall of 0.35 to 0.85 took
    the place of one of 0.25 to 0.6, with which the factory settings alone would spread
    the gain more than A16 does.
    """

    name: ClassVar[str] = "interior"
    summary: ClassVar[str] = "a best current inside the range; beyond it more is less"
    g_one_lead_frac: float = drawn(0.067, LogNormal(0.1, 0.1), "A3 laws, A16", "fitted")
    threshold_frac: float = drawn(0.3, Even(0.2, 0.4), "A3 laws, interior")
    best_dose_frac: float = drawn(0.8, Even(0.6, 0.95), "A3 laws, interior")
    fall_frac: float = drawn(0.6, Even(0.35, 0.85), "A3 laws, interior")
    floor_frac: float = sourced(-0.5, "ccmlab-evidence", "A3 laws, interior", "assumed")
    best_delay_ms: float = drawn(32.0, Normal(32.0, 5.0, 12.0, 60.0), "A3 di")
    early_width_ms: float = drawn(14.0, Even(8.0, 20.0), "A3 sL")
    late_width_ms: float = drawn(38.0, Even(20.0, 60.0), "A3 sR")
    negative_frac: float = drawn(0.1, Even(0.0, 0.2), "A3 laws, interior")

    def shape(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the product of leads, dose and delay, eq. 42."""
        hump = flanked(
            train.delay_ms,
            self.best_delay_ms,
            self.early_width_ms,
            self.late_width_ms,
        )
        return (
            self.leads(train)
            * self.dose_factor(train)
            * lowered(hump, self.negative_frac)
        )

    def dose_factor(self, train: Train) -> FloatArray:
        """Return what the dose is worth: 1 at the best one."""
        dose = self.current(train, train.impedance_ohm) * self.weight(train)
        best, floor = self.best_dose_frac, self.floor_frac
        y = (dose - self.threshold_frac) / (best - self.threshold_frac)
        y = np.clip(y, 0.0, 1.0)
        over = np.maximum(dose - best, 0.0) / self.fall_frac
        # eq. 42
        value: FloatArray = np.maximum(y * (2.0 - y) - over**2, floor)
        return value
