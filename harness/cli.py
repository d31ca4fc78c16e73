"""The command `ccmlab`. Scientific imports stay inside the commands."""

import errno
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from harness.play.scenario import CourseScenario, Scenario
    from harness.report.contents import Report

CITATIONS: Final = ("text", "bibtex")
EXPORTS: Final = ("ioh", "coco", "csv")
KINDS: Final = (
    "scenarios",
    "studies",
    "days",
    "strategies",
    "phenotypes",
    "readouts",
    "parameters",
)
INTERRUPTED: Final = 130
HELP: Final = click.help_option("-h", "--help", help="show this message and exit")
PREPARING: Final = (
    "start",
    "solving the patient; the first run of an installation compiles, half a minute",
)
BANNER: Final = "simulated data only: not for the care of a patient, not for a claim"


def main() -> None:
    """Run the command line and exit."""
    # small matrices only: a second BLAS thread costs more than it brings
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever names there are
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; faults take one message."""
    try:
        result = cli.main(list(arguments), prog_name="ccmlab", standalone_mode=False)
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):  # click takes it for Ctrl-D
            raise abort.__context__ from None
        _talk("ccmlab: interrupted, nothing was written")
        return INTERRUPTED
    except click.ClickException as error:
        _talk(f"ccmlab: {_printable(error.format_message())}")
        return error.exit_code
    return result if isinstance(result, int) else 0


class StdoutError(click.ClickException):
    """The work is done and its files are written, but nobody can read the result."""


def _tell(text: str) -> None:
    """Write a result to stdout; StdoutError, exit 1, when that cannot be."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        click.echo(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        sys.stdout = None  # else Python tries once more at its end
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise StdoutError(f"done, but stdout cannot be written: {reason}") from None


def _talk(text: str) -> None:
    """Say something on stderr; where nobody can be told, the exit code must do."""
    try:
        click.echo(text, err=True)
    except (OSError, ValueError):
        sys.stderr = None


def _printable(text: str) -> str:
    """Return text in which what a file holds cannot steer a terminal."""
    return "".join(
        c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


@click.group(invoke_without_command=True)
@HELP
@click.option("--version", is_flag=True, help="print the version and exit")
@click.pass_context
def cli(context: click.Context, *, version: bool) -> None:
    """Play programming visits for cardiac contractility modulation on virtual patients.

    Simulated data only: not for the care of a patient, not for a claim.
    """
    if version:
        _tell(f"ccmlab {_version()}")
    elif context.invoked_subcommand is None:
        _tell(context.get_help())


@cli.command(short_help="Play a visit or a course of visits; write the report.")
@click.argument("scenario")
@click.option(
    "--strategy",
    metavar="NAME",
    help="search strategy, a listed name or file.py:function (default: the scenario's)",
)
@click.option(
    "--seed",
    metavar="N",
    type=int,
    help="root of all random numbers, 0 or more (default: the scenario's)",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of the run (default: results/SCENARIO-STRATEGY-seedN)",
)
@click.option("--force", is_flag=True, help="replace a run that is in the folder")
@HELP
@click.option("-q", "--quiet", is_flag=True, help="no progress on stderr")
def run(
    scenario: str,
    *,
    strategy: str | None,
    seed: int | None,
    out: Path | None,
    force: bool,
    quiet: bool,
) -> int:
    """Play one visit: report and data into a folder, verdict to stdout.

    SCENARIO is a path ending in .toml or the name of a shipped scenario
    (ccmlab list scenarios). One with a table [course] plays several visits over
    months, each in a folder of its own.
    """
    with _one_clear_message(scenario):
        from harness.archive.run_folder import prepare
        from harness.play.scenario import CourseScenario, load_scenario, scenario_name

        loaded = _changed(load_scenario(scenario), strategy, seed)
        name = scenario_name(scenario)
        folder = out or default_folder(name, loaded.search.strategy, loaded.seed)
        prepare(folder, force=force)
        if isinstance(loaded, CourseScenario):
            _tell(_play_course(loaded, name, folder, force=force, quiet=quiet))
            return 0
        report = _play(loaded, name, folder, force=force, quiet=quiet)
    _tell(result_text(report, folder))
    return 0


@cli.command(short_help="Play patients x contenders x plans x budgets.")
@click.argument("study_name", metavar="STUDY")
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 1024),
    help="visits played at a time on this machine, 1 to 1024 (default: its cores)",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="play on the workers of this dask scheduler, such as tcp://host:8786",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of the study (default: results/study-STUDY)",
)
@HELP
@click.option("-q", "--quiet", is_flag=True, help="no progress on stderr")
def study(
    study_name: str,
    *,
    jobs: int | None,
    dask: str | None,
    out: Path | None,
    quiet: bool,
) -> int:
    """Play many visits: patients x contenders x plans x budgets x replicates.

    STUDY is a path ending in .toml or the name of a shipped study (ccmlab list
    studies). Stopped at any moment, the same command goes on where it was.
    """
    from harness.study.chunks import StartError
    from harness.study.cluster import ClusterError
    from harness.study.play_study import Where, result_text, run_study

    if jobs is not None and dask is not None:
        raise click.UsageError("--jobs is for this machine; give it or --dask")
    folder = out or Path("results") / f"study-{Path(study_name).stem}"
    with _one_clear_message():
        try:
            result = run_study(
                study_name, folder, Where(jobs, dask), stderr=sys.stderr, quiet=quiet
            )
        except (StartError, ClusterError) as error:
            raise click.UsageError(str(error)) from None
    _tell(f"{result_text(result)}\n{BANNER}")
    if result.interrupted:
        left = f"{result.n_known} of {result.n_visits} visits are kept"
        _talk(f"ccmlab: interrupted, {left}; the same command goes on")
        return INTERRUPTED
    return 0


