"""Time beside a calibration loop, so that load and processor cancel.

Each measurement is taken between two runs of a loop of dependent multiply-adds, and
told in units of it. A loop is a millisecond of an undisturbed core of the machine that
the budgets were written for, so a budget of 0.45 s is one of 450 loops on any machine.
"""

import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from statistics import mean, median
from typing import cast

import numba

REPEATS = 5
LOOPS_PER_S = 1000.0
SHARE = 0.1
"""Time of the loops before and after some work, of the time of the work."""
LEAST_LOOPS, MOST_LOOPS = 5, 200
WARM_UP_LOOPS = 5


def _multiply_add(n: int) -> float:
    x = 1.0
    for _ in range(n):
        x = x * 0.999 + 0.5
    return x


class Loop(Enum):
    """What a measurement stands beside: the interpreter or compiled code."""

    INTERPRETED = 16_000
    COMPILED = 360_000

    def run(self, n: int) -> float:
        """Return the CPU seconds of one loop, the mean of `n`."""
        work = _multiply_add if self is Loop.INTERPRETED else _compiled()
        began = time.process_time()
        for _ in range(n):
            work(self.value)
        return (time.process_time() - began) / n


@cache
def _compiled() -> Callable[[int], float]:
    work = cast(Callable[[int], float], numba.njit(_multiply_add))
    work(1)
    return work


@dataclass(frozen=True, slots=True)
class Timing:
    """How long work took: CPU seconds as the machine was, and loops."""

    cpu_s: float
    loops: float

    def __truediv__(self, n: float) -> "Timing":
        return Timing(self.cpu_s / n, self.loops / n)

    def __mul__(self, n: float) -> "Timing":
        return Timing(self.cpu_s * n, self.loops * n)

    def __sub__(self, other: "Timing") -> "Timing":
        return Timing(self.cpu_s - other.cpu_s, self.loops - other.loops)


def timed(
    work: Callable[[], object],
    *,
    calls: int = 1,
    repeats: int = REPEATS,
    loop: Loop = Loop.INTERPRETED,
) -> Timing:
    """Return what one call of `work` takes, after one to warm it up.

    Parameters
    ----------
    work
        What is measured, in this process alone.
    calls
        How often it is called between two calibrations; more for short work.
    repeats
        Of how many measurements the median is taken.
    """

    def spent_s() -> float:
        began = time.process_time()
        for _ in range(calls):
            work()
        return time.process_time() - began

    return interleaved(spent_s, repeats=repeats, loop=loop) / calls


def timed_process(command: Sequence[object], *, repeats: int = REPEATS) -> Timing:
    """Return the CPU time of a fresh process and its children, user and system."""
    words = [str(word) for word in command]

    def spent_s() -> float:
        before = _children_s()
        subprocess.run(words, check=True, capture_output=True)
        return _children_s() - before

    return interleaved(spent_s, repeats=repeats)


def interleaved(
    spent_s: Callable[[], float],
    *,
    repeats: int = REPEATS,
    loop: Loop = Loop.INTERPRETED,
) -> Timing:
    """Return the median of what `spent_s` says, taken by turns with the loop.

    It is called once more at the start, for whatever happens only the first time.
    """
    n = round(spent_s() * SHARE * LOOPS_PER_S)
    n = min(max(n, LEAST_LOOPS), MOST_LOOPS)
    loop.run(WARM_UP_LOOPS)
    figures, ratios = [], []
    before_s = loop.run(n)
    for _ in range(repeats):
        figures.append(spent_s())
        after_s = loop.run(n)
        ratios.append(figures[-1] / mean((before_s, after_s)))
        before_s = after_s
    return Timing(median(figures), median(ratios))


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
