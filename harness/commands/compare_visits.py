"""`ccmlab compare-visits`."""

from pathlib import Path

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP
from harness.commands.speech import patience, tell
from harness.common.banner import BANNER


@click.command(
    "compare-visits", short_help="Put stored visits side by side on one page."
)
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

    waiting = patience("reading and drawing the visits", "a second for each")
    with one_clear_message(), waiting:
        check_free(out, force=force)
        compared = compare(read_visits(run_dirs))
        replace_file(out, comparison_html(compared).encode())
    tell(f"{comparison_text(compared)}\n\npage    {out}\n{BANNER}")
    return 0
