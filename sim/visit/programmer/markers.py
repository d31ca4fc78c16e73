"""Marker mode: what the device sensed and did, live, while the wand is in place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Final, Literal

from sim.device.events import INHIBITING, BeatDecision, Cause
from sim.telemetry.markers import Marker, MarkerTimes, beat_markers

MarkerState = Literal["running", "paused", "error", "stopped"]
_AT: Final = attrgetter("at_s")
MARKER_MODE_ERROR: Final = "Marker mode error"


def markers_of(times: MarkerTimes, cause: Cause, beat: int = 0) -> list[Marker]:
    """Return the markers of one beat in the order of time; no atrial ones in OVO."""
    reason = cause.value if cause in INHIBITING else ""
    if reason and not any(at_s == at_s for at_s in times[:3]):
        reason = ""
    return sorted(beat_markers(beat, times, reason=reason), key=_AT)


class MarkerStream:
    """Markers as they come, beat by beat. `take` empties it, `watch` is told of each.

    A beat's markers arrive together at its activation, each with its own time. None
    are kept while a command runs; the loss of the wand ends the stream ("Marker mode
    error"), and `Programmer.markers` opens the next one.
    """

    def __init__(self) -> None:
        self.state: MarkerState = "running"
        self.error = ""
        self._n_beats = 0
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
        times = MarkerTimes(
            decision.atrial_s,
            decision.reference_s,
            decision.ls_s,
            decision.train_start_s,
            decision.train_end_s,
        )
        marks = markers_of(times, decision.cause, self._n_beats)
        self._n_beats += 1
        for marker in marks:
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
