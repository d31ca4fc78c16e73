"""`ccmlab compare`."""

from pathlib import Path

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP
from harness.commands.speech import patience, talk, tell
from harness.common.banner import BANNER


@click.command("compare", short_help="Judge the contenders of stored studies.")
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
    help="folder of page, tables, figures and visits (default: results/compare)",
)
@click.option(
    "--readme",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Markdown file whose leaderboard, between two markers, is written again",
)
@click.option(
    "--without-searches",
    is_flag=True,
    help="judge by the visits alone: leave out what rests on single tests, and do not "
    "keep these, which are most of a large study",
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
    without_searches: bool,
    force: bool,
) -> int:
    """Judge the contenders of stored studies: leaderboard, page, table, figures.

    STUDY_DIR is the folder of a study, complete or not, or of a comparison, which has
    the visits that it rests on. Nothing is simulated again.
    """
    from harness.study.judging.compare import compare as judge
    from harness.study.judging.thresholds import ThresholdError, parse_threshold

    waiting = patience("judging the visits", "seconds, minutes for thousands of them")
    with one_clear_message(), waiting:
        try:
            compared = judge(
                study_dirs,
                out,
                baseline=baseline,
                thresholds=[parse_threshold(text) for text in asked],
                readme=readme,
                force=force,
                searches=not without_searches,
            )
        except ThresholdError as error:
            raise click.UsageError(f"--fail-under: {error}") from None
    tell(f"{compared.text}\n{BANNER}")
    for miss in compared.missed:
        talk(f"ccmlab: missed: {miss.text}")
    return 1 if compared.missed else 0
