"""The folder of a run: written aside, checked by hashes, renamed when it is whole."""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from harness.archive.strips import NAME as STRIPS
from harness.archive.strips import write_strips
from harness.archive.strips_told import make_told
from harness.archive.tables import (
    evaluation_rows,
    event_rows,
    pair_rows,
    provenance_rows,
    reading_rows,
    write_beats,
)
from harness.common.csv import csv_bytes
from harness.common.files import (
    ASIDE,
    BrokenRunError,
    OutputError,
    aside,
    cannot_write,
    check_name,
    file_hash,
    is_plain,
    is_version,
    names_in,
    read_json,
    sweep,
    sync,
    whole_folder,
    write_file,
    write_json,
)
from harness.play.run import Run, strategy_summary
from harness.play.scenario import Scenario
from harness.play.stream.actions import ACTIONS_FILE, ActionLog, log_text
from harness.play.stream.transcript import STREAM_FILE
from harness.report.contents import SCHEMA_VERSION as REPORT_SCHEMA
from harness.report.contents import Report
from harness.report.figures.gallery import figures
from harness.report.formats import ALWAYS, FORMATS, renderings
from harness.report.hand_out import pseudonym_of
from sim.textfiles import UnreadableError, portable
from sim.visit.record import VisitRecord

SCHEMA_VERSION: Final = 1
RUN_FILE: Final = "run.json"
TIMINGS_FILE: Final = "timings.json"
EVENTS_FILE: Final = "events.csv"
BEATS_FILE: Final = "beats.parquet"
HAND_OUTS_FILE: Final = "hand_outs.csv"
"""Which hand-outs were made of a run: nothing in them leads back to it."""
READINGS: Final = ("evaluations.csv", "pairs.csv", "readings.csv", STREAM_FILE)
"""What was read and what was told at the bedside: nothing that is true."""
HAND_OUT: Final = "hand-out"
A_DAY: Final = "a clinic's day, which no visit's report is of"
A_COURSE: Final = "a course of visits"
NOT_REPLAYED: Final = "a hand-out: it cannot be replayed, the teacher's folder can"
_TOLD: Final = (
    "schema_version",
    "strategy",
    "strategy_summary",
    "recommender",
    "n_asked",
    "git_revision",
    "versions",
    "files",
)


_SHOWN: Final = ("scenario_name", "seed", "replicate", "strategy")


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run that was read back: `about` is `run.json`, `report` is `report.json`."""

    folder: Path
    about: Mapping[str, Any]
    report: Report

    def __repr__(self) -> str:
        told = [f"{name} {self.about[name]}" for name in _SHOWN if name in self.about]
        verdict = self.report.verdict
        return (
            f"StoredRun in {self.folder}: {', '.join(told)}\n{verdict.kind}, gain "
            f"{verdict.gain.text}, 95 % interval {verdict.interval_95.text}"
        )


def prepare(out_dir: str | Path, *, force: bool = False) -> Path:
    """Make sure that a run can be written, before anything is simulated.

    Removes what writers that died left beside it. Raises OutputError when the place
    cannot be written, holds a run and `force` is false, or holds anything else.
    """
    check_name(out_dir)
    target = Path(out_dir).resolve()
    if not target.name:
        raise OutputError(f"output folder must have a name, got {target}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target)
        # only trying tells of permissions, quotas and a disk that is read-only
        probe = aside(target, "partial")
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise OutputError(cannot_write(out_dir, error)) from None
    _check_free(target, str(out_dir), force=force)
    return target


def write_run(
    run: Run,
    report: Report,
    out_dir: str | Path,
    *,
    force: bool = False,
    formats: Collection[str] = tuple(FORMATS),
) -> Path:
    """Write everything about a run and return its folder.

    The report is written in the `formats` named and as JSON, from which `render_again`
    makes the others.

    The folder appears under its name when it is whole, or not at all. Everything in it
    but `timings.json` depends on the run alone. Of a report that is a hand-out, what
    tells patient, law, title or seed is left out, and the times with it.
    """
    target = prepare(out_dir, force=force)
    began_s, began_at = time.perf_counter(), datetime.now(UTC)
    try:
        with whole_folder(target) as folder:
            _write_contents(run, report, folder, formats)
            # before the timings are written, which differ each time and have no hash
            hashes = {name: file_hash(folder / name) for name in names_in(folder)}
            about = about_run(run, hashes)
            if report.answer_key is None:
                write_json(folder / RUN_FILE, about_hand_out(about))
                return target
            write_json(folder / RUN_FILE, about)
            timings_s = {**run.timings_s, "archive": time.perf_counter() - began_s}
            written = {"written_at": began_at.isoformat(), "timings_s": timings_s}
            write_json(folder / TIMINGS_FILE, written)
    except OSError as error:
        raise OutputError(cannot_write(out_dir, error)) from None
    return target


def about_run(run: Run, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return what `run.json` holds: how the run was made, and the hash of each file."""
    facts, played = run.facts, run.played
    order, strategy = played.order, played.task.strategy_name
    repeated = {"replicate": order.replicate} if order.replicate else {}
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario_name": facts.scenario_name,
        "seed": order.seed,
        **repeated,
        "strategy": portable(strategy),
        "strategy_summary": strategy_summary(strategy),
        "recommender": played.task.recommender,
        "n_asked": len(played.log),
        "git_revision": facts.git_revision,
        "versions": dict(sorted(facts.versions.items())),
        "scenario": told_scenario(facts.scenario),
        "files": dict(sorted(hashes.items())),
    }


