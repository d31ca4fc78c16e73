"""Visits handed out in chunks and recorded as they come back, on any executor.

The life of a chunk. Visits of one patient go together, as many as take about `CHUNK_S`
at the pace seen so far, for what is known of a patient is made once. Each worker has
one chunk to play and one that waits. What comes back is recorded at once; a visit that
took its process with it is noted and comes again alone, up to `MOST_TRIES`; the rest of
a chunk that was lost is a chunk again. So the order in which rows come depends on the
machine, and nothing else does.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, Protocol

from harness.study.chunks import (
    Chunk,
    ChunkResult,
    LostVisit,
    StartError,
    dismiss,
    end_all,
    run_chunk,
    unscored,
)
from harness.study.ledger import MOST_TRIES, Ledger
from harness.study.visit import Job

CHUNK_S: Final = 2.0
"""Aimed at for a chunk: long beside what it costs to hand out, short to lose."""

LEAST_S: Final = 0.5
"""Aimed at towards the end, so that no worker has a long chunk left for itself."""

MOST_IN_CHUNK: Final = 40
"""All of a chunk is played again when its worker is lost."""

_FIRST_GUESS_S: Final = 0.7  # for a visit, until its pace is known
_TICK_S: Final = 1.0
_STOP_S: Final = 20.0  # what has not come back by then is played another time
_WAITING_FOR_EACH: Final = 2  # one is played, one lies ready while we record


class Crew(Protocol):
    """Where chunks are played: an executor, and how many it plays at a time."""

    @property
    def executor(self) -> Executor:
        """Takes chunks."""

    def n_workers(self) -> int:
        """Return how many chunks are played at a time, now."""

    def hear(self) -> None:
        """Note that a visit came back."""

    def miss(self, error: BaseException) -> None:
        """Note that a chunk was lost with its worker."""

    def dismiss(self) -> None:
        """Make chunks that run return what they have, at once."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalCrew:
    """Threads of this process, each with a child process that plays for it."""

    executor: Executor
    n: int

    def n_workers(self) -> int:
        """Return the number of threads."""
        return self.n

    def hear(self) -> None:
        """Do nothing: a child that dies is told with its visit."""

    def miss(self, error: BaseException) -> None:
        """Do nothing: a thread is not lost."""

    def dismiss(self) -> None:
        """Kill the children."""
        dismiss()


@contextmanager
def local_crew(n: int) -> Iterator[LocalCrew]:
    """Give a crew of `n` child processes, and end them."""
    executor = ThreadPoolExecutor(n, thread_name_prefix="visits")
    try:
        yield LocalCrew(executor, n)
    finally:
        dismiss()
        executor.shutdown(cancel_futures=True)
        end_all()


Tick = Callable[[int], None]
"""Called about every second with how many visits were recorded this time."""


