"""What is said between a strategy and its search, apart from budget and log keeping.

The life of a question. A strategy asks for a point. If the log already knows it, and it
may be told so, the answer comes from there; else the point goes out to be tested, and
the dialogue waits with it. A strategy that returns is begun again, or its leading
candidates are repeated: minutes that are left are still worth readings. Two loops could
run for ever and are bounded: one that asks only for what the log knows, and one that is
begun again without having tested anything new. At the end of the budget `BudgetSpent`
comes out of the `yield` that is open, and a strategy may return its choice.
"""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from optimizers.asked import checked_point
from optimizers.problem import (
    Asking,
    BudgetSpent,
    Observation,
    Problem,
    Strategy,
    StrategyError,
)
from optimizers.recommend import posterior_mean
from optimizers.rivals import replicate
from optimizers.space import Point

OnFinish = Literal["restart", "replicate", "stop"]
Dialogue = Generator[Point, Observation | None, None]

MAX_CACHED_ANSWERS = 200
"""A strategy that only repeats itself this often in a row is taken to have finished."""


@dataclass(slots=True)
class Notes:
    """The log, kept by the search, and the strategy's own choice, kept here."""

    log: list[Observation] = field(default_factory=list)
    own: Point | None = None


def dialogue(
    strategy: Strategy,
    problem: Problem,
    rng: np.random.Generator,
    *,
    notes: Notes,
    on_finish: OnFinish,
    cached: bool,
) -> Dialogue:
    """Yield the points to test and be sent what was seen.

    The reference comes first. A strategy that returns early is begun again at the best
    point, or the leading candidates are repeated, as `on_finish` says; a run that
    tested nothing new is not begun again.
    """
    yield problem.reference
    begun = problem
    while True:
        tested_before = len(notes.log)
        yield from _one_run(strategy, begun, rng, notes=notes, cached=cached)
        if on_finish == "stop":
            return
        if on_finish == "replicate" or len(notes.log) == tested_before:
            break
        best = posterior_mean(problem, notes.log)
        begun = replace(problem, start=best.point if best else None)
    yield from replicate(problem, notes.log)


def _one_run(
    strategy: Strategy,
    problem: Problem,
    rng: np.random.Generator,
    *,
    notes: Notes,
    cached: bool,
) -> Dialogue:
    """Run a strategy to its end; a BudgetSpent is passed on to it and then outwards."""
    running = strategy(problem, rng)
    if not isinstance(running, Generator):
        raise StrategyError(
            f"a strategy must be a generator function, this one returned {running!r}"
        )
    try:
        yield from _questions(running, problem, notes, cached)
    except BudgetSpent:  # thrown by the search at whichever point was last asked
        _let_choose(running, problem, notes)
        raise
    finally:
        running.close()


def _questions(
    running: Asking, problem: Problem, notes: Notes, cached: bool
) -> Dialogue:
    """Yield what must be tested; answer from the log what need not be."""
    n_from_log = 0
    answer: Observation | None = None
    while (point := _next_point(running, answer, problem, notes)) is not None:
        # many begin at the reference, which the search has had tested already
        is_opening = answer is None and point == problem.reference
        known = _known(notes.log, point) if is_opening or cached else None
        n_from_log = n_from_log + 1 if known else 0
        if n_from_log > MAX_CACHED_ANSWERS:
            return
        answer = known or (yield point)


def _next_point(
    running: Asking, answer: Observation | None, problem: Problem, notes: Notes
) -> Point | None:
    """Return the strategy's next ask, or None when it has returned."""
    try:
        asked = next(running) if answer is None else running.send(answer)
    except StopIteration as stop:
        _note_choice(stop.value, problem, notes)
        return None
    return checked_point(asked, problem)


def _let_choose(running: Asking, problem: Problem, notes: Notes) -> None:
    """Tell a strategy that the budget is spent and note what it returns."""
    try:
        running.throw(BudgetSpent())
    except StopIteration as stop:
        _note_choice(stop.value, problem, notes)
    except BudgetSpent:
        pass


def _note_choice(choice: object, problem: Problem, notes: Notes) -> None:
    if choice is not None:
        notes.own = checked_point(choice, problem)


def _known(log: list[Observation], point: Point) -> Observation | None:
    return next((seen for seen in reversed(log) if seen.asked == point), None)
