"""A listener beside the programmer: sees everything, commands nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sim.device.settings import Settings
from sim.visit.bedside import Bedside
from sim.visit.programmer.markers import MarkerStream
from sim.visit.programmer.readout import counter_rows


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log bar."""

    at_s: float
    text: str


class Screen(Protocol):
    """What the programmer shows to whoever looks over the clinician's shoulder."""

    @property
    def programmed(self) -> Settings:
        """Settings that are in the device now."""

    @property
    def pending_settings(self) -> Settings:
        """Settings on the screen."""

    @property
    def log(self) -> tuple[LogLine, ...]:
        """Everything done in this session."""


class Observer:
    """Read-only view of a session; it has no command, and looking takes no time."""

    __slots__ = ("__bedside", "__screen")

    def __init__(self, screen: Screen, bedside: Bedside) -> None:
        self.__screen = screen
        self.__bedside = bedside

    @property
    def programmed(self) -> Settings:
        """Settings that are in the device now."""
        return self.__screen.programmed

    @property
    def pending_settings(self) -> Settings:
        """Settings on the programmer's screen."""
        return self.__screen.pending_settings

    @property
    def state(self) -> str:
        """Device state."""
        return self.__bedside.generator.state

    @property
    def log(self) -> tuple[LogLine, ...]:
        """The programmer's log so far."""
        return self.__screen.log

    @property
    def counters(self) -> Mapping[str, int]:
        """Statistics since the last reset, as on the programmer's screen."""
        return counter_rows(self.__bedside.generator.counters)

    def listen(self) -> MarkerStream:
        """Return a marker stream of the observer's own."""
        stream = MarkerStream()
        self.__bedside.watch(stream.beat)
        return stream
