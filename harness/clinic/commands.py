"""What a window may send, as values; everything else is an error with its reason.

The page's own wishes stand here; what the bedside takes as it is comes from
`harness.play.stream.commands`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from harness.play.stream.commands import (
    ChooseCandidate,
    HandOver,
    Inject,
    WriteNote,
)

STRICT: Final = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)
LONGEST_TEXT: Final = 500
MOST_CHOICES: Final = 4
MOST_HANDS: Final = 999
MOST_BYTES: Final = 8192
"""The largest message that is read at all."""

PaceName = Literal["pause", "auto", "1", "10", "60"]
Prediction = Literal["rises", "no difference", "falls"]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
Short = Annotated[str, Field(min_length=1, max_length=60)]


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class SetPace:
    """Let the clock run at a pace, or stop it."""

    pace: PaceName
    do: Literal["pace"] = "pace"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class StepOn:
    """Let the clock run to the next event."""

    do: Literal["step"] = "step"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class ChangeValue:
    """Move one value on the screen along the values that the device has."""

    name: Short
    by: Annotated[int, Field(ge=-100, le=100)]
    do: Literal["change"] = "change"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Predict:
    """Say what a test of the settings on the screen will show."""

    answer: Prediction
    do: Literal["predict"] = "predict"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Expect:
    """Say, at a student's window, what a test of what is on the screen will show."""

    answer: Prediction
    do: Literal["expect"] = "expect"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class TryScreen:
    """Test the settings on the screen, read in a pair or once."""

    plan: Literal["paired", "single"]
    do: Literal["test"] = "test"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Plain:
    """What needs no words of its own."""

    do: Literal[
        "cancel", "watch", "undo", "off", "link", "finish", "advise", "accept",
        "overrule",
    ]  # fmt: skip


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class FreezeClock:
    """Stop the clock while the teacher talks; no other pace holds until it is freed."""

    on: bool
    do: Literal["freeze"] = "freeze"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class HideAdvice:
    """Keep what the strategy advises from the class."""

    on: bool
    do: Literal["hide advice"] = "hide advice"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class OpenVote:
    """Ask the class, with two to four choices."""

    choices: Annotated[
        tuple[Short, ...], Field(min_length=2, max_length=MOST_CHOICES, strict=False)
    ]
    do: Literal["open vote"] = "open vote"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class CastVote:
    """Vote for one of the choices, by its place."""

    choice: Annotated[int, Field(ge=0, lt=MOST_CHOICES)]
    do: Literal["vote"] = "vote"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class CloseVote:
    """End the vote and show the counts; `hands` are counted in the room and added."""

    hands: Annotated[
        tuple[Annotated[int, Field(ge=0, le=MOST_HANDS)], ...],
        Field(max_length=MOST_CHOICES, strict=False),
    ] = ()
    do: Literal["close vote"] = "close vote"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Release:
    """Show the next part of the debrief."""

    part: Annotated[int, Field(ge=1, le=4)]
    do: Literal["release"] = "release"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class SayIt:
    """Say in one's own words what was learnt."""

    text: Text
    do: Literal["say"] = "say"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class PredictStep:
    """Say what the class expects of the present step of a lesson."""

    choice: Text
    do: Literal["lesson predict"] = "lesson predict"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class GoOn:
    """Go to the next step of a lesson, `anyway` when its check is not waited for."""

    anyway: bool
    do: Literal["lesson on"] = "lesson on"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """Answer a question at the end of a lesson, counted from 0."""

    question: Annotated[int, Field(ge=0, le=MOST_HANDS)]
    choice: Text
    do: Literal["lesson answer"] = "lesson answer"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class LetStepHappen:
    """Let happen what the present step of a lesson has."""

    do: Literal["lesson inject"] = "lesson inject"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class AskLink:
    """Ask for the link from which this visit goes on."""

    do: Literal["ask link"] = "ask link"


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class PlayAgain:
    """Begin anew: the same patient and noise, or another seed."""

    new_seed: bool
    do: Literal["again"] = "again"


Wish = (
    SetPace
    | StepOn
    | ChangeValue
    | Predict
    | Expect
    | TryScreen
    | Plain
    | ChooseCandidate
    | HandOver
    | Inject
    | FreezeClock
    | HideAdvice
    | WriteNote
    | OpenVote
    | CastVote
    | CloseVote
    | Release
    | SayIt
    | PredictStep
    | GoOn
    | AnswerQuestion
    | LetStepHappen
    | AskLink
    | PlayAgain
)

_WISH: Final[TypeAdapter[Wish]] = TypeAdapter(
    Annotated[Wish, Field(discriminator="do")]
)


class WishError(ValueError):
    """A message that is no command, with the reason in one line."""


def wish_from(line: str | bytes) -> Wish:
    """Return what a window wants; WishError says what is wrong with its message."""
    size = len(line.encode() if isinstance(line, str) else line)
    if size > MOST_BYTES:
        raise WishError(f"a message has at most {MOST_BYTES} bytes, this has {size}")
    try:
        return _WISH.validate_json(line, strict=True)
    except ValidationError as error:
        raise WishError(_first_fault(error)) from None


def _first_fault(error: ValidationError) -> str:
    fault: Mapping[str, object] = error.errors(include_url=False, include_input=False)[
        0
    ]
    place = fault["loc"]
    path = ".".join(str(step) for step in place) if isinstance(place, tuple) else ""
    where = f"{path}: " if path else ""
    return f"not understood: {where}{str(fault['msg']).lower()}"[:300]
