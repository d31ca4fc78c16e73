"""What scales every law alike: beta-blockade, and how strong the heart is by itself."""

from dataclasses import dataclass, replace

import numpy as np

from sim.heart.parameters import FloatArray
from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class Muscle:
    """The patient's own part in the size of a gain; notation of evidence A3.

    `weak_hearts` makes a weaker heart gain more and a stronger one less, by the slope
    of one series of ferrets (`baseline_factor`); off, the patient's own elastance
    `baseline_elastance_mmhg_per_ml` makes no difference. Other findings speak against
    it: normal dogs gained 41 to 80 % (A01-A03), patients with EF above 25 % more.
    """

    beta_block_factor: float = sourced(1.0, "ccmlab-protocol", "6", "assumed")
    baseline_elastance_mmhg_per_ml: float = sourced(
        0.874, "ccmlab-evidence", "C2 E lv HFrEF", "fitted"
    )
    reference_elastance_mmhg_per_ml: float = sourced(
        0.874, "ccmlab-evidence", "C2 E lv HFrEF", "fitted"
    )
    weak_ceiling: float = sourced(1.5, "ccmlab-protocol", "6", "assumed")
    strong_floor: float = sourced(0.12, "mohri2003", "abstract, A04-A07", "fitted")
    weak_steepness: float = sourced(2.71, "mohri2003", "abstract, A04-A07", "fitted")
    weak_hearts: bool = False

    def scaled(self, size_frac: float | FloatArray) -> FloatArray:
        """Return what this muscle makes of the gain of a reference muscle."""
        own = baseline_factor(self) if self.weak_hearts else 1.0
        return np.asarray(size_frac * self.beta_block_factor * own)


def baseline_factor(muscle: Muscle) -> FloatArray:
    """Return how much more (above 1) or less a heart gains than the HFrEF reference.

    Counts where `weak_hearts` is switched on.
    The ferret's gain fell from 40 to 8.5 % as its pressure rose 1.7-fold (A04-A07).
    Its weakest state is read as the HFrEF reference, its strongest as a normal heart,
    3.3 times as stiff [assumed]; above `weak_ceiling` nothing was measured.
    """
    own = np.asarray(muscle.baseline_elastance_mmhg_per_ml)
    ratio = own / muscle.reference_elastance_mmhg_per_ml
    ceiling, floor = muscle.weak_ceiling, muscle.strong_floor
    # the balance puts the factor at exactly 1 where the ratio is 1
    balance = (ceiling - 1.0) / (1.0 - floor)
    # eq. 24
    value: FloatArray = floor + (ceiling - floor) / (
        1.0 + balance * ratio**muscle.weak_steepness
    )
    return value


def unscaled(muscle: Muscle) -> Muscle:
    """Return a muscle that leaves the size of a law as it is."""
    return replace(
        muscle,
        beta_block_factor=1.0,
        baseline_elastance_mmhg_per_ml=muscle.reference_elastance_mmhg_per_ml,
    )
