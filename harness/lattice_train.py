"""What reaches the muscle at every point of a lattice, and what it takes a day."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optimizers.space import Space
from sim.device.settings import Settings
from sim.heart.dose import Train

FloatArray = NDArray[np.float64]
PULSE: Final = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")
"""Axes that change the train; a search of any other is not understood here."""
NOMINAL: Final = Settings()


def lattice_train(reference: Settings, space: Space) -> Train:
    """Return the train of every allowed point, each number `(size,)`, leads intact.

    Values that the space does not search are the reference's. Raises ValueError for an
    axis that is none of the pulse.
    """
    values = {
        name: np.full(space.size, float(getattr(reference, name))) for name in PULSE
    }
    for place, axis in enumerate(space.axes):
        if axis.name not in values:
            raise ValueError(f"axis {axis.name} must be one of {', '.join(PULSE)}")
        values[axis.name] = np.array(axis.values)[space.indices[:, place]]
    return Train(**values, n_leads=reference.n_leads)


def energy_frac(reference: Settings, train: Train) -> FloatArray:
    """Return the daily energy as a share of nominal, at the same delivered share."""
    train_ms = 2.0 * np.asarray(train.n_pulses) * train.phase_duration_ms
    daily = np.asarray(train.amplitude_v) ** 2 * train_ms
    daily = daily * reference.n_leads * reference.ccm_hours_per_day
    nominal = NOMINAL.amplitude_v**2 * NOMINAL.train_ms
    share: FloatArray = daily / (nominal * NOMINAL.n_leads * NOMINAL.ccm_hours_per_day)
    return share
