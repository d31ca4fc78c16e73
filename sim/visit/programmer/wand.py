"""The wand: how reliable its link is, and losing it on purpose."""

from dataclasses import dataclass

import numpy as np

from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class Link:
    """How reliable the wand is."""

    loss_per_command_frac: float = sourced(0.005, "ccmlab-device", "3", "assumed")
    loss_per_reading_frac: float = sourced(0.002, "ccmlab-device", "3", "assumed")
    retry_s: float = sourced(8.0, "ccmlab-device", "3", "assumed")
    most_retries: int = sourced(20, "ccmlab-device", "3", "assumed")


class LinkLostError(ConnectionError):
    """The wand has no link to the device: put it back and `link()`, or cancel."""


class Wand:
    """The wand over the device. `linked` is false after `remove`, until `link()`.

    Parameters
    ----------
    link
        How reliable it is.
    rng
        One draw for each command and each reading, whatever is injected.
    """

    def __init__(self, link: Link, rng: np.random.Generator) -> None:
        self.link = link
        self.linked = True
        self.n_removals = 0
        self._rng = rng
        self._losses_to_come = 0

    def lose(self, n_commands: int = 1) -> None:
        """Let the link fail in the next `n_commands` attempts of a command."""
        if n_commands < 0:
            raise ValueError(f"n_commands must not be negative, got {n_commands}")
        self._losses_to_come = n_commands

    def remove(self) -> None:
        """Take the wand away: every command fails until it is linked again."""
        self.linked = False
        self.n_removals += 1

    def carries_command(self) -> bool:
        """Tell whether one attempt of a command gets through."""
        is_lost = bool(self._rng.random() < self.link.loss_per_command_frac)
        if self._losses_to_come > 0:
            self._losses_to_come -= 1
            return False
        return not is_lost

    def carries_reading(self) -> bool:
        """Tell whether the link holds during one reading."""
        return not self._rng.random() < self.link.loss_per_reading_frac
