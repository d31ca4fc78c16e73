"""`ccmlab check-strategy`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP, MEMORY, QUIET
from harness.commands.speech import tell
from harness.common.banner import BANNER

if TYPE_CHECKING:
    from sim.visit.order import EngineName


@click.command("check-strategy", short_help="Check a strategy; stand it beside others.")
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
    "--engine",
    type=click.Choice(("table", "beats")),
    default="table",
    help="what plays the mini study: table in seconds, beats as a published study "
    "(default: table)",
)
@click.option(
    "--jobs", metavar="N", type=click.IntRange(1, 64), help="workers (default: cores)"
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder for the tables of the mini study (default: none is kept)",
)
@MEMORY
@HELP
@QUIET
def check_strategy_(
    source: str,
    *,
    n_patients: int,
    engine: "EngineName",
    jobs: int | None,
    out: Path | None,
    memory_gb: float,
    quiet: bool,
) -> int:
    """Run the conformance kit and a mini study on a strategy: where would it stand.

    STRATEGY is file.py:function, module:function or a listed name. Exit code 1 when a
    check is not passed or a visit of the mini study failed.
    """
    from harness.study.check_strategy import check
    from harness.study.play_study import Where

    with one_clear_message():
        try:
            found = check(
                source,
                n_patients=n_patients,
                engine=engine,
                where=Where(jobs, memory_gb=memory_gb),
                out=out,
                quiet=quiet,
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    tell(f"{found.text}\n{BANNER}")
    return 0 if found.passed else 1