def told_scenario(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as `run.json` states it."""
    told = scenario.model_dump(mode="json")
    told["search"]["strategy"] = portable(told["search"]["strategy"])
    return told


def about_hand_out(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `run.json` of a hand-out holds: what says nothing of the patient."""
    return {
        "kind": HAND_OUT,
        "about": NOT_REPLAYED,
        **{name: about[name] for name in _TOLD if name in about},
    }


def note_hand_out(folder: Path, pseudonym: str) -> None:
    """Note in the folder of a run under which pseudonym a hand-out was made of it.

    Raises OutputError when that cannot be written.
    """
    path = folder / HAND_OUTS_FILE
    try:
        with path.open("a", encoding="utf-8", newline="") as out:
            if not out.tell():
                out.write("pseudonym,made_at\n")
            out.write(f"{pseudonym},{datetime.now(UTC).isoformat()}\n")
    except OSError as error:
        raise OutputError(cannot_write(path, error)) from None


def read_run(folder: str | Path, *, rendered: Collection[str] = ()) -> StoredRun:
    """Read a run back; BrokenRunError says what is missing, was changed, or is foreign.

    Files in `rendered` are to be written again and may be in any state.
    """
    with as_broken(folder):
        place, about = Path(folder).resolve(), about_stored(folder)
        if about.get("kind") == "day":
            raise BrokenRunError(f"{folder} is {A_DAY}")
        if "report.json" not in about["files"]:
            raise BrokenRunError(f"{folder} is {A_COURSE}; name one of its visits")
        check_whole(folder, about["files"], rendered)
        return StoredRun(place, about, _stored_report(folder, place))


@contextmanager
def as_broken(folder: str | Path) -> Iterator[None]:
    """Raise BrokenRunError for what the system says against reading a folder."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BrokenRunError(f"{folder} cannot be read: {reason}") from None


def about_stored(folder: str | Path) -> Mapping[str, Any]:
    """Return `run.json` of a folder that is whole or not; BrokenRunError for none."""
    place = Path(folder).resolve()
    if ASIDE.fullmatch(place.name):
        raise BrokenRunError(f"{folder} was left by a writer that did not finish")
    about = _about(place)
    if about is None:
        raise BrokenRunError(f"{folder} is no run: {_why_no_run(place)}")
    return about


def check_whole(
    folder: str | Path, files: Mapping[str, str], rendered: Collection[str] = ()
) -> None:
    """Raise BrokenRunError unless each file is there as it was written.

    `files` are the hashes of `run.json`; files in `rendered` may be in any state.
    """
    place = Path(folder).resolve()
    wrong = [
        f"{name} {_what_is_wrong(place / name)}"
        for name, expected in files.items()
        if (name not in rendered or (place / name).is_symlink())
        and not (is_plain(place, name) and file_hash(place / name) == expected)
    ]
    if wrong:
        raise BrokenRunError(f"{folder} is not whole: {', '.join(wrong)}")


def _what_is_wrong(path: Path) -> str:
    if path.is_symlink():
        return "is a link"
    return "was changed" if path.is_file() else "is missing"


def _why_no_run(place: Path) -> str:
    told = _json(place / RUN_FILE)
    written = told.get("schema_version") if isinstance(told, dict) else None
    if written is None or is_version(told, SCHEMA_VERSION):
        return f"it has no readable {RUN_FILE}"
    return f"{RUN_FILE} has schema {written}, this ccmlab reads {SCHEMA_VERSION}"


def _stored_report(folder: str | Path, place: Path) -> Report:
    told = _json(place / "report.json")
    if not isinstance(told, dict):
        raise BrokenRunError(f"{folder} has no readable report.json")
    written = told.get("schema_version")
    if not is_version(told, REPORT_SCHEMA):
        raise BrokenRunError(
            f"{folder} holds a report of schema {written}, this ccmlab reads "
            f"{REPORT_SCHEMA}; use the version that its {RUN_FILE} names"
        )
    try:
        return Report.model_validate_json((place / "report.json").read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(step) for step in first["loc"])
        raise BrokenRunError(
            f"{folder} holds a report.json that this ccmlab cannot read: "
            f"{at}: {first['msg'].lower()}"
        ) from None


def _write_contents(
    run: Run, report: Report, folder: Path, formats: Collection[str]
) -> None:
    record, drawn = run.record, figures(report)
    whole = report.answer_key is not None
    contents = {
        **renderings(report, dict.fromkeys((*formats, ALWAYS)), drawn),
        **readings_files(record),
    }
    contents |= {f"figures/{n}.svg": f.svg for n, f in drawn.items()}
    if run.transcript is not None:
        contents[STREAM_FILE] = run.transcript.lines
    if whole and run.actions is not None:
        # holds scenario and seed: who has it plays the visit again, truth and all
        contents[ACTIONS_FILE] = log_text(_portable_log(run.actions)).encode()
    if whole:
        contents[EVENTS_FILE] = csv_bytes(event_rows(record))
        contents["provenance.csv"] = csv_bytes(provenance_rows(report))
    for name, content in contents.items():
        write_file(folder / name, content)
    if whole and len(record.beats.rows):
        write_beats(record.beats, folder / BEATS_FILE, pseudonym=record.pseudonym)
        sync(folder / BEATS_FILE)
    _write_strips(run, report, folder)


def readings_files(record: VisitRecord) -> dict[str, bytes]:
    """Return the tables of what was read in a visit, by the names of their files."""
    return {
        "evaluations.csv": csv_bytes(evaluation_rows(record)),
        "pairs.csv": csv_bytes(pair_rows(record)),
        "readings.csv": csv_bytes(reading_rows(record)),
    }


def _write_strips(run: Run, report: Report, folder: Path) -> None:
    visit = run.facts.scenario.visit
    write_strips(
        run.record,
        folder,
        keep=visit.strips,
        sampling_hz=visit.strip_rate_hz,
        disturbance=visit.strip_noise.disturbance,
        shown_mmhg=None if run.transcript is None else run.transcript.shown_mmhg,
    )
    if report.answer_key is None:
        make_told(folder, STRIPS, run.record.pseudonym, pseudonym_of(report))
    # their writers do not wait for the disk, as `write_file` does
    for path in folder.glob(f"{STRIPS}*"):
        sync(path)


def _check_free(target: Path, asked: str, *, force: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"output folder {asked} is a file; name a folder")
    present = set(names_in(target))
    about = _about(target)
    known = {RUN_FILE, TIMINGS_FILE, HAND_OUTS_FILE, *(about["files"] if about else ())}
    # one file that no run wrote is somebody's work, whatever --force says
    if present and (about is None or present - known):
        other = sorted(present if about is None else present - known)[0]
        raise OutputError(
            f"output folder {asked} holds {other}, which no run wrote; "
            "name another folder"
        )
    if present and not force:
        raise OutputError(
            f"output folder {asked} holds a run already; name another one with --out, "
            "or replace it with --force"
        )


def _json(path: Path) -> Any:
    if path.is_symlink():
        return None
    try:
        return read_json(path)
    except UnreadableError:
        return None


def _about(folder: Path) -> dict[str, Any] | None:
    about = _json(folder / RUN_FILE)
    if not isinstance(about, dict) or not is_version(about, SCHEMA_VERSION):
        return None
    return about if isinstance(about.get("files"), dict) else None


def _portable_log(log: ActionLog) -> ActionLog:
    """Return a log in which no path of a machine stays."""
    search = log.scenario.search
    named = search.model_copy(update={"strategy": portable(search.strategy)})
    scenario = log.scenario.model_copy(update={"search": named})
    return replace(log, scenario=scenario, strategy=portable(log.strategy))
