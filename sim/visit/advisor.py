"""Who proposes settings, in the clinic's terms: so the visit knows no optimizer."""

from dataclasses import dataclass
from enum import Enum, auto
from math import nan
from typing import Final, Literal, Protocol

from sim.device.settings import Settings
from sim.visit.record import Choice, Tested


class Pondering(Enum):
    """What somebody answers who has to think first."""

    THINKING = auto()


THINKING: Final = Pondering.THINKING
Thinking = Literal[Pondering.THINKING]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings to test by a measuring plan of their own.

    `plan` names a plan of `sim.visit.measuring`; empty, it is that of the visit.
    """

    settings: Settings
    plan: str = ""


class Advisor(Protocol):
    """Whoever proposes settings: a search, a person at a page, a script.

    A visit asks in this order: `begin` once, `propose` and `learn` by turns while the
    clock allows, `recommend` at the end. Who has to think answers `THINKING`: the
    patient lives on, the clock counts, and the visit asks again when it is woken
    (`Visit.wake`) or no time is left. A search or a script answers at once.
    """

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Take note of what is compared with, and of the tests there is time for."""

    def propose(self) -> Settings | Proposal | Thinking | None:
        """Return the settings to test next, or None when there is nothing more."""

    def learn(self, tested: Tested) -> None:
        """Take what was seen."""

    def recommend(self) -> Choice | Thinking:
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
