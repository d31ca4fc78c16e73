"""Visits of a study a second, on one and two workers, and what they cost in memory."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.report import Row, timed_row
from bench.timing import REPEATS, interleaved
from harness.study.child import Play, obeyed
from harness.study.chunks import Chunk, ChunkResult
from harness.study.jobs import StudyPlan, plan_of
from harness.study.ledger import Ledger, columns
from harness.study.outcome import EvaluationRow, ScoredVisit, TimingRow, VisitRow
from harness.study.plan import Study, load_study
from harness.study.runner import Crew, Runner, local_crew
from harness.study.tables import write_tables
from harness.study.visit import identity

N_REPLICATES = 2
FEW, MANY, PLAYED = 100, 10_000, 500
N_EVALUATIONS = 20
A_VISIT_S = 1.25 * 0.45
BUFFERS_MB = 64.0  # what writing Parquet may take, whatever the number of rows


def rows() -> list[Row]:
    """Return every figure of this module."""
    return [*speed_rows(), *memory_rows()]


def speed_rows() -> list[Row]:
    """Return the pace of the study `quick`, its children started beforehand."""
    study = load_study("quick").model_copy(update={"replicates": N_REPLICATES})
    plan, n = plan_of(study), study.n_visits
    ones: list[Pace] = []
    twos: list[Pace] = []

    def visit_s() -> float:
        ones.append(played(plan, one))
        return ones[-1].cpu_s / n

    with local_crew(2) as two, local_crew(1) as one:
        played(plan, two)
        a_visit = interleaved(visit_s)
        ones.clear()
        for _ in range(REPEATS):
            visit_s()
            twos.append(played(plan, two))
    one_s, two_s = (median(run.wall_s for run in runs) for runs in (ones, twos))
    shares = [a.wall_s / (2.0 * b.wall_s) for a, b in zip(ones, twos, strict=True)]
    name = f"two workers beside twice one ({n} visits, median of {REPEATS})"
    busy = 100.0 * median(run.playing_s / (2.0 * run.wall_s) for run in twos)
    return [
        timed_row("a visit of a study, the search and all", a_visit, "s", A_VISIT_S),
        Row("1,000 visits on two workers", 1000.0 * two_s / n / 60.0, "min", 6.0),
        Row(name, 100.0 * median(shares), "%", 90.0, at_most=False),
        Row("time of two workers spent in visits", busy, "%", 90.0, at_most=False),
        Row(f"{n} visits on one worker", one_s, "s"),
        Row(f"{n} visits on two workers", two_s, "s"),
    ]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of a study on the clock; of its visits, on the clock and of CPU."""

    wall_s: float
    playing_s: float
    cpu_s: float


def played(plan: StudyPlan, crew: Crew) -> Pace:
    """Return how long a study took."""
    with TemporaryDirectory() as folder, Ledger(Path(folder)) as ledger:
        ledger.plan((job.key for job in plan.jobs()), "bench")
        started_s = time.perf_counter()
        limit_s = plan.study.visit_limit_s
        Runner(ledger, crew, limit_s, "", lambda n: None).run(plan.jobs())
        wall_s = time.perf_counter() - started_s
        names = list(columns("timings"))
        rows = [row for batch in ledger.batches("timings") for row in batch]
        playing_s, cpu_s = (
            sum(row[names.index(name)] for row in rows) for name in ("wall_s", "cpu_s")
        )
        return Pace(wall_s, playing_s, cpu_s)


def memory_rows() -> list[Row]:
    """Return the most memory of a parent and of a worker, few visits and many.

    A parent's visits are made up. A worker plays its own, by table, each of another
    patient; what it keeps of patients is full long before `FEW`.
    """
    return [
        *_flat("the parent", hold, FEW, MANY),
        *_flat("a worker", work, FEW, PLAYED),
    ]


def _flat(whose: str, plays: Callable[[int], None], few: int, many: int) -> list[Row]:
    least, most = (most_memory_mb(plays, n) for n in (few, many))
    name = f"memory of {whose}, {many:,} visits above {few}"
    return [
        Row(name, most - least, "MB", BUFFERS_MB),
        Row(f"most memory of {whose}, {few} visits", least, "MB"),
        Row(f"most memory of {whose}, {many:,} visits", most, "MB"),
    ]


def most_memory_mb(plays: Callable[[int], None], n: int) -> float:
    """Return the most memory of a process that does nothing else."""
    name = plays.__name__
    command = [sys.executable, "-c", f"from bench.study import {name}; {name}({n})"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def hold(n: int) -> None:
    """Record and write a study of `n` made-up visits; print the most memory it took."""
    import resource

    study = load_study("quick")
    values = {"replicates": n // study.n_visits}
    plan = plan_of(study.model_copy(update=values))
    with TemporaryDirectory() as folder, Ledger(Path(folder)) as ledger:
        ledger.plan((job.key for job in plan.jobs()), "bench")
        Runner(ledger, MadeUp(), 60.0, "", lambda n: None).run(plan.jobs())
        write_tables(ledger, Path(folder))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def work(n: int) -> None:
    """Play `n` visits as a worker does, by table; print the most memory it took."""
    import resource

    values = {"cohort": {"n": n}, "contenders": ["titration"], "budgets_min": [40]}
    study = Study.model_validate({"title": "Memory", "engine": "table", **values})
    for job in plan_of(study).jobs():
        for _ in obeyed(Play((job,))):
            pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


class MadeUp(Executor):
    """A crew that makes results up, as many rows as a visit has."""

    @property
    def executor(self) -> Executor:
        """Itself."""
        return self

    def n_workers(self) -> int:
        """One."""
        return 1

    def hear(self) -> None:
        """Do nothing: nobody is lost."""

    def miss(self, error: BaseException) -> None:
        """Do nothing: nobody is lost."""

    def dismiss(self) -> None:
        """Nobody."""

    def submit(self, _: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return what a chunk might come to."""
        future: Future[Any] = Future()
        [chunk] = args
        future.set_result(ChunkResult(list(made_up(chunk))))
        return future


def made_up(chunk: Chunk) -> Iterator[ScoredVisit]:
    """Yield rows that look like those of visits."""
    for job in chunk.jobs:
        visit: VisitRow = identity(job)
        numbers = range(1, N_EVALUATIONS + 1)
        timing = TimingRow(
            key=job.key, wall_s=0.5, cpu_s=0.5, ask_ms=1.0, slowest_ask_ms=2.0
        )
        yield ScoredVisit(
            visit, tuple(_evaluation(job.key, i) for i in numbers), timing
        )


def _evaluation(key: str, number: int) -> EvaluationRow:
    numbers = {
        name: float(number)
        for name, kind in columns("evaluations").items()
        if kind is float
    }
    counts = {"n_pulses": 2, "beats": 100 * number, "unpleasant_events": 0}
    return EvaluationRow(key=key, number=number, aborted="", **counts, **numbers)  # type: ignore[arg-type]
