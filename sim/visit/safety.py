"""What keeps the patient safe whoever advises: the filter before, the stops after."""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

import numpy as np
from scipy.special import betainc, gammaln

from sim.device.settings import Settings, axis_numbers
from sim.heart.sensation import INTOLERABLE_GRADE
from sim.sources import sourced
from sim.units import H_PER_DAY, S_PER_H, S_PER_MS

PROTOCOL: Final = "ccmlab-protocol"


@dataclass(frozen=True, slots=True)
class SafetyRules:
    """The limits of the visit."""

    amplitude_step_v: float = sourced(0.5, PROTOCOL, "4", "assumed")
    intolerable_grade: int = sourced(INTOLERABLE_GRADE, PROTOCOL, "4", "assumed")
    refractory_margin_ms: float = sourced(30.0, PROTOCOL, "4", "assumed")
    excluded_delay_ms: float = sourced(5.0, PROTOCOL, "4", "assumed")
    least_sbp_mmhg: float = sourced(85.0, PROTOCOL, "4", "assumed")
    sbp_fall_mmhg: float = sourced(20.0, PROTOCOL, "4", "assumed")
    pressure_beats: int = sourced(10, PROTOCOL, "4", "assumed")
    collapse_sbp_mmhg: float = sourced(60.0, PROTOCOL, "4", "assumed")
    run_beats: int = sourced(3, PROTOCOL, "4", "assumed")
    sustained_vt_s: float = sourced(30.0, PROTOCOL, "4", "assumed")
    tied_within_ms: float = sourced(60.0, PROTOCOL, "4", "assumed")
    tied_trains: int = sourced(2, PROTOCOL, "4", "assumed")
    late_sense_pct: float = sourced(5.0, PROTOCOL, "4", "assumed")
    felt_within_beats: int = sourced(3, PROTOCOL, "4", "assumed")
    refusal_s: float = sourced(10.0, PROTOCOL, "4", "assumed")
    tied_span_trains: int = sourced(4, PROTOCOL, "4", "assumed")


@dataclass(frozen=True, slots=True)
class EctopyPrior:
    """Spread of ectopic rates among patients and in time, and the error accepted."""

    median_per_hour: float = sourced(
        36.0, "ccmlab-evidence", "E PVCs, 870 a day", "derived"
    )
    sd_decades: float = sourced(1.2, "ccmlab-evidence", "E PVCs", "derived")
    most_per_day: float = sourced(
        10_000.0, "ccmlab-evidence", "E PVCs, the most a day", "assumed"
    )
    dispersion: float = sourced(0.14, "ccmlab-evidence", "E PVCs E03", "fitted")
    alpha: float = sourced(0.006, PROTOCOL, "4", "assumed")
    least_rise: float = sourced(3.0, PROTOCOL, "4", "assumed")


RULES: Final = SafetyRules()


class StopCause(Enum):
    """What the patient says or the monitor shows that breaks off a test."""

    SENSATION = auto()
    LOW_PRESSURE = auto()
    PRESSURE_FALL = auto()
    COLLAPSE = auto()
    NON_SUSTAINED_VT = auto()
    SUSTAINED_VT = auto()
    TIED_ECTOPICS = auto()
    EXCESS_ECTOPICS = auto()
    LATE_TRAIN = auto()
    ATRIAL_CAPTURE = auto()
    ICD_SHOCK = auto()
    BY_HAND = auto()


_URGENT: Final = (StopCause.SUSTAINED_VT, StopCause.COLLAPSE, StopCause.ICD_SHOCK)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a test is broken off: the cause decides, the text is for the log."""

    cause: StopCause
    text: str

    @property
    def urgent(self) -> bool:
        """Whether CCM goes off at once and the titration ends."""
        return self.cause in _URGENT


SHORT_RUN: Final = Stop(
    StopCause.NON_SUSTAINED_VT, "non-sustained ventricular tachycardia"
)
LONG_RUN: Final = Stop(StopCause.SUSTAINED_VT, "sustained ventricular tachycardia")
TIED: Final = Stop(StopCause.TIED_ECTOPICS, "ectopic beats tied to consecutive trains")
COLLAPSE: Final = Stop(StopCause.COLLAPSE, "collapse")
ICD_SHOCK: Final = Stop(StopCause.ICD_SHOCK, "inappropriate ICD shock")
LATE_TRAIN: Final = Stop(
    StopCause.LATE_TRAIN, "train left the absolute refractory period"
)
BY_HAND: Final = Stop(StopCause.BY_HAND, "CCM switched off by hand")
ATRIAL_CAPTURE: Final = Stop(StopCause.ATRIAL_CAPTURE, "atrial capture")


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the filter lets pass; `settings` is None when nothing near is safe."""

    settings: Settings | None
    note: str


