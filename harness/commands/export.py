"""`ccmlab export`."""

from pathlib import Path
from typing import Final

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP
from harness.commands.speech import patience, tell
from harness.common.banner import BANNER

EXPORTS: Final = ("ioh", "coco", "csv")


@click.command("export", short_help="Write a stored study for another benchmark tool.")
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

    waiting = patience("writing the visits", "seconds, a minute for thousands of them")
    with one_clear_message(), waiting:
        told = export_study(study_dir, form, out)
    tell(f"{told}\n{BANNER}")
    return 0
