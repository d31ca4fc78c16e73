"""A vote of the class: hidden until it is closed, one vote a window."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Vote:
    """What the class is asked; a later vote of the same window replaces its first.

    `counts` are None while the vote is open: whoever sees how others vote follows.
    """

    choices: tuple[str, ...]
    open: bool = True
    hands: tuple[int, ...] = ()
    _cast: dict[str, int] = field(default_factory=dict)

    def cast(self, voter: str, choice: int) -> str:
        """Take a vote; return why it does not count, empty when it does."""
        if not self.open:
            return "the vote is closed"
        if choice >= len(self.choices):
            return f"there are {len(self.choices)} choices, got number {choice + 1}"
        self._cast[voter] = choice
        return ""

    def close(self, hands: Sequence[int] = ()) -> None:
        """End the vote; hands counted in the room are added to the votes cast."""
        self.open = False
        self.hands = tuple(hands[: len(self.choices)])

    def of(self, voter: str) -> int | None:
        """Return what a window voted for."""
        return self._cast.get(voter)

    @property
    def n_cast(self) -> int:
        """Votes so far, by windows."""
        return len(self._cast)

    @property
    def counts(self) -> tuple[int, ...] | None:
        """Votes of each choice, hands included; None while the vote is open."""
        if self.open:
            return None
        hands = (*self.hands, *(0,) * len(self.choices))
        cast = list(self._cast.values())
        return tuple(cast.count(n) + hands[n] for n in range(len(self.choices)))

    def shown(self) -> dict[str, Any]:
        """Return the vote as a page shows it."""
        return {
            "choices": self.choices,
            "open": self.open,
            "cast": self.n_cast,
            "counts": self.counts,
        }