@dataclass(slots=True)
class SafetyFilter:
    """Stands between the advisor and the device.

    Parameters
    ----------
    highest_tolerated_v
        Amplitude known to be tolerated, at first the one the patient came with.
    latest_train_end_ms
        Latest end of a train after the ventricular activation: end of the absolute
        refractory period at the present rate less the margin.
    latest_local_sense_ms
        Local sense after the ventricular activation at the late 5 % of its jitter.
    """

    highest_tolerated_v: float
    latest_train_end_ms: float
    latest_local_sense_ms: float
    rules: SafetyRules = RULES
    felt: list[Settings] = field(default_factory=list)
    stopped: list[Settings] = field(default_factory=list)

    def admit(self, asked: Settings) -> Admitted:
        """Return the nearest safe settings to the ones asked for, and what changed."""
        notes: list[str] = []
        stepped = self._step_up(asked, notes)
        settings = self._inside_refractory(self._below_felt(stepped, notes), notes)
        if settings is None or settings.conflicts():
            return Admitted(None, "; ".join([*notes, "no safe setting near"]))
        if any(self._in_stopped_region(settings, bad) for bad in self.stopped):
            return Admitted(None, "; ".join([*notes, "region of an earlier stop"]))
        return Admitted(settings, "; ".join(notes))

    def tolerated(self, settings: Settings) -> None:
        """Learn that settings were held and not felt at an intolerable grade."""
        self.highest_tolerated_v = max(self.highest_tolerated_v, settings.amplitude_v)

    def felt_at(self, settings: Settings) -> None:
        """Learn that settings were felt at an intolerable grade."""
        self.felt.append(settings)

    def stopped_at(self, settings: Settings) -> None:
        """Learn that settings ended in a safety stop."""
        self.stopped.append(settings)

    def _step_up(self, settings: Settings, notes: list[str]) -> Settings:
        limit_v = self.highest_tolerated_v + self.rules.amplitude_step_v
        if settings.amplitude_v <= limit_v:
            return settings
        notes.append(f"amplitude held to {limit_v:g} V, one step above the highest yet")
        return replace(settings, amplitude_v=limit_v)

    def _below_felt(self, settings: Settings, notes: list[str]) -> Settings | None:
        while any(at_least_as_strong(settings, bad) for bad in self.felt):
            lower = [
                value
                for value in axis_numbers("amplitude_v")
                if value < settings.amplitude_v
            ]
            if not lower:
                return None
            notes[:] = [f"amplitude lowered to {lower[-1]:g} V, below a felt setting"]
            settings = replace(settings, amplitude_v=lower[-1])
        return settings

    def _inside_refractory(
        self, settings: Settings | None, notes: list[str]
    ) -> Settings | None:
        if settings is None:
            return None
        room_ms = self.latest_train_end_ms - self.latest_local_sense_ms
        latest_delay_ms = room_ms - settings.train_ms
        if settings.delay_ms <= latest_delay_ms:
            return settings
        safe = [v for v in axis_numbers("delay_ms") if v <= latest_delay_ms]
        if not safe:
            return None
        notes.append(f"delay cut to {safe[-1]:g} ms, inside the refractory period")
        return replace(settings, delay_ms=safe[-1])

    def _in_stopped_region(self, settings: Settings, bad: Settings) -> bool:
        # a later train ends nearer to where the muscle has recovered
        near = settings.delay_ms >= bad.delay_ms - self.rules.excluded_delay_ms
        return near and at_least_as_strong(settings, bad)


def at_least_as_strong(settings: Settings, other: Settings) -> bool:
    """Tell whether a pulse is at least as strong as another in every respect."""
    return (
        settings.amplitude_v >= other.amplitude_v
        and settings.phase_duration_ms >= other.phase_duration_ms
        and settings.n_pulses >= other.n_pulses
    )


