"""What `ccmlab replay` does: play again or fork, write the run, say what differs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.archive.reading import versions_told
from harness.archive.replaying import (
    Fork,
    ForkError,
    PlanName,
    comparison_text,
    forked,
    read_log,
    replay,
    time_s,
)
from harness.archive.run_folder import about_stored, prepare, read_run, write_run
from harness.common.faults import FaultsError
from harness.play.run import Run
from harness.play.settings_table import kept_values
from harness.play.stream.transcript import STREAM_FILE
from harness.report.build import report_of
from harness.truth.answer_key import truth_of
from sim.device.lattice import Value


class ReplayOptionError(ValueError):
    """An option of a replay cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What is told; `is_same` is false when a visit played again is another."""

    text: str
    is_same: bool = True


def replay_into(
    place: str,
    folder: Path,
    *,
    moment: str | None,
    strategy: str,
    plan: Any,
    choose: str,
    force: bool,
) -> Replayed:
    """Play a visit again, or fork it at a moment, and write it into a folder.

    Raises ReplayOptionError for a moment, strategy, plan or choice that cannot be, and
    what `read_log` and `prepare` do.
    """
    log, hashes = read_log(place)
    versions = versions_told(about_stored(place)) if hashes else ""
    prepare(folder, force=force)
    if moment is None:
        # a run that was written without what was told is to be the same again
        recorded = not hashes or STREAM_FILE in hashes
        run = replay(log, recorded=recorded)
        _write(run, folder, force=force)
        return _compared(folder, hashes, versions)
    fork = Fork(
        _moment_s(moment),
        strategy,
        _plan(plan),
        _choice(choose, log.scenario.device.model),
    )
    try:
        other = forked(log, fork, recorded=True)
    except ForkError as error:
        raise ReplayOptionError(f"--from {moment}: {error}") from None
    _write(other, folder, force=force)
    return Replayed(f"{comparison_text(replay(log), other)}\n\ndata    {folder}")


def _write(run: Run, folder: Path, *, force: bool) -> None:
    write_run(run, report_of(run, truth_of(run.played)), folder, force=force)


def _compared(folder: Path, hashes: Mapping[str, str], versions: str) -> Replayed:
    """Hold the files of a replay against those of the run that was replayed.

    `versions` says in what its writer and this installation differ.
    """
    data = f"data    {folder}"
    if not hashes:
        return Replayed(data)
    again = read_run(folder).about["files"]
    other = sorted(
        name
        for name in hashes.keys() | again.keys()
        if hashes.get(name) != again.get(name)
    )
    if other:
        told = f"not the same: {', '.join(other)}\n{versions}\n{data}"
        return Replayed(told, is_same=False)
    return Replayed(f"the same to the byte: {len(again)} files\n{data}")


def _moment_s(moment: str) -> float:
    try:
        return time_s(moment)
    except ValueError as error:
        raise ReplayOptionError(f"--from {error}") from None


def _plan(plan: Any) -> PlanName:
    named: PlanName = plan or ""
    return named


def _choice(choose: str, model: str) -> str | Mapping[str, Value]:
    """Return "reference", nothing, or the values that are written with equals signs."""
    if choose in ("", "reference"):
        return choose
    try:
        pairs = dict(part.split("=", 1) for part in choose.split(","))
        return kept_values({k.strip(): _number(v) for k, v in pairs.items()}, model)
    except FaultsError as error:
        raise ReplayOptionError(f"--choose: {error}") from None
    except ValueError:
        text = f"--choose takes reference or name=value,name=value, got {choose!r}"
        raise ReplayOptionError(text) from None


def _number(text: str) -> Value:
    try:
        return float(text)
    except ValueError:
        return text.strip()
