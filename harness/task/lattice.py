"""The lattice that is searched: settings around a reference that do not conflict."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optimizers.space import Axis, Point, Space
from sim.device.lattice import parameters
from sim.device.settings import Settings, with_dependents
from sim.heart.dose import Train
from sim.sources import unit_of


@lru_cache(maxsize=64)
def therapy_space(
    reference: Settings,
    axes: tuple[str, ...],
    limits: tuple[tuple[str, float, float], ...],
    *,
    model: str,
    solve_dependents: bool,
) -> Space:
    """Return the lattice around a reference, without the settings that conflict.

    Cached, since deciding which of thousands of settings conflict takes longer than
    a test; the result is immutable.
    """
    table = parameters(model)
    bounds = {name: (low, high) for name, low, high in limits}

    def allowed(point: Point) -> bool:
        settings = settings_at(
            reference, space, point, model=model, solve_dependents=solve_dependents
        )
        return not settings.conflicts(model)

    space = Space(
        tuple(
            Axis(
                name,
                unit_of(name),
                _values([float(v) for v in table[name].values], bounds.get(name)),
            )
            for name in axes
        ),
        allowed,
    )
    return space


def _values(
    values: Sequence[float], bounds: tuple[float, float] | None
) -> tuple[float, ...]:
    if bounds is None:
        return tuple(values)
    return tuple(value for value in values if bounds[0] <= value <= bounds[1])


def settings_at(
    reference: Settings,
    space: Space,
    point: Point,
    *,
    model: str,
    solve_dependents: bool,
) -> Settings:
    """Return the reference with the searched values of one point."""
    values = dict(space.as_dict(point))
    if "n_pulses" in values:
        values["n_pulses"] = int(values["n_pulses"])
    settings = reference.with_values(values)
    return with_dependents(settings, model) if solve_dependents else settings


FloatArray = NDArray[np.float64]


PULSE: Final = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")
"""Axes that change the train; a search of any other is not understood here."""


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
