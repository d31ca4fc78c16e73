"""A listener beside the programmer: sees everything, commands nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sim.device.settings import Settings
from sim.visit.bedside import Bedside
from sim.visit.programmer.markers import MarkerStream
from sim.visit.programmer.readout import counter_rows

if TYPE_CHECKING:
    from sim.visit.programmer.session import LogLine, Programmer


class Observer:
    """Read-only view of a session; it has no command, and looking takes no time."""

    __slots__ = ("__bedside", "__programmer")

    def __init__(self, programmer: "Programmer", bedside: Bedside) -> None:
        self.__programmer = programmer
        self.__bedside = bedside

    @property
    def programmed(self) -> Settings:
        """Settings that are in the device now."""
        return self.__programmer.programmed

    @property
    def pending_settings(self) -> Settings:
        """Settings on the programmer's screen."""
        return self.__programmer.pending_settings

    @property
    def state(self) -> str:
        """Device state."""
        return self.__bedside.generator.state

    @property
    def log(self) -> "tuple[LogLine, ...]":
        """The programmer's log so far."""
        return self.__programmer.log

    @property
    def counters(self) -> Mapping[str, int]:
        """Statistics since the last reset, as on the programmer's screen."""
        return counter_rows(self.__bedside.generator.counters)

    def listen(self) -> MarkerStream:
        """Return a marker stream of the observer's own."""
        stream = MarkerStream()
        self.__bedside.watch(stream.beat)
        return stream
