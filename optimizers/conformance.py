"""The checks every strategy must pass, ours and anybody's.

Each check runs a strategy on small invented problems and raises `ConformanceError` with
what went wrong. `check_strategy` runs them all and reports.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import inf, nan
from types import MappingProxyType

import numpy as np

from optimizers.dialogue import OnFinish
from optimizers.problem import Budget, Observation, Problem, Strategy, error_told
from optimizers.search import Duplicates, Search
from optimizers.space import Axis, Point, Space

N_TESTS = 25
"""Tests in each run: past a simplex and a first sweep, quick even so."""

ASK_LIMIT_S = 0.02
"""Median CPU time a strategy may take for one ask and tell."""

THREAD_LIMIT_S = 5.0
NOISE_SD = 2.0
SEED = 7

Reading = Callable[[Problem, Point, int], Observation]
"""What is seen at a point in the test of some number."""


class ConformanceError(Exception):
    """A strategy does not do what every strategy must."""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """Outcome of one check: `problem` is empty when it was passed."""

    check: str
    problem: str

    @property
    def passed(self) -> bool:
        """Whether the strategy passed."""
        return not self.problem


def check_strategy(strategy: Strategy) -> tuple[CheckOutcome, ...]:
    """Run every check on a strategy and return what was found, check by check."""
    return tuple(finding(name, strategy) for name in CHECKS)


def finding(name: str, strategy: Strategy) -> CheckOutcome:
    """Run one check, by its name, on a strategy and return what was found."""
    try:
        CHECKS[name](strategy)
    except ConformanceError as error:
        return CheckOutcome(name, str(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 anybody's code runs here; report it
        return CheckOutcome(name, f"raised {error_told(error)}")
    return CheckOutcome(name, "")


def problems_for(strategy: Strategy) -> Mapping[str, Problem]:
    """Return the invented problems that have the axes a strategy names, by name.

    A strategy that is written for certain axes says so in an attribute `axes`, a tuple
    of their names. Raises ConformanceError where no problem has them.
    """
    axes = tuple(getattr(strategy, "axes", ()))
    every = dict(problems())
    if "n_pulses" in axes:
        every["pulses"] = _pulses()
    found = {
        name: problem
        for name, problem in every.items()
        if set(axes) <= set(problem.space.names)
    }
    if not found:
        known = dict.fromkeys(n for p in every.values() for n in p.space.names)
        raise ConformanceError(
            f"no problem has the axes {', '.join(axes)}; known: {', '.join(known)}"
        )
    return MappingProxyType(found)


def problems() -> Mapping[str, Problem]:
    """Return all invented problems the checks run on, by name, the device's first."""
    volts = Axis("amplitude_v", "V", tuple(np.arange(4.5, 7.6, 0.5).tolist()))
    widths = Axis("phase_duration_ms", "ms", (5.14, 5.63, 6.11, 6.60))
    delays = Axis("delay_ms", "ms", tuple(map(float, range(3, 46))))
    other = Axis("temperature", "", (1.0, 2.0, 4.0))
    fixed = Axis("n_pulses", "", (2.0,))
    spaces = {
        "device": (Space((volts, widths, delays)), (0, 0, 7)),
        "coupled": (Space((volts, delays), lambda point: sum(point) < 40), (2, 20)),
        "unknown axes": (Space((other, fixed)), (1, 0)),
        "one axis": (Space((delays,)), (42,)),
        "one point": (Space((fixed,)), (0,)),
    }
    budget = Budget(evaluations=N_TESTS)
    return MappingProxyType(
        {
            name: Problem(space, reference, budget, noise_sd=NOISE_SD)
            for name, (space, reference) in spaces.items()
        }
    )


def _pulses() -> Problem:
    """Return the problem of the device with its number of pulses, for who names it."""
    device = problems()["device"]
    space = Space((*device.space.axes, Axis("n_pulses", "", (1.0, 2.0, 3.0))))
    return Problem(space, (0, 0, 7, 1), device.budget, noise_sd=NOISE_SD)


def _first(strategy: Strategy) -> Problem:
    return next(iter(problems_for(strategy).values()))


def run(
    strategy: Strategy,
    problem: Problem,
    read: Reading,
    *,
    on_finish: OnFinish = "restart",
    duplicates: Duplicates = "remeasure",
) -> Search:
    """Run a search to its end and return it, closed."""
    rng = np.random.default_rng(SEED)
    with Search(
        strategy, problem, rng, on_finish=on_finish, duplicates=duplicates
    ) as search:
        for _ in _tests(search, read):
            pass
    return search


