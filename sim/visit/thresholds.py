"""Where a train does more than it should: the atrium, the phrenic nerve."""

from dataclasses import dataclass

import numpy as np

from sim.device.leads import LeadSite
from sim.device.settings import Settings
from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class SpreadPopulation:
    """How amplitudes at which a train spreads are distributed among patients."""

    atrial_centre_v: float = sourced(12.3, "ccmlab-device", "6", "assumed")
    phrenic_centre_v: float = sourced(12.7, "ccmlab-device", "6", "assumed")
    scale_v: float = sourced(0.9, "ccmlab-device", "6", "assumed")
    volts_per_late_ms: float = sourced(0.02, "ccmlab-device", "2.1", "assumed")
    basal_lower_v: float = sourced(3.0, "ccmlab-device", "2.1", "assumed")
    usual_delay_ms: float = sourced(35.0, "ccmlab-device", "1.2", "recalled")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One patient's thresholds: fixed, so that a setting fails or passes each time."""

    atrial_v: float
    phrenic_v: float
    population: SpreadPopulation

    def captures_atrium(self, settings: Settings) -> bool:
        """Tell whether trains capture the atrium: high amplitude, late train."""
        spread = self.population
        late_ms = max(0.0, settings.delay_ms - spread.usual_delay_ms)
        needed_v = self.atrial_v - spread.volts_per_late_ms * late_ms
        return settings.amplitude_v >= needed_v

    def twitches(self, settings: Settings) -> bool:
        """Tell whether trains make the diaphragm twitch."""
        return settings.amplitude_v >= self.phrenic_v


def draw_thresholds(
    rng: np.random.Generator,
    population: SpreadPopulation | None = None,
    *,
    lead_site: LeadSite = "mid-septum",
) -> Thresholds:
    """Draw one patient's thresholds: about 5 and 3 in 1,000 lie below 7.5 V.

    From basal leads a train reaches the atrium at a lower amplitude, in one patient
    of eight below 7.5 V.
    """
    spread = population or SpreadPopulation()
    atrial_v, phrenic_v = rng.logistic(
        [spread.atrial_centre_v, spread.phrenic_centre_v], spread.scale_v
    )
    if lead_site == "basal":
        atrial_v -= spread.basal_lower_v
    return Thresholds(float(atrial_v), float(phrenic_v), spread)
