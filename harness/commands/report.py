"""`ccmlab report`."""

from pathlib import Path

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import ANSWER_KEY, FORMATS_HELP, HELP, formats_asked
from harness.commands.speech import patience, tell
from harness.common.banner import BANNER


@click.command("report", short_help="Render a stored run again; nothing is simulated.")
@click.argument("run_dir", metavar="RUN_DIR")
@click.option(
    "--format",
    "names",
    metavar="NAMES",
    default="html,pdf",
    help=f"{FORMATS_HELP} (default: html,pdf)",
)
@ANSWER_KEY
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of a hand-out (default: hand-out-PSEUDONYM beside RUN_DIR)",
)
@click.option("--force", is_flag=True, help="replace a hand-out that is in the folder")
@HELP
def report_(
    run_dir: str, *, names: str, answer_key: str, out: Path | None, force: bool
) -> int:
    """Render a stored run again, into its folder; nothing is simulated.

    RUN_DIR is the folder of a run. Everything comes from its report.json; a rendering
    that is missing or was changed is made good, other damage is refused. With
    --answer-key no, a hand-out is written into a folder of its own.
    """
    from harness.archive.hand_out import copy_hand_out
    from harness.archive.rerender import render_again

    formats = formats_asked(names)
    if answer_key == "yes" and (out is not None or force):
        raise click.UsageError("--out and --force are for --answer-key no")
    waiting = patience("drawing figures and setting pages", "a few seconds")
    with one_clear_message(), waiting:
        if answer_key == "no":
            folder = copy_hand_out(run_dir, formats, out, force=force)
            tell(f"hand-out  {folder}\n{BANNER}")
            return 0
        files = render_again(run_dir, formats)
    tell("\n".join([*map(str, files), BANNER]))
    return 0
