"""A strategy in a process of its own: plays as it would here, and harms only itself."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from harness.play.host import nursery
from harness.play.host.hosted import Hosted, foreign_code, hosted
from harness.task.limits import StrategyLimits
from optimizers.problem import (
    HostLostError,
    Problem,
    StrategyError,
    StrategyFailedError,
    StrategyOverdueError,
)
from optimizers.registry import load_strategy
from optimizers.search import Search

Play = Callable[..., Search]
Searched = Callable[..., Search]
Write = Callable[[str], Path]
BAD = Path(__file__).parents[2] / "data" / "bad_contenders.py"
QUICK = StrategyLimits(answer_s=1.0, visit_s=60.0)
CONTENDERS = SimpleNamespace(**run_path(str(BAD)))
FAILED = {made.__name__: told for made, told in CONTENDERS.FAILED.items()}
WALK = """
def walk(problem, rng):
    here = yield problem.reference
    best = problem.population.values.shape[0] * 0.1
    while True:
        place = problem.space.scaled(here.tested) + 0.3 * rng.normal(size=2)
        seen = yield problem.space.from_scaled(place)
        if seen.value > here.value - best:
            here = seen

def returns(problem, rng):
    yield problem.reference
    yield problem.space.from_scaled(rng.random(2))
    return problem.space.from_scaled(rng.random(2))

def chooses(problem, rng):
    from optimizers.problem import BudgetSpent
    try:
        while True:
            last = yield problem.space.from_scaled(rng.random(2))
    except BudgetSpent:
        return last.tested
