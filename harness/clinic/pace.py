"""How fast the clock of a visit runs: chosen by hand, or by what happens."""

from typing import Final

from harness.clinic.commands import PaceName

SLOW_AFTER_S: Final = 8.0
"""Seconds after a change or an event that are shown at the patient's own pace."""
FAST: Final = 10.0
FIXED: Final = {"pause": 0.0, "1": 1.0, "10": 10.0, "60": 60.0}


def rate_of(pace: PaceName, *, now_s: float, changed_s: float, thinks: bool) -> float:
    """Return simulated seconds a second.

    Parameters
    ----------
    pace
        What was chosen. "auto" runs at 10 while settings settle and are read, and at
        the patient's own pace after a change, and while a person thinks.
    now_s, changed_s
        Simulated time, and when something changed last.
    thinks
        Whether the visit waits for a person.
    """
    if pace != "auto":
        return FIXED[pace]
    return 1.0 if thinks or now_s - changed_s < SLOW_AFTER_S else FAST


class PacedClock:
    """Turns seconds of the wall into simulated seconds, at a rate that may change."""

    def __init__(self, wall_s: float, now_s: float) -> None:
        self._wall_s, self._now_s = wall_s, now_s
        self.rate = 0.0

    def set(self, rate: float, wall_s: float, now_s: float) -> None:
        """Go on from here at another rate."""
        if rate != self.rate:
            self.rate, self._wall_s, self._now_s = rate, wall_s, now_s

    def restart(self, wall_s: float, now_s: float) -> None:
        """Forget what is owed: the clock jumped, or could not keep up."""
        self._wall_s, self._now_s = wall_s, now_s

    def due_s(self, wall_s: float) -> float:
        """Return the simulated time that is due."""
        return self._now_s + self.rate * (wall_s - self._wall_s)
