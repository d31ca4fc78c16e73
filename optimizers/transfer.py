"""Search that learns from earlier patients, or from earlier visits of the same one.

As `gp`, by the belief of `shared`: what earlier searches showed moves the mean before
the first test, as far as it explains what is read. Without a history it has nobody to
learn from, and is a Gaussian process of its own.
"""

from collections.abc import Sequence

import numpy as np

from optimizers.gp import (
    GpBelief,
    candidates_now,
    expected_gain,
    tolerated_chance,
)
from optimizers.problem import Asking, Observation, Problem, refused_points
from optimizers.registry import strategy
from optimizers.shared import shared_belief
from optimizers.space import FloatArray, Point


@strategy(
    "transfer",
    summary="Gaussian process that learns from earlier searches, expected improvement",
    recommender="transfer",
    knows="noise",
    history=True,
)
def transfer(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask for the setting with the highest expected improvement that is tolerated.

    Expected improvement and feasibility as in `gp`; the belief has what earlier
    searches showed.
    """
    log: list[Observation] = [(yield problem.reference)]
    while (point := _next(problem, log, rng)) is not None:
        seen = yield point
        if any(seen is known for known in log):
            return None  # answered from the log: repeats tell nothing more
        log.append(seen)
    return None


def _next(
    problem: Problem, log: Sequence[Observation], rng: np.random.Generator
) -> Point | None:
    candidates = candidates_now(problem, log, rng)
    if not candidates or problem.reference in refused_points(log):
        return candidates[0] if candidates else None
    if not any(seen.usable for seen in log):
        return candidates[int(rng.integers(len(candidates)))]
    return candidates[int(np.argmax(hopes(problem, log, candidates)))]


def hopes(
    problem: Problem, log: Sequence[Observation], candidates: Sequence[Point]
) -> FloatArray:
    """Return how much is hoped for at some points, (m,), 1 for the best of them."""
    belief = shared_belief(problem, log, candidates)
    tested = {seen.tested for seen in log if seen.usable}
    known = np.array([point in tested for point in candidates])
    each = [
        expected_gain(GpBelief(mean, sd, 0.0), known)
        for mean, sd in zip(belief.mean, belief.sd, strict=True)
    ]
    hoped = np.asarray(belief.weight @ each)
    places = np.array(candidates) * problem.space.steps
    hoped = hoped * tolerated_chance(problem, log, places)
    highest = float(hoped.max())
    # rounded, so that two machines whose last bit differs test the same point
    return np.round(hoped / (highest or 1.0), 9)