class Monitor:
    """Watches every beat and says when a test must stop.

    `beat` returns why to stop, or None; a run of ectopics is told at its third beat,
    and again when it has become sustained. It keeps no clock: each limit is a count of
    beats, or times handed in.
    """

    __slots__ = (
        "_before_sum",
        "_ectopic_run",
        "_harmless",
        "_n_tied",
        "_pressures",
        "_recent_sum",
        "_rules",
        "_run_start_s",
        "_sustained_told",
        "_tied",
        "_train_end_s",
    )

    def __init__(self, rules: SafetyRules = RULES) -> None:
        self._rules = rules
        self._pressures: deque[float]
        self._ectopic_run = 0
        self._sustained_told = False
        self._run_start_s = 0.0
        self._tied = 0
        self._n_tied = 0
        self._harmless = 0
        self._train_end_s = float("nan")
        self.forget_pressure()

    def forget_pressure(self) -> None:
        """Start the pressure comparison anew, after a rest or a change of posture."""
        self._pressures = deque()
        self._before_sum = self._recent_sum = 0.0

    def take_tied(self) -> int:
        """Return how many ectopics followed a train at once since the last call."""
        n, self._n_tied = self._n_tied, 0
        return n

    def beat(self, start_s: float, sbp_mmhg: float, ectopic: bool) -> Stop | None:
        """Take one beat: activation time, monitored pressure (nan unknown), origin."""
        if ectopic:
            return self._ectopic(start_s)
        self._ectopic_run = 0
        return self._pressure(sbp_mmhg) if sbp_mmhg == sbp_mmhg else None

    def train(self, end_s: float) -> None:
        """Take the end of a train that was delivered after this beat."""
        if self._train_end_s == self._train_end_s:
            self._harmless += 1
            if self._harmless > self._rules.tied_span_trains:
                self._tied = 0
        self._train_end_s = end_s

    def _ectopic(self, start_s: float) -> Stop | None:
        rules = self._rules
        if self._ectopic_run == 0:
            self._run_start_s = start_s
            self._sustained_told = False
        self._ectopic_run += 1
        after_train_s = start_s - self._train_end_s
        if 0.0 <= after_train_s <= rules.tied_within_ms * S_PER_MS:
            self._tied += 1
            self._n_tied += 1
            self._harmless = 0
            self._train_end_s = float("nan")
        if start_s - self._run_start_s > rules.sustained_vt_s:
            told, self._sustained_told = self._sustained_told, True
            return None if told else LONG_RUN
        if self._ectopic_run == rules.run_beats:
            return SHORT_RUN
        return TIED if self._tied >= rules.tied_trains else None

    def _pressure(self, sbp_mmhg: float) -> Stop | None:
        """Compare the last beats with as many before them; sums slide along."""
        rules, pressures = self._rules, self._pressures
        n = rules.pressure_beats
        pressures.append(sbp_mmhg)
        self._recent_sum += sbp_mmhg
        if len(pressures) > n:
            left = pressures[-n - 1]
            self._recent_sum -= left
            self._before_sum += left
        if len(pressures) > 2 * n:
            self._before_sum -= pressures.popleft()
        if len(pressures) < 2 * n:
            return None
        before, recent = self._before_sum / n, self._recent_sum / n
        if recent < rules.collapse_sbp_mmhg:
            return COLLAPSE
        if recent < rules.least_sbp_mmhg:
            text = f"systolic pressure {recent:.0f} mmHg"
            return Stop(StopCause.LOW_PRESSURE, text)
        if before - recent > rules.sbp_fall_mmhg:
            text = f"systolic pressure fell by {before - recent:.0f} mmHg"
            return Stop(StopCause.PRESSURE_FALL, text)
        return None


def ectopy_is_excessive(
    n_baseline: int,
    baseline_s: float,
    n_since: int,
    since_s: float,
    prior: EctopyPrior | None = None,
) -> bool:
    """Tell whether ectopics since the baseline are more than chance would give.

    Judged against the patient's own baseline, cumulatively. Ectopics come in clusters:
    given the patient's mean rate, the counts of two periods are independent negative
    binomials. What the baseline says of the mean rate is weighed with its spread among
    patients, so that a quiet baseline alone accuses nobody.
    """
    if baseline_s <= 0.0 or since_s <= 0.0:
        return False
    prior = prior or EctopyPrior()
    # below a threefold rise no tail is worth computing
    if n_since * baseline_s <= prior.least_rise * (n_baseline + 0.5) * since_s:
        return False
    decades = np.linspace(-3.0, 3.0, 61)
    most_per_hour = prior.most_per_day / H_PER_DAY
    usual_odds = prior.median_per_hour / (most_per_hour - prior.median_per_hour)
    odds = usual_odds * 10.0 ** (prior.sd_decades * decades)
    per_s = most_per_hour / S_PER_H * odds / (1.0 + odds)
    k = prior.dispersion
    share = per_s * baseline_s / (k + per_s * baseline_s)
    log_seen = gammaln(n_baseline + k) + n_baseline * np.log(share)
    log_seen += k * np.log1p(-share)
    weight = np.exp(-0.5 * decades**2 + log_seen - log_seen.max())
    # the upper tail of a negative binomial count is an incomplete beta function
    tail = betainc(n_since, k, per_s * since_s / (k + per_s * since_s))
    return bool((weight * tail).sum() < prior.alpha * weight.sum())
