"""The report as data: everything that any format shows, and nothing it must compute.

Numbers are rounded to the digits that are shown, so that a reader of the JSON and a
reader of the page see the same figures. Missing numbers are `null`.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from harness.common.words import NOT_AVAILABLE, SettingValue, decimal, with_unit

SCHEMA_VERSION: Final = "1.1"


Outcome = Literal[
    "kept", "not better", "discomfort", "safety", "conflict", "not read", "failed check"
]


class Part(BaseModel):
    """Frozen; refuses unknown fields, infinities and not-a-numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Quantity(Part):
    """A number with its unit and the digits worth showing; None is not available."""

    value: float | None
    unit: str = ""
    digits: int = 0
    signed: bool = False

    @property
    def number(self) -> str:
        """The number without its unit."""
        if self.value is None:
            return NOT_AVAILABLE
        return decimal(self.value, self.digits, signed=self.signed)

    @property
    def text(self) -> str:
        """The number with its unit."""
        if self.value is None:
            return NOT_AVAILABLE
        return with_unit(self.number, self.unit)


class Interval(Part):
    """Lower and upper limit."""

    low: float | None
    high: float | None
    unit: str = ""
    digits: int = 0

    @property
    def number(self) -> str:
        """Both limits without their unit."""
        if self.low is None or self.high is None:
            return NOT_AVAILABLE
        low, high = (decimal(v, self.digits) for v in (self.low, self.high))
        return f"{low} to {high}"

    @property
    def text(self) -> str:
        """Both limits with their unit."""
        if self.number == NOT_AVAILABLE:
            return NOT_AVAILABLE
        return with_unit(self.number, self.unit)


class Fact(Part):
    """A label and what was found."""

    label: str
    value: Quantity | Interval | str

    @property
    def text(self) -> str:
        """The value as shown."""
        return self.value if isinstance(self.value, str) else self.value.text


class Verdict(Part):
    """The one sentence of the visit and what it rests on."""

    kind: str
    sentence: str
    reason: str
    confidence: str
    gain: Quantity
    standard_error: Quantity
    interval_95: Interval
    interval_90: Interval
    service: str


class SettingRow(Part):
    """One programmable value as found, as the tests' reference, and as left."""

    symbol: str
    label: str
    unit: str
    digits: int
    as_found: SettingValue
    reference: SettingValue
    permanent: SettingValue
    changed: bool


class Permanent(Part):
    """The permanent values: those that matter or changed, then all others."""

    statement: str
    shows_reference: bool
    main: tuple[SettingRow, ...]
    others: tuple[SettingRow, ...]


class Phase(Part):
    """One phase of the visit."""

    name: str
    start: Quantity
    duration: Quantity
    staff: str


class BeforeAfter(Part):
    """One finding at the start and at the end of the visit."""

    label: str
    before: Quantity
    after: Quantity


class CheckRow(Part):
    """One thing that was checked."""

    name: str
    passed: bool
    text: str


class Encounter(Part):
    """Who, where, when and in what state."""

    facts: tuple[Fact, ...]
    patient: tuple[Fact, ...]
    phases: tuple[Phase, ...]
    checklist: tuple[CheckRow, ...]
    examination: tuple[Fact, ...]
    vitals: tuple[BeforeAfter, ...]
    symptoms: tuple[BeforeAfter, ...]
    symptoms_before: str
    symptoms_after: str


class Count(Part):
    """A counter of the device, with its share of the beats."""

    name: str
    count: int
    share: Quantity

    @property
    def text(self) -> str:
        """The count as shown."""
        return decimal(self.count, 0)


class Device(Part):
    """Device, leads and what the first interrogation read."""

    identity: tuple[Fact, ...]
    leads: tuple[Fact, ...]
    as_found: tuple[Fact, ...]
    counters: tuple[Count, ...]
    alerts: tuple[str, ...]
    notes: tuple[str, ...]
    sensing: tuple[str, ...]


class StripMarker(Part):
    """A device marker on a strip; seconds from its start."""

    kind: str
    code: str
    at_s: float
    end_s: float


class Strip(Part):
    """An ECG strip with markers."""

    name: str
    title: str
    caption: str
    start: Quantity
    sampling_hz: float
    lead_ii_mv: tuple[float, ...]
    markers: tuple[StripMarker, ...]


class PairRow(Part):
    """One pair: means of its arms and the relative changes."""

    number: int
    start: Quantity
    order: str
    reference: Quantity
    tested: Quantity
    primary: Quantity
    systolic: Quantity
    pulse: Quantity
    mean: Quantity
    diastolic: Quantity
    heart_rate: Quantity
    void: str


class Response(Part):
    """Whether the patient responds at all, and what a sham pair reads."""

    statement: str
    change_label: str
    pairs: tuple[PairRow, ...]
    sham: tuple[PairRow, ...]
    sham_statement: str


class AxisColumn(Part):
    """One programmable value that the search varied."""

    symbol: str
    label: str
    short: str
    unit: str
    digits: int


