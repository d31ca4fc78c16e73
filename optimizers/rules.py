"""Rules without a search: a fixed width and delay at the highest tolerated amplitude.

What a search has to beat. The amplitude is raised step by step from what was found, or
lowered where that is felt, and the highest tolerated setting is returned: with the
recommender `own` and a gate of 0 the rule is followed, behind a gate it is kept only if
it reads better than what was found.
"""

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from optimizers.problem import Asking, Observation, Problem
from optimizers.registry import strategy
from optimizers.space import Point

AMPLITUDE: Final = "amplitude_v"
FACTORY: Final[Mapping[str, float]] = MappingProxyType(
    {"phase_duration_ms": 5.14, "delay_ms": 35.0, "n_pulses": 2.0}
)
TEXTBOOK: Final = MappingProxyType({**FACTORY, "phase_duration_ms": 6.60})
"""The widest pulse there is, else as the factory."""


@strategy(
    "factory-rule",
    summary="rule: highest tolerated amplitude at the factory's width and delay",
    recommender="own",
)
def factory_rule(problem: Problem, rng: np.random.Generator) -> Asking:
    """Raise the amplitude at the factory's timing; needs no random number."""
    return (yield from _highest_tolerated(problem, FACTORY))


@strategy(
    "textbook",
    summary="rule: highest tolerated amplitude at the widest pulse, 35 ms",
    recommender="own",
)
def textbook(problem: Problem, rng: np.random.Generator) -> Asking:
    """Raise the amplitude at the textbook's timing; needs no random number."""
    return (yield from _highest_tolerated(problem, TEXTBOOK))


def _highest_tolerated(problem: Problem, rule: Mapping[str, float]) -> Asking:
    """Test amplitudes from the reference's on, up while tolerated, else down."""
    known = {name: at for name, at in rule.items() if name in problem.space.names}
    levels = [problem.point(**known)]
    if AMPLITUDE in problem.space.names:
        axis = problem.space.axes[problem.space.names.index(AMPLITUDE)]
        levels = [problem.point(**known, amplitude_v=v) for v in axis.values]
        levels = list(dict.fromkeys(levels))
    first = problem.point(**known)
    start = levels.index(first) if first in levels else 0
    best = yield from _walk(levels[start:])
    if best is None:
        best = yield from _walk(levels[:start][::-1], until_tolerated=True)
    return best


def _walk(
    levels: list[Point], *, until_tolerated: bool = False
) -> Generator[Point, Observation, Point | None]:
    """Test levels in order; return the last tolerated before one that is not."""
    best: Point | None = None
    for point in levels:
        seen = yield point
        tolerated = seen.tolerated and seen.tested == seen.asked
        if tolerated:
            best = point
        if tolerated == until_tolerated:
            return best
    return best
