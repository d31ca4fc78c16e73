"""Somebody else's strategy as the search sees it: a generator, played by a host."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import fspath
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from harness.play.host.frames import UNREADABLE, Frame
from harness.play.host.line import Host
from harness.play.host.nursery import OURS, PLAIN, SUPPORTED, keep, let_go
from harness.play.host.values import observation_told, problem_told
from harness.task.limits import BYTES_PER_GB, StrategyLimits
from optimizers.conformance import CheckOutcome
from optimizers.problem import (
    Asking,
    BudgetSpent,
    Problem,
    StrategyError,
    StrategyFailedError,
)
from optimizers.registry import is_ours, written_at
from optimizers.space import Point
from sim.law.registry import is_ours as law_is_ours
from sim.streams import generator_told, move

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_STEP: Final = ("asked", "returned", "passed")
_ANSWERS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "load": ("loaded",),
        "check": ("checked",),
        "close": ("closed",),
        "begin": _STEP,
        "tell": _STEP,
        "spent": _STEP,
    }
)
"""What a host may answer to each question, if nothing was wrong."""


class Hosted:
    """A strategy in a process of its own. Use it as a context manager, or close it.

    It is called like a strategy, once or again after it returned, and runs the same
    code in the same host: what a strategy keeps in its module lasts for one visit.

    Parameters
    ----------
    source
        A name, `module:function` or `file.py:function` of somebody else's.
    limits
        Seconds and memory that it may use.
    """

    def __init__(self, source: str, limits: StrategyLimits) -> None:
        self.name, self._limits = source, limits
        self._source = _absolute(written_at(source) or source)
        self._order = PLAIN if written_at(source) else OURS
        self._host: Host | None = None
        self._used_s = 0.0

    def load(self) -> None:
        """Start the host and let it read the strategy's code.

        A host that is begun again after a failure has what is left of the visit's time.
        Raises StrategyFailedError for what the code raises, and for what is no
        strategy after all.
        """
        if self._host is not None:
            return
        keep()
        try:
            self._host = Host(self.name, self._limits, self._order, self._used_s)
        except BaseException:
            let_go()
            raise
        told = {
            "source": self._source,
            "memory_bytes": int(self._limits.memory_gb * BYTES_PER_GB),
            # the nursery's is that of its start: a notebook may have added to it since
            "path": [fspath(place) or str(Path.cwd()) for place in sys.path],
        }
        try:
            self._ask("load", told)
        except BaseException:
            self._end()
            raise

    def __call__(self, problem: Problem, rng: np.random.Generator) -> Asking:
        """Play the strategy on a problem, as its own generator function would."""
        self.load()
        told, arrays = problem_told(problem)
        begun = {"problem": told, "rng": generator_told(rng)}
        answer = self._ask("begin", begun, **arrays)
        try:
            while answer.kind == "asked":
                try:
                    seen = yield self._point(answer)
                except BudgetSpent:
                    answer = self._ask("spent", NOTHING)
                else:
                    answer = self._ask("tell", observation_told(seen))
        except GeneratorExit:
            if self._host is not None:
                self._ask("close", NOTHING)
            raise
        self._move(rng, answer)
        if answer.kind == "passed":
            raise BudgetSpent
        return None if answer.told.get("point") is None else self._point(answer)

    def findings(self, checks: Iterable[str]) -> Iterator[CheckOutcome]:
        """Run checks of the conformance kit in the host and yield what was found.

        One that ends its process, or does not end itself, is the last.
        """
        for name in checks:
            try:
                answer = self._ask("check", {"check": name})
            except StrategyFailedError as error:
                yield CheckOutcome(name, error.told)
                return
            yield CheckOutcome(name, str(answer.told.get("problem", "told nothing")))

    def close(self) -> None:
        """End the host and every process that came of it: the visit is over."""
        self._end()
        self._used_s = 0.0

    def _end(self) -> None:
        if self._host is not None:
            host, self._host = self._host, None
            self._used_s = host.used_s
            try:
                host.end()
            finally:
                let_go()

    def __enter__(self) -> "Hosted":
        self.load()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, kind: str, told: Mapping[str, Any], **arrays: Any) -> Frame:
        if self._host is None:
            raise StrategyFailedError(self.name, "its process is gone")
        try:
            answer = self._host.ask(kind, told, **arrays)
        except BaseException:
            self._end()
            raise
        text = str(answer.told.get("text", ""))
        if answer.kind == "wrong":
            raise StrategyError(text)
        if answer.kind == "raised":
            raise StrategyFailedError(self.name, text)
        if answer.kind not in _ANSWERS[kind]:
            raise self._nonsense(answer)
        return answer

    def _point(self, answer: Frame) -> Point:
        """Return the point of an answer; what is no point ends the host."""
        try:
            return tuple(int(index) for index in answer.told["point"])
        except UNREADABLE:
            raise self._nonsense(answer) from None

    def _move(self, rng: np.random.Generator, answer: Frame) -> None:
        """Put the search's generator where the strategy left its own."""
        try:
            move(rng, answer.told["rng"])
        except UNREADABLE:
            raise self._nonsense(answer) from None

    def _nonsense(self, answer: Frame) -> StrategyFailedError:
        self._end()
        told = f"its process answered {answer.kind!r} where that means nothing"
        return StrategyFailedError(self.name, told)


def hosted(source: object, limits: StrategyLimits) -> Hosted | None:
    """Return somebody else's strategy in a process of its own; None for ours.

    Also None for a function handed over in Python, and on systems that cannot fork:
    both run unprotected, in the visit's process.
    """
    if not SUPPORTED or not isinstance(source, str) or is_ours(source):
        return None
    return Hosted(source, limits)


def foreign_code(strategies: Iterable[str], laws: Iterable[str | None] = ()) -> str:
    """Return the line that says whose code is about to run; empty if only ours is."""
    theirs = [source for source in dict.fromkeys(strategies) if not is_ours(source)]
    theirs += [law for law in dict.fromkeys(laws) if law and not law_is_ours(law)]
    if not theirs:
        return ""
    where = "in a process of its own" if SUPPORTED else "unprotected"
    return (
        "code that did not come with ccmlab runs with your rights: "
        f"{', '.join(theirs)} {where}"
    )


def _absolute(source: str) -> str:
    """Return a source whose file is found whatever the folder."""
    place, _, function = source.rpartition(":")
    return f"{Path(place).resolve()}:{function}" if place.endswith(".py") else source