@cli.command(short_help="Play a clinic's day: rooms, people, programmers.")
@click.argument("day_name", metavar="SCENARIO")
@click.option(
    "--against",
    metavar="PLAN",
    multiple=True,
    help="a plan of the file to hold the day against, paired day by day; may be given "
    "several times (default: none)",
)
@click.option(
    "--days",
    "n_days",
    metavar="N",
    type=click.IntRange(2, 100_000),
    help="days played, 2 to 100000 (default: the file's)",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0, 2**53 - 1),
    help="root of who comes and when, 0 or more (default: the file's)",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of page, tables, figures (default: results/SCENARIO-seedN)",
)
@click.option("--force", is_flag=True, help="replace a day that is in the folder")
@HELP
@click.option("-q", "--quiet", is_flag=True, help="no progress on stderr")
def day(
    day_name: str,
    *,
    against: tuple[str, ...],
    n_days: int | None,
    seed: int | None,
    out: Path | None,
    force: bool,
    quiet: bool,
) -> int:
    """Play days of a clinic: who waits for what, and what another plan changes.

    SCENARIO is a path ending in .toml or the name of a shipped day (ccmlab list days).
    The visits that patients have are played first and kept; with another plan the same
    patients come.
    """
    with _one_clear_message():
        from harness.archive.run_folder import prepare
        from harness.day.run import run_day
        from harness.day.scenario import load_day, plan_named

        file = load_day(day_name)
        try:
            others = [plan_named(file, name) for name in against]
        except ValueError as error:
            raise click.UsageError(f"--against: {error}") from None
        chosen = file.scenario.seed if seed is None else seed
        folder = out or Path("results") / f"{file.name}-seed{chosen}"
        prepare(folder, force=force)
        told = run_day(
            file,
            list({plan.name: plan for plan in others}.values()),
            folder,
            seed=chosen,
            n_days=n_days,
            force=force,
            say=lambda line: None if quiet else _talk(line),
        )
    _tell(f"{told}\n{BANNER}")
    return 0


@cli.command("list", short_help="List what is there, a line each.")
@click.argument("kind", metavar="|".join(KINDS))
@HELP
def list_(kind: str) -> int:
    """List what is there, a line each.

    Scenarios, studies and days shipped, strategies registered, phenotypes of patients,
    readouts of the response, or parameters: device settings with range and default,
    then every number of the model with unit, standing (measured to assumed),
    reference, place.
    """
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f" (nearest is {near[0]!r})" if near else ""
        kinds = ", ".join(KINDS)
        raise click.UsageError(f"list takes one of {kinds}, got {kind!r}{hint}")
    from harness.catalogue import listing

    _tell(listing(kind))
    return 0


