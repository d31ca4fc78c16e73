"""Simultaneous perturbation: all axes moved at once, two tests a step."""

import numpy as np

from optimizers.problem import Asking, Observation, Problem
from optimizers.registry import strategy
from optimizers.space import FloatArray

REACH = 0.25
"""First half-distance of a pair in scaled coordinates."""

FIRST_MOVE = 0.1
"""First move, when the two tests differ by one noise SD."""

LONGEST_MOVE = 0.35
"""Part of an axis that one step may move at most."""

STABILITY = 2.0  # Spall's A: keeps the first moves from being much the largest
MOVE_DECAY, REACH_DECAY = 0.602, 0.101  # Spall's recommended exponents

UNREADABLE_NOISE_SDS = 2.0
"""A test without a value counts as worse than its partner by this many noise SDs."""


@strategy(
    "spsa",
    summary="stochastic slopes: two tests either way, all axes at once",
    knows="noise",
)
def spsa(problem: Problem, rng: np.random.Generator) -> Asking:
    """Step along slopes of random pairs (Spall, 1992; gains as Spall, 1998).

    Pairs lie at least one lattice step apart on every axis. Where neither test can be
    read, half of the way back to the first point is gone.
    """
    space, unit = problem.space, problem.noise_sd
    varies = np.array(space.shape) > 1
    first = centre = space.scaled(problem.first)
    step = 0
    while varies.any():
        reach = np.maximum(REACH / (step + 1.0) ** REACH_DECAY, space.steps / 2.0)
        centre = np.where(varies, np.clip(centre, reach, 1.0 - reach), first)
        away = rng.choice([-1.0, 1.0], size=len(centre)) * reach * varies
        above = yield space.from_scaled(_inwards(centre + away))
        below = yield space.from_scaled(_inwards(centre - away))
        if not (above.usable or below.usable):
            centre = (centre + first) / 2.0
            continue
        unit = unit or abs(_difference(above, below, 0.0)) or 1.0
        slope = _difference(above, below, unit) / unit
        decay = ((STABILITY + 1.0) / (STABILITY + 1.0 + step)) ** MOVE_DECAY
        move = FIRST_MOVE * decay * slope * (REACH / reach) * np.sign(away)
        centre = centre + np.clip(move, -LONGEST_MOVE, LONGEST_MOVE)
        step += 1
    return None


def _difference(above: Observation, below: Observation, unit: float) -> float:
    """Return by how much one test is better, an unreadable one taken as worse."""
    if above.usable and below.usable:
        return above.value - below.value
    worse = UNREADABLE_NOISE_SDS * unit
    return worse if above.usable else -worse


def _inwards(coordinates: FloatArray) -> FloatArray:
    return np.clip(coordinates, 0.0, 1.0)
