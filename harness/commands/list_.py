"""`ccmlab list`."""

from difflib import get_close_matches
from typing import Final

import click

from harness.commands.options import HELP
from harness.commands.speech import tell

KINDS: Final = (
    "scenarios",
    "studies",
    "days",
    "strategies",
    "phenotypes",
    "overrides",
    "readouts",
    "laws",
    "parameters",
    "lessons",
)


@click.command("list", short_help="List what is there, a line each.")
@click.argument("kind", metavar="|".join(KINDS))
@HELP
def list_(kind: str) -> int:
    """List what is there, a line each.

    Scenarios, studies, days and lessons shipped, strategies registered, phenotypes of
    patients and the values that override theirs, readouts of the response, response
    laws, or parameters: device settings with range and default, then every number of
    the model with unit, standing (measured to assumed), reference, place.
    """
    if kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f" (nearest is {near[0]!r})" if near else ""
        kinds = ", ".join(KINDS)
        raise click.UsageError(f"list takes one of {kinds}, got {kind!r}{hint}")
    from harness.catalogue import listing

    tell(listing(kind))
    return 0