"""


def test_a_module_is_found_on_a_path_that_was_added_after_the_first_host(
    write: Write, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = write(WALK)
    play(f"{here}:returns")
    (here.parent / "added_since.py").write_text(WALK, encoding="utf-8")
    monkeypatch.syspath_prepend(here.parent)
    assert play("added_since:returns").log == play(f"{here}:returns").log


@pytest.mark.parametrize("name", ["walk", "returns", "chooses"])
def test_a_strategy_asks_in_a_host_what_it_asks_here(
    name: str, write: Write, play: Play, problem: Problem, searched: Searched
) -> None:
    source = f"{write(WALK)}:{name}"
    there, here = play(source), searched(load_strategy(source), problem)
    assert [seen.asked for seen in there.log] == [seen.asked for seen in here.log]
    assert there.recommend() == here.recommend()


def test_what_a_strategy_chooses_itself_comes_back(write: Write, play: Play) -> None:
    search = play(f"{write(WALK)}:chooses", recommender="own", gate_probability=0.0)
    assert search.recommend().point == search.log[-1].tested != search.log[0].tested


@pytest.mark.parametrize("made", CONTENDERS.HARMLESS, ids=lambda made: made.__name__)
def test_what_a_strategy_does_to_its_process_ends_with_it(
    made: Callable[..., object], play: Play
) -> None:
    here = Path.cwd(), dict(os.environ), signal.getsignal(signal.SIGTERM)
    search = play(f"{BAD}:{made.__name__}", on_finish="stop")
    volts = [search.problem.space.values(s.asked)[0] for s in search.log]
    assert volts == [5.0, 6.0]
    assert (Path.cwd(), dict(os.environ), signal.getsignal(signal.SIGTERM)) == here
    assert left_behind() == []


@pytest.mark.parametrize("name", FAILED)
def test_a_strategy_that_fails_is_told_with_its_reason(name: str, play: Play) -> None:
    with pytest.raises((StrategyFailedError, StrategyError)) as failed:
        play(f"{BAD}:{name}")
    assert FAILED[name] in str(failed.value)
    assert str(failed.value).isprintable()
    assert left_behind() == []


@pytest.mark.parametrize("made", CONTENDERS.OVERDUE, ids=lambda made: made.__name__)
def test_a_strategy_that_does_not_answer_is_ended(
    made: Callable[..., object], play: Play
) -> None:
    with pytest.raises(
        StrategyOverdueError, match="killed after 1 s without an answer"
    ):
        play(f"{BAD}:{made.__name__}", limits=QUICK)
    assert left_behind() == []


def test_all_answers_of_a_visit_together_have_a_limit(write: Write, play: Play) -> None:
    slow = write(
        "import time\ndef slow(problem, rng):\n"
        "    while True:\n        time.sleep(0.3)\n        yield problem.reference\n"
    )
    limits = StrategyLimits(answer_s=60.0, visit_s=1.0)
    with pytest.raises(StrategyOverdueError, match="answers took longer than 1 s"):
        play(f"{slow}:slow", limits=limits)


def test_a_file_that_cannot_be_read_is_told_with_its_line(
    write: Write, play: Play
) -> None:
    mine = write(
        "import os\nimport not_installed_anywhere\ndef f(p, r):\n    yield 1\n"
    )
    with pytest.raises(
        StrategyFailedError, match=r"not_installed_anywhere' \(mine\.py:2\)"
    ):
        play(f"{mine}:f")


def test_a_file_that_ends_its_process_is_told(write: Write, play: Play) -> None:
    mine = write("import os\nprint('bye')\nos._exit(4)\ndef f(p, r):\n    yield 1\n")
    with pytest.raises(StrategyFailedError, match="exit code 4; it wrote last: bye"):
        play(f"{mine}:f")


def test_memory_is_limited_as_asked(write: Write, play: Play) -> None:
    mine = write(
        "import numpy as np\ndef f(problem, rng):\n    yield problem.reference\n"
        "    np.empty(2**27)\n    yield problem.point(amplitude_v=6.0)\n"
    )
    small, large = (StrategyLimits(60.0, 60.0, gb) for gb in (0.75, 1.5))
    assert len(play(f"{mine}:f", limits=large, on_finish="stop").log) == 2
    with pytest.raises(StrategyFailedError, match=r"allocate 1\.00 GiB"):
        play(f"{mine}:f", limits=small)


def test_two_searches_of_one_strategy_have_a_host_each(
    write: Write, problem: Problem, searched: Searched
) -> None:
    source = f"{write(WALK)}:walk"
    with Hosted(source, QUICK) as first, Hosted(source, QUICK) as second:
        alone = searched(load_strategy(source), problem)
        assert [s.asked for s in searched(first, problem).log] == [
            s.asked for s in searched(second, problem).log
        ]
        assert [s.asked for s in searched(first, problem).log] == [
            s.asked for s in alone.log
        ]


def test_ours_and_what_is_handed_over_have_no_host() -> None:
    def mine(problem: Problem, rng: object) -> object:
        yield problem.reference

    limits = StrategyLimits()
    assert hosted("titration", limits) is None
    assert hosted("optimizers.baselines:stay", limits) is None
    assert hosted(mine, limits) is None
    assert hosted("cmaes", limits) is not None
    assert hosted(f"{BAD}:loops", limits) is not None


def test_a_host_begun_again_after_a_failure_has_the_time_that_is_left(
    write: Write, problem: Problem, searched: Searched
) -> None:
    dies = write(
        "import os, time\ndef dies(problem, rng):\n"
        "    yield problem.reference\n    time.sleep(0.7)\n    os._exit(3)\n"
    )
    limits = StrategyLimits(answer_s=60.0, visit_s=1.2)
    with Hosted(f"{dies}:dies", limits) as strategy:
        with pytest.raises(StrategyFailedError, match="exit code 3"):
            searched(strategy, problem)
        with pytest.raises(StrategyOverdueError, match=r"longer than 1\.2 s"):
            searched(strategy, problem)
    with Hosted(f"{dies}:dies", limits) as strategy:  # another visit has all of it
        with pytest.raises(StrategyFailedError, match="exit code 3"):
            searched(strategy, problem)
        strategy.close()
        with pytest.raises(StrategyFailedError, match="exit code 3"):
            searched(strategy, problem)
    assert left_behind() == []


@pytest.mark.parametrize(
    "said",
    [
        'Frame(2, "asked", {})',
        'Frame(2, "asked", {"point": [1e999, 0]})',
        'Frame(2, "asked", {"point": "here"})',
        'Frame(2, "loaded", {})',
        'Frame(2, "returned", {"point": None, "rng": {"state": 7}})',
    ],
)
def test_an_answer_that_means_nothing_ends_the_host(
    said: str, write: Write, play: Play
) -> None:
    mine = write(
        "import os, time\nfrom harness.play.host.frames import Frame\n"
        "def speaks(problem, rng):\n"
        f"    os.write(3, {said}.data)\n    time.sleep(60)\n    yield 0\n"
    )
    with pytest.raises(StrategyFailedError, match=r"answered .* means nothing"):
        play(f"{mine}:speaks")
    assert left_behind() == []


def test_what_was_asked_is_told_in_one_bounded_line(write: Write, play: Play) -> None:
    mine = write("def asks(problem, rng):\n    yield [7] * 1_000_000\n")
    with pytest.raises(StrategyError, match=r"asked \[7, 7.*a point is a tuple of 2"):
        play(f"{mine}:asks")


def test_a_machine_without_room_for_a_process_is_no_fault_of_a_strategy(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(nursery, "_shared", nursery._Shared())
    monkeypatch.setattr(subprocess, "Popen", none)
    with pytest.raises(HostLostError, match="resource temporarily unavailable"):
        Hosted(f"{write(WALK)}:walk", QUICK).load()


PARENT = """
import sys, time
import numpy as np
from harness.play.host.hosted import Hosted
from harness.task.limits import StrategyLimits
from optimizers.problem import Budget, Problem
from optimizers.space import Axis, Space
space = Space((Axis("amplitude_v", "V", (4.5, 5.0, 6.0)),))
problem = Problem(space, (1,), Budget(evaluations=9), noise_sd=1.0)
strategy = Hosted(sys.argv[1], StrategyLimits())
running = strategy(problem, np.random.default_rng(1))
next(running)
from optimizers.problem import Observation
running.send(Observation((1,), (1,), 0.0))
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
def test_a_host_and_all_that_came_of_it_die_with_a_visit_that_is_killed() -> None:
    mark = f"CCMLAB_TEST_MARK={os.getpid()}-{time.monotonic_ns()}"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, f"{BAD}:leaves_children"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | dict([mark.split("=")]),
    )
    assert parent.stdout is not None
    try:
        assert parent.stdout.readline() == "ready\n"
        # the visit, nursery, warden, host, and two that it left
        assert within(10.0, lambda: len(marked(mark)) == 6), marked(mark)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    assert within(30.0, lambda: marked(mark) == []), marked(mark)


