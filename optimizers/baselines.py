"""What every search must beat: leaving the device alone, and trying at random."""

import numpy as np

from optimizers.problem import Asking, Problem
from optimizers.registry import strategy


@strategy("stay", summary="leave the settings as found; tests them over and over")
def stay(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask for the reference for ever."""
    while True:
        yield problem.reference


@strategy(
    "random", summary="allowed settings at random, none twice while others are left"
)
def random(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask for the allowed points in a random order, and then in another one."""
    indices = problem.space.indices
    while True:
        for row in rng.permutation(len(indices)).tolist():
            yield tuple(indices[row].tolist())
