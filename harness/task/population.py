"""What simulated people would make of every setting: the search's prior knowledge.

Nothing here knows the patient: the people are those of the shipped table, the settings
those of the visit, and all is measured against the settings the patient came with.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.task.lattice import PULSE, lattice_train
from harness.task.objective import Objective
from harness.task.people import People, people
from optimizers.problem import Population
from optimizers.space import Space
from sim.device.energy import energy_frac
from sim.device.leads import INTACT, LeadOhms
from sim.device.settings import Settings
from sim.heart.sensation import Sensation, sensation_level
from sim.heart.train import Train
from sim.law.muscle import Muscle
from sim.law.response_law import LawInputs
from sim.law.shipped import law_of
from sim.units import PCT_PER_FRAC

FloatArray = NDArray[np.float32]


@lru_cache(maxsize=4)
def population_of(
    reference: Settings,
    space: Space,
    *,
    readout: str,
    objective: Objective,
    ohms: LeadOhms = INTACT,
) -> Population | None:
    """Return what the simulated people would make of every point of a space.

    Parameters
    ----------
    reference
        Settings the patient came with; the point nearest to them is worth 0.
    space
        Axes of the pulse; None is returned for any other, of which the law of the dose
        says nothing, when the reference delivers nothing, and for a readout that is
        newer than the table.
    readout
        By which the gain is read.
    objective
        What energy and discomfort cost.
    ohms
        Impedance of the leads, which the energy hangs on.
    """
    if not set(space.names) <= set(PULSE) or not reference.delivers:
        return None
    crowd, train = people(), lattice_train(reference, space)
    if readout not in crowd.slope_pct:
        return None
    found = [getattr(reference, name) for name in space.names]
    base = int(np.flatnonzero((space.indices == space.nearest(found)).all(axis=1))[0])
    gain = read_gain(crowd, ees_gain(crowd, train), readout)
    level = felt(crowd, train)
    energy = energy_frac(reference, ohms, train)
    values = PCT_PER_FRAC * ((1.0 + gain) / (1.0 + gain[:, base, None]) - 1.0)
    values -= _small(objective.energy_cost_pct(energy - energy[base]))
    discomfort = objective.discomfort_cost_pct(level)
    values -= discomfort - discomfort[:, base, None]
    for shared in (values, level):  # by all searches that ask the same
        shared.flags.writeable = False
    return Population(values, level)


def ees_gain(crowd: People, train: Train) -> FloatArray:
    """Return each person's steady gain of LV elastance, a fraction, (people, points).

    Each law is asked once for all whose law it is, their constants as columns.
    """
    gain = np.empty((crowd.law_names.size, np.size(train.amplitude_v)), np.float32)
    for name in np.unique(crowd.law_names):
        who = crowd.law_names == name
        muscle: dict[str, Any] = _columns(crowd.muscle, who)
        law = law_of(str(name), _columns(crowd.law, who))
        gain[who] = law.gain(train, LawInputs(Muscle(**muscle)))
    return gain


def _columns(
    constants: Mapping[str, NDArray[np.float64]], who: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    return {name: values[who, None] for name, values in constants.items()}


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