def marked(mark: str) -> list[int]:
    """Return the processes that live and inherited something of the environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in place.read_bytes().split(b"\0"):
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


def within(limit_s: float, holds: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


def everybody() -> list[int]:
    """Return the processes that run code of ours as a nursery, or came of one."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"harness.play.host.nurse" in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


def left_behind() -> list[int]:
    """Return what came of hosts of this process's nursery and does not end."""
    nurseries = [pid for pid in everybody() if parent_of(pid) == os.getpid()]
    deadline_s = time.monotonic() + 10.0  # a warden is about to end itself
    while left := [pid for nursery in nurseries for pid in children_of(nursery)]:
        if time.monotonic() > deadline_s:
            break
        time.sleep(0.002)
    return left


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()]


def parent_of(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def test_the_visits_side_imports_nothing_of_the_hosts() -> None:
    """Else it could not even be imported where nothing can be forked."""
    code = "import sys, harness.play.host.hosted; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    there = {f"harness.play.host.{name}" for name in ("guest", "nurse", "warden")}
    assert there & set(loaded) == set()


def test_whose_code_runs_is_said_of_strategies_and_laws() -> None:
    assert foreign_code(["stay", "gp"], [None, "saturating", "table.csv"]) == ""
    told = foreign_code(["stay", "a.py:f", "a.py:f", "cmaes"], ["b.py:Law", None])
    assert told == (
        "code that did not come with ccmlab runs with your rights: "
        "a.py:f, cmaes, b.py:Law in a process of its own"
    )
