"""Contenders that do what no contender should, and a search played on them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.play.host.hosted import Hosted
from harness.play.host.nursery import kept
from harness.task.limits import StrategyLimits
from optimizers.problem import Budget, Observation, Population, Problem, Strategy
from optimizers.search import Search
from optimizers.space import Axis, Space

LIMITS = StrategyLimits(answer_s=60.0, visit_s=120.0, memory_gb=2.0)
Searched = Callable[..., Search]


@pytest.fixture(scope="session", autouse=True)
def nursery() -> Iterator[None]:
    """Keep one nursery for all tests of hosts."""
    with kept():
        yield


@pytest.fixture
def problem() -> Problem:
    volts = Axis("amplitude_v", "V", tuple(np.arange(4.5, 7.6, 0.5).tolist()))
    delays = Axis("delay_ms", "ms", tuple(map(float, range(15, 46))))
    space = Space((volts, delays), lambda point: sum(point) < 30)
    known = Population(np.zeros((3, space.size)), np.ones((3, space.size)))
    budget = Budget(evaluations=6)
    return Problem(space, (1, 4), budget, noise_sd=1.5, population=known)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes a file of strategies."""

    def written(text: str) -> Path:
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def searched() -> Searched:
    """Return what plays any strategy on a problem, and gives the search."""

    def played(
        strategy: Strategy,
        problem: Problem,
        **options: Any,
    ) -> Search:
        rng = np.random.default_rng(4)
        with Search(strategy, problem, rng, **options) as search:
            while (point := search.ask()) is not None:
                away = problem.space.scaled(point) - 0.6
                search.tell(Observation(point, point, -float(away @ away)))
        return search

    return played


@pytest.fixture
def play(problem: Problem, searched: Searched) -> Searched:
    """Return what plays a strategy in a host, and gives the search."""

    def played(
        source: str, *, limits: StrategyLimits = LIMITS, **options: Any
    ) -> Search:
        with Hosted(source, limits) as strategy:
            return searched(strategy, problem, **options)

    return played
