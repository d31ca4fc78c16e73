"""Replication: the leader of a search and its strongest rival, tested again in turn.

A leader chosen among noisy readings is partly lucky. Testing it or its rival again,
whichever is known less well, is what shrinks that luck before the search recommends.
"""

from collections.abc import Sequence

import numpy as np

from optimizers.posterior import believe, pool
from optimizers.problem import Asking, Observation, Problem
from optimizers.recommend import first_highest, tolerated_points
from optimizers.space import Point


def leader_or_rival(problem: Problem, log: Sequence[Observation]) -> Point:
    """Return the leader or its strongest rival, whichever is known less well.

    The rival is the tolerated point with the highest belief plus one standard error.
    Without a tolerated point it is the reference, and so it is without a rival.
    """
    points = [p for p in tolerated_points(problem, log) if p != problem.reference]
    if not points:
        return problem.reference
    beliefs = believe(problem, pool(problem, log), points)
    leader = first_highest(beliefs.value, points)
    hopes = beliefs.value + beliefs.standard_error
    hopes[leader] = -np.inf
    rival = first_highest(hopes, points) if len(points) > 1 else leader
    errors = beliefs.standard_error
    return points[rival if errors[rival] > errors[leader] else leader]


def replicate(problem: Problem, log: list[Observation]) -> Asking:
    """Ask for leader or rival until the budget is spent; `log` grows meanwhile."""
    while True:
        yield leader_or_rival(problem, log)
