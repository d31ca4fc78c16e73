"""`ccmlab plan`."""

from pathlib import Path
from typing import Literal

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP, QUIET
from harness.commands.speech import tell
from harness.common.banner import BANNER


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@click.command(
    "plan", short_help="Tell before a visit what it takes and what it can show."
)
@click.argument("scenario")
@click.option(
    "--visits",
    metavar="N",
    type=click.IntRange(1, 100_000),
    default=20,
    help="visits of each readout and plan, 1 to 100000 (default: 20)",
)
@click.option(
    "--readouts",
    metavar="NAME,NAME...",
    default="",
    help="readouts to compare beside the scenario's (default: all)",
)
@click.option(
    "--plans",
    metavar="NAME,NAME...",
    default="",
    help="measuring plans to compare beside the scenario's (default: all)",
)
@click.option(
    "--whom",
    type=click.Choice(("patient", "anybody")),
    default="patient",
    help="the scenario's patient each time, or anybody: another virtual patient of "
    "all response laws (default: patient)",
)
@click.option(
    "--engine",
    type=click.Choice(("table", "beats")),
    default="table",
    help="what plays the visits; beats takes some times longer (default: table)",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 256),
    help="processes, 1 to 256 (default: one a core)",
)
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="write every table to a file",
)
@HELP
@QUIET
def plan(
    scenario: str,
    *,
    visits: int,
    readouts: str,
    plans: str,
    whom: Literal["patient", "anybody"],
    engine: Literal["table", "beats"],
    jobs: int | None,
    json_file: Path | None,
    quiet: bool,
) -> int:
    """Tell before a visit what it takes and what it can be expected to show.

    Minutes by phase, tests that fit, the chance of each verdict with its Monte Carlo
    limits, and the power to show 1, 2 and 5 %, for each readout and measuring plan.
    Beside what the table engine says stands how far it was measured to lie from the
    engine of beats.
    """
    with one_clear_message():
        from harness.common.files import json_bytes, replace_file
        from harness.study.ahead.plan import check_named
        from harness.study.ahead.plan import plan as foresee
        from harness.study.facts import n_cores

        named = _names(readouts), _names(plans)
        try:
            check_named(*named)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        ahead = foresee(
            scenario,
            readouts=named[0],
            plans=named[1],
            visits=visits,
            whom=whom,
            engine=engine,
            jobs=jobs or n_cores(),
            progress=(lambda n_done, n_all: None) if quiet else None,
        )
        if json_file is not None:
            replace_file(json_file, json_bytes(ahead.for_json()))
    tell(f"{ahead!r}\n{BANNER}")
    return 0
