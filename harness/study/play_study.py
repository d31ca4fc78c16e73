"""`ccmlab study`: a folder for a study, its visits played, its tables written."""

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from harness.common.files import OutputError, check_name, write_json
from harness.common.progress import Progress
from harness.play.host.hosted import foreign_code, hosted
from harness.play.host.nursery import kept
from harness.play.run import git_revision, versions
from harness.study.cluster import dask_crew
from harness.study.facts import n_cores, processor
from harness.study.jobs import StudyPlan, plan_of
from harness.study.ledger import LEDGER_FILE, LOCK_FILE, Ledger
from harness.study.outcome import NOBODYS_FAULT, STRATEGYS_FAULT
from harness.study.plan import Study, load_study
from harness.study.runner import Crew, Runner, local_crew
from harness.study.salvage import opened
from harness.study.tables import (
    MANIFEST_FILE,
    MANIFEST_SCHEMA,
    STUDY_FILE,
    write_tables,
)
from harness.task.limits import USUAL_MEMORY_GB
from sim.units import MIN_PER_H, S_PER_MIN
from sim.visit.order import EngineName

QUIET_S: Final = 10.0
MOST_ERRORS: Final = 10


@dataclass(frozen=True, slots=True)
class Where:
    """Where visits are played: child processes here, or the workers of a cluster.

    A strategy that is not ours may take `memory_gb` there.
    """

    n_jobs: int | None = None
    dask: str | None = None
    memory_gb: float = USUAL_MEMORY_GB

    @property
    def n_children(self) -> int:
        """How many child processes: as many as cores, unless told."""
        return self.n_jobs or n_cores()

    @property
    def told(self) -> str:
        """The same for a reader."""
        return "dask" if self.dask else f"{self.n_children} processes"


@dataclass(frozen=True, slots=True)
class Result:
    """What a study came to. `interrupted` when it was stopped before its end."""

    folder: Path
    title: str
    n_visits: int
    counts: Mapping[str, int]
    errors: tuple[tuple[str, str, int], ...]
    interrupted: bool

    @property
    def n_known(self) -> int:
        """How many visits have a result."""
        return sum(self.counts.values())


def run_study(
    path_or_name: str | Path,
    folder: str | Path,
    where: Where | None = None,
    *,
    jobs: int | None = None,
    replay_failed: bool = False,
    engine: EngineName | None = None,
    stderr: TextIO | None = None,
    quiet: bool = False,
) -> Result:
    """Play what is missing of a study, and write its tables into the folder.

    Visits are played by `jobs` processes, as many as there are cores by default, or as
    `where` says. `stderr`, by default the usual one, is told how far it is unless
    `quiet`. `engine` takes the place of what the file says.
    With `replay_failed` also what failed or timed out, and what is damaged in the
    ledger; what came to nothing through no fault of a strategy is always played again.

    Raises
    ------
    ScenarioError
        For a fault of the study's file.
    OutputError
        When the folder is another's or cannot be written, or its ledger is damaged.
    StartError, ClusterError
        When no process to play visits in can be started, or the cluster is no good.
    """
    study = load_study(path_or_name)
    if engine is not None:
        study = study.model_copy(update={"engine": engine})
    file = Path(path_or_name)
    return play_study(
        study,
        Path(folder),
        where or Where(jobs),
        file=file,
        replay_failed=replay_failed,
        stderr=stderr or sys.stderr,
        quiet=quiet,
    )


