"""`ccmlab stream`."""

import sys

import click

from harness.commands.asked import changed, say_whose_code
from harness.commands.faults import one_clear_message
from harness.commands.options import HELP, SEED, STRATEGY
from harness.commands.speech import INTERRUPTED, StdoutError


@click.command("stream", short_help="Tell a visit live, as JSON lines.")
@click.argument("scenario")
@click.option(
    "--rate",
    metavar="R",
    default="1",
    help="simulated seconds a second: 1, 10, any number above 0, or max (default: 1)",
)
@STRATEGY
@SEED
@HELP
def stream(scenario: str, *, rate: str, strategy: str | None, seed: int | None) -> int:
    """Tell a visit live on stdout: beats, strips, markers, readings, a line each.

    SCENARIO is a path ending in .toml or the name of a shipped scenario. Lines are
    JSON, described by docs/stream.schema.json; they hold what staff see, not the truth.
    Whoever reads may stop at any time.
    """
    with one_clear_message(scenario):
        from harness.play.scenario import load_scenario
        from harness.play.stream.lines import rate_of, tell_lines

        try:
            paced = rate_of(rate)
        except ValueError as error:
            raise click.UsageError(f"--rate {error}") from None
        loaded = changed(load_scenario(scenario), strategy, seed)
        say_whose_code(loaded)
        try:
            tell_lines(loaded, sys.stdout, rate=paced)
        except BrokenPipeError:
            sys.stdout = None  # who read has seen enough; Python must not flush again
        except KeyboardInterrupt:
            return INTERRUPTED
        except (OSError, AttributeError) as error:
            sys.stdout = None
            reason = (getattr(error, "strerror", None) or "it is closed").lower()
            raise StdoutError(f"stdout cannot be written: {reason}") from None
    return 0
