"""One search: asks a strategy, keeps budget and log, and recommends.

Between `ask` and `tell` a test is made by somebody else, which may take minutes or be
the end of the visit. The search therefore holds three things that may lie open: a point
asked and not yet told, an observation told and not yet handed to the strategy, and a
strategy that has not ended. An observation is handed on only when the next point is
wanted: a caller who stops after `tell` has paid for no more thinking, and `close` still
lets the strategy see its last reading.
"""

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self, get_args

import numpy as np

from optimizers.dialogue import Notes, OnFinish, dialogue
from optimizers.problem import BudgetSpent, Observation, Problem, Spent, Strategy
from optimizers.recommend import (
    GATE_PROBABILITY,
    Recommendation,
    recommend,
    recommender_named,
)
from optimizers.registry import load_strategy
from optimizers.space import Point

Duplicates = Literal["remeasure", "cached"]


class ReplayError(ValueError):
    """A replayed strategy asked for another point than the log has."""


class Search:
    """Runs a strategy against a problem: ask, test elsewhere, tell, recommend.

    The reference is always tested first, whether the strategy asks for it or not; a
    strategy that does is told the same reading. Use it as a context manager, so that a
    strategy with a worker thread is always stopped.

    Parameters
    ----------
    strategy
        A generator function, or what `load_strategy` understands.
    problem
        Space, reference, budget, noise.
    rng
        The strategy's own stream.
    on_finish
        When the strategy returns early: begin it again at the best point, repeat the
        leading candidates, or stop. A restart that asks nothing new repeats them too.
    recommender
        A name in `optimizers.recommend.RECOMMENDERS`.
    duplicates
        Whether a point asked again is measured again or answered from the log.
    gate_probability
        The reference is kept unless better with more than this probability.

    Examples
    --------
    >>> from optimizers.problem import Budget
    >>> from optimizers.space import Axis, Space
    >>> space = Space((Axis("delay_ms", "ms", (10.0, 20.0, 30.0)),))
    >>> problem = Problem(space, (0,), Budget(evaluations=4), noise_sd=0.1)
    >>> with Search("random", problem, np.random.default_rng(1)) as search:
    ...     while (point := search.ask()) is not None:
    ...         search.tell(Observation(point, point, value=float(point[0])))
    >>> search.recommend().point
    (2,)
    """

    def __init__(
        self,
        strategy: Strategy | str,
        problem: Problem,
        rng: np.random.Generator,
        *,
        on_finish: OnFinish = "restart",
        recommender: str = "posterior_mean",
        duplicates: Duplicates = "remeasure",
        gate_probability: float = GATE_PROBABILITY,
    ) -> None:
        _check_choice("on_finish", on_finish, get_args(OnFinish))
        _check_choice("duplicates", duplicates, get_args(Duplicates))
        recommender_named(recommender)
        run = load_strategy(strategy) if isinstance(strategy, str) else strategy
        cached = duplicates == "cached"
        self._problem = problem
        self._recommender = recommender
        self._gate_probability = gate_probability
        self._notes = Notes()
        self._spent = Spent()
        self._pending: Point | None = None  # asked of the caller, not yet told
        self._untold: Observation | None = None  # told to us, not yet to the strategy
        self._closed = False
        self._dialogue = dialogue(
            run, problem, rng, notes=self._notes, on_finish=on_finish, cached=cached
        )

    @property
    def problem(self) -> Problem:
        """The problem as the search was given it."""
        return self._problem

    @property
    def log(self) -> tuple[Observation, ...]:
        """Every observation told so far."""
        return tuple(self._notes.log)

    @property
    def own(self) -> Point | None:
        """The point that the strategy returned, if it has."""
        return self._notes.own

    @property
    def spent(self) -> Spent:
        """What the tests have cost so far."""
        return self._spent

    def ask(self) -> Point | None:
        """Return the point to test next, or None when the search is over.

        Asked again before `tell`, it returns the same point. Raises StrategyError when
        the strategy asks for something that is not an allowed point, and whatever the
        strategy itself raises; the search is over then.
        """
        # asking twice must not move the strategy: a page may be loaded again
        if self._pending is None and not self._closed:
            self._pending = self._advance()
        return self._pending

    def tell(self, observation: Observation) -> None:
        """Take in what was seen at the point asked last.

        Raises ValueError when nothing was asked, when `asked` is another point, and
        when `tested` is not on the lattice.
        """
        if self._pending is None:
            raise ValueError("tell needs a point that was asked; call ask first")
        if observation.asked != self._pending:
            raise ValueError(
                f"tell expects the observation of {self._pending}, "
                f"got that of {observation.asked}"
            )
        if not self._problem.space.on_lattice(observation.tested):
            raise ValueError(f"tested point {observation.tested} is not on the lattice")
        # the log and the budget are the search's: a strategy cannot forget or overdraw
        self._notes.log.append(observation)
        self._spent = self._spent.plus(observation)
        self._untold = observation
        self._pending = None

    def replay(self, observations: Sequence[Observation]) -> None:
        """Bring a fresh search to where a recorded one was.

        Raises ReplayError when the strategy asks otherwise than it did.
        """
        for number, seen in enumerate(observations, start=1):
            asked = self.ask()
            if asked != seen.asked:
                raise ReplayError(
                    f"replay of test {number}: the strategy asks {asked}, "
                    f"the log has {seen.asked}; strategy, seed or problem differ"
                )
            self.tell(seen)

    def recommend(self) -> Recommendation:
        """Return the choice so far, behind the gate; the search may go on."""
        return recommend(
            self._problem,
            self._notes.log,
            recommender=self._recommender,
            own=self._notes.own,
            gate_probability=self._gate_probability,
        )

    def close(self) -> None:
        """End the search: the strategy learns that the budget is spent.

        The strategy is sent its last observation first, so that it may use it for its
        own recommendation.
        """
        if not self._closed and self._untold is not None:
            self._advance()
        if not self._closed:
            self._end()
        self._pending = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # after an error the strategy is not asked for a last word
        if error is None:
            self.close()
        else:
            self._closed, self._pending = True, None
            self._dialogue.close()

    def _advance(self) -> Point | None:
        """Hand on what was told and return what is asked next, if it may be tested."""
        answer, self._untold = self._untold, None
        going_on = False
        try:
            point = self._dialogue.send(answer)
            going_on = True
        except StopIteration:
            return None
        finally:
            self._closed = not going_on
        # the strategy has seen its last reading by now, and may choose by it
        if self._spent.exhausts(self._problem.budget):
            self._end()
            return None
        return point

    def _end(self) -> None:
        self._closed = True
        # returning and letting it pass are both good manners
        with suppress(StopIteration, BudgetSpent):
            self._dialogue.throw(BudgetSpent())
        self._dialogue.close()


def _check_choice(name: str, choice: str, allowed: Sequence[str]) -> None:
    if choice not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {choice!r}")