def _tests(search: Search, read: Reading) -> Iterator[Observation]:
    while (point := search.ask()) is not None:
        observation = read(search.problem, point, len(search.log))
        search.tell(observation)
        yield observation


def noisy_hill(problem: Problem, point: Point, number: int) -> Observation:
    """Read a hill with its top inside the space; errors keyed by the test's number."""
    away = problem.space.scaled(point) - 0.6
    error = np.random.default_rng((SEED, number)).normal(0.0, NOISE_SD)
    value = -8.0 * float(away @ away) + float(error)
    return _completed(point, value)


def constant(problem: Problem, point: Point, number: int) -> Observation:
    """Read 0 everywhere."""
    return _completed(point, 0.0)


def not_a_number(problem: Problem, point: Point, number: int) -> Observation:
    """Read nan everywhere, though no test is broken off."""
    return _completed(point, nan)


def minus_infinity(problem: Problem, point: Point, number: int) -> Observation:
    """Read minus infinity everywhere but at the reference."""
    return _completed(point, 0.0 if point == problem.reference else -inf)


def aborted_sometimes(problem: Problem, point: Point, number: int) -> Observation:
    """Break off every third test, as if it was felt."""
    return _felt(point) if number % 3 == 2 else noisy_hill(problem, point, number)


def aborted_always(problem: Problem, point: Point, number: int) -> Observation:
    """Break every test off, that of the reference included."""
    return _felt(point)


def tested_elsewhere(problem: Problem, point: Point, number: int) -> Observation:
    """Test the reference whatever is asked, as a strict filter would."""
    return Observation(point, problem.reference, 0.0, standard_error=NOISE_SD)


def tested_outside_the_rules(
    problem: Problem, point: Point, number: int
) -> Observation:
    """Test the last point of the lattice, which coupled rules may not allow."""
    last = tuple(n_values - 1 for n_values in problem.space.shape)
    return Observation(point, last, float(number), standard_error=NOISE_SD)


def _completed(point: Point, value: float) -> Observation:
    return Observation(
        point, point, value, standard_error=NOISE_SD, minutes=2.0, beats=140
    )


def _felt(point: Point) -> Observation:
    channels = MappingProxyType({"sensation": 3.0})
    return Observation(
        point, point, nan, channels=channels, aborted="felt", minutes=0.5, events=1
    )


READINGS: Mapping[str, Reading] = MappingProxyType(
    {
        "noisy hill": noisy_hill,
        "constant": constant,
        "not a number": not_a_number,
        "minus infinity": minus_infinity,
        "aborted sometimes": aborted_sometimes,
        "aborted always": aborted_always,
        "tested elsewhere": tested_elsewhere,
        "tested outside the rules": tested_outside_the_rules,
    }
)


def check_budget(strategy: Strategy) -> None:
    """Never ask for more tests than the budget has, and use them all."""
    for name, problem in problems_for(strategy).items():
        n_tests = len(run(strategy, problem, noisy_hill).log)
        if n_tests != N_TESTS:
            raise ConformanceError(f"{name}: {n_tests} tests of a budget of {N_TESTS}")


def check_every_objective(strategy: Strategy) -> None:
    """Keep to the lattice and the budget whatever is seen."""
    for problem_name, problem in problems_for(strategy).items():
        for reading_name, read in READINGS.items():
            search = run(strategy, problem, read)
            _check_log(f"{problem_name}, {reading_name}", search)


def check_on_finish(strategy: Strategy) -> None:
    """Work with every way to go on after an early end, and with cached repeats."""
    ways: tuple[OnFinish, ...] = ("restart", "replicate", "stop")
    repeats: tuple[Duplicates, ...] = ("remeasure", "cached")
    for on_finish in ways:
        for duplicates in repeats:
            for name, problem in _two_of(problems_for(strategy)):
                search = run(
                    strategy,
                    problem,
                    noisy_hill,
                    on_finish=on_finish,
                    duplicates=duplicates,
                )
                _check_log(f"{name}, {on_finish}, {duplicates}", search)


def _two_of(found: Mapping[str, Problem]) -> list[tuple[str, Problem]]:
    """Return the problems of the device and of unknown axes; else the first."""
    two = [(name, found[name]) for name in ("device", "unknown axes") if name in found]
    return two or [next(iter(found.items()))]


def _check_log(place: str, search: Search) -> None:
    problem = search.problem
    if len(search.log) > N_TESTS:
        raise ConformanceError(f"{place}: {len(search.log)} tests of {N_TESTS}")
    for seen in search.log:
        if not problem.space.contains(seen.asked):
            raise ConformanceError(f"{place}: asked {seen.asked}, not in the space")
    chosen = search.recommend().point
    if chosen != problem.reference and chosen not in {x.tested for x in search.log}:
        raise ConformanceError(f"{place}: {chosen} recommended, never tested")


