"""Who proposes settings, in the clinic's terms: so the visit knows no optimizer."""

from math import nan
from typing import Protocol

from sim.device.settings import Settings
from sim.visit.record import Choice, Tested


class Advisor(Protocol):
    """Whoever proposes settings: a search, a person at a page, a script.

    A visit asks in this order: `begin` once, `propose` and `learn` by turns while the
    clock allows, `recommend` once at the end.
    """

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Take note of what is compared with, and of the tests there is time for."""

    def propose(self) -> Settings | None:
        """Return the settings to test next, or None when there is nothing more."""

    def learn(self, tested: Tested) -> None:
        """Take what was seen."""

    def recommend(self) -> Choice:
        """Return the candidate when the clock has run out."""


class Nobody:
    """Advises nothing, so that the reference is kept."""

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Take note of the reference."""
        self._reference = reference

    def propose(self) -> Settings | None:
        """Propose nothing."""
        return None

    def learn(self, tested: Tested) -> None:
        """Learn nothing."""

    def recommend(self) -> Choice:
        """Return the reference."""
        return Choice(self._reference, nan, nan, gated=False, reason="nobody advises")
