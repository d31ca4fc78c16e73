"""`ccmlab clinic`."""

from pathlib import Path

import click

from harness.commands.memory import search_from_here
from harness.commands.options import HELP
from harness.commands.speech import talk, tell
from harness.common.banner import BANNER


@click.command(
    "clinic", short_help="Open the live page: a class plays the visit, or you."
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=8722,
    help="port to listen on, 0 for any that is free (default: 8722)",
)
@click.option(
    "--lan",
    metavar="ADDRESS",
    help="address of this machine in its network, for windows on other machines "
    "(default: this machine alone)",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("results/clinic"),
    help="folder in which visits are written that are over (default: results/clinic)",
)
@click.option("--no-open", is_flag=True, help="do not open a browser")
@HELP
def clinic(*, port: int, lan: str | None, out: Path, no_open: bool) -> int:
    """Open the live page: a class plays a visit, or somebody alone.

    Serves this machine alone, until it is interrupted with Ctrl-C; with --lan also
    others in the network, who come in by the code that the teacher shows. Nothing is
    loaded from elsewhere.
    """
    from harness.clinic.serve import Address, AddressError, serve

    search_from_here()

    def say(address: Address) -> None:
        tell(address.url)
        talk(f"ccmlab: the clinic is open, Ctrl-C closes it; {BANNER}")
        if not no_open:
            click.launch(address.url)

    try:
        serve(port, lan, out, say)
    except AddressError as error:
        raise click.UsageError(str(error)) from None
    return 0
