"""The command `ccmlab`: its verbs stand in `harness.commands`, a file each."""

import io
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from typing import Final

import click

from harness.commands.check_strategy import check_strategy_
from harness.commands.cite import cite
from harness.commands.clinic import clinic
from harness.commands.compare import compare
from harness.commands.compare_visits import compare_visits
from harness.commands.day import day
from harness.commands.export import export_
from harness.commands.fit import fit
from harness.commands.landscape import landscape
from harness.commands.lesson_plan import lesson_plan
from harness.commands.list_ import list_
from harness.commands.memory import search_later
from harness.commands.options import HELP
from harness.commands.plan import plan
from harness.commands.replay import replay
from harness.commands.report import report_
from harness.commands.run import run
from harness.commands.sensitivity import sensitivity
from harness.commands.speech import INTERRUPTED, printable, say_of_compiling, talk, tell
from harness.commands.stream import stream
from harness.commands.study import study
from harness.commands.unasked import leave_unasked
from harness.commands.validate import validate

_AGAIN_S: Final = 0.01  # where it is forgotten again, it comes again


def main() -> None:
    """Run the command line and exit."""
    # small matrices only: a second BLAS thread costs more than it brings
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    search_later()
    leave_unasked()
    for channel in (sys.stdout, sys.stderr):
        if isinstance(channel, io.TextIOWrapper):
            channel.reconfigure(errors="backslashreplace")  # whatever names there are
    for name in ("SIGTERM", "SIGHUP"):  # obeyed as Ctrl-C is: nothing stays behind
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    if hasattr(signal, "SIGALRM"):
        sys.unraisablehook = _interrupted_again
    sys.exit(invoke(sys.argv[1:]))


def _interrupted_again(lost: "sys.UnraisableHookArgs") -> None:
    """Interrupt once more where Python forgets what is raised, as in `__del__`."""
    if issubclass(lost.exc_type, KeyboardInterrupt):
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    else:
        sys.__unraisablehook__(lost)


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; faults take one message."""
    try:
        result = cli.main(list(arguments), prog_name="ccmlab", standalone_mode=False)
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):  # click takes it for Ctrl-D
            raise abort.__context__ from None
        return _told_interrupted()
    except (ImportError, SystemError) as error:
        # what compiled modules make of an interrupt while they are imported
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        return _told_interrupted()
    except click.ClickException as error:
        talk(f"ccmlab: {printable(error.format_message())}")
        return error.exit_code
    return result if isinstance(result, int) else 0


def _told_interrupted() -> int:
    talk("ccmlab: interrupted, nothing was written")
    return INTERRUPTED


@click.group(invoke_without_command=True)
@HELP
@click.option("--version", is_flag=True, help="print the version and exit")
@click.pass_context
def cli(context: click.Context, *, version: bool) -> None:
    """Play programming visits for cardiac contractility modulation on virtual patients.

    Simulated data only: not for the care of a patient, not for a claim.
    """
    say_of_compiling(quiet=False)  # `--quiet` of a verb, read after this, ends it
    if version:
        tell(f"ccmlab {version_of('ccmlab')}")
    elif context.invoked_subcommand is None:
        tell(context.get_help())


for verb in (
    run,
    stream,
    replay,
    study,
    day,
    clinic,
    list_,
    sensitivity,
    landscape,
    plan,
    fit,
    report_,
    cite,
    validate,
    export_,
    check_strategy_,
    compare,
    compare_visits,
    lesson_plan,
):
    cli.add_command(verb)
