"""What a lesson may wait for: named predicates over the messages of a visit.

A file names a check and its values; it holds no code. Each asks of a single message
whether it is one of those meant, and `times` says how many of them are waited for. To
add a check, write its class: it is found by its name.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, PlainValidator, ValidationError

from harness.common.faults import Fault, FaultsError, faults_of, no_such, shown
from harness.play.filled import within
from harness.play.stream.messages import (
    AlertMessage,
    AnsweredMessage,
    BeatMessage,
    EndWord,
    InterrogationMessage,
    LogMessage,
    MarkerKind,
    MarkerMessage,
    Message,
    PhaseMessage,
    Purpose,
    ReadingMessage,
    ResultMessage,
    ScreenMessage,
    Value,
    VerdictMessage,
)
from harness.play.tables import Table, one_of
from sim.visit.plan import PHASES

KEY: Final = "is"
"""Under which a table of a file names its check."""


class LessonCheck(Table):
    """Something that is waited for, `times` over."""

    name: ClassVar[str] = ""
    stands: ClassVar[bool] = False
    """Whether it asks for what is the case, not only for what happens from now on."""
    times: Annotated[int, within(1, 1000)] = 1

    def meant(self, message: Message) -> bool:
        """Tell whether a message is one of those that are waited for."""
        raise NotImplementedError


class PhaseBegins(LessonCheck):
    """A step of the visit begins, or has begun."""

    name: ClassVar[str] = "phase begins"
    stands: ClassVar[bool] = True
    phase: Annotated[str, one_of(lambda: PHASES)]

    def meant(self, message: Message) -> bool:
        """Tell whether it is that phase, or a later one."""
        place = PHASES.index(self.phase) + 1
        return isinstance(message, PhaseMessage) and message.place >= place


class BeatSeen(LessonCheck):
    """A beat on the monitor, of the kind that is stated."""

    name: ClassVar[str] = "beat seen"
    delivered: bool | None = None
    ectopic: bool | None = None

    def meant(self, message: Message) -> bool:
        """Tell whether the beat is of that kind."""
        return (
            isinstance(message, BeatMessage)
            and self.delivered in (None, message.delivered)
            and self.ectopic in (None, message.ectopic)
        )


class MarkerSeen(LessonCheck):
    """A mark of the programmer."""

    name: ClassVar[str] = "marker seen"
    marker: MarkerKind
    code: str = ""

    def meant(self, message: Message) -> bool:
        """Tell whether it is that mark; an empty code is any."""
        return (
            isinstance(message, MarkerMessage)
            and message.marker == self.marker
            and self.code in ("", message.code)
        )


class ValuesPending(LessonCheck):
    """Values stand on the programmer's screen and are not programmed."""

    name: ClassVar[str] = "values pending"
    stands: ClassVar[bool] = True
    values: dict[str, Value]

    def meant(self, message: Message) -> bool:
        """Tell whether all of them stand there."""
        return isinstance(message, ScreenMessage) and _holds(
            message.pending, self.values
        )


class ConflictShown(LessonCheck):
    """The screen shows that a value cannot be programmed."""

    name: ClassVar[str] = "conflict shown"
    stands: ClassVar[bool] = True
    value: str

    def meant(self, message: Message) -> bool:
        """Tell whether the value is among those in conflict."""
        return isinstance(message, ScreenMessage) and any(
            self.value in wrong.names for wrong in message.wrong
        )


class ValuesProgrammed(LessonCheck):
    """The device holds values."""

    name: ClassVar[str] = "values programmed"
    stands: ClassVar[bool] = True
    values: dict[str, Value]

    def meant(self, message: Message) -> bool:
        """Tell whether it holds all of them."""
        return isinstance(message, ScreenMessage) and _holds(
            message.programmed, self.values
        )


class LinkIs(LessonCheck):
    """The wand has a link, or has none."""

    name: ClassVar[str] = "link is"
    stands: ClassVar[bool] = True
    linked: bool

    def meant(self, message: Message) -> bool:
        """Tell whether the link is as stated."""
        return isinstance(message, ScreenMessage) and message.link is self.linked