class TestedRow(Part):
    """One setting that was tested, with what was seen and decided.

    `reference` and `tested` are the mean readings that the gain compares; `note` is
    what the outcome does not tell, `decision` all of it in a sentence.
    """

    number: int
    values: tuple[SettingValue, ...]
    start: Quantity
    minutes: Quantity
    reference: Quantity
    tested: Quantity
    gain: Quantity
    standard_error: Quantity
    interval_95: Interval
    sensation: str
    ectopics: int
    train_ectopics: int
    beats: int
    delivered: Quantity
    energy: Quantity
    kept: bool
    outcome: Outcome
    note: str
    decision: str


class PooledRow(Part):
    """All valid readings of one setting together.

    `fitted` is what the readings of all settings together say of this one, and
    `share_best` the probability that it is the best of those tested.
    """

    values: tuple[SettingValue, ...]
    tests: str
    readings: int
    gain: Quantity
    standard_error: Quantity
    fitted: Quantity
    fitted_error: Quantity
    share_best: Quantity


class Tests(Part):
    """Every setting tested; `pooled` has one row a setting."""

    statement: str
    legend: str
    columns: tuple[AxisColumn, ...]
    rows: tuple[TestedRow, ...]
    pooled: tuple[PooledRow, ...]


class ChannelRow(Part):
    """Mean change of one quantity over the verification pairs."""

    label: str
    change: Quantity
    standard_error: Quantity


class Curve(Part):
    """Fitted gain along one value, the others as in the setting chosen; percent."""

    symbol: str
    values: tuple[float, ...]
    gain: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    chosen: float


class GainMap(Part):
    """Fitted gain over two values in percent: a row for each `y`, null if refused."""

    x_symbol: str
    y_symbol: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    gain: tuple[tuple[float | None, ...], ...]
    low: tuple[tuple[float | None, ...], ...]
    chosen: tuple[float, float]


class Surface(Part):
    """What all readings together say of every setting that could be programmed."""

    statement: str
    curves: tuple[Curve, ...]
    map: GainMap | None
    information: tuple[Fact, ...]


class Analysis(Part):
    """What the readings say, and how much they can say."""

    facts: tuple[Fact, ...]
    choice: tuple[Fact, ...]
    surface: Surface | None
    energy: tuple[BeforeAfter, ...]
    energy_statement: str
    channels: tuple[ChannelRow, ...]
    pairs: tuple[PairRow, ...]
    reading_unit: str
    unit: str
    surrogate: str


class FinalState(Part):
    """Checks at the final settings, and proof of what was programmed."""

    checks: tuple[CheckRow, ...]
    schedule: tuple[Fact, ...]
    charge_plan: str
    proof: str
    proof_passed: bool
    as_left: tuple[Fact, ...]
    counters: tuple[Count, ...]
    alerts: tuple[str, ...]


class AdverseRow(Part):
    """Something that should not have happened."""

    at: Quantity
    kind: str
    text: str
    action: str


class Observation(Part):
    """After permanent programming, and adverse events of the whole visit."""

    text: str
    minutes: Quantity
    adverse: tuple[AdverseRow, ...]
    adverse_statement: str


class Recommendation(Part):
    """What to do next, and the finding it follows from."""

    text: str
    because: str


class FollowUp(Part):
    """Recommendations, next visit and what should bring it forward."""

    recommendations: tuple[Recommendation, ...]
    next_visit: tuple[Recommendation, ...]
    triggers: tuple[str, ...]


class Method(Part):
    """How the visit was planned, searched and computed."""

    facts: tuple[Fact, ...]
    versions: tuple[Fact, ...]


class SourceRow(Part):
    """Where one number of the simulation comes from."""

    part: str
    name: str
    value: str
    unit: str
    reference: str
    place: str
    standing: str


class ReferenceRow(Part):
    """A work that numbers are credited to."""

    key: str
    title: str
    authors: str
    year: int | None
    identifier: str


class Provenance(Part):
    """Every sourced number of the run and the works behind them."""

    statement: str
    rows: tuple[SourceRow, ...]
    references: tuple[ReferenceRow, ...]


class Loop(Part):
    """A pressure-volume loop of the left ventricle."""

    volume_ml: tuple[float, ...]
    pressure_mmhg: tuple[float, ...]


class AnswerKey(Part):
    """The simulator's truth, which nobody in the visit knew."""

    statement: str
    facts: tuple[Fact, ...]
    reference_loop: Loop
    final_loop: Loop


class SignOff(Part):
    """Space for a reader to sign; the simulation never fills it."""

    statement: str
    fields: tuple[str, ...]


class Report(Part):
    """One visit, in the order a reader wants it."""

    schema_version: Literal["1.1"] = SCHEMA_VERSION
    title: str
    banner: str
    verdict: Verdict
    permanent: Permanent
    encounter: Encounter
    device: Device
    strips: tuple[Strip, ...]
    response: Response
    tests: Tests
    analysis: Analysis
    final: FinalState
    observation: Observation
    follow_up: FollowUp
    method: Method
    limits: tuple[str, ...]
    sign_off: SignOff
    answer_key: AnswerKey
    provenance: Provenance
