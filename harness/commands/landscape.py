"""`ccmlab landscape`."""

from pathlib import Path

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP, QUIET
from harness.commands.speech import talker, tell
from harness.common.banner import BANNER


@click.command(
    "landscape", short_help="Show the exact truth of every setting: the answer key."
)
@click.argument("source", metavar="SCENARIO|STUDY")
@click.option(
    "--axes",
    metavar="NAME,NAME...",
    default="",
    help="settings that vary, by name (default: the file's)",
)
@click.option(
    "--people",
    metavar="N",
    type=click.IntRange(4, 10_000),
    default=60,
    help="patients of each law of a study, 4 to 10000 (default: 60)",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of tables, figures and page (default: results/landscape-NAME)",
)
@click.option("--force", is_flag=True, help="replace a landscape that is there")
@HELP
@QUIET
def landscape(
    source: str,
    *,
    axes: str,
    people: int,
    out: Path | None,
    force: bool,
    quiet: bool,
) -> int:
    """Show the exact truth of every setting, and what is left to win.

    Of a SCENARIO: a table of all settings, curves, a map, what each axis explains, and
    what the settings as found, the factory's and the textbook rule give away. Of a
    STUDY: the same for patients of each of its laws from each start, with the best rule
    fitted on the law and the told search, so that a law is seen to be worth searching.
    """
    with one_clear_message():
        from harness.evidence.landscape.tell import tell_landscape

        told = tell_landscape(
            source,
            out,
            axes=tuple(name.strip() for name in axes.split(",") if name.strip()),
            n_people=people,
            force=force,
            progress=talker(quiet=quiet),
        )
    tell(f"{told}\n{BANNER}")
    return 0
