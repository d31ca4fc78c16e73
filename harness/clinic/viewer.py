"""One browser window that looks on: what waits to be sent to it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from harness.clinic.guard import Allowance
from harness.clinic.roles import Role

MOST_PIECES: Final = 24
"""Pieces of strips that wait for a slow window, about five seconds; older are left."""
MOST_NOTICES: Final = 16
WISHES_PER_S: Final = 15.0
WISHES_AT_ONCE: Final = 30.0


@dataclass(slots=True, eq=False)
class Viewer:
    """A window with its role. `voter` tells its votes from those of others.

    `n_dropped` counts pieces of strips that it was too slow for.

    Of what stands there, the page and what this window said, only the newest state
    waits; a slow window skips states and strips, and holds up nobody.
    """

    role: Role
    voter: str
    allowance: Allowance = field(
        default_factory=lambda: Allowance(WISHES_PER_S, WISHES_AT_ONCE)
    )
    n_dropped: int = 0
    _states: dict[str, str] = field(default_factory=dict)
    _shown: dict[str, str] = field(default_factory=dict)
    _pieces: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_PIECES))
    _notices: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_NOTICES))
    _ready: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, kind: str, state: str) -> None:
        """Let a state wait, in place of an older one of its kind."""
        if state != self._states.get(kind, self._shown.get(kind)):
            self._states[kind] = state
            self._ready.set()

    def add(self, piece: str) -> None:
        """Let a piece of strips wait; of too many the oldest is left out."""
        self.n_dropped += len(self._pieces) == MOST_PIECES
        self._pieces.append(piece)
        self._ready.set()

    def notify(self, notice: str) -> None:
        """Let an answer to this window alone wait."""
        self._notices.append(notice)
        self._ready.set()

    async def next(self) -> str:
        """Return what is to be sent next: answers first, then states, then strips."""
        while True:
            if self._notices:
                return self._notices.popleft()
            if self._states:
                kind = next(iter(self._states))
                self._shown[kind] = self._states.pop(kind)
                return self._shown[kind]
            if self._pieces:
                return self._pieces.popleft()
            self._ready.clear()
            await self._ready.wait()
