"""What a study keeps of each visit: the columns of its tables."""

from dataclasses import dataclass
from math import nan
from typing import Final

from sim.visit.start import GIVEN

STRATEGYS_FAULT: Final = ("failed", "timed out")
"""Statuses of a visit that came to nothing through its strategy: results."""

NOBODYS_FAULT: Final = ("poisoned",)
"""Statuses of one that its process or the machine failed: played again on resume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    """One visit of a study: who, how, what was decided, and what is true of it.

    Gains are relative changes of the readout against the reference, percent: true
    window gains (the estimand), but for `verified_gain_pct` with its interval,
    `expected_gain_pct` and `naive_claim_pct`, which are what the visit itself saw. What
    was not done or cannot be defined is nan.

    Attributes
    ----------
    key
        Hash of all that determines the visit.
    patient, family, in_af
        Number in the cohort, family of the dose law, atrial fibrillation.
    contender, strategy, recommender, plan, budget_min, replicate
        How the settings were chosen and read.
    start
        What the device was left at, by name; "given" where the study's file gives the
        settings.
    status, error
        "done", "failed" (the strategy raised, ended its process or returned rubbish),
        "timed out" or "poisoned" (the visit's own process or code failed, or a response
        law of somebody's, which is no fault of the strategy's); the error in one line.
        For all but "done" the reference counts as kept.
    n_evaluations, n_tests
        Observations told to the strategy, and those among them that took patient time.
    minutes, beats, unpleasant_events
        Cost of the search in patient time, heart beats, and tests felt or stopped.
    visit_minutes, adverse_events
        Length of the whole visit, and adverse events in it.
    candidate_*, gated, probability_better, expected_gain_pct
        The recommender's choice behind the do-no-harm gate, and what it expected.
    final_*
        What was programmed for good.
    verdict, verified_gain_pct, ci95_low_pct, ci95_high_pct, pair_sd_pct, pairs_done
        The verification.
    naive_claim_pct
        What the best single reading would have claimed.
    attainable_gain_pct, off_gain_pct
        Highest gain of a tolerated setting or off (0 when none is better than the
        reference), and gain of CCM off (below 0 when the reference does something).
    candidate_gain_pct, final_gain_pct, candidate_settled_gain_pct
        The truth about candidate and permanent settings.
    candidate_tolerated, final_tolerated
        Whether they are truly felt below the grade that excludes a setting.
    span_points, off_is_best
        Utility of the best less that of off, in points; the best is the best tolerated
        setting or CCM off, whichever is worth more.
    points_lost, final_points_lost, reference_points_lost
        Utility of the best less that of candidate, permanent settings and reference.
        What is not tolerated counts as off at best.
    regret_pct, final_regret_pct
        Points lost as a share of the span: 0 is the optimum, 100 as bad as off; nan
        where the span is below 1 point.
    attained_frac
        Candidate's share of the attainable gain; nan where that is below `FLAT_PCT`.
    harmed, candidate_harms
        The permanent settings are truly worse than the reference by `HARM_PCT` or more,
        or not tolerated. Never where the reference is not tolerated itself: whoever
        keeps it or switches it off makes nothing worse. And whether the candidate
        would be, had nobody verified it.
    candidate_energy_frac, final_energy_frac, reference_energy_frac
        Daily energy as a share of nominal, 0 of CCM off.
    candidate_sensation, reference_sensation
        What is truly felt, on the scale of the grades, 0 where nothing is.
    best_utility_energy_0_pct, best_utility_energy_1_pct
        Utility of the best at energy weights 0 and 1 instead of the study's.
    knows
        What the search makes use of beforehand: `Task.knows`.
    post_gain_pct, post_regret_pct
        Gain of the candidate in fresh pairs with fresh errors, and its regret.
    information_bits
        How far the readings narrowed down where the best setting lies.
    """

    key: str
    patient: int
    family: str
    in_af: bool
    contender: str
    strategy: str
    recommender: str
    start: str = GIVEN
    plan: str
    budget_min: float
    replicate: int
    status: str = "done"
    error: str = ""
    n_evaluations: int = 0
    n_tests: int = 0
    minutes: float = 0.0
    beats: int = 0
    unpleasant_events: int = 0
    visit_minutes: float = nan
    adverse_events: int = 0
    reference_amplitude_v: float = nan
    reference_phase_duration_ms: float = nan
    reference_n_pulses: int = 0
    reference_delay_ms: float = nan
    candidate_amplitude_v: float = nan
    candidate_phase_duration_ms: float = nan
    candidate_n_pulses: int = 0
    candidate_delay_ms: float = nan
    gated: bool = False
    probability_better: float = nan
    expected_gain_pct: float = nan
    final_amplitude_v: float = nan
    final_phase_duration_ms: float = nan
    final_n_pulses: int = 0
    final_delay_ms: float = nan
    verdict: str = ""
    verified_gain_pct: float = nan
    ci95_low_pct: float = nan
    ci95_high_pct: float = nan
    pair_sd_pct: float = nan
    pairs_done: int = 0
    naive_claim_pct: float = nan
    attainable_gain_pct: float = nan
    off_gain_pct: float = nan
    candidate_gain_pct: float = nan
    final_gain_pct: float = nan
    candidate_settled_gain_pct: float = nan
    candidate_tolerated: bool = True
    final_tolerated: bool = True
    span_points: float = nan
    off_is_best: bool = False
    reference_points_lost: float = nan
    points_lost: float = nan
    final_points_lost: float = nan
    regret_pct: float = nan
    final_regret_pct: float = nan
    attained_frac: float = nan
    harmed: bool = False
    candidate_harms: bool = False
    candidate_energy_frac: float = nan
    final_energy_frac: float = nan
    reference_energy_frac: float = nan
    candidate_sensation: float = nan
    reference_sensation: float = nan
    best_utility_energy_0_pct: float = nan
    best_utility_energy_1_pct: float = nan
    knows: str = ""
    post_gain_pct: float = nan
    post_regret_pct: float = nan
    information_bits: float = nan


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One observation of a visit's search, in order, with what it had cost by then.

    `value_pct` is the measured utility (nan when aborted), `true_utility_pct` and
    `true_gain_pct` the truth of the tested setting. `incumbent_*` is what the
    recommender, behind the gate, would choose after this observation. `minutes`,
    `beats` and `unpleasant_events` are sums so far. `ended` is how the test ended
    ("done", "felt", "stopped", "refused"; "known" where nothing had to be tested),
    `energy_frac` and `true_sensation` what the setting costs and how it is truly felt,
    `returned` whether the strategy itself returned it at its end.
    """

    key: str
    number: int
    amplitude_v: float
    phase_duration_ms: float
    n_pulses: int
    delay_ms: float
    value_pct: float
    standard_error_pct: float
    sensation_grade: float
    aborted: str
    minutes: float
    beats: int
    unpleasant_events: int
    true_gain_pct: float
    true_utility_pct: float
    incumbent_gain_pct: float
    incumbent_points_lost: float
    incumbent_regret_pct: float
    ended: str = "done"
    energy_frac: float = nan
    true_sensation: float = nan
    returned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingRow:
    """How long a visit took: the only part that differs between two runs."""

    key: str
    wall_s: float
    cpu_s: float
    ask_ms: float
    slowest_ask_ms: float


@dataclass(frozen=True, slots=True)
class ScoredVisit:
    """One visit, played and scored."""

    visit: VisitRow
    evaluations: tuple[EvaluationRow, ...]
    timing: TimingRow
