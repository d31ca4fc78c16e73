"""`ccmlab run`."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from harness.commands.asked import changed, say_whose_code
from harness.commands.faults import one_clear_message
from harness.commands.options import (
    ANSWER_KEY,
    ENGINE,
    FORMATS_HELP,
    HELP,
    MEMORY,
    QUIET,
    SEED,
    STRATEGY,
    formats_asked,
)
from harness.commands.speech import tell
from harness.common.banner import BANNER

if TYPE_CHECKING:
    from harness.course.play import CourseVisit
    from harness.play.scenario import CourseScenario, Scenario
    from harness.report.contents import Report
    from harness.task.limits import StrategyLimits

PREPARING: Final = ("start", "solving the patient")
SAID: Final = {"html": "report", "pdf": "pdf"}
"""The formats whose path a finished run says, under which word."""


@click.command(
    "run", short_help="Play a visit or a course of visits; write the report."
)
@click.argument("scenario")
@STRATEGY
@SEED
@click.option(
    "--replicate",
    metavar="N",
    type=click.IntRange(0, 1_000_000),
    default=0,
    help="number of the visit of this patient: another draw of all that is random, 0 "
    "or more (default: 0)",
)
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="a value of the scenario by its path, such as visit.readout=cuff or "
    "patient.override.edv_ml=230; may be given several times (default: none)",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of the run (default: results/SCENARIO-STRATEGY-seedN)",
)
@click.option("--force", is_flag=True, help="replace a run that is in the folder")
@click.option(
    "--format",
    "names",
    metavar="NAMES",
    default="html,pdf,json,fhir,hl7",
    help=f"what the report is made as, {FORMATS_HELP}; json, from which the others "
    "are rendered, is always there (default: all)",
)
@ENGINE
@ANSWER_KEY
@MEMORY
@HELP
@QUIET
def run(
    scenario: str,
    *,
    strategy: str | None,
    seed: int | None,
    replicate: int,
    settings: tuple[str, ...],
    out: Path | None,
    names: str,
    answer_key: str,
    memory_gb: float,
    force: bool,
    engine: str | None,
    quiet: bool,
) -> int:
    """Play one visit: report and data into a folder, verdict to stdout.

    SCENARIO is a path ending in .toml or the name of a shipped scenario
    (ccmlab list scenarios). One with a table [course] plays several visits over
    months, each in a folder of its own.
    """
    formats = formats_asked(names)
    with one_clear_message(scenario):
        from harness.archive.run_folder import prepare
        from harness.play.host.laws import laws_within
        from harness.play.scenario import CourseScenario, load_scenario, scenario_name
        from harness.report.hand_out import fresh_code
        from harness.task.limits import StrategyLimits

        loaded = changed(load_scenario(scenario), strategy, seed, settings, engine)
        limits = StrategyLimits(memory_gb=memory_gb)
        name = scenario_name(scenario)
        code = "" if answer_key == "yes" else fresh_code()
        folder = out or default_folder(
            name, loaded.search.strategy, loaded.seed, replicate, code=code
        )
        if replicate and isinstance(loaded, CourseScenario):
            raise click.UsageError("--replicate is for one visit, not for a course")
        prepare(folder, force=force)
        how = Writing(folder, formats, force=force, code=code, quiet=quiet)
        if not quiet:
            say_whose_code(loaded)
        if isinstance(loaded, CourseScenario):
            with laws_within(limits):
                tell(_play_course(loaded, name, limits, how))
            return 0
        with laws_within(limits):
            report = _play(loaded, name, limits, how, replicate=replicate)
    tell(result_text(report, folder, formats))
    return 0


@dataclass(frozen=True, slots=True)
class Writing:
    """Where a run is written; with its answer key, or under the code of a hand-out."""

    folder: Path
    formats: tuple[str, ...]
    force: bool
    code: str
    quiet: bool


def default_folder(
    name: str, strategy: str, seed: int, replicate: int = 0, *, code: str = ""
) -> Path:
    """Return the folder of a run that was not told where to go.

    That of a hand-out, which has a code, tells no more than its pseudonym.
    """
    if code:
        from harness.archive.hand_out import FOLDER
        from harness.report.hand_out import with_code
        from sim.visit.order import pseudonym

        return Path("results") / FOLDER.format(
            with_code(pseudonym(seed, replicate), code)
        )
    function = re.sub(r"[^\w.-]+", "-", strategy.rpartition("/")[2])
    number = f"-replicate{replicate}" if replicate else ""
    return Path("results") / f"{name}-{function}-seed{seed}{number}"


def result_text(
    report: "Report", folder: Path, formats: tuple[str, ...] = tuple(SAID)
) -> str:
    """Return what a finished run says on stdout: verdict, permanent values, paths."""
    rows = [
        (
            f"{row.label} ({row.unit})" if row.unit else row.label,
            _shown(row.as_found),
            _shown(row.permanent),
            "changed" if row.changed else "",
        )
        for row in report.permanent.main
    ]
    table = [("", "as found", "permanent", ""), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}"
        for row in table
    ]
    return "\n".join(
        [
            report.verdict.sentence,
            "",
            *(line.rstrip() for line in lines),
            "",
            *(f"{SAID[n]:<8}{folder / f'report.{n}'}" for n in SAID if n in formats),
            f"data    {folder}",
            BANNER,
        ]
    )


def _shown(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else value


def _play(
    scenario: "Scenario",
    name: str,
    limits: "StrategyLimits",
    how: Writing,
    *,
    replicate: int = 0,
) -> "Report":
    from harness.archive.run_folder import write_run
    from harness.common.progress import Progress
    from harness.play.run import run_scenario
    from harness.report.build import report_of
    from harness.report.hand_out import hand_out_of
    from harness.truth.answer_key import truth_of

    with Progress(sys.stderr, quiet=how.quiet) as progress:
        progress(0.0, *PREPARING)
        run = run_scenario(
            scenario,
            scenario_name=name,
            replicate=replicate,
            limits=limits,
            progress=progress,
            recorded=True,
        )
        progress(run.record.events[-1].at_s, "files", "writing the report")
        report = report_of(run, truth_of(run.played))
        if how.code:
            report = hand_out_of(report, how.code)
        write_run(run, report, how.folder, force=how.force, formats=how.formats)
    return report


def _play_course(
    scenario: "CourseScenario", name: str, limits: "StrategyLimits", how: Writing
) -> str:
    from harness.common.progress import Progress
    from harness.course.archive import course_folder
    from harness.course.page import course_text
    from harness.course.play import run_course

    folder = how.folder
    with Progress(sys.stderr, quiet=how.quiet) as progress:
        progress(0.0, *PREPARING)
        with course_folder(
            folder,
            force=how.force,
            keyed=not how.code,
            code=how.code,
            formats=how.formats,
        ) as writer:

            def write(visit: "CourseVisit") -> None:
                ended_s = visit.run.record.events[-1].at_s
                progress(
                    ended_s, "files", f"writing the report of visit {visit.number}"
                )
                writer.visit(visit)

            course = run_course(
                scenario,
                scenario_name=name,
                limits=limits,
                progress=progress,
                each=write,
                recorded=True,
            )
            writer.finish(course)
    page, data = f"report  {folder / 'course.html'}", f"data    {folder}"
    return "\n".join([course_text(course), "", page, data, BANNER])