def play_study(
    study: Study,
    folder: Path,
    where: Where,
    *,
    file: Path = Path("study"),
    replay_failed: bool = False,
    stderr: TextIO | None,
    quiet: bool,
) -> Result:
    """Play what is missing of a study that was read; patient files lie beside `file`.

    Raises what `run_study` does.
    """
    _check_free(folder)
    with Progress(stderr, quiet=quiet) as progress:
        told = _Told(progress, study.n_visits)
        told.say(
            f"drawing {study.n_patients} patients, listing {study.n_visits} visits"
        )
        plan = plan_of(study, file.parent, origin=str(file))
        plan = replace(plan, memory_gb=where.memory_gb)
        statuses = (*NOBODYS_FAULT, *(STRATEGYS_FAULT if replay_failed else ()))
        with _room_for(folder), _ledger(folder, replay=replay_failed) as ledger:
            ledger.forget(ledger.with_status(*statuses))
            return _played(plan, ledger, folder, where, told)


@contextmanager
def _room_for(folder: Path) -> Iterator[None]:
    """Say in one message that a study cannot be written any further."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise OutputError(
            f"output folder {folder} cannot be written: {reason}; what is done is "
            "kept, the same command goes on"
        ) from None


def _played(
    plan: StudyPlan, ledger: Ledger, folder: Path, where: Where, told: "_Told"
) -> Result:
    ledger.plan((job.key for job in plan.jobs()), plan.study.title)
    write_json(folder / STUDY_FILE, plan.study.as_read())
    _write_manifest(ledger, folder)
    interrupted = _play(plan, ledger, where, told)
    told.say("writing the tables")
    write_tables(ledger, folder)
    _write_manifest(ledger, folder)
    return Result(
        folder,
        plan.study.title,
        ledger.n_planned(),
        ledger.counts(),
        tuple(ledger.errors(MOST_ERRORS)),
        interrupted,
    )


def _check_free(folder: Path) -> None:
    """See that the folder is a study's, empty, or not there."""
    check_name(folder)
    try:
        present = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(_cannot(folder, error)) from None
    others = [name for name in present if name != LOCK_FILE]
    if others and LEDGER_FILE not in others:
        raise OutputError(
            f"output folder {folder} holds {others[0]} and no study; "
            "name another folder with --out"
        )


def _ledger(folder: Path, *, replay: bool) -> Ledger:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(_cannot(folder, error)) from None
    return opened(folder, replay=replay)


