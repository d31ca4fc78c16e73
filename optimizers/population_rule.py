"""The rule of who knows people and reads nothing: the best setting for all on average.

What `cohort-bayes` believes before its first test, followed whatever is read. Beside
the rules of `rules` it shows what knowing people is worth, beside `cohort-bayes` what
reading adds.
"""

from collections.abc import Sequence

import numpy as np

from optimizers.cohort_bayes import (
    N_LOOKED_AT,
    NEAR,
    bearable,
    not_ruled_out,
    within_reach,
)
from optimizers.population import Insight, Rows, infer
from optimizers.problem import Asking, Observation, Problem
from optimizers.registry import strategy
from optimizers.space import Point


@strategy(
    "population-rule",
    summary="rule: the best setting for simulated people on average, nothing read",
    recommender="own",
    knows="people",
)
def population_rule(problem: Problem, rng: np.random.Generator) -> Asking:
    """Go to the best setting on average and return it; needs no random number.

    What is probably felt too much is passed over, as `cohort-bayes` does before its
    first test; on gradual axes it goes step by step. What is not tolerated rules out
    all that goes as far, and the next best is gone to. Where nobody is known, the
    reference is kept.
    """
    log: list[Observation] = [(yield problem.reference)]
    if problem.population is None:
        return problem.reference
    insight = infer(problem, ())
    every = np.arange(problem.space.size)
    # all at once they take 30 MB and more
    parts = np.split(every, range(N_LOOKED_AT, len(every), N_LOOKED_AT))
    average = np.concatenate([insight.mean(rows) for rows in parts])
    # rounded, so that two machines whose last bit differs go to the same point
    best_first = np.argsort(-np.round(average, NEAR), kind="stable")
    while (best := _best(insight, log, best_first)) is not None:
        step = _step(problem, log, best)
        if step in {seen.asked for seen in log}:
            return best if step == best else None  # is there, or gets no further
        log.append((yield step))
    return None


def _best(
    insight: Insight, log: Sequence[Observation], best_first: Rows
) -> Point | None:
    """Return the first point that is bearable and not ruled out, if there is one."""
    space = insight.problem.space
    left = best_first[not_ruled_out(insight.problem, log)[best_first]]
    for start in range(0, len(left), N_LOOKED_AT):
        rows = bearable(insight, left[start : start + N_LOOKED_AT])
        if len(rows):
            return tuple(space.indices[rows[0]].tolist())
    return None


def _step(problem: Problem, log: Sequence[Observation], best: Point) -> Point:
    """Return the best point itself, or the one as far towards it as a test may go."""
    step = tuple(map(min, best, within_reach(problem, log)))
    return step if problem.space.contains(step) else best
