"""What a person may ask for, as values; `LiveVisit.command` takes one at a time.

A command is obeyed at the simulated time at which it is given, or refused at once: the
programmer does one thing after another, and nothing is programmed in the middle of a
test. Only `SwitchOff` interrupts. Settings are given by their symbols.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, with_config

from sim.device.lattice import Value
from sim.visit.happenings import Happening

STRICT: Final = ConfigDict(extra="forbid", allow_inf_nan=False)


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class EditScreen:
    """Change values on the programmer's screen; nothing is programmed yet."""

    values: Mapping[str, Value]
    do: Literal["edit"] = "edit"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class CancelEdit:
    """Drop what was edited."""

    do: Literal["cancel"] = "cancel"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class RunTest:
    """Test the settings on the screen, read as a pair or alone.

    Taken when the visit asks what next. `prediction` is what a class expects, kept in
    the log of actions.
    """

    plan: Literal["paired", "single"] = "paired"
    prediction: Literal["", "rises", "no difference", "falls"] = ""
    do: Literal["test"] = "test"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Program the settings on the screen and look at the monitor, without a reading.

    The safety filter stands before it as before a test. The settings stay.
    """

    do: Literal["watch"] = "watch"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class UndoProgramming:
    """Program the values from before the last programming."""

    do: Literal["undo"] = "undo"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class SwitchOff:
    """Switch CCM off at once, also in the middle of a test, which is broken off."""

    do: Literal["off"] = "off"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class PutWandBack:
    """Put the wand back over the device."""

    do: Literal["link"] = "link"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class FinishTitration:
    """End the titration before its time is up; the choice comes next."""

    do: Literal["finish"] = "finish"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class ChooseCandidate:
    """Say what is verified, before or when the visit asks: settings or a word.

    "screen" is what stands on the programmer's screen, "reference" keeps what the
    patient came with, "advised" is what the strategy recommends.
    """

    what: Literal["screen", "reference", "advised"]
    do: Literal["choose"] = "choose"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class AskAdvice:
    """Ask the strategy what it would do; its answer is told as an `AdviceMessage`."""

    do: Literal["advise"] = "advise"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class HandOver:
    """Let the strategy propose and choose from now on, or take that back."""

    to_strategy: bool = True
    do: Literal["hand over"] = "hand over"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class ChangeStrategy:
    """Let another strategy, or the same by another measuring plan, go on from here.

    It is told every test so far. Empty, either stays as it is.
    """

    strategy: str = ""
    plan: Literal["", "paired", "alternate-every", "single", "replicates"] = ""
    do: Literal["change strategy"] = "change strategy"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Inject:
    """Let something happen to the patient or the device now."""

    happening: Happening
    do: Literal["inject"] = "inject"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class WriteNote:
    """Write a line on the timeline."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    do: Literal["note"] = "note"


Command = (
    EditScreen
    | CancelEdit
    | RunTest
    | WatchSettings
    | UndoProgramming
    | SwitchOff
    | PutWandBack
    | FinishTitration
    | ChooseCandidate
    | AskAdvice
    | HandOver
    | ChangeStrategy
    | Inject
    | WriteNote
)


@cache
def _any() -> TypeAdapter[Command]:
    """Return what reads and writes a command of any kind; a run has none."""
    return TypeAdapter(Annotated[Command, Field(discriminator="do")])


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: taken, or refused for a reason."""

    number: int
    taken: bool
    reason: str = ""


def command_from(table: Mapping[str, Any]) -> Command:
    """Return the command of a table; pydantic's ValidationError says what is wrong."""
    return _any().validate_python(dict(table))


def table_of(command: Command) -> dict[str, Any]:
    """Return a command as a table of plain values, `do` first."""
    told: dict[str, Any] = _any().dump_python(command, mode="json")
    return {"do": told.pop("do"), **told}
