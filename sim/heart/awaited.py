"""Who is told that a kernel is being compiled: it takes seconds, and somebody waits."""

from collections.abc import Callable
from typing import Final

Listener = Callable[[str], None]

_listeners: Final[list[Listener]] = []


def listen(listener: Listener | None) -> None:
    """Call `listener` with the name of each kernel that is not kept; None ends it."""
    _listeners[:] = [] if listener is None else [listener]


def compiling(name: str) -> bool:
    """Tell that a kernel is to be compiled now; return whether anybody listens."""
    for listener in _listeners:
        listener(name)
    return bool(_listeners)
