"""What simulated people would make of every setting: the search's prior knowledge.

Nothing here knows the patient: the people are those of the shipped table, the settings
those of the visit, and all is measured against the settings the patient came with.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.task.lattice import PULSE, lattice_train
from harness.task.objective import energy_frac
from harness.task.people import People, people
from optimizers.problem import Population
from optimizers.space import Space
from sim.device.settings import Settings
from sim.heart.dose import (
    DoseResponse,
    Train,
    delay_factor,
    lead_factor,
    strength,
)
from sim.heart.sensation import Sensation, sensation_level
from sim.units import PCT_PER_FRAC

FloatArray = NDArray[np.float32]


@lru_cache(maxsize=4)
def population_of(
    reference: Settings,
    space: Space,
    *,
    readout: str,
    energy_weight: float,
    discomfort_weight: float,
) -> Population | None:
    """Return what the simulated people would make of every point of a space.

    Parameters
    ----------
    reference
        Settings the patient came with; the point nearest to them is worth 0.
    space
        Axes of the pulse; None is returned for any other, of which the law of the dose
        says nothing, and when the reference delivers nothing.
    readout
        By which the gain is read.
    energy_weight, discomfort_weight
        What 100 % of nominal energy and one grade cost, in points of gain.
    """
    if not set(space.names) <= set(PULSE) or _is_off(reference):
        return None
    crowd, train = people(), lattice_train(reference, space)
    found = [getattr(reference, name) for name in space.names]
    base = int(np.flatnonzero((space.indices == space.nearest(found)).all(axis=1))[0])
    gain = read_gain(crowd, ees_gain(crowd, train), readout)
    level = felt(crowd, train)
    energy = energy_frac(reference, train)
    values = PCT_PER_FRAC * ((1.0 + gain) / (1.0 + gain[:, base, None]) - 1.0)
    values -= _small(energy_weight * (energy - energy[base]))
    discomfort = discomfort_weight * np.maximum(level, 0.0)
    values -= discomfort - discomfort[:, base, None]
    for shared in (values, level):  # by all searches that ask the same
        shared.flags.writeable = False
    return Population(values, level)


def ees_gain(crowd: People, train: Train) -> FloatArray:
    """Return each person's steady gain of LV elastance, a fraction, (people, points).

    The law is evaluated for all people at once, its constants as columns, and once for
    each pulse and each delay: what they do is multiplied.
    """
    columns: dict[str, Any] = {name: law[:, None] for name, law in crowd.law.items()}
    law = DoseResponse(**columns)
    top = law.g_one_lead_frac * law.beta_block_factor * lead_factor(law, train)
    pulses = np.array([train.amplitude_v, train.phase_duration_ms, train.n_pulses])
    (volts, width, n_pulses), pulse = np.unique(pulses, axis=1, return_inverse=True)
    delays, delay = np.unique(train.delay_ms, return_inverse=True)
    of_pulse = strength(law, Train(volts, width, n_pulses, n_leads=train.n_leads))
    of_delay = delay_factor(law, Train(0.0, delay_ms=delays))
    flat = ~crowd.responds
    of_pulse[flat], of_delay[flat] = 1.0, 1.0
    return _small(top * of_pulse)[:, pulse] * _small(of_delay)[:, delay]


def read_gain(crowd: People, gain: FloatArray, readout: str) -> FloatArray:
    """Return the relative rise of what is read over CCM off, a fraction."""
    slope, bend = (
        _small(curve[readout] / PCT_PER_FRAC)[:, None]
        for curve in (crowd.slope_pct, crowd.bend_pct)
    )
    return (slope + bend * gain) * gain


def felt(crowd: People, train: Train) -> FloatArray:
    """Return what each person feels, on the scale of the grades, (people, points)."""
    felt_v: Any = crowd.sensation_felt_v[:, None]
    threshold_v: Any = crowd.sensation_threshold_v[:, None]
    pulses = np.array([train.amplitude_v, train.phase_duration_ms, train.n_pulses])
    (volts, width, n_pulses), pulse = np.unique(pulses, axis=1, return_inverse=True)
    each = Train(volts, width, n_pulses, n_leads=train.n_leads)
    level = sensation_level(Sensation(felt_v=felt_v, threshold_v=threshold_v), each)
    return _small(level)[:, pulse]


def _small(numbers: NDArray[np.float64]) -> FloatArray:
    """Return numbers in single precision: a thousandth of a percent is plenty."""
    return numbers.astype(np.float32)


def _is_off(settings: Settings) -> bool:
    return settings.mode == "OOO" or settings.ccm_mode == "OFF" or not settings.n_leads
