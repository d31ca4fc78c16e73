"""Speed of each strategy's ask and tell, and of one recommendation."""

import time
from dataclasses import replace
from itertools import product

import numpy as np

from bench.report import Row, timed_row
from bench.timing import Loop, Timing, timed
from optimizers.conformance import ASK_LIMIT_S, noisy_hill
from optimizers.problem import Budget, PastSearch, Problem
from optimizers.recommend import recommend
from optimizers.registry import strategies
from optimizers.search import Search
from optimizers.space import Axis, Space

_MS_PER_S = 1e3
_N_TESTS = (20, 60)
_N_BEFORE = (5, 15)
_LOOPS = 20


def rows() -> list[Row]:
    """Return the figures of this module."""
    problems = [_device_problem(n_tests) for n_tests in _N_TESTS]
    asks = [_ask(name, problem) for problem in problems for name in strategies()]
    told = [_ask_told(name, n) for name, n in product(_learners(), _N_BEFORE)]
    return asks + told + [_recommend(problem) for problem in problems]


def _device_problem(n_tests: int) -> Problem:
    volts = Axis("amplitude_v", "V", tuple(np.arange(4.5, 7.6, 0.5).tolist()))
    widths = Axis("phase_duration_ms", "ms", (5.14, 5.63, 6.11, 6.60))
    pulses = Axis("n_pulses", "", (1.0, 2.0, 3.0))
    delays = Axis("delay_ms", "ms", tuple(map(float, range(3, 141))))
    space = Space((volts, widths, pulses, delays), lambda point: sum(point) < 140)
    return Problem(space, (0, 0, 1, 7), Budget(evaluations=n_tests), noise_sd=2.0)


def _ask(name: str, problem: Problem) -> Row:
    n_tests = problem.expected_evaluations
    label = f"{name}, {n_tests} tests: ask and tell, median"
    return timed_row(label, ask_timing(name, problem), "ms", _MS_PER_S * ASK_LIMIT_S)


def _learners() -> list[str]:
    return [name for name, one in strategies().items() if one.is_ours and one.history]


def _ask_told(name: str, n_before: int) -> Row:
    """Return the row of who is told of earlier searches, every axis open."""
    problem = _open_problem()
    logs = [_run("sobol", problem, n + 2)[0].log for n in range(n_before)]
    past = [PastSearch(problem.space, problem.reference, tuple(log)) for log in logs]
    told = replace(problem, history=tuple(past))
    label = f"{name}, {n_before} searches before, {problem.space.size:,} settings"
    label += ": ask and tell, median"
    return timed_row(label, ask_timing(name, told), "ms", _MS_PER_S * ASK_LIMIT_S)


def _open_problem() -> Problem:
    device = _device_problem(_N_TESTS[0])
    delays = Axis("delay_ms", "ms", tuple(map(float, range(15, 141))))
    return replace(device, space=Space((*device.space.axes[:3], delays)))


def ask_timing(name: str, problem: Problem) -> Timing:
    """Return the median of one search's asks and tells, as a loop took beside it."""
    loop_s = Loop.INTERPRETED.run(_LOOPS)
    median_s = float(np.median(_run(name, problem)[1][1:]))  # the first makes the mask
    loop_s = (loop_s + Loop.INTERPRETED.run(_LOOPS)) / 2.0
    return Timing(median_s, median_s / loop_s)


def _recommend(problem: Problem) -> Row:
    log = _run("random", problem)[0].log
    spent = timed(lambda: recommend(problem, log))
    label = f"recommendation from {len(log)} different settings"
    return timed_row(label, spent, "ms", _MS_PER_S * ASK_LIMIT_S)


def _run(name: str, problem: Problem, seed: int = 1) -> tuple[Search, list[float]]:
    with Search(name, problem, np.random.default_rng(seed)) as search:
        times_s = [time.process_time()]
        while (point := search.ask()) is not None:
            search.tell(noisy_hill(problem, point, len(search.log)))
            times_s.append(time.process_time())
    return search, np.diff(times_s).tolist()
