"""What settings are worth: gain, less what energy and discomfort cost. Stated once."""

from dataclasses import dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray

from sim.sources import sourced
from sim.visit.plan import PROTOCOL

Number = TypeVar("Number", float, NDArray[Any])


@dataclass(frozen=True, slots=True)
class Objective:
    """What a search maximizes: gain less what energy and discomfort cost, in points.

    Works on numbers and on arrays. The energy is that of `sim.device.energy`, a share
    of nominal; a sensation is a grade as told or a level as felt.
    """

    energy_weight: float = sourced(
        0.5, PROTOCOL, "1, utility", "assumed", allowed=(0.0, 100.0)
    )
    discomfort_weight: float = sourced(
        1.0, PROTOCOL, "1, utility", "assumed", allowed=(0.0, 100.0)
    )

    def energy_cost_pct(self, energy_frac: Number) -> Number:
        """Return what a share of the nominal daily energy costs."""
        return self.energy_weight * energy_frac

    def discomfort_cost_pct(self, sensation: Number) -> Number:
        """Return what a sensation costs; one below 0 is not felt and costs nothing."""
        # a product keeps floats floats and the precision of arrays
        return self.discomfort_weight * (sensation * (sensation > 0.0))

    def utility_pct(
        self, gain_pct: Number, energy_frac: Number, sensation: Number
    ) -> Number:
        """Return the utility of settings."""
        energy: Number = self.energy_cost_pct(energy_frac)
        discomfort: Number = self.discomfort_cost_pct(sensation)
        utility: Number = gain_pct - energy - discomfort
        return utility
