"""Marker mode: what the device sensed and did, live, while the wand is in place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from sim.device.events import INHIBITING, BeatDecision

MarkerKind = Literal["A", "V", "LS", "CCM", "INHIBIT"]
MarkerState = Literal["running", "paused", "error", "stopped"]
MARKER_MODE_ERROR: Final = "Marker mode error"


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker. `end_s` is that of a train; `cause` says why a beat got none."""

    at_s: float
    kind: MarkerKind
    end_s: float | None = None
    cause: str = ""


def markers_of(decision: BeatDecision) -> tuple[Marker, ...]:
    """Return the markers of one beat in the order of time; no atrial ones in OVO."""
    sensed: tuple[tuple[float, MarkerKind], ...] = (
        (decision.atrial_s, "A"),
        (decision.reference_s, "V"),
        (decision.ls_s, "LS"),
    )
    found = [Marker(at_s, kind) for at_s, kind in sensed if at_s == at_s]
    if decision.delivered:
        start_s, end_s = decision.train_start_s, decision.train_end_s
        found.append(Marker(start_s, "CCM", end_s))
    elif decision.cause in INHIBITING and found:
        last_s = max(marker.at_s for marker in found)
        found.append(Marker(last_s, "INHIBIT", cause=decision.cause.value))
    return tuple(sorted(found, key=lambda marker: marker.at_s))


class MarkerStream:
    """Markers as they come, beat by beat. `take` empties it, `watch` is told of each.

    A beat's markers arrive together at its activation, each with its own time. None
    are kept while a command runs; the loss of the wand ends the stream ("Marker mode
    error"), and `Programmer.markers` opens the next one.
    """

    def __init__(self) -> None:
        self.state: MarkerState = "running"
        self.error = ""
        self._kept: list[Marker] = []
        self._watchers: list[Callable[[Marker], None]] = []

    def watch(self, watcher: Callable[[Marker], None]) -> None:
        """Call `watcher` with each marker from now on."""
        self._watchers.append(watcher)

    def take(self) -> tuple[Marker, ...]:
        """Return the markers since the last call."""
        taken = tuple(self._kept)
        self._kept.clear()
        return taken

    def stop(self) -> None:
        """Leave marker mode."""
        if self.state != "error":
            self.state = "stopped"

    def fail(self) -> None:
        """End because the wand lost its link."""
        if self.state != "stopped":
            self.state, self.error = "error", MARKER_MODE_ERROR

    def beat(self, decision: BeatDecision) -> None:
        """Take one beat of the device."""
        if self.state != "running":
            return
        for marker in markers_of(decision):
            self._kept.append(marker)
            for watcher in self._watchers:
                watcher(marker)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause while a command runs; go on afterwards unless it ended the stream."""
        if self.state == "running":
            self.state = "paused"
        try:
            yield
        finally:
            if self.state == "paused":
                self.state = "running"