@cli.command(short_help="Tell which numbers drive gain, optimum and verdict.")
@click.argument("scenario")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of table, data and figure (default: results/sensitivity-SCENARIO)",
)
@click.option(
    "--samples",
    metavar="N",
    type=int,
    default=1024,
    help="base samples, a power of 2 from 64 to 16384 (default: 1024)",
)
@click.option("--force", is_flag=True, help="replace the study that is in the folder")
@HELP
@click.option("-q", "--quiet", is_flag=True, help="no progress on stderr")
def sensitivity(
    scenario: str, *, out: Path | None, samples: int, force: bool, quiet: bool
) -> int:
    """Tell which numbers of a patient drive gain, optimum and verdict.

    Varies the patient of SCENARIO over the ranges of the evidence; prints for each
    answer the share of its spread that each number explains (Sobol' indices).
    """
    with _one_clear_message():
        from harness.evidence.sensitivity.analyse import study_scenario
        from harness.evidence.sensitivity.study import check_samples

        try:
            check_samples(samples)
        except ValueError as error:
            raise click.UsageError(f"--samples: {error}") from None
        told = study_scenario(
            scenario,
            out,
            n_samples=samples,
            force=force,
            progress=lambda line: None if quiet else _talk(line),
        )
    _tell(f"{told}\n{BANNER}")
    return 0


@cli.command(short_help="Fit a patient to bedside values, for `run`.")
@click.argument("measurements", metavar="MEASUREMENTS.csv")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="the patient file (default: MEASUREMENTS-patient.toml in this folder)",
)
@click.option(
    "--phenotype",
    metavar="NAME",
    default="hfref-ischaemic",
    help="gives all that is not fitted (default: hfref-ischaemic)",
)
@click.option("--force", is_flag=True, help="replace a patient file that is there")
@HELP
def fit(measurements: str, *, out: Path | None, phenotype: str, force: bool) -> int:
    """Fit a patient to bedside values; write a file that `run` accepts.

    MEASUREMENTS.csv has the columns quantity,value,unit,sd and a row for each of SBP,
    DBP, HR, EF, EDV, and as known PCWP, CO, dP/dt max. An empty sd takes the default.
    """
    with _one_clear_message():
        from harness.evidence.fit.fit import fit_measurements
        from sim.patient import phenotype as find

        try:
            base = find(phenotype)
        except ValueError as error:
            raise click.UsageError(f"--phenotype: {error}") from None
        told = fit_measurements(measurements, out, base=base, force=force)
    _tell(f"{told}\n{BANNER}")
    return 0


@cli.command("report", short_help="Render a stored run again; nothing is simulated.")
@click.argument("run_dir", metavar="RUN_DIR")
@click.option(
    "--format",
    "names",
    metavar="NAMES",
    default="html,pdf",
    help="of html, pdf, json and fhir, with commas between (default: html,pdf)",
)
@HELP
def report_(run_dir: str, *, names: str) -> int:
    """Render a stored run again, into its folder; nothing is simulated.

    RUN_DIR is the folder of a run. Everything comes from its report.json; a rendering
    that is missing or was changed is made good, other damage is refused.
    """
    from harness.archive.rerender import formats_named, render_again

    try:
        formats = formats_named(names)
    except ValueError as error:
        raise click.UsageError(f"--format {error}") from None
    with _one_clear_message():
        files = render_again(run_dir, formats)
    _tell("\n".join([*map(str, files), BANNER]))
    return 0


@cli.command(short_help="Print the works behind the numbers of a run.")
@click.argument("run_dir", metavar="RUN_DIR")
@click.option(
    "--format",
    "form",
    type=click.Choice(CITATIONS),
    default="text",
    help="text, which tells the numbers taken of each, or bibtex (default: text)",
)
@HELP
def cite(run_dir: str, *, form: str) -> int:
    """Print the works behind the numbers that one run used, and no others.

    RUN_DIR is the folder of a run or of a course of visits. What its scenario stated
    is credited to the scenario; provenance.csv there lists number by number.
    """
    from harness.archive.citing import FORMATS, stored_provenance

    with _one_clear_message():
        used = stored_provenance(run_dir)
    _tell(FORMATS[form](used))
    return 0


@cli.command(short_help="Hold published findings against this simulator.")
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="write every row with its parts, rules and notes",
)
@click.option(
    "--publish",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="checkout whose docs/validation.md and results/published are written again",
)
@HELP
@click.option("-q", "--quiet", is_flag=True, help="no progress on stderr")
def validate(*, json_file: Path | None, publish: Path | None, quiet: bool) -> int:
    """Hold published findings against this simulator, row by row; half a minute.

    Exit code 1 when a row that was inside in results/published/validation.json no
    longer is.
    """
    with _one_clear_message():
        from harness.evidence.validation.validate import validate as hold

        found = hold(
            json_file=json_file,
            publish_into=publish,
            say=lambda line: None if quiet else _talk(line),
        )
    _tell(f"{found.text}\n{BANNER}")
    if found.compared_with is None and not quiet:
        _talk("ccmlab: no published table to compare with")
    if found.fallen:
        gone = ", ".join(found.fallen)
        _talk(f"ccmlab: no longer inside: {gone}")
    return 1 if found.fallen else 0


