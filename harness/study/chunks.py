"""Chunks of visits, played in a watched child process of the thread that has them.

`run_chunk` is all that an executor needs: threads on this machine and the threads of a
cluster's workers call the same function, and each thread has one child of its own.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.study.child import Keep, Play, Warm, bare_row, no_timing
from harness.study.jobs import file_digest
from harness.study.outcome import ScoredVisit
from harness.study.visit import Job
from harness.study.watched import (
    START_LIMIT_S,
    DismissedError,
    EndedError,
    OverdueError,
    UnsendableError,
    Watched,
)
from optimizers.registry import is_ours
from sim.law.own import OwnLaw
from sim.textfiles import portable


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Visits of one patient, played one after the other by one child.

    `poisoned` is set for a visit that is given up: it is scored, not played. `folder`
    is where strategies' files are looked for, if the machine has it.
    """

    jobs: tuple[Job, ...]
    limit_s: float
    folder: str = ""
    poisoned: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LostVisit:
    """A visit that took its process with it; how the process ended."""

    key: str
    how: str


@dataclass(slots=True, eq=False)
class ChunkResult:
    """What a chunk came to: visits of which a result is known, and those lost.

    After a dismissal, visits may be missing from both.
    """

    played: list[ScoredVisit] = field(default_factory=list)
    lost: list[LostVisit] = field(default_factory=list)


GRACE_S: Final = 30.0
"""Time for what a visit does beside its strategy, and for ending that."""


class StartError(RuntimeError):
    """No child process can be started: nothing can be played on this machine."""


_mine: Final = threading.local()
_crew: Final[set[Watched]] = set()
_hold: Final = threading.Lock()
_first: Final = threading.Lock()
_is_compiled: Final = threading.Event()


def run_chunk(chunk: Chunk) -> ChunkResult:
    """Play the visits of a chunk in this thread's child, and return what they came to.

    A visit past the limit is scored as timed out, one that ends its process is lost;
    the others go on in a new child. Raises StartError when no child can be started, or
    when a strategy's file is not the one that was planned with, also at the end.
    """
    _check_files(chunk)  # a child reads the file when it likes: before and after
    try:
        result = _played(chunk)
    except UnsendableError as error:
        # the same for every visit and every try: nothing is won by going on
        raise StartError(f"a visit cannot be handed to a process: {error}") from None
    _check_files(chunk)
    return result


def _check_files(chunk: Chunk) -> None:
    folder = Path(chunk.folder) if Path(chunk.folder).is_dir() else Path()
    planned = {(job.task.strategy_name, job.file_digest) for job in chunk.jobs}
    for strategy, digest in planned:
        try:
            same = not digest or file_digest(strategy, folder) == digest
        except OSError:
            same = False
        if not same:
            raise StartError(
                f"the file of strategy {portable(strategy)} is not what it was when "
                "the study was begun; what is done is kept, begin it again"
            )


def _played(chunk: Chunk) -> ChunkResult:
    result = ChunkResult()
    try:
        if chunk.poisoned:
            job = chunk.jobs[0]
            result.played.append(_scored(chunk, job, "poisoned", chunk.poisoned))
            return result
        waiting = list(chunk.jobs)
        while waiting:
            waiting = _play_on(chunk, waiting, result)
    except DismissedError:
        pass
    return result


def _play_on(chunk: Chunk, waiting: list[Job], result: ChunkResult) -> list[Job]:
    """Play until the child ends or all is done; return what is still to be played."""
    child = _child(chunk)
    n_done = 0
    try:
        child.send(Play(tuple(waiting)))
        for job in waiting:
            limit_s = _patience_s(chunk, job)
            played: ScoredVisit = child.answer(limit_s)
            if played.visit.key != job.key:
                child.end()
                raise EndedError(f"its process answered visit {played.visit.key}")
            result.played.append(played)
            n_done += 1
        return []
    except DismissedError:
        raise
    except OverdueError as error:
        job = waiting[n_done]
        result.played.append(_scored(chunk, job, "timed out", str(error)))
    except EndedError as error:
        result.lost.append(LostVisit(waiting[n_done].key, str(error)))
    return waiting[n_done + 1 :]


def _patience_s(chunk: Chunk, job: Job) -> float:
    """Return how long a visit may take: code of somebody's has limits of its own.

    Only where those fail, or where strategy and law are ours, is the child killed.
    """
    named = job.task.strategy
    ours = not isinstance(named, str) or is_ours(named)
    ours = ours and not isinstance(job.order.patient.response, OwnLaw)
    # visits that the search is told of may have to be played before its own
    limit_s = chunk.limit_s * (1 + len(job.earlier))
    return limit_s if ours else limit_s + GRACE_S


def _scored(chunk: Chunk, job: Job, status: str, error: str) -> ScoredVisit:
    """Return the row of a visit that came to nothing, from a fresh child if need be."""
    child = _child(chunk)
    try:
        child.send(Keep(job, status, error))
        played: ScoredVisit = child.answer(chunk.limit_s)
    except DismissedError:
        raise
    except EndedError as fault:
        return unscored(job, f"{error}; not scored: {fault}", status)
    return played


def unscored(job: Job, error: str, status: str = "poisoned") -> ScoredVisit:
    """Return a visit that came to nothing and of which the truth is not known."""
    return ScoredVisit(bare_row(job, status, error), (), no_timing(job))


def _child(chunk: Chunk) -> Watched:
    """Return this thread's child, started and warm."""
    child: Watched | None = getattr(_mine, "child", None)
    if child is not None and child.usable:
        return child
    if child is not None:
        _forget(child)
    _mine.child = None
    child = _mine.child = _started(chunk)
    return child


def _started(chunk: Chunk) -> Watched:
    """Start a child; the first one alone, so that kernels are compiled only once."""
    if _is_compiled.is_set():
        return _warm(chunk)
    with _first:
        child = _warm(chunk)
        _is_compiled.set()
    return child


def _warm(chunk: Chunk) -> Watched:
    folder = Path(chunk.folder) if chunk.folder else None
    child = Watched(folder if folder and folder.is_dir() else None)
    with _hold:
        _crew.add(child)
    try:
        child.send(Warm(chunk.jobs[0]))
        child.answer(START_LIMIT_S)
    except EndedError as error:
        _forget(child)
        if isinstance(error, DismissedError):
            raise  # told to go while it started, which is no fault of the machine
        raise StartError(f"no process to play visits in: {error}") from None
    except BaseException:
        _forget(child)  # else every further try would leave one more behind
        raise
    return child


def _forget(child: Watched) -> None:
    with _hold:
        _crew.discard(child)
    child.end()


def crew() -> Iterator[Watched]:
    """Yield the children of this process."""
    with _hold:
        children = list(_crew)
    yield from children


def dismiss() -> None:
    """Kill the children of this process; chunks that run return what they have."""
    for child in crew():
        child.dismiss()


def end_all() -> None:
    """End the children of this process for good, once no thread plays any more.

    A child outlives the thread that started it: nobody else closes the pipes to it.
    """
    for child in crew():
        _forget(child)
