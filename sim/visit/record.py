"""What happened in a visit: immutable, complete, in the clinic's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from math import fsum, nan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.device.settings import Settings
from sim.instruments import Reading
from sim.patient import Patient
from sim.units import S_PER_MIN
from sim.visit.happenings import Happened
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan


class Ended(Enum):
    """How a test ended. One that is done was read, though every window may be void."""

    DONE = auto()
    FELT = auto()
    STOPPED = auto()
    REFUSED = auto()


class TitrationEnd(Enum):
    """What ended the titration; it was not begun where patient or device forbade it."""

    NOT_BEGUN = auto()
    CLOCK = auto()
    ADVISOR = auto()
    SAFETY = auto()


Purpose = Literal["response", "harm", "sham", "titration", "verification"]
Role = Literal["reference", "tested"]
VerdictKind = Literal[
    "improved",
    "equivalent",
    "inconclusive",
    "harmful as found",
    "stopped for safety",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the visit's log."""

    at_s: float
    phase: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """When a phase began and ended, and who was there."""

    name: str
    start_s: float
    end_s: float
    staff: str


@dataclass(frozen=True, slots=True)
class Arm:
    """One setting held and read once. `reading.void` says why it does not count."""

    role: Role
    settings: Settings
    start_s: float
    end_s: float
    reading: Reading
    n_attempts: int


@dataclass(frozen=True, slots=True)
class Gains:
    """Relative change, tested against reference, of every quantity read; percent."""

    primary_pct: float
    systolic_pct: float
    pulse_pct: float
    mean_pct: float
    diastolic_pct: float
    heart_rate_pct: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Reference and tested setting read close together. No gains when void.

    `weights` are those of the arms in the mean of their role, equal when left out; an
    arm of weight 0 does not count. Under a plan that reads the tested setting alone,
    the reference arms are those it is compared with, and several pairs share them.
    """

    number: int
    purpose: Purpose
    arms: tuple[Arm, ...]
    gains: Gains | None
    void: str
    weights: tuple[float, ...] = ()

    @property
    def start_s(self) -> float:
        """Start of the first arm."""
        return self.arms[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last arm."""
        return self.arms[-1].end_s

    @property
    def arm_weights(self) -> tuple[float, ...]:
        """One weight for each arm."""
        return self.weights or (1.0,) * len(self.arms)

    @property
    def counted(self) -> tuple[Arm, ...]:
        """The arms that count."""
        weighted = zip(self.arms, self.arm_weights, strict=True)
        return tuple(arm for arm, weight in weighted if weight)

    def mean(self, role: Role, quantity: str = "primary") -> float:
        """Return the weighted mean of one quantity over a role's arms, else nan."""
        weighted = [
            (getattr(arm.reading, quantity), weight)
            for arm, weight in zip(self.arms, self.arm_weights, strict=True)
            if arm.role == role and weight
        ]
        if not weighted:
            return nan
        total = fsum(value * weight for value, weight in weighted)
        return total / fsum(weight for _, weight in weighted)


@dataclass(frozen=True, slots=True)
class Tested:
    """What the visit saw at some settings.

    `asked` is what the advisor wanted, `settings` what the safety filter let pass;
    `ended` decides, `aborted` says why in words; it and `filter_note` are empty when
    nothing happened. `energy_frac` is the
    share of the nominal daily energy that the settings need.
    """

    number: int
    asked: Settings
    settings: Settings
    filter_note: str
    pair: Pair | None
    standard_error_pct: float
    sensation_grade: int
    n_ectopics: int
    n_train_ectopics: int
    delivered_frac: float
    energy_frac: float
    start_s: float
    end_s: float
    n_beats: int
    ended: Ended
    aborted: str

    @property
    def completed(self) -> bool:
        """Whether the test was neither refused nor broken off."""
        return self.ended is Ended.DONE

    @property
    def gain_pct(self) -> float:
        """Primary gain against the reference, nan when aborted or void."""
        if self.pair is None or self.pair.gains is None:
            return float("nan")
        return self.pair.gains.primary_pct

    @property
    def minutes(self) -> float:
        """Patient time that this test cost."""
        return (self.end_s - self.start_s) / S_PER_MIN


