"""`ccmlab replay`."""

from pathlib import Path
from typing import Final

import click

from harness.commands.faults import one_clear_message
from harness.commands.options import HELP
from harness.commands.speech import patience, tell
from harness.common.banner import BANNER

MEASURING_PLANS: Final = ("paired", "alternate-every", "single", "replicates")


@click.command(
    "replay", short_help="Play a stored visit again, or otherwise from a moment on."
)
@click.argument("place", metavar="RUN_DIR|ACTIONS.json")
@click.option(
    "--from",
    "moment",
    metavar="TIME",
    help="fork there: minutes after check-in, or h:mm:ss (default: no fork)",
)
@click.option(
    "--strategy",
    metavar="NAME",
    default="",
    help="the strategy that goes on from there (default: the same)",
)
@click.option(
    "--plan",
    metavar="NAME",
    type=click.Choice(MEASURING_PLANS),
    help="how tests are read from there: paired, alternate-every, single or "
    "replicates (default: the same)",
)
@click.option(
    "--choose",
    metavar="WHAT",
    default="",
    help="what is verified: reference, or values such as amplitude_v=5,delay_ms=30 "
    "(default: what the strategy says)",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="folder of the run (default: results/replay-NAME, of a fork fork-NAME)",
)
@click.option("--force", is_flag=True, help="replace a run that is in the folder")
@HELP
def replay(
    place: str,
    *,
    moment: str | None,
    strategy: str,
    plan: str | None,
    choose: str,
    out: Path | None,
    force: bool,
) -> int:
    """Play a stored visit again from its log of actions, to the byte.

    RUN_DIR is the folder of a run, ACTIONS.json a log of its own. With --from the visit
    is forked: the same patient and noise, but from then on another strategy, plan or
    choice; the difference goes to stdout. Exit code 1 when a replay is not the same.
    """
    if moment is None and (strategy or plan or choose):
        raise click.UsageError("--strategy, --plan and --choose need --from")
    waiting = patience("playing the visit again", "about as long as the first time")
    with one_clear_message(), waiting:
        from harness.archive.replay_command import ReplayOptionError, replay_into

        how = "replay" if moment is None else "fork"
        folder = out or Path("results") / f"{how}-{Path(place).resolve().stem}"
        try:
            told = replay_into(
                place,
                folder,
                moment=moment,
                strategy=strategy,
                plan=plan,
                choose=choose,
                force=force,
            )
        except ReplayOptionError as error:
            raise click.UsageError(str(error)) from None
    tell(f"{told.text}\n{BANNER}")
    return 0 if told.is_same else 1
