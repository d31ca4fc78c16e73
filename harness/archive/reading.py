"""A stored visit as it was: played again from its log, held against what is stored.

Nothing is pickled. The log of actions is the whole visit, and playing it again takes
about as long as the first time; the tables, the beats and the stream that come out are
then compared with those of the folder, so that what is returned is what was written.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from harness.archive.replaying import replay
from harness.archive.run_folder import (
    A_COURSE,
    A_DAY,
    BEATS_FILE,
    EVENTS_FILE,
    HAND_OUT,
    NOT_REPLAYED,
    TIMINGS_FILE,
    about_stored,
    as_broken,
    check_whole,
    readings_files,
)
from harness.archive.tables import event_rows
from harness.common.csv import csv_bytes
from harness.common.files import BrokenRunError, read_json
from harness.play.run import (
    Run,
    RunFacts,
    git_revision,
    run_scenario,
    versions,
    without_beats,
)
from harness.play.stream.actions import ACTIONS_FILE, ActionLog, log_from
from harness.play.stream.transcript import STREAM_FILE
from sim.textfiles import UnreadableError, portable
from sim.visit.record import BeatTable


def read_visit(folder: str | Path, *, strategy: str = "") -> Run:
    """Return the visit of a folder, equal to the one that was written.

    Parameters
    ----------
    folder
        As `write` left it.
    strategy
        Where a strategy of one's own is now, as `path/mine.py:search`: a run keeps the
        name of its file alone, which is looked for in the present folder by default.

    Raises
    ------
    BrokenRunError
        For a folder that is not whole, that is no visit or none that can be played
        again, and for a visit that comes out otherwise here: then with the versions
        that differ.
    """
    with as_broken(folder):
        about, place = about_stored(folder), Path(folder).resolve()
        _check_kind(folder, about)
        check_whole(folder, about["files"])
        log = log_from(read_json(place / ACTIONS_FILE), str(place / ACTIONS_FILE))
        run = _again(_searched_by(log, strategy), STREAM_FILE in about["files"])
        return as_stored(run, place, about)


def _again(log: ActionLog, recorded: bool) -> Run:
    if log.person or log.actions:
        return replay(log, recorded=recorded)
    # as it was made: a visit by table strides otherwise where it is looked at live
    return run_scenario(
        log.scenario,
        scenario_name=log.scenario_name,
        strategy=log.strategy,
        seed=log.seed,
        replicate=log.replicate,
        recorded=recorded,
    )


def as_stored(run: Run, place: Path, about: Mapping[str, Any]) -> Run:
    """Return a visit played again with what its folder says of how it was played.

    Raises BrokenRunError where it is another visit than the stored one.
    """
    if other := unlike(run, place, about["files"]):
        raise BrokenRunError(
            f"{place} comes out otherwise when it is played again: {', '.join(other)}; "
            f"{versions_told(about)}; stored_run reads the report that is stored"
        )
    facts = RunFacts(
        run.facts.scenario,
        run.facts.scenario_name,
        about.get("versions", {}),
        about.get("git_revision", ""),
    )
    if BEATS_FILE not in about["files"]:
        run = without_beats(run)
    return replace(run, facts=facts, timings_s=_timings_s(place))


def unlike(run: Run, place: Path, files: Mapping[str, str]) -> list[str]:
    """Return the files of a folder that tell of another visit than a run is."""
    made = readings_files(run.record)
    made[EVENTS_FILE] = csv_bytes(event_rows(run.record))
    if run.transcript is not None:
        made[STREAM_FILE] = run.transcript.lines
    other = [
        name
        for name, content in made.items()
        if name in files and (place / name).read_bytes() != content
    ]
    if BEATS_FILE in files and not _same_beats(place / BEATS_FILE, run.record.beats):
        other.append(BEATS_FILE)
    return other


def versions_told(about: Mapping[str, Any]) -> str:
    """Say in which versions the writer of a run and this installation differ."""
    here, then = versions(), about.get("versions", {})
    differ = [
        f"{name} {then.get(name, 'none')} then, {here.get(name, 'none')} now"
        for name in sorted(here.keys() | then.keys())
        if here.get(name) != then.get(name)
    ]
    revisions = (about.get("git_revision", ""), git_revision())
    if revisions[0] != revisions[1]:
        was, now = (revision[:12] or "unknown" for revision in revisions)
        differ.append(f"revision {was} then, {now} now")
    return ", ".join(differ) or "written by these same versions"


def _check_kind(folder: str | Path, about: Mapping[str, Any]) -> None:
    kind = about.get("kind")
    if kind == HAND_OUT:
        raise BrokenRunError(f"{folder} is {NOT_REPLAYED}")
    if kind == "day":
        raise BrokenRunError(f"{folder} is {A_DAY}")
    if kind == "course":
        raise BrokenRunError(f"{folder} is {A_COURSE}; name one of its visits")
    if ACTIONS_FILE not in about["files"]:
        raise BrokenRunError(
            f"{folder} is one visit of a course, which begins where the one before "
            "ended; read the folder of the course, whose visits[...].run it is"
        )


def _searched_by(log: ActionLog, strategy: str) -> ActionLog:
    """Return a log whose strategy, kept by the name of its file, is in its place."""
    if not strategy:
        file = log.strategy.rpartition(":")[0]
        if file.endswith(".py") and not Path(file).exists():
            raise BrokenRunError(
                f"the visit was searched by {log.strategy}, which is not in the "
                f"present folder: name its place, strategy='path/{log.strategy}'"
            )
        return log
    if portable(strategy) != log.strategy:
        raise BrokenRunError(
            f"the visit was searched by {log.strategy}, not by {strategy}"
        )
    search = log.scenario.search
    if search.strategy == log.strategy:
        search = search.model_copy(update={"strategy": strategy})
    scenario = log.scenario.model_copy(update={"search": search})
    return replace(log, scenario=scenario, strategy=strategy)


def _same_beats(path: Path, beats: BeatTable) -> bool:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        stored = connection.read_parquet(str(path)).fetchnumpy()
    if list(stored) != ["beat", *beats.columns]:
        return False
    return all(
        np.array_equal(np.ma.filled(stored[name], np.nan), column, equal_nan=True)
        for name, column in zip(beats.columns, beats.rows.T, strict=True)
    )


def _timings_s(place: Path) -> dict[str, float]:
    """Return the times that were kept beside a visit; none where they were left out."""
    try:
        told = read_json(place / TIMINGS_FILE)
    except UnreadableError:
        return {}
    kept = told.get("timings_s", {}) if isinstance(told, dict) else {}
    return {str(name): value for name, value in kept.items() if name != "archive"}
