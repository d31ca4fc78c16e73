"""`ccmlab cite`."""

from typing import Final

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP
from harness.commands.speech import tell

CITATIONS: Final = ("text", "bibtex")


@click.command("cite", short_help="Print the works behind the numbers of a run.")
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
    """Print how to cite ccmlab, and the works behind the numbers of one run.

    RUN_DIR is the folder of a run or of a course of visits. What its scenario stated
    is credited to the scenario; provenance.csv there lists number by number.
    """
    from harness.archive.citing import with_software

    with one_clear_message():
        works = with_software(run_dir, form)
    tell(works)
    return 0
