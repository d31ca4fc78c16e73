"""Points that fill the lattice evenly: the fair opponent of `random`."""

from collections.abc import Generator
from importlib import import_module

import numpy as np

from optimizers.problem import Asking, Problem
from optimizers.registry import strategy
from optimizers.space import Point, Space

BLOCK = 64
"""Places drawn at a time; a power of 2 keeps the sequence balanced."""

N_BLOCKS = 16
"""Blocks drawn before what is left of the lattice is taken in random order."""


@strategy(
    "sobol", summary="allowed settings spread evenly, none twice while others are left"
)
def sobol(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask for the points of a scrambled Sobol' sequence (Sobol', 1967; Owen, 1998).

    Every value of an axis owns an equal share of the unit cube. Places whose point the
    rules forbid, or that was asked before, are passed over.
    """
    while True:
        yield from spread_points(problem.space, rng)


def spread_points(
    space: Space, rng: np.random.Generator
) -> Generator[Point, object, None]:
    """Iterate over all allowed points, each once, first those of the sequence."""
    qmc = import_module("scipy.stats.qmc")  # half a second that no other search needs
    shape = np.array(space.shape)
    sequence = qmc.Sobol(len(shape), scramble=True, rng=rng)
    seen: set[Point] = set()
    for _ in range(N_BLOCKS):
        for row in np.floor(sequence.random(BLOCK) * shape).astype(int).tolist():
            point = tuple(row)
            if point not in seen and space.contains(point):
                seen.add(point)
                yield point
        if len(seen) == space.size:
            return
    for row in rng.permutation(space.indices).tolist():
        if tuple(row) not in seen:
            yield tuple(row)
