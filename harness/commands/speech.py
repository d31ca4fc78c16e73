"""What a command says: results on stdout, all else on stderr."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Final

import click

from harness.common.progress import CLEAR_LINE

INTERRUPTED: Final = 130
PATIENCE_S: Final = 2.0


class StdoutError(click.ClickException):
    """The work is done and its files are written, but nobody can read the result."""


def tell(text: str) -> None:
    """Write a result to stdout; StdoutError, exit 1, when that cannot be."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        click.echo(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        sys.stdout = None  # else Python tries once more at its end
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise StdoutError(f"done, but stdout cannot be written: {reason}") from None


def talk(text: str) -> None:
    """Say something on stderr; where nobody can be told, the exit code must do."""
    try:
        click.echo(text, err=True)
    except (OSError, ValueError):
        sys.stderr = None


def talk_over(text: str) -> None:
    """Say something on stderr in the place of a line that is not ended."""
    with suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():
            sys.stderr.write(CLEAR_LINE)
    talk(text)


def talker(*, quiet: bool) -> Callable[[str], None]:
    """Return what tells progress, or nothing where it is to be quiet."""
    return (lambda line: None) if quiet else talk


def say_of_compiling(*, quiet: bool) -> None:
    """Have it said on stderr when kernels are compiled, or nothing at all."""
    from harness.common.compiling import tell_compiling

    tell_compiling(None if quiet else talk_over)


@contextmanager
def patience(work: str, about: str) -> Iterator[None]:
    """Say on stderr what is done and about how long it takes, if it takes seconds."""
    waiting = Timer(PATIENCE_S, talk_over, (f"{work}: this takes {about}",))
    waiting.daemon = True
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()
        waiting.join()


def printable(text: str) -> str:
    """Return text in which what a file holds cannot steer a terminal."""
    return "".join(
        c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
