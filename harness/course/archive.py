"""The folder of a course: a run a visit, and the tables and figure over the months."""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harness.archive.run_folder import (
    RUN_FILE,
    SCHEMA_VERSION,
    TIMINGS_FILE,
    about_hand_out,
    prepare,
    told_scenario,
    write_run,
)
from harness.common.banner import BANNER
from harness.common.csv import Row, csv_bytes
from harness.common.files import (
    OutputError,
    cannot_write,
    file_hash,
    names_in,
    whole_folder,
    write_file,
    write_json,
)
from harness.course.figure import course_svg
from harness.course.home import S_PER_DAY
from harness.course.page import course_html
from harness.course.play import Course, CourseVisit, visit_rows
from harness.play.provenance import course_numbers
from harness.play.scenario import CourseScenario
from harness.report.build import report_of
from harness.report.formats import FORMATS
from harness.report.hand_out import fresh_code, hand_out_of
from harness.truth.answer_key import truth_of
from sim.patient.chronic import FITTED_ROWS, LAW
from sim.sources import provenance

COURSE_FILE: Final = "course.csv"
DAYS_FILE: Final = "days.csv"


def write_course(
    course: Course,
    out_dir: str | Path,
    *,
    force: bool = False,
    keyed: bool = True,
    formats: Collection[str] = tuple(FORMATS),
) -> Path:
    """Write a course and return its folder; raises what `write_run` does.

    `visit-1`, `visit-2` ... are runs like any other. Everything but `timings.json`
    depends on the scenario and the seed alone. Without its key it is a hand-out: what
    the visits read, and nothing that is true.
    """
    with course_folder(out_dir, force=force, keyed=keyed, formats=formats) as writer:
        for visit in course.visits:
            writer.visit(visit)
        writer.finish(course)
    return writer.target


@contextmanager
def course_folder(
    out_dir: str | Path,
    *,
    force: bool = False,
    keyed: bool = True,
    code: str = "",
    formats: Collection[str] = tuple(FORMATS),
) -> Iterator["CourseWriter"]:
    """Give what writes a course while it is played, so that no visit must be kept.

    The folder appears under its name at the end, or not at all. `code` is that of a
    hand-out's pseudonyms, a fresh one by default.
    """
    target = prepare(out_dir, force=force)
    try:
        with whole_folder(target) as folder:
            yield CourseWriter(target, folder, formats, keyed=keyed, code=code)
    except OSError as error:
        raise OutputError(cannot_write(out_dir, error)) from None


class CourseWriter:
    """Writes the visits of a course one by one, then what is told of all of them."""

    def __init__(
        self,
        target: Path,
        folder: Path,
        formats: Collection[str] = tuple(FORMATS),
        *,
        keyed: bool = True,
        code: str = "",
    ) -> None:
        self.target = target
        self._formats = formats
        self._folder = folder
        self._keyed = keyed
        self._code = code or fresh_code()
        self._began_at = datetime.now(UTC)
        self._archive_s = 0.0
        self._timings: dict[str, Any] = {}

    def visit(self, visit: CourseVisit) -> None:
        """Write one visit as a run."""
        start_s, name = time.perf_counter(), f"visit-{visit.number}"
        report = report_of(visit.run, truth_of(visit.run.played))
        told = report if self._keyed else hand_out_of(report, self._code)
        write_run(visit.run, told, self._folder / name, formats=self._formats)
        # what differs is kept above; a hand-out has none
        (self._folder / name / TIMINGS_FILE).unlink(missing_ok=True)
        self._timings[name] = dict(visit.run.timings_s)
        self._archive_s += time.perf_counter() - start_s

    def finish(self, course: Course) -> None:
        """Write the tables, the figure and the page of the whole course."""
        start_s, folder = time.perf_counter(), self._folder
        _write_tables(course, folder, keyed=self._keyed)
        hashes = {name: file_hash(folder / name) for name in names_in(folder)}
        about = about_course(course, hashes)
        if not self._keyed:
            write_json(folder / RUN_FILE, about_hand_out(about))
            return
        write_json(folder / RUN_FILE, about)
        archive_s = self._archive_s + time.perf_counter() - start_s
        timings_s = {**self._timings, "archive": archive_s}
        written = {"written_at": self._began_at.isoformat(), "timings_s": timings_s}
        write_json(folder / TIMINGS_FILE, written)


