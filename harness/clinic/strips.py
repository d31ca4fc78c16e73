"""Pieces of the strips for the screen: three traces, device markers, the trend."""

from collections.abc import Mapping
from typing import Any, Final

from harness.play.stream.messages import (
    BeatMessage,
    MarkerMessage,
    Message,
    OpenedMessage,
    SamplesMessage,
)

SCREEN_HZ: Final = 250
NEWEST_S: Final = 9.0
"""What a screen holds: above twice the patient's pace no more than this is sent."""
KEPT_S: Final = 12.0
"""What a window gets that opens late."""
KEPT_BEATS: Final = 900
TRACES: Final[Mapping[str, str]] = {"ecg": "ECG II", "abp": "ABP"}
SHOWN: Final = frozenset({"ventricular", "ccm", "inhibit"})


class Strips:
    """Keeps the newest seconds of the strips, and what has not been sent yet."""

    def __init__(self) -> None:
        self._hz = self._stride = 1
        self._per_unit: dict[str, int] = {}
        self._channels: dict[str, str] = {}
        self._counts: dict[str, list[int]] = {}
        self._first = self._sent = 0
        self._markers: list[MarkerMessage] = []
        self._sent_marker_s = float("-inf")
        self._trend: list[tuple[float, float]] = []
        self._sent_beats = 0

    def open(self, opened: OpenedMessage, local: str) -> None:
        """Begin: `local` is the lead whose electrogram is shown."""
        self._channels = {**TRACES, "egm": f"EGM {local}"}
        self._stride = max(1, round(opened.sampling_hz / SCREEN_HZ))
        self._hz = opened.sampling_hz
        per_unit = {item.name: item.counts_per_unit for item in opened.channels}
        self._per_unit = {key: per_unit[name] for key, name in self._channels.items()}
        self._counts = {key: [] for key in self._channels}

    def take(self, message: Message) -> None:
        """Take what belongs to the strips of any message."""
        if isinstance(message, SamplesMessage):
            self.samples(message)
        elif isinstance(message, MarkerMessage):
            self.marker(message)
        elif isinstance(message, BeatMessage):
            self.beat(message)

    def samples(self, message: SamplesMessage) -> None:
        """Take a piece of the strips; after a gap everything begins anew."""
        if message.first != self._end:
            self._first = self._sent = message.first
            self._counts = {key: [] for key in self._channels}
        for key, name in self._channels.items():
            self._counts[key].extend(message.counts[name])
        most = round(KEPT_S * self._hz)
        over = len(self._counts["ecg"]) - most
        unsent = self._first + over > self._sent
        if over > most and not unsent:
            for counts in self._counts.values():
                del counts[:over]
            self._first += over

    def marker(self, message: MarkerMessage) -> None:
        """Take a device marker."""
        if message.marker in SHOWN:
            self._markers.append(message)

    def beat(self, message: BeatMessage) -> None:
        """Take a beat's monitored pressure for the trend."""
        if message.sbp_mmhg is not None:
            self._trend.append((round(message.at_s, 2), round(message.sbp_mmhg, 1)))

    @property
    def _end(self) -> int:
        return self._first + len(self._counts.get("ecg", ()))

    def unsent(self, *, newest_only: bool) -> dict[str, Any] | None:
        """Return what is new since the last call, None when there is nothing.

        With `newest_only` no more than a screen of it, whatever came before.
        """
        if not self._counts or self._end == self._sent:
            return None
        first = self._sent
        if newest_only:
            first = max(first, self._end - round(NEWEST_S * self._hz))
        piece = self._piece(first, self._trend[self._sent_beats :])
        self._sent = self._end
        self._sent_beats = len(self._trend)
        self._forget()
        return piece

    def whole(self) -> dict[str, Any] | None:
        """Return all that a window needs that opens late: what has been sent so far."""
        if not self._counts or self._first == self._sent:
            return None
        return self._piece(self._first, self._trend[: self._sent_beats], self._sent)

    def _piece(
        self, first: int, trend: list[tuple[float, float]], end: int | None = None
    ) -> dict[str, Any]:
        first += -first % self._stride
        stop = None if end is None else end - self._first
        part = slice(first - self._first, stop, self._stride)
        from_s = first / self._hz
        shown = [m for m in self._markers if m.to_s >= from_s]
        return {
            "start_s": from_s,
            "hz": self._hz / self._stride,
            "per_unit": self._per_unit,
            **{key: counts[part] for key, counts in self._counts.items()},
            "markers": [_mark(m) for m in shown if m.from_s < self._end / self._hz],
            "trend": trend,
        }

    def _forget(self) -> None:
        """Drop what no window needs any more."""
        from_s = self._first / self._hz
        self._markers = [m for m in self._markers if m.to_s >= from_s]
        over = len(self._trend) - KEPT_BEATS
        if over > 0:
            del self._trend[:over]
            self._sent_beats -= over


def _mark(message: MarkerMessage) -> dict[str, Any]:
    return {
        "kind": message.marker,
        "code": message.code,
        "at_s": round(message.from_s, 4),
        "end_s": round(message.to_s, 4),
    }
