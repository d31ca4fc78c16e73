"""The folder of a day: page, figures and tidy tables, written whole or not at all."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harness.archive.run_folder import RUN_FILE, SCHEMA_VERSION, TIMINGS_FILE, prepare
from harness.common.banner import BANNER
from harness.common.csv import Cell, Row, csv_bytes
from harness.common.files import (
    OutputError,
    cannot_write,
    file_hash,
    names_in,
    sync,
    whole_folder,
    write_file,
    write_json,
)
from harness.common.parquet import write_parquet
from harness.day.figures import DayFigure, figures
from harness.day.measures import MEASURES
from harness.day.page import day_html
from harness.day.replicate import DaysPlayed
from harness.play.run import git_revision, versions
from harness.study.judging.numbers import Estimate
from sim.units import S_PER_H, S_PER_MIN

PAGE: Final = "day.html"
PARQUET: Final = ("days", "patients", "schedule")
DIGITS: Final = 6
"""Decimals of the tables: what other machines reproduce."""


def write_days(played: DaysPlayed, out_dir: str | Path, *, force: bool = False) -> Path:
    """Write the days and return their folder; raises what `write_run` does.

    Everything but `timings.json` depends on file, seed and number of days alone.
    """
    target = prepare(out_dir, force=force)
    began_s, began_at = time.perf_counter(), datetime.now(UTC)
    drawn = figures(played)
    try:
        with whole_folder(target) as folder:
            _write_contents(played, drawn, folder)
            hashes = {name: file_hash(folder / name) for name in names_in(folder)}
            write_json(folder / RUN_FILE, about_days(played, hashes))
            timings_s = {"archive": time.perf_counter() - began_s}
            written = {"written_at": began_at.isoformat(), "timings_s": timings_s}
            write_json(folder / TIMINGS_FILE, written)
    except OSError as error:
        raise OutputError(cannot_write(out_dir, error)) from None
    return target


def about_days(played: DaysPlayed, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return what `run.json` of a day holds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "day",
        "scenario_name": played.file.name,
        "seed": played.seed,
        "n_days": played.n_days,
        "plans": [one.name for one in played.plans],
        "git_revision": git_revision(),
        "versions": dict(sorted(versions().items())),
        "scenario": played.file.scenario.model_dump(mode="json", exclude_none=True),
        "files": dict(sorted(hashes.items())),
    }


def _write_contents(
    played: DaysPlayed, drawn: Sequence[DayFigure], folder: Path
) -> None:
    tables: dict[str, list[Row]] = {
        "summary": list(summary_rows(played)),
        "days": list(day_rows(played)),
        "patients": [_rounded(row) for one in played.plans for row in one.patients],
        "schedule": list(schedule_rows(played)),
        "waits": list(wait_rows(played)),
        "visits": list(visit_rows(played)),
        "provenance": list(number_rows(played)),
    }
    if played.others:
        tables["differences"] = list(difference_rows(played))
    for name, rows in tables.items():
        write_file(folder / f"{name}.csv", csv_bytes(rows))
    for name in PARQUET:
        if tables[name]:
            write_parquet(tables[name], folder / f"{name}.parquet")
            sync(folder / f"{name}.parquet")
    for figure in drawn:
        write_file(folder / "figures" / f"{figure.name}.svg", figure.svg)
    write_json(folder / "day.json", day_summary(played))
    write_file(folder / PAGE, day_html(played, drawn).encode())


def day_summary(played: DaysPlayed) -> dict[str, Any]:
    """Return the days as nested values: means, differences, bottlenecks, metadata."""
    scenario = played.file.scenario
    return {
        "schema_version": SCHEMA_VERSION,
        "banner": BANNER,
        "title": scenario.title,
        "metadata": dict(scenario.metadata),
        "seed": played.seed,
        "n_days": played.n_days,
        "plans": [
            {
                "name": one.name,
                "bottleneck_on_paper": one.bottleneck,
                "most_waited_for": one.most_waited_for,
                "means": {name: _told(e) for name, e in one.means.items()},
                "less_as_planned": {
                    name: _told(e) for name, e in played.differences(one).items()
                }
                if one is not played.base
                else {},
            }
            for one in played.plans
        ],
    }


def _told(one: Estimate) -> dict[str, Any]:
    limits = {"mean": one.value, "low": one.low, "high": one.high}
    known = {k: round(v, DIGITS) if v == v else None for k, v in limits.items()}
    return {**known, "n": one.n}


def _estimates(found: Mapping[str, Estimate]) -> Iterator[Row]:
    for measure in MEASURES:
        one = found[measure.name]
        yield {
            "measure": measure.name,
            "unit": measure.unit,
            "mean": round(one.value, DIGITS),
            "low": round(one.low, DIGITS),
            "high": round(one.high, DIGITS),
            "n_days": one.n,
        }


def summary_rows(played: DaysPlayed) -> Iterator[Row]:
    """Yield a row a plan and measure: the mean day with its 95 % interval."""
    for one in played.plans:
        yield from ({"plan": one.name, **row} for row in _estimates(one.means))


def difference_rows(played: DaysPlayed) -> Iterator[Row]:
    """Yield a row a plan and measure: the plan less the day as planned, paired."""
    for other in played.others:
        found = _estimates(played.differences(other))
        yield from ({"plan": other.name, **row} for row in found)


def day_rows(played: DaysPlayed) -> Iterator[Row]:
    """Yield a row a plan and day: every measure of it."""
    for one in played.plans:
        for number, values in enumerate(one.table, start=1):
            named = zip(MEASURES, values, strict=True)
            yield {
                "plan": one.name,
                "day": number,
                **{m.name: round(float(value), DIGITS) for m, value in named},
            }


def schedule_rows(played: DaysPlayed) -> Iterator[Row]:
    """Yield who and what was taken up by whom on the day that the page shows."""
    for one in played.plans:
        for stint in sorted(one.shown.stints, key=lambda s: (s.kind, s.who, s.start_s)):
            yield {
                "plan": one.name,
                "kind": stint.kind,
                "who": stint.who,
                "patient": stint.patient,
                "stage": stint.stage,
                "start_h": round(stint.start_s / S_PER_H, DIGITS),
                "end_h": round(stint.end_s / S_PER_H, DIGITS),
            }


def wait_rows(played: DaysPlayed) -> Iterator[Row]:
    """Yield what each patient waited for on the day that the page shows."""
    for one in played.plans:
        for wait in one.shown.waits:
            yield {
                "plan": one.name,
                "patient": wait.patient,
                "before": wait.stage,
                "cause": wait.cause,
                "start_h": round(wait.start_s / S_PER_H, DIGITS),
                "end_h": round(wait.end_s / S_PER_H, DIGITS),
                "share": round(wait.share, DIGITS),
            }


def visit_rows(played: DaysPlayed) -> Iterator[Row]:
    """Yield a row a phase of each visit that the days drew from."""
    for one in played.plans:
        for pool in one.pools:
            for job in pool.jobs:
                for stage in job.stages:
                    yield {
                        "plan": one.name,
                        "visit": job.name,
                        "share": pool.share,
                        "urgent": pool.is_urgent,
                        "stopped_for_safety": job.stopped,
                        "stage": stage.name,
                        "minutes": round(stage.duration_s / S_PER_MIN, DIGITS),
                        "roles": " and ".join(stage.roles),
                        "place": stage.place,
                        "programmer": stage.programmer,
                    }


def number_rows(played: DaysPlayed) -> Iterator[Row]:
    """Yield each number of each plan with its source."""
    for one in played.plans:
        for row in one.plan.numbers:
            yield {
                "plan": one.name,
                "name": row.name,
                "value": str(row.value),
                "unit": row.unit,
                "reference": row.source.reference,
                "place": row.source.place,
                "standing": row.source.standing,
            }


def _rounded(row: Mapping[str, Cell]) -> dict[str, Cell]:
    return {k: round(v, DIGITS) if isinstance(v, float) else v for k, v in row.items()}
