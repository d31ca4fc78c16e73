"""`ccmlab day`."""

from pathlib import Path

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP, QUIET
from harness.commands.speech import talker, tell
from harness.common.banner import BANNER


@click.command("day", short_help="Play a clinic's day: rooms, people, programmers.")
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
@QUIET
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
    with one_clear_message():
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
            say=talker(quiet=quiet),
        )
    tell(f"{told}\n{BANNER}")
    return 0