@cli.command("export", short_help="Write a stored study for another benchmark tool.")
@click.argument("study_dir", metavar="STUDY_DIR")
@click.option(
    "--format",
    "form",
    type=click.Choice(EXPORTS),
    required=True,
    help="ioh for IOHprofiler, coco for COCO's cocopp, csv for anything",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="a new or empty folder (default: STUDY_DIR/export-FORMAT)",
)
@HELP
def export_(study_dir: str, *, form: str, out: Path | None) -> int:
    """Write a stored study in the format of another benchmark tool.

    STUDY_DIR is the folder of a study. To other tools a response family with its plan
    and budget is a function, a patient an instance, a visit a run; what they plot is
    the true gain (ioh) or regret (coco) of the tested settings.
    """
    from harness.study.exports.export import export_study

    with _one_clear_message():
        told = export_study(study_dir, form, out)
    _tell(f"{told}\n{BANNER}")
    return 0


@cli.command("check-strategy", short_help="Check a strategy; stand it beside others.")
@click.argument("source", metavar="STRATEGY")
@click.option(
    "--patients",
    "n_patients",
    metavar="N",
    type=click.IntRange(0, 200),
    default=20,
    help="size of the mini study, 0 leaves it out (default: 20)",
)
@click.option(
    "--jobs", metavar="N", type=click.IntRange(1, 64), help="workers (default: cores)"
)
@HELP
@click.option("-q", "--quiet", is_flag=True, help="no progress on stderr")
def check_strategy_(
    source: str, *, n_patients: int, jobs: int | None, quiet: bool
) -> int:
    """Run the conformance kit and a mini study on a strategy: where would it stand.

    STRATEGY is file.py:function, module:function or a listed name. Exit code 1 when a
    check is not passed or a visit of the mini study failed.
    """
    from harness.study.check_strategy import check

    with _one_clear_message():
        try:
            found = check(source, n_patients=n_patients, jobs=jobs, quiet=quiet)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    _tell(f"{found.text}\n{BANNER}")
    return 0 if found.passed else 1


@cli.command(short_help="Judge the contenders of stored studies.")
@click.argument("study_dirs", metavar="STUDY_DIR...", nargs=-1, required=True)
@click.option(
    "--fail-under",
    "asked",
    metavar="METRIC=VALUE",
    multiple=True,
    help="exit 1 when a contender is worse than VALUE: below it where higher is "
    "better, above it where lower is; NAME:METRIC@MINUTES=VALUE holds one contender "
    "at one budget",
)
@click.option(
    "--baseline",
    metavar="NAME",
    help="contender that the others are held against (default: stay)",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("results") / "compare",
    help="folder of page, table and figures (default: results/compare)",
)
@click.option(
    "--readme",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Markdown file whose leaderboard, between two markers, is written again",
)
@click.option("--force", is_flag=True, help="replace a comparison that is there")
@HELP
def compare(
    study_dirs: tuple[str, ...],
    *,
    asked: tuple[str, ...],
    baseline: str | None,
    out: Path,
    readme: Path | None,
    force: bool,
) -> int:
    """Judge the contenders of stored studies: leaderboard, page, table, figures.

    STUDY_DIR is the folder of a study, complete or not. Nothing is simulated again.
    """
    from harness.study.judging.compare import compare as judge
    from harness.study.judging.thresholds import ThresholdError, parse_threshold

    with _one_clear_message():
        try:
            compared = judge(
                study_dirs,
                out,
                baseline=baseline,
                thresholds=[parse_threshold(text) for text in asked],
                readme=readme,
                force=force,
            )
        except ThresholdError as error:
            raise click.UsageError(f"--fail-under: {error}") from None
    _tell(f"{compared.text}\n{BANNER}")
    for miss in compared.missed:
        _talk(f"ccmlab: missed: {miss.text}")
    return 1 if compared.missed else 0


