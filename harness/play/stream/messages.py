"""What happens at the bedside, told once: the messages of the stream, and their schema.

Every message has a `number` (1, 2, 3 and so on, none left out), `at_s`, the simulated
time at which it became known, and a `kind`, by which it is told apart. A quantity that
nobody can know at that time is None, null in JSON. Nothing here is true of the patient:
pressures are the monitor's, effects those of readings with their error, and during the
verification there are counts only.

`SCHEMA_VERSION` grows when a message changes its meaning or loses a field, not with a
new kind or field: a client should pass over what it does not know.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

SCHEMA_VERSION: Final = 1

Number = float | None
"""A number that may be unknown."""

Value = bool | int | float | str
"""The value of a setting."""

MarkerKind = Literal["atrial", "ventricular", "local sense", "ccm", "inhibit"]
Purpose = Literal["response", "harm", "sham", "titration", "verification"]
Question = Literal["next", "choose"]
EndWord = Literal["done", "felt", "stopped", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What every message has."""

    number: int = 0
    at_s: float


@dataclass(frozen=True, slots=True)
class ChannelShape:
    """One trace of the strip: counts divided by `counts_per_unit` are in `unit`."""

    name: str
    unit: str
    counts_per_unit: int


@dataclass(frozen=True, slots=True)
class AxisShape:
    """A setting that may be searched, with the values the device has for it."""

    name: str
    unit: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedMessage(Heading):
    """The first message: who is seen, as the chart says, and what is planned.

    `minutes` are those of titration and observation and of one test, by the plan it is
    read with; `phases` the eleven steps in their order.
    """

    kind: Literal["opened"] = "opened"
    schema_version: int = SCHEMA_VERSION
    simulated: Literal[True] = True
    site: str
    staff: Mapping[str, str]
    phases: tuple[str, ...]
    card: Mapping[str, Value]
    readout: str
    readout_unit: str
    plan: str
    verification_pairs: int
    minutes: Mapping[str, float]
    axes: tuple[AxisShape, ...]
    sampling_hz: int
    channels: tuple[ChannelShape, ...]
    advised_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseMessage(Heading):
    """A step of the visit begins. `place` counts from 1."""

    kind: Literal["phase"] = "phase"
    name: str
    place: int
    staff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatMessage(Heading):
    """One beat as the monitor shows it, told when it is activated.

    `beat` counts from 0. `rr_s` is the interval before it. The pressures are those of
    the beat before, since its own are not made yet; the finger pressure has None while
    it calibrates or has no signal. `delivered` is None while no marker can be seen.
    """

    kind: Literal["beat"] = "beat"
    beat: int
    rr_s: Number
    heart_rate_bpm: Number
    ectopic: bool
    delivered: bool | None
    sbp_mmhg: Number
    dbp_mmhg: Number
    map_mmhg: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesMessage(Heading):
    """A piece of the strip. Sample `k` of a channel is at `(first + k) / sampling_hz`.

    Pieces follow each other without gap or overlap, some beats behind the clock; the
    channels are those of the opening, drawn from what the monitor knows.
    """

    kind: Literal["samples"] = "samples"
    first: int
    counts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerMessage(Heading):
    """One event as the programmer marks it: AS, VS, LS, CCM or why there is no train.

    `from_s` may lie a little after `at_s`, for a beat is judged when it is activated.
    """

    kind: Literal["marker"] = "marker"
    marker: MarkerKind
    code: str
    from_s: float
    to_s: float
    beat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMessage(Heading):
    """A line of the visit's log: `topic` is its sort, such as "check"."""

    kind: Literal["log"] = "log"
    phase: str
    topic: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsMessage(Heading):
    """Vital signs as read with the cuff."""

    kind: Literal["vitals"] = "vitals"
    sbp_mmhg: float
    dbp_mmhg: float
    heart_rate_bpm: float
    respiration_per_min: float
    spo2_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InterrogationMessage(Heading):
    """What the programmer read out of the device."""

    kind: Literal["interrogation"] = "interrogation"
    settings: Mapping[str, Value]
    battery_pct: float
    days_since_charge: float
    impedance_v1_ohm: Number
    impedance_v2_ohm: Number
    r_wave_v1_mv: Number
    r_wave_v2_mv: Number
    p_wave_mv: Number
    delivered_frac: float
    counters: Mapping[str, int]
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a value on the screen cannot be programmed."""

    names: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenMessage(Heading):
    """The programmer's screen, told whenever it changes.

    `programmed` is empty until the device has been read out; `pending` has the values
    that differ from the programmed ones, `wrong` why they cannot be programmed. `link`
    tells whether the wand has a link, `busy` what the programmer is at, empty when it
    is free.
    """

    kind: Literal["screen"] = "screen"
    programmed: Mapping[str, Value]
    pending: Mapping[str, Value]
    wrong: tuple[Wrong, ...]
    button: Literal["idle", "ready", "disabled"]
    link: bool
    busy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingMessage(Heading):
    """One arm was read. The values are None during the verification, and when void.

    `value` is that of the visit's readout, in its unit. The reading is of `n_used`
    among `n_beats` from `first_beat` on.
    """

    kind: Literal["reading"] = "reading"
    reading: int
    purpose: Purpose
    role: Literal["reference", "tested"]
    settings: Mapping[str, Value]
    from_s: float
    to_s: float
    first_beat: int
    n_beats: int
    n_used: int
    delivered_frac: float
    void: str
    value: Number
    sbp_mmhg: Number
    dbp_mmhg: Number
    map_mmhg: Number
    heart_rate_bpm: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMessage(Heading):
    """A pair is complete; during the verification without its gain."""

    kind: Literal["pair"] = "pair"
    pair: int
    purpose: Purpose
    gain_pct: Number
    void: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultMessage(Heading):
    """A test is over. `ended` decides, `aborted` and `filter_note` say why in words.

    `low_pct` and `high_pct` are the limits of the 95 % interval of the gain that was
    read, with the error that a reading of this plan has; `by` tells who proposed it.
    """

    kind: Literal["tested"] = "tested"
    test: int
    by: str
    plan: str
    asked: Mapping[str, Value]
    settings: Mapping[str, Value]
    ended: EndWord
    aborted: str
    filter_note: str
    void: str
    gain_pct: Number
    low_pct: Number
    high_pct: Number
    sensation_grade: int
    n_ectopics: int
    delivered_frac: float
    energy_frac: float
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMessage(Heading):
    """Something that should not have happened, and what was done."""

    kind: Literal["alert"] = "alert"
    alert: str
    text: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLeftMessage(Heading):
    """Seconds of titration left; None before it begins and after it has ended."""

    kind: Literal["time left"] = "time left"
    titration_s: Number
    n_tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptMessage(Heading):
    """The visit asks a person: what next, or which settings to verify.

    `minutes` is what a test costs by each plan that still fits in. A prompt is open
    until the next test, phase or prompt.
    """

    kind: Literal["prompt"] = "prompt"
    question: Question
    minutes: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceMessage(Heading):
    """What the strategy would test next; `settings` is empty when it has nothing more.

    For the question "choose", what it would verify.
    """

    kind: Literal["advice"] = "advice"
    question: Question
    settings: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredMessage(Heading):
    """A command was taken, or refused with its reason. `command` is its number."""

    kind: Literal["answered"] = "answered"
    command: int
    do: str
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictMessage(Heading):
    """The verdict, told after the last verification pair, with what it rests on."""

    kind: Literal["verdict"] = "verdict"
    verdict: str
    reason: str
    candidate: Mapping[str, Value]
    gain_pct: Number
    low_pct: Number
    high_pct: Number
    pairs_done: int
    pairs_void: int
    gains_pct: tuple[Number, ...]
    best_single_reading_pct: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedMessage(Heading):
    """The last message: the patient leaves."""

    kind: Literal["closed"] = "closed"
    n_beats: int
    final: Mapping[str, Value]


Message = (
    OpenedMessage
    | PhaseMessage
    | BeatMessage
    | SamplesMessage
    | MarkerMessage
    | LogMessage
    | VitalsMessage
    | InterrogationMessage
    | ScreenMessage
    | ReadingMessage
    | PairMessage
    | ResultMessage
    | AlertMessage
    | TimeLeftMessage
    | PromptMessage
    | AdviceMessage
    | AnsweredMessage
    | VerdictMessage
    | ClosedMessage
)
FLOWING: Final = (BeatMessage, SamplesMessage, MarkerMessage)
"""What comes with every beat, and is kept only for a while."""


@cache
def _any() -> TypeAdapter[Message]:
    """Return what reads a message of any kind; who only writes needs none."""
    return TypeAdapter(Annotated[Message, Field(discriminator="kind")])


@cache
def _writer(kind: type[Message]) -> Callable[[Message], bytes]:
    """Return what writes messages of one kind, a third of the time of one for any."""
    return TypeAdapter(kind).serializer.to_json


def known(value: float) -> Number:
    """Return a number, None for one that is not known."""
    return value if isfinite(value) else None


def as_json(message: Message) -> str:
    """Return a message as one line of JSON."""
    return as_utf8(message).decode()


def as_utf8(message: Message) -> bytes:
    """Return a message as one line of JSON, encoded."""
    kind: Any = type(message)
    return _writer(kind)(message)


def from_json(line: str | bytes) -> Message:
    """Return the message of a line; pydantic's ValidationError for anything else."""
    return _any().validate_json(line)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of one line of the stream."""
    told = _any().json_schema(mode="serialization")
    return {"title": "ccmlab stream", "schema_version": SCHEMA_VERSION, **told}


def schema_text() -> str:
    """Return the JSON Schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