def about_course(course: Course, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return what `run.json` of a course holds."""
    facts = course.visits[0].run.facts
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "course",
        "scenario_name": course.scenario_name,
        "seed": course.seed,
        "git_revision": facts.git_revision,
        "versions": dict(sorted(facts.versions.items())),
        "scenario": told_scenario(course.scenario),
        "files": dict(sorted(hashes.items())),
    }


def _write_tables(course: Course, folder: Path, *, keyed: bool) -> None:
    rows = visit_rows(course)
    contents = {
        COURSE_FILE: csv_bytes(rows if keyed else map(_seen, rows)),
        "charging.csv": csv_bytes(charging_rows(course)),
        "course.svg": course_svg(course),
        "course.html": course_html(course, keyed=keyed).encode(),
    }
    if keyed:
        write_json(folder / "course.json", course_summary(course))
        contents[DAYS_FILE] = csv_bytes(day_rows(course))
        contents["provenance.csv"] = csv_bytes(number_rows(course.scenario))
        contents["course_key.svg"] = course_svg(course, keyed=True)
    for name, content in contents.items():
        write_file(folder / name, content)


def course_summary(course: Course) -> dict[str, Any]:
    """Return the course as nested values: visits, alerts, traits, how it was set."""
    traits = course.traits
    return {
        "schema_version": SCHEMA_VERSION,
        "banner": BANNER,
        "title": course.scenario.title,
        "seed": course.seed,
        "visits": [_finite(row) for row in visit_rows(course)],
        "alerts": [{"day": alert.day, "text": alert.text} for alert in course.alerts],
        "answer_key": {
            "note": "how this patient responds over months: hidden from the clinic",
            "ef_gain_pct": float(traits.ef_gain_pct[0]),
            "ef_natural_pct": float(traits.ef_natural_pct[0]),
            "placebo": _one(traits.placebo),
            "treatment": _one(traits.treatment),
        },
        "law_set_from": dict(FITTED_ROWS),
    }


def _seen(row: Row) -> Row:
    """Return what the clinic knows of a visit of the course."""
    return {k: value for k, value in row.items() if not k.endswith(("_true", "_fault"))}


def _one(scores: Any) -> dict[str, float]:
    names = ("mlwhfq_points", "peak_vo2_ml_per_kg_min", "walk_m")
    return {name: float(getattr(scores, name)[0]) for name in names}


def _finite(row: Row) -> dict[str, Any]:
    """Return a row for JSON, which knows no nan."""
    return {key: None if value != value else value for key, value in row.items()}


def day_rows(course: Course) -> Iterator[Row]:
    """Yield each day at home, and how the patient truly was on the next morning."""
    true = {point.day: point.true for point in course.points}
    for visit in course.visits:
        for day in visit.stretch.days:
            state = true[day.day + 1]
            yield {
                "day": day.day,
                "before_visit": visit.number,
                "scheduled_h": day.hours,
                "delivered_frac": day.delivered_frac,
                "n_trains": day.n_trains,
                "charge_frac": day.charge_frac,
                "charged": day.charged,
                "suspended": day.suspended,
                "lead_fault": day.fault,
                "ef_pct_true": float(state.ef_pct[0]),
                "nyha_class_true": int(state.nyha_class[0]),
                **{f"{k}_true": v for k, v in _one(state.scores).items()},
            }


def charging_rows(course: Course) -> Iterator[Row]:
    """Yield each time that the patient charged the device."""
    for visit in course.visits:
        for charge in visit.stretch.recharges:
            yield {
                "day": charge.at_s / S_PER_DAY - 1.0,
                "before_frac": charge.before_frac,
                "after_frac": charge.after_frac,
                "code": charge.code,
            }


def number_rows(scenario: CourseScenario) -> Iterator[Row]:
    """Yield each number of the chronic law and of the habits, with its source."""
    for row in (*provenance(LAW, prefix="chronic."), *course_numbers(scenario)):
        yield {
            "name": row.name,
            "value": str(row.value),
            "unit": row.unit,
            "reference": row.source.reference,
            "place": row.source.place,
            "standing": row.source.standing,
        }
