"""What a strategy may ask: a point of its space, in plain integers."""

from numbers import Integral
from reprlib import repr as shortened
from typing import cast

from optimizers.problem import Problem, StrategyError
from optimizers.space import Point


def checked_point(asked: object, problem: Problem) -> Point:
    """Return what a strategy asked as a point of the space, with plain integers.

    Raises StrategyError for anything but a tuple of integers that is allowed.
    """
    space = problem.space
    last = tuple(n_values - 1 for n_values in space.shape)
    if not isinstance(asked, tuple) or not all(_is_index(item) for item in asked):
        raise StrategyError(
            f"the strategy asked {shortened(asked)}; a point is a tuple of "
            f"{len(space.axes)} integers, the indices on {', '.join(space.names)}"
        )
    point = tuple(int(cast(int, item)) for item in asked)
    if not space.on_lattice(point):
        raise StrategyError(
            f"the strategy asked {shortened(point)}, outside the space: indices on "
            f"{', '.join(space.names)} run from 0 to {last}"
        )
    if not space.contains(point):
        raise StrategyError(
            f"the strategy asked {space.describe(point)}, which the rules of the space "
            f"do not allow; nearest allowed is "
            f"{space.describe(space.from_scaled(space.scaled(point)))}"
        )
    return point


def _is_index(item: object) -> bool:
    return isinstance(item, Integral) and not isinstance(item, bool)