def check_same_seed_same_asks(strategy: Strategy) -> None:
    """Ask the same points again when run again with the same seed."""
    for name, problem in problems_for(strategy).items():
        first, again = (run(strategy, problem, noisy_hill) for _ in range(2))
        _check_equal(name, first, again)


def _check_equal(name: str, first: Search, again: Search) -> None:
    for number, (one, two) in enumerate(zip(first.log, again.log, strict=True)):
        if one.asked != two.asked:
            raise ConformanceError(
                f"{name}: test {number + 1} asks {one.asked}, then {two.asked} "
                f"with the same seed; draw only from the given generator"
            )


def check_replay(strategy: Strategy) -> None:
    """Go on from a replayed log as if never interrupted."""
    for name, problem in problems_for(strategy).items():
        whole = run(strategy, problem, noisy_hill)
        with Search(strategy, problem, np.random.default_rng(SEED)) as resumed:
            resumed.replay(whole.log[: N_TESTS // 2])
            for _ in _tests(resumed, noisy_hill):
                pass
        _check_equal(name, whole, resumed)


def check_early_close(strategy: Strategy) -> None:
    """Leave no thread behind when closed, abandoned or collected midway."""
    problem = _first(strategy)
    before = set(threading.enumerate())
    gc.freeze()  # what was there before need not be looked through each time
    try:
        for leave in (_close_midway, _fail_midway, _drop_midway):
            for n_tests in (0, 1, 5):
                leave(strategy, problem, n_tests)
                _check_threads(before, f"{leave.__name__[1:]} after {n_tests} tests")
    finally:
        gc.unfreeze()


def _close_midway(strategy: Strategy, problem: Problem, n_tests: int) -> None:
    with Search(strategy, problem, np.random.default_rng(SEED)) as search:
        list(islice(_tests(search, noisy_hill), n_tests))
        search.ask()
    if search.ask() is not None:
        raise ConformanceError("a closed search still asks")


def _fail_midway(strategy: Strategy, problem: Problem, n_tests: int) -> None:
    search = Search(strategy, problem, np.random.default_rng(SEED))
    list(islice(_tests(search, noisy_hill), n_tests))
    search.__exit__(KeyError, KeyError("the visit broke off"), None)


def _drop_midway(strategy: Strategy, problem: Problem, n_tests: int) -> None:
    search = Search(strategy, problem, np.random.default_rng(SEED))
    list(islice(_tests(search, noisy_hill), n_tests))
    del search
    gc.collect()


def _check_threads(before: set[threading.Thread], place: str) -> None:
    until = time.monotonic() + THREAD_LIMIT_S
    while left := [t for t in threading.enumerate() if t not in before]:
        if time.monotonic() > until:
            raise ConformanceError(f"{place}: thread {left[0].name} still runs")
        time.sleep(0.001)


def check_two_at_once(strategy: Strategy) -> None:
    """Run two searches in turns with the same asks as one after the other."""
    problem = _first(strategy)
    alone = run(strategy, problem, noisy_hill)
    first, second = (
        Search(strategy, problem, np.random.default_rng(SEED)) for _ in range(2)
    )
    with first, second:
        turns = zip(_tests(first, noisy_hill), _tests(second, noisy_hill), strict=True)
        for _ in turns:
            pass
    _check_equal("two at once", alone, first)
    _check_equal("two at once", alone, second)


def check_speed(strategy: Strategy) -> None:
    """Take under 20 ms of CPU time (median) for one ask and tell."""
    search = Search(
        strategy, _first(strategy), np.random.default_rng(SEED), on_finish="stop"
    )
    with search:
        times_s = [time.process_time()]
        for _ in _tests(search, noisy_hill):
            times_s.append(time.process_time())
    median_s = float(np.median(np.diff(times_s)))
    if median_s > ASK_LIMIT_S:
        raise ConformanceError(
            f"one ask and tell took {median_s * 1e3:.1f} ms, "
            f"allowed {ASK_LIMIT_S * 1e3:g} ms"
        )


Check = Callable[[Strategy], None]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "budget": check_budget,
        "every objective": check_every_objective,
        "on finish": check_on_finish,
        "same seed, same asks": check_same_seed_same_asks,
        "replay": check_replay,
        "early close": check_early_close,
        "two at once": check_two_at_once,
        "speed": check_speed,
    }
)
