"""The fitted surface of a visit: curves, map, and how much the readings told."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from harness.play.learnt import Belief, Information, Learnt, learnt
from harness.play.played import Played
from harness.report.parts import UNPRINTED, Fact, Part
from harness.report.values import quantity, therapy_text
from harness.task.lattice import PULSE, TherapySpace
from optimizers.space import Point, Space
from sim.device.settings import Settings
from sim.visit.record import Tested, VisitRecord

SHOWN_DIGITS: Final = 2
STATEMENT: Final = (
    "A Gaussian process fitted to all valid readings of the tests, the reference at "
    "exactly 0; band: 95 % of its belief. It is a summary of the search: only the "
    "verification pairs decide."
)


class Curve(Part):
    """Fitted gain along one value, the others as in the setting chosen; percent."""

    symbol: str
    values: tuple[float, ...]
    gain: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    chosen: float


class GainMap(Part):
    """Fitted gain over two values in percent: a row for each `y`, null if refused."""

    x_symbol: str
    y_symbol: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    gain: tuple[tuple[float | None, ...], ...]
    low: tuple[tuple[float | None, ...], ...]
    chosen: tuple[float, float]


class Surface(Part):
    """What all readings together say of every setting that could be programmed."""

    statement: str
    curves: Annotated[tuple[Curve, ...], UNPRINTED]
    map: Annotated[GainMap | None, UNPRINTED]
    information: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The belief over the lattice, and the setting through which it is drawn."""

    therapy: TherapySpace
    learnt: Learnt
    chosen: Point
    chosen_settings: Settings
    asked: tuple[Point, ...]
    belief: Belief
    information: Information

    @property
    def space(self) -> Space:
        """The lattice."""
        return self.therapy.space

    def point(self, settings: Settings) -> Point:
        """Return the place of some settings on the lattice."""
        return self.therapy.point_of(settings)


def fitted(played: Played) -> Fitted | None:
    """Fit the surface to a visit's tests; None when no test was read."""
    record, therapy = played.record, played.space
    read = [
        (therapy.point_of(test.settings), test.gain_pct, test.standard_error_pct)
        for test in record.tested
        if is_read(test)
    ]
    told = learnt(therapy.space, therapy.reference_point, read)
    if told is None:
        return None
    settings = chosen_settings(record)
    chosen = therapy.point_of(settings)
    tested = (point for point, _, _ in read)
    asked = tuple(dict.fromkeys((therapy.reference_point, *tested)))
    return Fitted(
        therapy=therapy,
        learnt=told,
        chosen=chosen,
        chosen_settings=settings,
        asked=asked,
        belief=told.at(asked),
        information=told.information(asked, chosen),
    )


def is_read(tested: Tested) -> bool:
    """Tell whether a test has a reading that counts."""
    return tested.completed and math.isfinite(tested.gain_pct)


def chosen_settings(record: VisitRecord) -> Settings:
    """Return the setting that the search chose; without one, the permanent values."""
    choice = record.choice
    return record.final if choice is None or choice.gated else choice.settings


def surface_part(fit: Fitted | None) -> Surface | None:
    """Return curves along every value that the tests varied, and a map of two."""
    if fit is None:
        return None
    varied = _varied(fit)
    return Surface(
        statement=STATEMENT,
        curves=tuple(_curve(fit, axis) for axis in varied),
        map=_map(fit, varied),
        information=information_facts(fit),
    )


def _varied(fit: Fitted) -> list[int]:
    """Return the axes with several values tested; over a menu no curve is drawn."""
    tested = np.array((*fit.asked, fit.chosen))
    names = fit.space.names
    numbers = [k for k in range(tested.shape[1]) if names[k] in PULSE]
    return [k for k in numbers if len(set(tested[:, k])) > 1]


def _line(fit: Fitted, axis: int) -> list[Point]:
    """Return the allowed points through the chosen one, along an axis."""
    before, after = fit.chosen[:axis], fit.chosen[axis + 1 :]
    points = [(*before, k, *after) for k in range(fit.space.shape[axis])]
    return [point for point in points if fit.space.mask[point]]


def _curve(fit: Fitted, axis: int) -> Curve:
    points = _line(fit, axis)
    values = fit.space.axes[axis].values
    belief = fit.learnt.at(points)
    return Curve(
        symbol=fit.space.names[axis],
        values=tuple(values[point[axis]] for point in points),
        gain=_rounded(belief.mean_pct),
        low=_rounded(belief.low_pct),
        high=_rounded(belief.high_pct),
        chosen=values[fit.chosen[axis]],
    )


def _map(fit: Fitted, varied: Sequence[int]) -> GainMap | None:
    """Return the gain over the two values that took most different ones."""
    if len(varied) < 2:
        return None
    tested = np.array((*fit.asked, fit.chosen))
    often = sorted(
        varied, key=lambda k: (-len(set(tested[:, k])), -len(_allowed(fit, k)))
    )
    x, y = often[0], often[1]
    places = _allowed(fit, x), _allowed(fit, y)
    grid = [[_moved(fit.chosen, {x: i, y: j}) for i in places[0]] for j in places[1]]
    known = [p for row in grid for p in row if fit.space.mask[p]]
    belief = fit.learnt.at(known)
    gain = dict(zip(known, _rounded(belief.mean_pct), strict=True))
    low = dict(zip(known, _rounded(belief.low_pct), strict=True))
    axes = fit.space.axes
    return GainMap(
        x_symbol=axes[x].name,
        y_symbol=axes[y].name,
        x=tuple(axes[x].values[i] for i in places[0]),
        y=tuple(axes[y].values[j] for j in places[1]),
        gain=tuple(tuple(gain.get(p) for p in row) for row in grid),
        low=tuple(tuple(low.get(p) for p in row) for row in grid),
        chosen=(axes[x].values[fit.chosen[x]], axes[y].values[fit.chosen[y]]),
    )


def _allowed(fit: Fitted, axis: int) -> list[int]:
    return sorted(set(fit.space.indices[:, axis].tolist()))


def _moved(point: Point, places: dict[int, int]) -> Point:
    return tuple(places.get(axis, place) for axis, place in enumerate(point))


def _rounded(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, ...]:
    return tuple((np.round(values, SHOWN_DIGITS) + 0.0).tolist())


def information_facts(fit: Fitted) -> tuple[Fact, ...]:
    """Return how far the readings narrowed down where the highest gain lies."""
    told = fit.information
    return (
        Fact(label="Drawn through", value=therapy_text(fit.chosen_settings)),
        Fact(label="Places compared on the lattice", value=quantity(told.n_places)),
        Fact(
            label="Where the best lies, before the tests",
            value=quantity(told.before_bits, "bits", 1),
        ),
        Fact(
            label="Where the best lies, after them",
            value=quantity(told.after_bits, "bits", 1),
        ),
        Fact(
            label="Information content of the tests",
            value=quantity(told.gained_bits, "bits", 1),
        ),
        Fact(
            label="As uncertain as a choice among equal places",
            value=quantity(2.0**told.after_bits),
        ),
        Fact(
            label="Gain that the best place may have above the one chosen",
            value=quantity(told.shortfall_pct, "points", 1),
        ),
    )
