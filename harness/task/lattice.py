"""The lattice that is searched: settings around a reference that do not conflict.

A `Lattice` says which values may be tried; laid around the reference of a visit it
becomes a `TherapySpace`, whose points are what strategies ask for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optimizers.space import Axis, Point, Space
from sim.device.lattice import Value, parameters, place_of, value_at
from sim.device.settings import COUPLED, Settings, with_dependents
from sim.heart.train import Train
from sim.sources import unit_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Which settings may be tried around a reference.

    Attributes
    ----------
    axes
        Names of the settings that are searched. One that is chosen from a menu, such as
        the delivering leads, is searched by its place there.
    limits
        Name, lowest and highest value of the axes that are not searched in full.
    model
        Of the device, which has values and conflicts of its own.
    solve_dependents
        Whether the refractories follow the searched values.
    """

    axes: tuple[str, ...] = ("amplitude_v", "phase_duration_ms", "delay_ms")
    limits: tuple[tuple[str, float, float], ...] = ()
    model: str = "CCM X11"
    solve_dependents: bool = True

    @property
    def every(self) -> Space:
        """Every setting of the axes, those that conflict around a reference too."""
        return _every(self)

    def around(self, reference: Settings) -> "TherapySpace":
        """Return the settings around a reference, without those that conflict."""
        return _around(self, reference)

    def with_values(self, reference: Settings, values: dict[str, float]) -> Settings:
        """Return the reference with searched values in place of its own."""
        given = {name: value_at(name, place) for name, place in values.items()}
        if "n_pulses" in values:
            given["n_pulses"] = int(values["n_pulses"])
        settings = reference.with_values(given)
        if not self.solve_dependents:
            return settings
        return with_dependents(settings, self.model)


@dataclass(frozen=True, slots=True, eq=False)
class TherapySpace:
    """The settings that may be tried around one reference, and their points."""

    lattice: Lattice
    reference: Settings
    space: Space
    _settings: dict[Point, Settings] = field(
        default_factory=dict, init=False, repr=False
    )
    _points: dict[Settings, Point] = field(default_factory=dict, init=False, repr=False)

    @property
    def reference_point(self) -> Point:
        """The point nearest to the reference."""
        return self.point_of(self.reference)

    def settings_of(self, point: Point) -> Settings:
        """Return the reference with the searched values of one point."""
        found = self._settings.get(point)
        if found is None:
            values = dict(self.space.as_dict(point))
            found = self.lattice.with_values(self.reference, values)
            self._settings[point] = found
        return found

    def point_with(self, given: Iterable[tuple[str, Value]]) -> Point:
        """Return the point of the reference with some values.

        Raises ValueError where they are no allowed point of the space.
        """
        values = dict(given)
        asked = self.reference.with_values(values)
        point = self.point_of(asked)
        found = self.settings_of(point)
        if all(getattr(found, name) == getattr(asked, name) for name in values):
            return point
        told = ", ".join(f"{name} = {value!r}" for name, value in values.items())
        raise ValueError(
            f"listed settings {told} cannot be tested: with the other values of the "
            "reference they conflict, or lie outside the axes and limits of the search"
        )

    def point_of(self, settings: Settings) -> Point:
        """Return the point nearest to some settings."""
        found = self._points.get(settings)
        if found is None:
            values = [place_of(n, getattr(settings, n)) for n in self.lattice.axes]
            found = self._points[settings] = self.space.nearest(values)
        return found


@lru_cache(maxsize=64)
def _around(lattice: Lattice, reference: Settings) -> TherapySpace:
    """Lay a lattice out; cached, since the conflicts take longer than a test."""
    every = lattice.every
    programmable = _Programmable(lattice, reference, every)
    space = Space(every.axes, programmable, coupled=COUPLED)
    return TherapySpace(lattice, reference, space)


@lru_cache(maxsize=64)
def _every(lattice: Lattice) -> Space:
    table = parameters(lattice.model)
    bounds = {name: (low, high) for name, low, high in lattice.limits}

    def axis(name: str) -> Axis:
        values = [place_of(name, value) for value in table[name].values]
        return Axis(name, unit_of(name), _within(values, bounds.get(name)))

    return Space(tuple(axis(name) for name in lattice.axes))


@dataclass(frozen=True, slots=True)
class _Programmable:
    """Whether the settings of a point do not conflict; a value, so that it pickles."""

    lattice: Lattice
    reference: Settings
    every: Space

    def __call__(self, point: Point) -> bool:
        values = dict(self.every.as_dict(point))
        settings = self.lattice.with_values(self.reference, values)
        return not settings.conflicts(self.lattice.model)


def _within(
    values: Sequence[float], bounds: tuple[float, float] | None
) -> tuple[float, ...]:
    if bounds is None:
        return tuple(values)
    return tuple(value for value in values if bounds[0] <= value <= bounds[1])


PULSE: Final = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")
LEADS: Final = "ccm_channels"
TRAIN_AXES: Final = (*PULSE, LEADS)
"""Axes that change the train; a search of any other is not understood here."""


def lattice_train(reference: Settings, space: Space) -> Train:
    """Return the train of every allowed point, each number `(size,)`, leads intact.

    Values that the space does not search are the reference's. Raises ValueError for an
    axis that does not change the train.
    """
    values = {
        name: np.full(space.size, place_of(name, getattr(reference, name)))
        for name in TRAIN_AXES
    }
    for place, axis in enumerate(space.axes):
        if axis.name not in values:
            raise ValueError(f"axis {axis.name} must be one of {', '.join(TRAIN_AXES)}")
        values[axis.name] = np.array(axis.values)[space.indices[:, place]]
    leads = [str(value_at(LEADS, place)) for place in values.pop(LEADS)]
    return Train(
        **values,
        v1_delivers=np.array([float("V1" in name) for name in leads]),
        v2_delivers=np.array([float("V2" in name) for name in leads]),
        sensed_at=reference.ls_channel,
    )
