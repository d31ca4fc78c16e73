"""What a script keeps in a folder and has back: a visit, or a course of visits."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.archive.reading import as_stored, read_visit, versions_told
from harness.archive.run_folder import (
    RUN_FILE,
    about_stored,
    as_broken,
    check_whole,
    write_run,
)
from harness.common.csv import csv_bytes
from harness.common.files import BrokenRunError
from harness.course.archive import COURSE_FILE, DAYS_FILE, day_rows, write_course
from harness.course.play import Course, CourseVisit, run_course, visit_rows
from harness.play.run import Run
from harness.play.scenario import CourseScenario
from harness.play.stream.transcript import STREAM_FILE
from harness.report.build import report_of
from harness.report.contents import Report
from harness.report.formats import FORMATS
from harness.truth.answer_key import truth_of
from sim.textfiles import portable


def write(
    played: Run | Course,
    folder: str | Path,
    *,
    report: Report | None = None,
    formats: Collection[str] = tuple(FORMATS),
    force: bool = False,
) -> Path:
    """Write a visit or a course, with its reports, and return the folder.

    The folder appears when it is whole, or not at all.

    Parameters
    ----------
    played
        What `run_scenario` or `run_course` returned.
    folder
        A new one; what is above it is made.
    report
        Stands in the folder of a visit in place of `report_of(run, truth)`, with its
        answer key.
    formats
        What the report is made as besides JSON: all of html, pdf, json, fhir, hl7 by
        default.
    force
        Whether a run that is in the folder is replaced.

    Raises
    ------
    OutputError
        When the place cannot be written, or holds anything that is not to be replaced.
    """
    if isinstance(played, Course):
        if report is not None:
            raise ValueError("a course has a report for each visit, made from it")
        return write_course(played, folder, force=force, formats=formats)
    if not isinstance(played, Run):
        kind = type(played).__name__
        raise TypeError(f"played must be a Run or a Course, got a {kind}")
    told = report_of(played, truth_of(played.played)) if report is None else report
    return write_run(played, told, folder, force=force, formats=formats)


def read(folder: str | Path, *, strategy: str = "") -> Run | Course:
    """Return the visit or course that `write` or `ccmlab run` left in a folder.

    It is equal to the one that was written: played again, which takes about as long as
    the first time, and held against the files. `stored_run` reads a report alone.

    Parameters
    ----------
    folder
        Of a run, or of a course.
    strategy
        Where a strategy of one's own is now, as `path/mine.py:search`: a run keeps the
        name of its file alone, which is looked for in the present folder by default.

    Raises
    ------
    BrokenRunError
        For a folder that is not whole, that is no run or none that can be played
        again, and for what comes out otherwise here: then with the versions that
        differ.
    """
    with as_broken(folder):
        about = about_stored(folder)
        if about.get("kind") == "course":
            return _read_course(folder, about, strategy)
        return read_visit(folder, strategy=strategy)


def _read_course(folder: str | Path, about: Mapping[str, Any], strategy: str) -> Course:
    place, files = Path(folder).resolve(), about["files"]
    check_whole(folder, files)
    searched = about_stored(place / "visit-1")["strategy"]
    if strategy and portable(strategy) != searched:
        raise BrokenRunError(f"{folder} was searched by {searched}, not by {strategy}")
    scenario = CourseScenario.checked(about["scenario"], origin=f"{folder}/{RUN_FILE}")
    if strategy and scenario.search.strategy == searched:
        search = scenario.search.model_copy(update={"strategy": strategy})
        scenario = scenario.model_copy(update={"search": search})
    course = run_course(
        scenario,
        scenario_name=about["scenario_name"],
        strategy=strategy or searched,
        seed=about["seed"],
        recorded=f"visit-1/{STREAM_FILE}" in files,
    )
    made = {
        COURSE_FILE: csv_bytes(visit_rows(course)),
        DAYS_FILE: csv_bytes(day_rows(course)),
    }
    other = [n for n, content in made.items() if (place / n).read_bytes() != content]
    if other:
        raise BrokenRunError(
            f"{folder} comes out otherwise when it is played again: "
            f"{', '.join(other)}; {versions_told(about)}"
        )
    return replace(course, visits=tuple(_visits(course, place)))


def _visits(course: Course, place: Path) -> Iterator[CourseVisit]:
    for visit in course.visits:
        own = place / f"visit-{visit.number}"
        yield replace(visit, run=as_stored(visit.run, own, about_stored(own)))