@dataclass(slots=True, eq=False)
class Runner:
    """Plays what is missing of a study.

    Parameters
    ----------
    ledger
        Tells what is done, and takes what comes back.
    crew
        Plays chunks.
    limit_s
        Longest time for one visit.
    folder
        Where strategies' files are looked for.
    tick
        Called with the number of visits recorded so far.
    """

    ledger: Ledger
    crew: Crew
    limit_s: float
    folder: str
    tick: Tick
    n_recorded: int = 0
    _running: dict[Future[ChunkResult], Chunk] = field(default_factory=dict)
    _again: deque[Chunk] = field(default_factory=deque)
    _mean_s: float = _FIRST_GUESS_S
    _n_left: int = 0
    _n_wanted: int = 1

    def run(self, jobs: Iterator[Job]) -> None:
        """Play the visits whose results are not known yet.

        On KeyboardInterrupt, what is finished is recorded before it goes on. Raises
        StartError when no child process can be started.
        """
        n_known = sum(self.ledger.counts().values())
        self._n_left = self.ledger.n_planned() - n_known
        missing = self._chunks(job for job in jobs if not self.ledger.has(job.key))
        try:
            while self._fill(missing):
                self._collect(_TICK_S)
        except BaseException:
            self._stop()
            raise

    def _fill(self, missing: Iterator[Chunk]) -> bool:
        """Hand out chunks while workers wait; return whether anything runs."""
        self._n_wanted = _WAITING_FOR_EACH * max(self.crew.n_workers(), 1)
        while len(self._running) < self._n_wanted:
            chunk = self._again.popleft() if self._again else next(missing, None)
            if chunk is None:
                break
            self._running[self.crew.executor.submit(run_chunk, chunk)] = chunk
        return bool(self._running)

    def _chunks(self, jobs: Iterator[Job]) -> Iterator[Chunk]:
        """Yield visits of one patient together, as many as take the aimed time."""
        held: list[Job] = []
        for job in jobs:
            n, how = self.ledger.tries(job.key)
            if n:
                yield self._alone(job, n, how)
                continue
            other = held and held[0].order.patient_index != job.order.patient_index
            if other or len(held) >= self._n_at_once():
                yield self._chunk(held)
                held = []
            held.append(job)
        if held:
            yield self._chunk(held)

    def _n_at_once(self) -> int:
        """Return how many visits take the aimed time, fewer towards the end."""
        most, least = (max(round(s / self._mean_s), 1) for s in (CHUNK_S, LEAST_S))
        share = self._n_left // self._n_wanted
        return min(max(least, min(most, share)), MOST_IN_CHUNK)

    def _chunk(self, jobs: list[Job]) -> Chunk:
        self._n_left -= len(jobs)
        return Chunk(tuple(jobs), self.limit_s, self.folder)

    def _alone(self, job: Job, n_tries: int, how: str) -> Chunk:
        """Return a visit that ended its process before: again alone, or given up."""
        gone = f"{how} ({n_tries} times)" if n_tries >= MOST_TRIES else ""
        return Chunk((job,), self.limit_s, self.folder, gone)

    def _collect(self, timeout_s: float) -> None:
        """Record the chunks that are finished."""
        done, _ = wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)
        for future in done:
            self._take(future)
        self.tick(self.n_recorded)

    def _take(self, future: "Future[ChunkResult]") -> None:
        chunk = self._running[future]
        result = _result_of(future, chunk)
        jobs = {job.key: job for job in chunk.jobs}
        strangers = [one for one in result.played if one.visit.key not in jobs]
        if strangers:
            key = strangers[0].visit.key
            raise StartError(f"a worker answered visit {key}, which it was not asked")
        self.ledger.record(result.played)
        if result.played:
            self.crew.hear()
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self.crew.miss(error)
        for lost in result.lost:
            n = self.ledger.note_try(lost.key, lost.how)
            if chunk.poisoned:  # given up, and not even that can be scored
                self.ledger.record([unscored(jobs[lost.key], chunk.poisoned)])
                continue
            self._again.append(self._alone(jobs[lost.key], n, lost.how))
        known = {one.visit.key for one in result.played} | {
            lost.key for lost in result.lost
        }
        left = [job for key, job in jobs.items() if key not in known]
        if left:  # somebody dismissed the child, or cancelled the chunk
            self._again.append(self._chunk(left))
        del self._running[future]
        self.n_recorded += len(result.played)
        self._learn_pace(result)

    def _learn_pace(self, result: ChunkResult) -> None:
        for one in result.played:
            if isfinite(one.timing.wall_s):
                # slowly: one visit that hung says little of the next
                self._mean_s += 0.1 * (one.timing.wall_s - self._mean_s)

    def _stop(self) -> None:
        """Record what is finished and let go of the rest."""
        for future in self._running:
            future.cancel()
        deadline_s = time.monotonic() + _STOP_S
        while self._running and time.monotonic() < deadline_s:
            self.crew.dismiss()  # each time: a thread may just have started a child
            done, _ = wait(self._running, timeout=0.2)
            for future in done:
                if future.cancelled() or isinstance(future.exception(), StartError):
                    del self._running[future]
                else:
                    self._take(future)


def _result_of(future: "Future[ChunkResult]", chunk: Chunk) -> ChunkResult:
    """Return what a chunk came to; lost as a whole where its worker is.

    A chunk that was cancelled (with its scheduler, say) comes to nothing and is no
    visit's fault.
    """
    try:
        return future.result()
    except StartError:
        raise
    except CancelledError:
        return ChunkResult()
    except Exception as error:  # noqa: BLE001 of any executor
        how = f"its worker was lost ({type(error).__name__})"
        return ChunkResult(lost=[LostVisit(job.key, how) for job in chunk.jobs])
