"""Handing out and taking in: what is lost, given up, dismissed, interrupted."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from pathlib import Path
from typing import Any

import pytest

from harness.study.chunks import Chunk, ChunkResult, LostVisit, StartError
from harness.study.jobs import plan_of
from harness.study.ledger import MOST_TRIES, Ledger
from harness.study.outcome import ScoredVisit
from harness.study.plan import Study
from harness.study.runner import Runner
from harness.study.visit import Job

Work = Callable[[Chunk], ChunkResult]


class Here(Executor):
    """Plays a chunk at once, in the order in which it came; keeps what it was given."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.chunks: list[Chunk] = []

    def submit(self, _: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        [chunk] = args
        self.chunks.append(chunk)
        try:
            future.set_result(self.work(chunk))
        except (ConnectionError, CancelledError, StartError) as error:
            future.set_exception(error)
        return future


class OneWorker:
    """A crew of one."""

    def __init__(self, work: Work) -> None:
        self.executor = Here(work)
        self.missed: list[BaseException] = []

    def n_workers(self) -> int:
        return 1

    def hear(self) -> None:
        pass

    def miss(self, error: BaseException) -> None:
        self.missed.append(error)

    def dismiss(self) -> None:
        pass


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as ledger:
        yield ledger


@pytest.fixture
def jobs(tiny_study: Callable[..., Study], ledger: Ledger) -> list[Job]:
    study = tiny_study(replicates=6, patients=("hfref-ischaemic", "hfref-null"))
    jobs = list(plan_of(study).jobs())
    ledger.plan([job.key for job in jobs], "t")
    return jobs


def run(ledger: Ledger, jobs: list[Job], work: Work) -> list[Chunk]:
    crew = OneWorker(work)
    Runner(ledger, crew, 60.0, "", lambda n: None).run(iter(jobs))
    return crew.executor.chunks


@pytest.fixture
def done(rows: Callable[..., ScoredVisit]) -> Work:
    def work(chunk: Chunk) -> ChunkResult:
        status = "poisoned" if chunk.poisoned else "done"
        return ChunkResult([rows(job.key, status=status) for job in chunk.jobs])

    return work


def asked(chunks: list[Chunk]) -> list[str]:
    return [job.key for chunk in chunks for job in chunk.jobs]


def test_every_visit_is_played_once_in_chunks_of_one_patient(
    ledger: Ledger, jobs: list[Job], done: Work
) -> None:
    chunks = run(ledger, jobs, done)
    assert asked(chunks) == [job.key for job in jobs]
    assert all(len({job.order.patient_index for job in c.jobs}) == 1 for c in chunks)
    assert len(chunks) < len(jobs)
    assert ledger.counts() == {"done": 12}


def test_only_what_is_missing_is_played(
    ledger: Ledger, jobs: list[Job], done: Work, rows: Callable[..., ScoredVisit]
) -> None:
    ledger.record([rows(job.key) for job in jobs[:5]])
    assert asked(run(ledger, jobs, done)) == [job.key for job in jobs[5:]]
    assert run(ledger, jobs, done) == []


def test_a_visit_that_ends_its_process_is_given_up_after_three_tries(
    ledger: Ledger, jobs: list[Job], done: Work
) -> None:
    bad = jobs[1].key

    def work(chunk: Chunk) -> ChunkResult:
        result = done(chunk)
        if not chunk.poisoned and any(job.key == bad for job in chunk.jobs):
            result.played = [one for one in result.played if one.visit.key != bad]
            result.lost = [LostVisit(bad, "the process was killed by SIGSEGV")]
        return result

    chunks = run(ledger, jobs, work)
    with_bad = [chunk for chunk in chunks if bad in asked([chunk])]
    assert len(with_bad) == 4  # three tries, then scored without being played
    assert [len(chunk.jobs) for chunk in with_bad[1:]] == [1, 1, 1]
    assert with_bad[-1].poisoned == "the process was killed by SIGSEGV (3 times)"
    assert ledger.counts() == {"done": 11, "poisoned": 1}


def test_tries_of_an_earlier_run_count(
    ledger: Ledger, jobs: list[Job], done: Work
) -> None:
    for _ in range(3):
        ledger.note_try(jobs[0].key, "the machine died")
    chunks = run(ledger, jobs, done)
    assert chunks[0].poisoned == "the machine died (3 times)"
    assert ledger.counts() == {"done": 11, "poisoned": 1}


def test_a_lost_worker_costs_its_chunk_a_try_and_no_more(
    ledger: Ledger, jobs: list[Job], done: Work
) -> None:
    n_lost = []

    def work(chunk: Chunk) -> ChunkResult:
        if not n_lost:
            n_lost.append(len(chunk.jobs))
            raise ConnectionError("gone")
        return done(chunk)

    chunks = run(ledger, jobs, work)
    assert len(asked(chunks)) == len(jobs) + n_lost[0]
    assert ledger.counts() == {"done": 12}


def test_a_chunk_that_was_cancelled_costs_its_visits_no_try(
    ledger: Ledger, jobs: list[Job], done: Work
) -> None:
    cancelled = []

    def work(chunk: Chunk) -> ChunkResult:
        if chunk.jobs[0] is jobs[0] and len(cancelled) < MOST_TRIES:
            cancelled.append(chunk)
            raise CancelledError
        return done(chunk)

    run(ledger, jobs, work)
    assert len(cancelled) == MOST_TRIES
    assert ledger.counts() == {"done": 12}


def test_a_worker_that_is_always_lost_ends_as_a_result(
    ledger: Ledger, jobs: list[Job], done: Work
) -> None:
    def work(chunk: Chunk) -> ChunkResult:
        if not chunk.poisoned:
            raise ConnectionError("gone")
        return done(chunk)

    run(ledger, jobs, work)
    assert ledger.counts() == {"poisoned": 12}


def test_visits_left_by_a_dismissed_child_are_played_later(
    ledger: Ledger, jobs: list[Job], done: Work
) -> None:
    dismissed = []

    def work(chunk: Chunk) -> ChunkResult:
        result = done(chunk)
        if not dismissed:
            dismissed.append(chunk)
            result.played = result.played[:1]
        return result

    run(ledger, jobs, work)
    assert ledger.counts() == {"done": 12}


def test_what_is_finished_is_kept_when_the_study_is_interrupted(
    ledger: Ledger, jobs: list[Job], done: Work
) -> None:
    def tick(n: int) -> None:
        raise KeyboardInterrupt

    crew = OneWorker(done)
    with pytest.raises(KeyboardInterrupt):
        Runner(ledger, crew, 60.0, "", tick).run(iter(jobs))
    n_played = len(asked(crew.executor.chunks))
    assert 0 < n_played < len(jobs)
    assert ledger.counts() == {"done": n_played}


def test_no_process_to_play_in_ends_the_study(ledger: Ledger, jobs: list[Job]) -> None:
    def work(chunk: Chunk) -> ChunkResult:
        raise StartError("no process")

    with pytest.raises(StartError):
        run(ledger, jobs, work)
    assert ledger.counts() == {}


def test_a_visit_that_cannot_even_be_given_up_is_not_tried_for_ever(
    ledger: Ledger, jobs: list[Job]
) -> None:
    def always(chunk: Chunk) -> ChunkResult:
        raise ConnectionError("worker lost")

    chunks = run(ledger, jobs[:1], always)
    assert len(chunks) == MOST_TRIES + 1  # the last was to score it, and was lost too
    assert ledger.counts() == {"poisoned": 1}


def test_a_worker_that_answers_what_it_was_not_asked_ends_the_study(
    ledger: Ledger, jobs: list[Job], rows: Callable[..., ScoredVisit]
) -> None:
    def confused(chunk: Chunk) -> ChunkResult:
        return ChunkResult([rows("another")])

    with pytest.raises(StartError, match="answered visit another"):
        run(ledger, jobs, confused)
    assert ledger.counts() == {}