@cli.command("compare-visits", short_help="Put stored visits side by side on one page.")
@click.argument("run_dirs", metavar="RUN_DIR RUN_DIR...", nargs=-1, required=True)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=Path("results") / "compare-visits.html",
    help="the page (default: results/compare-visits.html)",
)
@click.option("--force", is_flag=True, help="replace a page that is there")
@HELP
def compare_visits(run_dirs: tuple[str, ...], *, out: Path, force: bool) -> int:
    """Put stored visits side by side on one page; says what differs.

    RUN_DIR is the folder of a run: visits of one patient, or strategies on one patient.
    Only the stored reports are read; nothing is simulated again.
    """
    from harness.archive.side_by_side.page import (
        compare,
        comparison_html,
        comparison_text,
    )
    from harness.archive.side_by_side.visits import read_visits
    from harness.common.files import check_free, replace_file

    with _one_clear_message():
        check_free(out, force=force)
        compared = compare(read_visits(run_dirs))
        replace_file(out, comparison_html(compared).encode())
    _tell(f"{comparison_text(compared)}\n\npage    {out}\n{BANNER}")
    return 0


def default_folder(name: str, strategy: str, seed: int) -> Path:
    """Return the folder of a run that was not told where to go."""
    function = re.sub(r"[^\w.-]+", "-", strategy.rpartition("/")[2])
    return Path("results") / f"{name}-{function}-seed{seed}"


def result_text(report: "Report", folder: Path) -> str:
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
            f"report  {folder / 'report.html'}",
            f"pdf     {folder / 'report.pdf'}",
            f"data    {folder}",
            BANNER,
        ]
    )


def _shown(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else value


def _version() -> str:
    return version("ccmlab")


def _changed(
    scenario: "Scenario", strategy: str | None, seed: int | None
) -> "Scenario":
    from optimizers.registry import load_strategy

    if strategy is not None:
        try:
            load_strategy(strategy)
        except ValueError as error:
            raise click.UsageError(f"--strategy: {error}") from None
    asked = {"search.strategy": strategy, "seed": seed}
    changes = {path: value for path, value in asked.items() if value is not None}
    return scenario.changed(changes) if changes else scenario


def _play(
    scenario: "Scenario", name: str, folder: Path, *, force: bool, quiet: bool
) -> "Report":
    from harness.archive.run_folder import write_run
    from harness.common.progress import Progress
    from harness.play.run import run_scenario
    from harness.report.build import report_of
    from harness.truth.answer_key import truth_of

    with Progress(sys.stderr, quiet=quiet) as progress:
        progress(0.0, *PREPARING)
        run = run_scenario(scenario, scenario_name=name, progress=progress)
        progress(run.record.events[-1].at_s, "files", "writing the report")
        report = report_of(run, truth_of(run.played))
        write_run(run, report, folder, force=force)
    return report


def _play_course(
    scenario: "CourseScenario", name: str, folder: Path, *, force: bool, quiet: bool
) -> str:
    from harness.common.progress import Progress
    from harness.course.archive import write_course
    from harness.course.page import course_text
    from harness.course.play import run_course

    with Progress(sys.stderr, quiet=quiet) as progress:
        progress(0.0, *PREPARING)
        course = run_course(scenario, scenario_name=name, progress=progress)
        last = course.visits[-1].run.record
        progress(last.events[-1].at_s, "files", "writing the reports")
        write_course(course, folder, force=force)
    page, data = f"report  {folder / 'course.html'}", f"data    {folder}"
    return "\n".join([course_text(course), "", page, data, BANNER])


@contextmanager
def _one_clear_message(file: str = "") -> Iterator[None]:
    """Turn what a user can mend into a usage error, without a traceback.

    `file` is told with what only shows when the patient is made.
    """
    from harness.common.files import BrokenRunError, OutputError
    from harness.evidence.fit.measurements import MeasurementsError
    from harness.play.scenario import ScenarioError
    from optimizers.problem import StrategyError, StrategyFailedError
    from sim.heart.repeating import ImplausibleHeartError, NotSettledError
    from sim.patient import NoHeartError, UnreachableTargetError

    place = f"{file}: " if file else ""
    try:
        yield
    except StrategyError as error:
        text = f"search.strategy: {error.strategy}: {error}"
        raise click.ClickException(text) from None
    except StrategyFailedError as error:
        raise click.ClickException(f"search.strategy: {error}") from None
    except (ScenarioError, MeasurementsError, OutputError, BrokenRunError) as error:
        raise click.UsageError(str(error)) from None
    except UnreachableTargetError as error:
        raise click.UsageError(f"{place}patient.override: {error}") from None
    except (ImplausibleHeartError, NotSettledError, NoHeartError) as error:
        raise click.UsageError(f"{place}patient: {error}") from None