@dataclass(frozen=True, slots=True)
class Choice:
    """The advisor's recommendation when the titration clock has run out.

    `gated` is true when the do-no-harm gate kept the reference.
    """

    settings: Settings
    expected_gain_pct: float
    probability_better: float
    gated: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one sentence of the visit, with all that it rests on."""

    kind: VerdictKind
    reason: str
    gain_pct: float
    standard_error_pct: float
    ci95_pct: tuple[float, float]
    ci90_pct: tuple[float, float]
    pairs_planned: int
    pairs_done: int
    pairs_void: int
    pair_sd_pct: float
    least_detectable_gain_pct: float
    best_single_reading_pct: float

    @property
    def told(self) -> str:
        """The verdict with its gain and interval, in one line."""
        if self.pairs_done < 2:
            return f"{self.kind}, not verified"
        low, high = self.ci95_pct
        return f"{self.kind}, {self.gain_pct:+.1f} % (95 % {low:+.1f} to {high:+.1f})"


@dataclass(frozen=True, slots=True)
class Vitals:
    """Vital signs as read with the cuff."""

    at_s: float
    sbp_mmhg: float
    dbp_mmhg: float
    heart_rate_bpm: float
    respiration_per_min: float
    spo2_pct: float


@dataclass(frozen=True, slots=True)
class SymptomReport:
    """Symptoms on a scale of 0 (none) to 10 (worst), as the patient tells them."""

    at_s: float
    nyha_class: int
    dyspnoea: float
    fatigue: float
    text: str


@dataclass(frozen=True, slots=True)
class Interrogation:
    """What the programmer read: settings, battery, leads, sensing, counters, alerts."""

    at_s: float
    settings: Settings
    ccm_state: str
    battery_pct: float
    battery_v: float
    days_since_charge: float
    impedance_v1_ohm: float
    impedance_v2_ohm: float
    r_wave_v1_mv: float
    r_wave_v2_mv: float
    p_wave_mv: float
    delivered_frac: float
    counters: Mapping[str, int]
    lead_alerts: tuple[str, ...]
    device_alerts: tuple[str, ...]

    @property
    def alerts(self) -> tuple[str, ...]:
        """All alerts, those of the leads first."""
        return self.lead_alerts + self.device_alerts


@dataclass(frozen=True, slots=True)
class Check:
    """One check at the final settings."""

    name: str
    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class AdverseEvent:
    """Something that should not have happened, and what was done."""

    at_s: float
    kind: str
    text: str
    action: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One recommendation and the finding it follows from."""

    text: str
    because: str
    is_next_visit: bool = False


@dataclass(frozen=True, slots=True)
class ReadWindow:
    """The beats of one reading: its number, the first beat, how many."""

    number: int
    first: int
    n_beats: int


@dataclass(frozen=True, slots=True)
class ArmRead:
    """An arm that has just been read, and what for."""

    purpose: Purpose
    arm: Arm


Told = Event | ArmRead | Pair | Tested | Verdict | AdverseEvent | Interrogation | Vitals
"""What a visit tells who listens, when it goes on record."""


@dataclass(frozen=True, slots=True, eq=False)
class BeatTable:
    """Every beat of the visit: column names and one row a beat."""

    columns: tuple[str, ...]
    rows: NDArray[np.float64]

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column by its name."""
        return self.rows[:, self.columns.index(name)]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Findings:
    """What the steps of a visit put on record, each its own part.

    A visit that goes on has some of it; `VisitRecord` has all. Vital signs and symptoms
    are taken at the beginning and at the end, `sensing_findings` are sentences.
    `harm_pairs` are the fresh ones after a response test that read more with CCM off.
    """

    vitals: tuple[Vitals, ...] = ()
    symptoms: tuple[SymptomReport, ...] = ()
    checklist: tuple[Check, ...] = ()
    as_found: Interrogation | None = None
    sensing_findings: tuple[str, ...] = ()
    response_pairs: tuple[Pair, ...] = ()
    harm_pairs: tuple[Pair, ...] = ()
    sham_pair: Pair | None = None
    tested: tuple[Tested, ...] = ()
    titration_end: TitrationEnd = TitrationEnd.NOT_BEGUN
    choice: Choice | None = None
    verification_pairs: tuple[Pair, ...] = ()
    verdict: Verdict | None = None
    final_checks: tuple[Check, ...] = ()
    as_left: Interrogation | None = None
    observation_text: str = ""
    adverse_events: tuple[AdverseEvent, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VisitRecord(Findings):
    """Everything that a report, a table or a replay needs of one visit.

    Its findings are complete: what may be missing while the visit goes on is there.
    `programmed` are all settings of the visit; a beat's `setting_id` counts them.
    `happened` is what befell patient and device, in order.
    """

    order: VisitOrder
    pseudonym: str
    reference: Settings
    final: Settings
    as_found: Interrogation
    verdict: Verdict
    as_left: Interrogation
    phases: tuple[PhaseTime, ...]
    events: tuple[Event, ...]
    follow_up: tuple[FollowUp, ...]
    beats: BeatTable
    programmed: tuple[Settings, ...] = ()
    happened: tuple[Happened, ...] = ()

    def __repr__(self) -> str:
        minutes = self.phases[-1].end_s / S_PER_MIN if self.phases else 0.0
        final = self.final
        return (
            f"VisitRecord of {self.pseudonym}: {self.verdict.told}\n"
            f"{len(self.tested)} tests in {minutes:.0f} min, {len(self.beats.rows)} "
            f"beats; left at {final.amplitude_v:g} V, {final.phase_duration_ms:g} ms, "
            f"delay {final.delay_ms:g} ms"
        )

    @property
    def patient(self) -> Patient:
        """Who came."""
        return self.order.patient

    @property
    def plan(self) -> VisitPlan:
        """What was planned."""
        return self.order.plan

    @property
    def found(self) -> FoundDevice:
        """The device as the patient brought it in."""
        return self.order.found
