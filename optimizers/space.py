"""The lattice a strategy may search: named axes and the rules that couple them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from math import isfinite

import numpy as np
from numpy.typing import NDArray

Point = tuple[int, ...]
"""Indices of one setting on the axes of a space, in the order of the axes."""

FloatArray = NDArray[np.float64]
_TIE_DECIMALS = 12  # distances that differ by rounding alone are ties


@dataclass(frozen=True, slots=True)
class Axis:
    """One programmable quantity and the values it may take, rising.

    Raises ValueError for no values, and for values that are not finite or not rising.
    """

    name: str
    unit: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"axis {self.name} needs at least one value, got none")
        for value in self.values:
            if not isfinite(value):
                raise ValueError(f"axis {self.name} needs finite values, got {value:g}")
        for low, high in pairwise(self.values):
            if high <= low:
                raise ValueError(
                    f"axis {self.name} needs rising values, "
                    f"got {high:g} {self.unit} after {low:g} {self.unit}"
                )

    def position(self, value: float) -> float:
        """Return the place of a value on the lattice, as an index with a fraction."""
        return float(np.interp(value, self.values, range(len(self.values))))


@dataclass(frozen=True)
class Space:
    """The points a strategy may ask for.

    Distances are measured in scaled coordinates: every axis runs from 0 to 1 in equal
    steps, so that one step of a coarse axis is longer than one of a fine axis.

    Parameters
    ----------
    axes
        The axes, each name once.
    allowed
        True for a point that the coupled rules permit; None permits the whole lattice.
        Called when the space is first used, once for each combination of values on the
        axes that it hangs on.
    coupled
        Names of the axes that `allowed` hangs on, where these are not all.

    Raises ValueError when two axes share a name, or when no point is allowed.

    Examples
    --------
    >>> delay = Axis("delay_ms", "ms", (10.0, 20.0, 30.0))
    >>> width = Axis("phase_duration_ms", "ms", (5.14, 5.63))
    >>> space = Space((delay, width), allowed=lambda point: sum(point) < 3)
    >>> space.size, space.values((1, 1)), space.nearest((29.0, 5.6))
    (5, (20.0, 5.63), (1, 1))
    """

    axes: tuple[Axis, ...]
    allowed: Callable[[Point], bool] | None = None
    coupled: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not self.axes:
            raise ValueError("a space needs at least one axis, got none")
        names = [axis.name for axis in self.axes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"a space needs each axis name once, got {name} twice")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the axes, in order."""
        return tuple(axis.name for axis in self.axes)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis, allowed or not."""
        return tuple(len(axis.values) for axis in self.axes)

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Truth of `allowed` on the lattice, shape `shape`, read-only."""
        names = self.names if self.coupled is None else self.coupled
        sizes = tuple(
            len(axis.values) if axis.name in names else 1 for axis in self.axes
        )
        asked = np.ones(sizes, dtype=np.bool_)
        if self.allowed is not None:
            for point in product(*map(range, sizes)):
                asked[point] = self.allowed(point)
        mask = np.array(np.broadcast_to(asked, self.shape))
        if not mask.any():
            raise ValueError(
                f"the space of {', '.join(self.names)} has no allowed point "
                f"among {mask.size}"
            )
        mask.flags.writeable = False
        return mask

    @cached_property
    def size(self) -> int:
        """Number of allowed points."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def steps(self) -> FloatArray:
        """Length of one lattice step of each axis in scaled coordinates, (n_axes,)."""
        steps = 1.0 / np.maximum(np.array(self.shape, dtype=np.float64) - 1.0, 1.0)
        steps.flags.writeable = False
        return steps

    @cached_property
    def indices(self) -> NDArray[np.intp]:
        """Every allowed point in lattice order, (size, n_axes), read-only."""
        indices = np.argwhere(self.mask)
        indices.flags.writeable = False
        return indices

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """Row in `indices` of each allowed point, shape `shape`, read-only."""
        allowed = self.mask.reshape(-1)
        rows: NDArray[np.intp] = (np.cumsum(allowed) - allowed).reshape(self.shape)
        rows.flags.writeable = False
        return rows

    @cached_property
    def places(self) -> FloatArray:
        """Every allowed point, (size, n_axes), read-only.

        Each axis runs from 0 to 1 over its allowed values.
        """
        indices = self.indices.astype(np.float64)
        lowest, highest = indices.min(axis=0), indices.max(axis=0)
        places = np.asarray((indices - lowest) / np.maximum(highest - lowest, 1.0))
        places.flags.writeable = False
        return places

    def points(self) -> Iterator[Point]:
        """Iterate over the allowed points in lattice order (last axis fastest)."""
        for row in self.indices.tolist():
            yield tuple(row)

    def contains(self, point: Point) -> bool:
        """Return whether a point lies on the lattice and is allowed."""
        return self.on_lattice(point) and bool(self.mask[point])

    def on_lattice(self, point: Point) -> bool:
        """Return whether a point lies on the lattice, allowed or not."""
        shape = self.shape
        if len(point) != len(shape):
            return False
        # asked of each point of a log again and again: a loop, which is the quickest
        for index, n_values in zip(point, shape, strict=True):
            if not 0 <= index < n_values:
                return False
        return True

    def values(self, point: Point) -> tuple[float, ...]:
        """Return the physical values of a point, one for each axis."""
        self._check(point)
        return tuple(
            axis.values[index] for axis, index in zip(self.axes, point, strict=True)
        )

    def as_dict(self, point: Point) -> dict[str, float]:
        """Return the physical values of a point by axis name."""
        return dict(zip(self.names, self.values(point), strict=True))

    def describe(self, point: Point) -> str:
        """Return a point as text with names, values and units."""
        return ", ".join(
            f"{axis.name} {value:g} {axis.unit}".rstrip()
            for axis, value in zip(self.axes, self.values(point), strict=True)
        )

    def nearest(self, values: Sequence[float] | Mapping[str, float]) -> Point:
        """Return the allowed point nearest to physical values.

        Parameters
        ----------
        values
            One value for each axis, in order or by name; outside the range of an axis
            the end of the axis counts. Ties go to the first point in lattice order.
        """
        if isinstance(values, Mapping):
            values = [values[name] for name in self.names]
        self._check_length(values)
        positions = [
            axis.position(value) for axis, value in zip(self.axes, values, strict=True)
        ]
        return self.from_scaled(np.array(positions) * self.steps)

    def scaled(self, point: Point) -> FloatArray:
        """Return the scaled coordinates of a point, each 0 to 1, (n_axes,)."""
        self._check(point)
        return np.array(point, dtype=np.float64) * self.steps

    def from_scaled(self, coordinates: Sequence[float] | FloatArray) -> Point:
        """Return the allowed point nearest to scaled coordinates.

        Raises ValueError for a coordinate that is not a number.
        """
        self._check_length(coordinates)
        inside = np.clip(np.asarray(coordinates, dtype=np.float64), 0.0, 1.0)
        if np.isnan(inside).any():
            raise ValueError(f"scaled coordinates must be numbers, got {coordinates}")
        positions = np.round(inside / self.steps, _TIE_DECIMALS)
        rounded = np.ceil(positions - 0.5).astype(int)  # a half goes to the lower index
        point = tuple(np.minimum(rounded, np.array(self.shape) - 1).tolist())
        return point if self.mask[point] else self._nearest_allowed(inside)

    def _nearest_allowed(self, coordinates: FloatArray) -> Point:
        squares = ((self.indices * self.steps - coordinates) ** 2).sum(axis=1)
        best = int(np.argmin(np.round(squares, _TIE_DECIMALS)))
        return tuple(self.indices[best].tolist())

    def _check(self, point: Point) -> None:
        if not self.on_lattice(point):
            raise ValueError(
                f"point {point} is not on the lattice of {', '.join(self.names)}: "
                f"indices run from 0 to {tuple(n - 1 for n in self.shape)}"
            )

    def _check_length(self, numbers: Sequence[float] | FloatArray) -> None:
        if len(numbers) != len(self.axes):
            raise ValueError(
                f"expected {len(self.axes)} numbers ({', '.join(self.names)}), "
                f"got {len(numbers)}"
            )
