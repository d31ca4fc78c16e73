"""What the child process does: takes orders from a pipe, plays visits, answers.

The life of a child. It is started for one thread, warms itself with a very short visit
of a sound patient, and from then on waits for orders. Standard output belongs to the
answers, so that a strategy that prints does no harm. At the end of the orders the
process ends at once, in the middle of a visit if need be, since whoever ordered it is
gone.
"""

import os
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any, Final

from harness.play.host.laws import laws_within
from harness.play.host.nursery import keep
from harness.study.outcome import ScoredVisit, TimingRow, VisitRow
from harness.study.visit import Job, identity, kept_row, scored
from harness.study.watched import read_frame, write_frame
from optimizers.problem import (
    HostLostError,
    StrategyError,
    StrategyFailedError,
    StrategyOverdueError,
    error_told,
)
from sim.law.response_law import LawFailedError
from sim.patient import phenotype
from sim.textfiles import portable

READY: Final = "ready"
SOUND: Final = "hfref-ischaemic"
IDLE_S: Final = 300.0
"""Without an order for so long the process ends, and its memory is free again."""


@dataclass(frozen=True, slots=True)
class Warm:
    """Order: compile and load what visits need by playing a very short one."""

    job: Job


@dataclass(frozen=True, slots=True)
class Play:
    """Order: play these visits, answer after each."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """Order: score the visit that came to nothing, as if the reference were kept."""

    job: Job
    status: str
    error: str


def main() -> None:
    """Take orders until none come any more."""
    orders, answers = _private_pipes()
    keep()  # ends with this process
    queue: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_listen, args=(orders, queue), daemon=True).start()
    with suppress(Empty):
        while True:
            for answer in obeyed(queue.get(timeout=IDLE_S)):
                write_frame(answers, answer)
    os._exit(0)


def _private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output away from whatever visits may read or print."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return orders, answers


def _listen(orders: IO[bytes], queue: "SimpleQueue[Any]") -> None:
    try:
        while True:
            queue.put(read_frame(orders))
    except EOFError:
        os._exit(0)
    finally:
        traceback.print_exc()
        os._exit(1)


def obeyed(order: Warm | Play | Keep) -> Iterator[object]:
    """Yield the answers to one order."""
    match order:
        case Warm(job):
            _outcome(short(job))
            yield READY
        case Play(jobs):
            for job in jobs:
                yield _outcome(job)
        case Keep(job, status, error):
            yield _kept(job, status, error)
        case _:
            raise TypeError(f"no order: {order!r}")


def short(job: Job) -> Job:
    """Return a visit that calls all kernels and takes as little time as can be.

    Of a patient who is known to be sound: one with whom a visit hangs or crashes must
    not keep every child from starting.
    """
    plan = replace(job.order.plan, titration_min=1.0, observation_min=0.0)
    order = replace(job.order, patient=phenotype(SOUND), plan=plan)
    task = replace(job.task, strategy="stay")
    return replace(job, order=order, task=task, post_pairs=1, earlier=())


def _outcome(job: Job) -> ScoredVisit:
    """Return what a visit came to; what it raises is a result.

    Raises HostLostError where nobody's strategy could be run.
    """
    try:
        with laws_within(job.task.limits):
            return _named(scored(job))
    except HostLostError:
        raise  # no fault of the strategy: this process is no good any more
    except StrategyOverdueError as error:
        return _kept(job, "timed out", error.told)
    except (StrategyFailedError, StrategyError) as error:
        return _kept(job, "failed", _why(error))
    except BaseException as error:  # noqa: BLE001 of a visit, whatever it is
        return _kept(job, "poisoned", _why(error))


def _kept(job: Job, status: str, error: str) -> ScoredVisit:
    try:
        with laws_within(job.task.limits):
            row = kept_row(job, status=status, error=error)
    except LawFailedError as fault:
        told = error if str(fault) in error else f"{error}; not scored: {fault}"
        row = bare_row(job, status, told)
    except Exception as fault:  # noqa: BLE001 then not even the patient is sound
        both = f"{error}; not scored: {error_told(fault)}"
        row = bare_row(job, status, both)
    return _named(ScoredVisit(row, (), no_timing(job)))


def bare_row(job: Job, status: str, error: str) -> VisitRow:
    """Return the row of a visit that cannot even be scored."""
    return replace(identity(job), status=status, error=" ".join(error.split())[:500])


def no_timing(job: Job) -> TimingRow:
    """Return the timing of a visit that did not come to its end."""
    nan = float("nan")
    return TimingRow(key=job.key, wall_s=nan, cpu_s=nan, ask_ms=nan, slowest_ask_ms=nan)


def _named(played: ScoredVisit) -> ScoredVisit:
    """Leave the folder of a strategy's file out: tables name no path of a machine."""
    strategy = portable(played.visit.strategy)
    return replace(played, visit=replace(played.visit, strategy=strategy))


def _why(error: BaseException) -> str:
    if isinstance(error, StrategyFailedError):
        return error.told
    if isinstance(error, LawFailedError):
        return str(error)
    if isinstance(error, StrategyError):  # of our own code: its place tells nothing
        return f"StrategyError: {error}"
    return error_told(error)
