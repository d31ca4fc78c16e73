"""Words about processes: how one ended."""

import signal


def how_ended(code: int) -> str:
    """Return how a process ended, from its exit code (negative: a signal)."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
