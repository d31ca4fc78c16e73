"""Speed of each strategy's ask and tell, and of one recommendation."""

import time

import numpy as np

from bench.report import Row, best_cpu_s
from optimizers.conformance import ASK_LIMIT_S, noisy_hill
from optimizers.problem import Budget, Problem
from optimizers.recommend import recommend
from optimizers.registry import strategies
from optimizers.search import Search
from optimizers.space import Axis, Space

_MS_PER_S = 1e3
_N_TESTS = (20, 60)


def rows() -> list[Row]:
    """Return the figures of this module."""
    problems = [_device_problem(n_tests) for n_tests in _N_TESTS]
    asks = [_ask(name, problem) for problem in problems for name in strategies()]
    return asks + [_recommend(problem) for problem in problems]


def _device_problem(n_tests: int) -> Problem:
    volts = Axis("amplitude_v", "V", tuple(np.arange(4.5, 7.6, 0.5).tolist()))
    widths = Axis("phase_duration_ms", "ms", (5.14, 5.63, 6.11, 6.60))
    pulses = Axis("n_pulses", "", (1.0, 2.0, 3.0))
    delays = Axis("delay_ms", "ms", tuple(map(float, range(3, 141))))
    space = Space((volts, widths, pulses, delays), lambda point: sum(point) < 140)
    return Problem(space, (0, 0, 1, 7), Budget(evaluations=n_tests), noise_sd=2.0)


def _ask(name: str, problem: Problem) -> Row:
    n_tests = problem.expected_evaluations
    median_s = float(np.median(_run(name, problem)[1][1:]))  # the first makes the mask
    label = f"{name}, {n_tests} tests: ask and tell, median"
    return Row(label, _MS_PER_S * median_s, "ms", _MS_PER_S * ASK_LIMIT_S)


def _recommend(problem: Problem) -> Row:
    log = _run("random", problem)[0].log
    spent_s = best_cpu_s(lambda: recommend(problem, log))
    label = f"recommendation from {len(log)} different settings"
    return Row(label, _MS_PER_S * spent_s, "ms", _MS_PER_S * ASK_LIMIT_S)


def _run(name: str, problem: Problem) -> tuple[Search, list[float]]:
    with Search(name, problem, np.random.default_rng(1)) as search:
        times_s = [time.perf_counter()]
        while (point := search.ask()) is not None:
            search.tell(noisy_hill(problem, point, len(search.log)))
            times_s.append(time.perf_counter())
    return search, np.diff(times_s).tolist()
