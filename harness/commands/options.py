"""The options that several verbs share."""

from typing import Final

import click

from harness.commands.speech import say_of_compiling

STRATEGY: Final = click.option(
    "--strategy",
    metavar="NAME",
    help="search strategy, a listed name or file.py:function (default: the scenario's)",
)
SEED: Final = click.option(
    "--seed",
    metavar="N",
    type=int,
    help="root of all random numbers, 0 or more (default: the scenario's)",
)
ENGINE: Final = click.option(
    "--engine",
    type=click.Choice(("beats", "table")),
    help="beats integrates every beat; table plays the same visit some times faster, "
    "and keeps no beats (default: the file's)",
)
ANSWER_KEY: Final = click.option(
    "--answer-key",
    type=click.Choice(("yes", "no")),
    default="yes",
    help="no for a hand-out: nothing that is true, and it cannot be played again "
    "(default: yes)",
)
MEMORY: Final = click.option(
    "--strategy-memory",
    "memory_gb",
    metavar="GB",
    type=click.FloatRange(0.1, 1024.0),
    default=4.0,
    help="memory that a strategy or a response law of your own may take, 0.1 to 1024 "
    "(default: 4)",
)


def _hushed(context: click.Context, option: object, quiet: bool) -> bool:
    if quiet:
        say_of_compiling(quiet=True)
    return quiet


QUIET: Final = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    callback=_hushed,
    help="no progress on stderr",
)
HELP: Final = click.help_option("-h", "--help", help="show this message and exit")
FORMATS_HELP: Final = "of html, pdf, json, fhir and hl7, with commas between"


def formats_asked(names: str) -> tuple[str, ...]:
    """Return the formats of a report that `--format` names; a wrong one is told."""
    from harness.report.formats import formats_named

    try:
        return formats_named(names)
    except ValueError as error:
        raise click.UsageError(f"--format {error}") from None
