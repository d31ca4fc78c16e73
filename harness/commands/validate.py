"""`ccmlab validate`."""

from pathlib import Path

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP, QUIET
from harness.commands.speech import talk, talker, tell
from harness.common.banner import BANNER


@click.command("validate", short_help="Hold published findings against this simulator.")
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
@QUIET
def validate(*, json_file: Path | None, publish: Path | None, quiet: bool) -> int:
    """Hold published findings against this simulator, row by row; half a minute.

    Exit code 1 when a row that was inside in results/published/validation.json no
    longer is.
    """
    with one_clear_message():
        from harness.evidence.validation.validate import validate as hold

        found = hold(
            json_file=json_file,
            publish_into=publish,
            say=talker(quiet=quiet),
        )
    tell(f"{found.text}\n{BANNER}")
    if found.compared_with is None and not quiet:
        talk("ccmlab: no published table to compare with")
    if found.fallen:
        gone = ", ".join(found.fallen)
        talk(f"ccmlab: no longer inside: {gone}")
    return 1 if found.fallen else 0
