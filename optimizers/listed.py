"""The settings that somebody has listed, and no other: in their order or shuffled.

No search at all: how a curve over a few settings is measured, not where its top is.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from optimizers.problem import Asking, Problem
from optimizers.registry import strategy
from optimizers.space import Point

LISTED: Final = ("listed", "listed-shuffled")
"""Strategies that need a list."""


@strategy("listed", summary="just the settings that are listed, in their order")
def listed(problem: Problem, rng: np.random.Generator) -> Asking:
    """Test the points of the list in order; needs no random number."""
    return (yield from _through(problem, problem.listed))


@strategy("listed-shuffled", summary="just the settings that are listed, shuffled")
def listed_shuffled(problem: Problem, rng: np.random.Generator) -> Asking:
    """Test the points of the list in an order that is drawn."""
    order = rng.permutation(len(problem.listed))
    return (yield from _through(problem, [problem.listed[i] for i in order]))


def _through(problem: Problem, points: Sequence[Point]) -> Asking:
    """Ask for each point until it was tested itself, or was not tolerated.

    A safety filter that lets an axis rise by one value at a time is climbed: no axis
    has more steps than values.
    """
    most_steps = max(problem.space.shape)
    for point in points or [problem.first]:
        for _ in range(most_steps):
            seen = yield point
            if seen.tested == point or not seen.tolerated:
                break
    return None