class DeviceReadOut(LessonCheck):
    """The programmer read the device out; the delivered share may be bounded."""

    name: ClassVar[str] = "device read out"
    stands: ClassVar[bool] = True
    delivered_below_frac: Annotated[float, within(0.0, 1.0)] | None = None

    def meant(self, message: Message) -> bool:
        """Tell whether it was read out, with a share below the bound."""
        bound = self.delivered_below_frac
        return isinstance(message, InterrogationMessage) and (
            bound is None or message.delivered_frac < bound
        )


class ReadingTaken(LessonCheck):
    """A reading is there."""

    name: ClassVar[str] = "arm read"
    purpose: Purpose | None = None
    role: Literal["reference", "tested"] | None = None

    def meant(self, message: Message) -> bool:
        """Tell whether it is a reading of that sort, and not void."""
        return (
            isinstance(message, ReadingMessage)
            and not message.void
            and self.purpose in (None, message.purpose)
            and self.role in (None, message.role)
        )


class TestDone(LessonCheck):
    """A test is over, of the kind that is stated."""

    name: ClassVar[str] = "test done"
    __test__ = False  # pytest takes the name for its own
    plan: Literal["paired", "single"] | None = None
    ended: EndWord | None = None
    filtered: bool | None = None
    felt_at_least: Annotated[int, within(0, 4)] = 0
    asked: dict[str, Value] = Field(default_factory=dict)

    def meant(self, message: Message) -> bool:
        """Tell whether the test is of that kind."""
        return (
            isinstance(message, ResultMessage)
            and self.plan in (None, message.plan)
            and self.ended in (None, message.ended)
            and self.filtered in (None, bool(message.filter_note))
            and message.sensation_grade >= self.felt_at_least
            and _holds(message.asked, self.asked)
        )


class CommandAnswered(LessonCheck):
    """A command of the class was taken, or refused."""

    name: ClassVar[str] = "command answered"
    do: str
    taken: bool = True

    def meant(self, message: Message) -> bool:
        """Tell whether it is that command, with that answer."""
        return (
            isinstance(message, AnsweredMessage)
            and message.do == self.do
            and message.taken is self.taken
        )


class AlertRaised(LessonCheck):
    """Something should not have happened; the alert's name may be stated."""

    name: ClassVar[str] = "alert raised"
    alert: str = ""

    def meant(self, message: Message) -> bool:
        """Tell whether it is that alert; an empty name is any."""
        return isinstance(message, AlertMessage) and self.alert in ("", message.alert)


class Logged(LessonCheck):
    """A line of the visit's log."""

    name: ClassVar[str] = "line logged"
    topic: str = ""
    holds: str = ""

    def meant(self, message: Message) -> bool:
        """Tell whether the line is of that topic and holds the words."""
        return (
            isinstance(message, LogMessage)
            and self.topic in ("", message.topic)
            and self.holds in message.text
        )


class VerdictGiven(LessonCheck):
    """The verdict is there; it may be one of some."""

    name: ClassVar[str] = "verdict given"
    stands: ClassVar[bool] = True
    among: tuple[str, ...] = ()

    def meant(self, message: Message) -> bool:
        """Tell whether it is one of those; none stated is any."""
        return isinstance(message, VerdictMessage) and (
            not self.among or message.verdict in self.among
        )


def checks() -> Mapping[str, type[LessonCheck]]:
    """Return every check by the name that a file calls it."""
    return {kind.name: kind for kind in LessonCheck.__subclasses__()}


def _holds(present: Mapping[str, Value], wanted: Mapping[str, Value]) -> bool:
    return all(present.get(name) == value for name, value in wanted.items())


def _check_of(table: Any) -> LessonCheck:
    """Return the check of a table; every fault at once, with the nearest name."""
    if isinstance(table, LessonCheck):
        return table
    if not isinstance(table, Mapping):
        raise ValueError(f"must be a table, got {shown(table)}")
    name, known = table.get(KEY), checks()
    if not isinstance(name, str) or name not in known:
        text = no_such(name, known) if isinstance(name, str) else "must be given"
        raise FaultsError([Fault(KEY, text)])
    values = {key: value for key, value in table.items() if key != KEY}
    try:
        return known[name].model_validate(values, strict=False)
    except ValidationError as error:
        raise FaultsError(faults_of(error, known[name])) from None


AnyCheck = Annotated[LessonCheck, PlainValidator(_check_of)]
