"""What simulated people would make of every setting: the search's prior knowledge.

Nothing here knows the patient: the people are those of the shipped table, the settings
those of the visit, and all is measured against the settings the patient came with.
"""

from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.task.lattice import TRAIN_AXES, lattice_train
from harness.task.objective import Objective
from harness.task.people import EVERY_LAW, Laws, People, people
from optimizers.problem import Population
from optimizers.space import Space
from sim.device.energy import energy_frac
from sim.device.lattice import place_of
from sim.device.leads import INTACT, LeadOhms
from sim.device.settings import Settings
from sim.heart.sensation import Sensation, sensation_level
from sim.heart.train import Train
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
    laws: Laws = EVERY_LAW,
) -> Population | None:
    """Return what the simulated people would make of every point of a space.

    Parameters
    ----------
    reference
        Settings the patient came with; the point nearest to them is worth 0.
    space
        Axes of the train; None is returned for any other, of which the law of the dose
        says nothing, when the reference delivers nothing, and for a readout that is
        newer than the table.
    readout
        By which the gain is read.
    objective
        What energy and discomfort cost.
    ohms
        Impedance of the leads, which the energy hangs on.
    laws
        The response laws that the people have.
    """
    if not set(space.names) <= set(TRAIN_AXES) or not reference.delivers:
        return None
    crowd, train = people(laws), lattice_train(reference, space)
    if readout not in crowd.slope_pct:
        return None
    found = [place_of(name, getattr(reference, name)) for name in space.names]
    base = int(np.flatnonzero((space.indices == space.nearest(found)).all(axis=1))[0])
    ees, level = _answers(laws, _SameTrain(train))
    gain = read_gain(crowd, ees, readout)
    energy = energy_frac(reference, ohms, train)
    values = PCT_PER_FRAC * ((1.0 + gain) / (1.0 + gain[:, base, None]) - 1.0)
    values -= _small(objective.energy_cost_pct(energy - energy[base]))
    discomfort = objective.discomfort_cost_pct(level)
    values -= discomfort - discomfort[:, base, None]
    values.flags.writeable = False  # shared by all searches that ask the same
    return Population(values, level)


class _SameTrain:
    """Trains that are equal where their numbers are, whosever visit they are of."""

    __slots__ = ("content", "train")

    def __init__(self, train: Train) -> None:
        numbers = (np.asarray(getattr(train, item.name)) for item in fields(train))
        self.train, self.content = train, tuple(each.tobytes() for each in numbers)

    def __hash__(self) -> int:
        return hash(self.content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameTrain) and self.content == other.content


@lru_cache(maxsize=8)
def _answers(laws: Laws, asked: _SameTrain) -> tuple[FloatArray, FloatArray]:
    """Return gain of elastance and what is felt; they hang on no reference."""
    crowd = people(laws)
    found = ees_gain(crowd, asked.train), felt(crowd, asked.train)
    for shared in found:
        shared.flags.writeable = False
    return found


def ees_gain(crowd: People, train: Train) -> FloatArray:
    """Return the steady gain of LV elastance, a fraction, (people, points)."""
    gain = np.empty((len(crowd.laws), *train.shape), np.float32)
    for row, (law, inputs) in enumerate(zip(crowd.laws, crowd.inputs, strict=True)):
        gain[row] = law.gain(train, inputs)
    return gain


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
    told = (train.amplitude_v, train.phase_duration_ms, train.n_pulses)
    leads = (train.v1_delivers, train.v2_delivers)
    pulses = np.array(np.broadcast_arrays(*told, *leads))
    (volts, width, n_pulses, v1, v2), pulse = np.unique(
        pulses, axis=1, return_inverse=True
    )
    each = Train(volts, width, n_pulses, v1_delivers=v1, v2_delivers=v2)
    level = sensation_level(Sensation(felt_v=felt_v, threshold_v=threshold_v), each)
    return _small(level)[:, pulse]


def _small(numbers: NDArray[np.float64]) -> FloatArray:
    """Return numbers in single precision: a thousandth of a percent is plenty."""
    return numbers.astype(np.float32)
