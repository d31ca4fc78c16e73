"""What stands on the page: the messages of the bedside, folded.

A window that opens late, or again, gets the board and sees what all others see.
"""

from collections import deque
from collections.abc import Mapping
from functools import singledispatchmethod
from typing import Any, Final

from harness.clinic.words import PHASE_TITLES
from harness.play.stream.messages import (
    AdviceMessage,
    AlertMessage,
    BeatMessage,
    ClosedMessage,
    InterrogationMessage,
    LogMessage,
    Message,
    OpenedMessage,
    PairMessage,
    PhaseMessage,
    PromptMessage,
    ReadingMessage,
    ResultMessage,
    ScreenMessage,
    TimeLeftMessage,
    VerdictMessage,
    VitalsMessage,
)

LINES_KEPT: Final = 60
SHARE_BEATS: Final = 60
EVENTS: Final = (
    AlertMessage,
    ClosedMessage,
    InterrogationMessage,
    PairMessage,
    PhaseMessage,
    PromptMessage,
    ResultMessage,
    VerdictMessage,
    VitalsMessage,
)
"""What "to the next event" stops at."""

SILENT: Final = frozenset({"programmer"})
"""Topics of the log that the screen shows better."""


class Board:
    """The present state of a visit, as staff know it; `take` folds one message in."""

    def __init__(self) -> None:
        self.opened: OpenedMessage | None = None
        self.phase = 0
        self.at_s = 0.0
        self.screen: ScreenMessage | None = None
        self.prompt: PromptMessage | None = None
        self.advice: AdviceMessage | None = None
        self.verdict: VerdictMessage | None = None
        self.closed: ClosedMessage | None = None
        self.alert: AlertMessage | None = None
        self.reference: Mapping[str, Any] = {}
        self.tests: list[ResultMessage] = []
        self.pairs: list[PairMessage] = []
        self.readings: list[ReadingMessage] = []
        self.log: deque[LogMessage] = deque(maxlen=LINES_KEPT)
        self.felt: int | None = None
        self.beat: BeatMessage | None = None
        self.changed_s = float("-inf")
        self._left: TimeLeftMessage | None = None
        self._delivered: deque[bool | None] = deque(maxlen=SHARE_BEATS)

    @property
    def axes(self) -> tuple[str, ...]:
        """The values that are searched, by their symbols."""
        opened = self.opened
        return tuple(axis.name for axis in opened.axes) if opened else ()

    @property
    def phase_name(self) -> str:
        """The step of the visit that goes on, empty before the first."""
        if self.opened is None or not self.phase:
            return ""
        return self.opened.phases[self.phase - 1]

    @property
    def programmed(self) -> Mapping[str, Any]:
        """What is in the device."""
        return self.screen.programmed if self.screen else {}

    @property
    def on_screen(self) -> Mapping[str, Any]:
        """What stands on the programmer's screen, edited values included."""
        if self.screen is None:
            return {}
        return {**self.screen.programmed, **self.screen.pending}

    @property
    def verifies(self) -> bool:
        """Whether a verification goes on, of which nobody sees more than counts."""
        return self.phase_name == "verification" and self.verdict is None

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds of titration left, None outside of it."""
        if self._left is None or self._left.titration_s is None:
            return None
        return max(0.0, self._left.titration_s - (now_s - self._left.at_s))

    def phases(self) -> list[dict[str, str]]:
        """Return the steps of the visit with how far it is."""
        names = self.opened.phases if self.opened else ()
        states = ("done", "now", "later")
        place = self.phase - 1
        return [
            {
                "name": PHASE_TITLES.get(name, name),
                "state": states[(n >= place) + (n > place)],
            }
            for n, name in enumerate(names)
        ]

    def numbers(self) -> dict[str, str]:
        """Return the four numbers of the monitor."""
        beat, n = self.beat, len(self._delivered)
        seen = [item for item in self._delivered if item is not None]
        told: dict[str, str] = {}
        if beat is not None and beat.heart_rate_bpm is not None:
            told["hr"] = f"{beat.heart_rate_bpm:.0f}"
        if beat is not None and beat.sbp_mmhg is not None and beat.dbp_mmhg is not None:
            told["abp"] = f"{beat.sbp_mmhg:.0f}/{beat.dbp_mmhg:.0f}"
        if seen and n:
            told["ccm"] = str(sum(seen))
        if self.felt is not None:
            told["felt"] = str(self.felt)
        return told

    @singledispatchmethod
    def take(self, message: Message) -> None:
        """Fold one message in; a kind that changes nothing here is passed over."""
        self.at_s = message.at_s

    @take.register
    def _(self, message: OpenedMessage) -> None:
        self.opened = message

    @take.register
    def _(self, message: PhaseMessage) -> None:
        self.phase = message.place
        self.prompt = self.alert = None
        self.changed_s = message.at_s

    @take.register
    def _(self, message: ScreenMessage) -> None:
        before = self.screen
        self.screen = message
        if before is not None and before.programmed != message.programmed:
            self.changed_s = message.at_s
        if message.busy:
            self.prompt = None
            if before is not None and not before.busy:
                self.alert = None  # staff went on to something else

    @take.register
    def _(self, message: BeatMessage) -> None:
        self.beat = message
        self.at_s = message.at_s
        self._delivered.append(message.delivered)

    @take.register
    def _(self, message: ReadingMessage) -> None:
        self.readings.append(message)
        if message.role == "reference":
            self.reference = message.settings

    @take.register
    def _(self, message: PairMessage) -> None:
        self.pairs.append(message)

    @take.register
    def _(self, message: ResultMessage) -> None:
        self.tests.append(message)
        self.felt = message.sensation_grade
        self.advice = None
        self.changed_s = message.at_s

    @take.register
    def _(self, message: AlertMessage) -> None:
        self.alert = message
        self.changed_s = message.at_s

    @take.register
    def _(self, message: TimeLeftMessage) -> None:
        self._left = message

    @take.register
    def _(self, message: PromptMessage) -> None:
        self.prompt = message
        self.changed_s = message.at_s

    @take.register
    def _(self, message: AdviceMessage) -> None:
        self.advice = message

    @take.register
    def _(self, message: VerdictMessage) -> None:
        self.verdict = message
        self.changed_s = message.at_s

    @take.register
    def _(self, message: ClosedMessage) -> None:
        self.closed = message

    @take.register
    def _(self, message: LogMessage) -> None:
        if message.topic not in SILENT:
            self.log.append(message)
