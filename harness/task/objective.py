"""What settings are worth: gain, less what energy and discomfort cost. Stated once."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.task.lattice import FloatArray
from sim.device.settings import Settings
from sim.heart.train import Train
from sim.sources import sourced
from sim.visit.plan import PROTOCOL


@dataclass(frozen=True, slots=True)
class Objective:
    """What a search maximizes: gain less what energy and discomfort cost, in points."""

    energy_weight: float = sourced(0.5, PROTOCOL, "1, utility", "assumed")
    discomfort_weight: float = sourced(1.0, PROTOCOL, "1, utility", "assumed")

    def utility_pct(
        self, gain_pct: float, energy_frac: float, sensation_grade: float
    ) -> float:
        """Return the utility of one setting."""
        cost = self.energy_weight * energy_frac
        return gain_pct - cost - self.discomfort_weight * sensation_grade


def pulse_energy(settings: Settings) -> float:
    """Return the daily energy up to a factor that all settings share."""
    per_train = settings.amplitude_v**2 * settings.train_ms * settings.n_leads
    return per_train * settings.ccm_hours_per_day


NOMINAL: Final = Settings()


def energy_frac(reference: Settings, train: Train) -> FloatArray:
    """Return the daily energy as a share of nominal, at the same delivered share."""
    train_ms = 2.0 * np.asarray(train.n_pulses) * train.phase_duration_ms
    daily = np.asarray(train.amplitude_v) ** 2 * train_ms
    daily = daily * reference.n_leads * reference.ccm_hours_per_day
    nominal = NOMINAL.amplitude_v**2 * NOMINAL.train_ms
    share: FloatArray = daily / (nominal * NOMINAL.n_leads * NOMINAL.ccm_hours_per_day)
    return share