def _cannot(folder: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"output folder {folder} cannot be written: {reason}"


def _play(plan: StudyPlan, ledger: Ledger, where: Where, told: "_Told") -> bool:
    """Play what is missing; return whether it was interrupted."""
    n_known = sum(ledger.counts().values())
    told.n_known = n_known
    if n_known == plan.study.n_visits:
        told.say("every visit is done already")
        return False
    _read_code(plan, told)
    if n_known:
        told.say(f"going on from {n_known} of {plan.study.n_visits} visits")
    with _noted(ledger, where) as note:

        def tick(n_recorded: int) -> None:
            note()
            told.tick(n_recorded)

        limit_s, here = plan.study.visit_limit_s, str(Path.cwd())
        try:
            with _crew(where, told) as crew:
                Runner(ledger, crew, limit_s, here, tick).run(plan.jobs())
        except KeyboardInterrupt:
            return True
    return False


def _read_code(plan: StudyPlan, told: "_Told") -> None:
    """Let strategies that are not ours be read once, before anything is played.

    Raises StrategyFailedError, with file and line, for one that cannot be.
    """
    sources = [one.strategy for one in plan.study.contenders]
    cohort = plan.study.cohort
    whose = foreign_code(sources, cohort.families if cohort else ())
    if whose:
        told.say(whose)
    with kept():
        for source in dict.fromkeys(sources):
            strategy = hosted(source, plan.limits)
            if strategy is not None:
                with strategy:
                    pass  # what is wrong with its file shows on entering


@contextmanager
def _noted(ledger: Ledger, where: Where) -> Iterator[Callable[[], None]]:
    """Give what notes in the ledger how long the study has been run, also at its end.

    Called now and then, so that a run that is killed is not forgotten.
    """
    started, start_s = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    about = json.dumps({"workers": where.told, "git_revision": git_revision()})

    def note() -> None:
        ledger.note_session(started, time.monotonic() - start_s, about)

    try:
        yield note
    finally:
        note()


@contextmanager
def _crew(where: Where, told: "_Told") -> Iterator[Crew]:
    if where.dask is None:
        told.say(f"starting {where.told}")
        with local_crew(where.n_children) as crew:
            yield crew
        return
    told.say(f"asking the workers of {where.dask}")
    with dask_crew(where.dask) as cluster:
        told.say(f"{cluster.n_workers()} threads of workers")
        yield cluster


class _Told:
    """Says how far the study is; on a terminal every second, else now and then."""

    def __init__(self, progress: Progress, n_visits: int) -> None:
        self._progress = progress
        self._n_visits = n_visits
        self._start_s = time.perf_counter()
        self._first: tuple[int, float] | None = None
        self._said_s = 0.0
        self.n_known = 0

    def say(self, text: str) -> None:
        """Say one thing."""
        self._progress(time.perf_counter() - self._start_s, "study", text)

    def tick(self, n_recorded: int) -> None:
        """Say how many visits are done, how fast, and how long it still takes."""
        now_s = time.perf_counter()
        is_first = n_recorded > 0 and self._first is None
        if is_first:
            self._first = (n_recorded, now_s)
        done = self.n_known + n_recorded
        is_due = now_s - self._said_s > (1.0 if self._progress.overwrites else QUIET_S)
        if is_due or is_first or done == self._n_visits:
            self._said_s = now_s
            self.say(
                f"{done} of {self._n_visits} visits{self._pace(n_recorded, now_s)}"
            )

    def _pace(self, n_recorded: int, now_s: float) -> str:
        n_first, first_s = self._first or (n_recorded, now_s)
        if n_recorded == n_first:
            return ""
        rate = (n_recorded - n_first) / (now_s - first_s)
        left_s = (self._n_visits - self.n_known - n_recorded) / rate
        return f", {rate:.2g} a second, {_duration(left_s)} left"


def _duration(seconds: float) -> str:
    if seconds < 2.0 * S_PER_MIN:
        return f"{seconds:.0f} s"
    minutes = seconds / S_PER_MIN
    if minutes < 2.0 * MIN_PER_H:
        return f"{minutes:.0f} min"
    return f"{minutes / MIN_PER_H:.1f} h"


def _write_manifest(ledger: Ledger, folder: Path) -> None:
    """Tell what the study was made with; not the same from run to run."""
    counts, sessions = ledger.counts(), ledger.sessions()
    n_planned = ledger.n_planned()
    manifest: dict[str, Any] = {
        "schema_version": MANIFEST_SCHEMA,
        "title": ledger["title"],
        "complete": sum(counts.values()) == n_planned,
        "n_visits": n_planned,
        "counts": counts,
        "versions": dict(sorted(versions().items())),
        "git_revision": git_revision(),
        "processor": dict(processor()),
        "wall_s": sum(wall_s for _, wall_s, _ in sessions),
        "cpu_s": ledger.cpu_s(),
        "sessions": [
            {"started_at": at, "wall_s": wall_s, **json.loads(told)}
            for at, wall_s, told in sessions
        ],
    }
    partial = folder / f".{MANIFEST_FILE}.partial"
    write_json(partial, manifest)
    partial.replace(folder / MANIFEST_FILE)


def result_text(result: Result) -> str:
    """Return what a study says on stdout: counts, what went wrong, paths."""
    counted = ", ".join(f"{n} {status}" for status, n in result.counts.items())
    lines = [f"{result.title}", f"{result.n_visits} visits: {counted or 'none done'}"]
    if result.errors:
        lines += ["", "what went wrong (contender, error, visits):"]
        lines += [f"  {who}  {error}  {n}" for who, error, n in result.errors]
    return "\n".join(
        [
            *lines,
            "",
            f"visits  {result.folder / 'visits.csv'}",
            f"data    {result.folder}",
            f"judge   ccmlab compare {result.folder}",
        ]
    )
