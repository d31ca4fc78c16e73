"""How patients fare over months of CCM: the chronic law, pure, for (n,) patients.

Two slow memories follow the daily dose: `remodelling` carries the ejection fraction,
`benefit` carries symptoms, exercise and class. With a constant dose x since month 0
they are x (1 - exp(-t / tau)): EF(t) = EF0 + Einf x (1 - exp(-t / 9 months)). The acute
part adds to it at once: what the trains in force do to each beat, CCM on.
The published spread of Einf is split: a part belongs to the response, the larger one
to the natural course, which CCM does not change. Beside them stands the placebo
response, which rises at once, holds, and fades.

No source tells how settings change the chronic course. The acute part follows them; of
the slow ones hours a day and the share of beats that get a train count, and settings
only where whoever asks for a dose lets their gain count too.

Trials of one design disagree by more than chance: a trial has an effect of its own on
placebo and on treatment (`TrialEffect`), which makes predictive intervals.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from sim.heart.parameters import FloatArray
from sim.sources import sourced

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Knowledge = Literal["blinded", "treated", "untreated"]
"""What patients know of their treatment; "blinded" is a trial with sham."""

_E: Final = "ccmlab-evidence"
_LAW: Final = "B chronic law"


@dataclass(frozen=True, slots=True)
class Score:
    """How one measure changes over months, in the unit that the law's field names.

    `placebo` and `treatment` are full responses of one patient, `fluctuation_sd` is
    the error of one reading with the ups and downs between visits, `low` to `high`
    what the measure can be.
    """

    placebo_mean: float
    placebo_sd: float
    treatment_mean: float
    treatment_sd: float
    fluctuation_sd: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Symptoms(Score):
    """Minnesota Living with Heart Failure Questionnaire: lower is better."""

    placebo_mean: float = sourced(-9.7, "borggrefe2008", "B06", "fitted")
    placebo_sd: float = sourced(6.0, "borggrefe2008", "SD of B05-B08", "fitted")
    treatment_mean: float = sourced(-8.0, _E, f"{_LAW}; B05-B08, B11", "fitted")
    treatment_sd: float = sourced(6.0, _E, _LAW, "assumed")
    fluctuation_sd: float = sourced(10.5, "borggrefe2008", "SD of B05-B08", "fitted")
    low: float = sourced(0.0, _E, "B virtual cohort", "measured")
    high: float = sourced(105.0, _E, "B virtual cohort", "measured")


@dataclass(frozen=True, slots=True)
class Exercise(Score):
    """Peak oxygen uptake."""

    placebo_mean: float = sourced(0.4, "borggrefe2008", "B02", "fitted")
    placebo_sd: float = sourced(0.8, "borggrefe2008", "SD of B01-B04", "fitted")
    treatment_mean: float = sourced(0.65, _E, f"{_LAW}; B09, B10", "fitted")
    treatment_sd: float = sourced(0.8, _E, _LAW, "assumed")
    fluctuation_sd: float = sourced(2.05, "borggrefe2008", "SD of B01-B04", "fitted")
    low: float = sourced(4.0, _E, "B virtual cohort", "assumed")
    high: float = sourced(40.0, _E, "B virtual cohort", "assumed")


@dataclass(frozen=True, slots=True)
class Walk(Score):
    """Distance walked in six minutes."""

    placebo_mean: float = sourced(20.0, _E, "B33; N17 learning 9 m", "assumed")
    placebo_sd: float = sourced(15.0, _E, _LAW, "assumed")
    treatment_mean: float = sourced(62.0, _E, "B33 and B36", "fitted")
    treatment_sd: float = sourced(35.0, "russian-ccm-2024", "IQR of B36", "fitted")
    fluctuation_sd: float = sourced(
        29.0, "walk-change-2014", "N18: SD 85 m times root of 1 - ICC", "derived"
    )
    low: float = sourced(30.0, _E, "B virtual cohort", "assumed")
    high: float = sourced(700.0, _E, "B virtual cohort", "assumed")


@dataclass(frozen=True, slots=True)
class ChronicLaw:
    """Every number of the chronic course. `FITTED_ROWS` says what they were set from.

    Percent of the ejection fraction are points. A dose of 1 is five hours a day with
    a train on every beat.
    """

    ef_acute_mean_pct: float = sourced(
        1.8, _E, "C2 outputs, EF +2.0 points for Ees +10 %; A16", "derived"
    )
    ef_acute_sd_pct: float = sourced(0.8, _E, "C2 outputs; A16", "derived")
    ef_gain_mean_pct: float = sourced(5.0, "mueller2017", "B21-B24; B26", "fitted")
    ef_gain_sd_pct: float = sourced(4.0, _E, f"{_LAW}, share of SD 8", "assumed")
    ef_natural_sd_pct: float = sourced(
        7.5, _E, f"{_LAW}; SD of B26: 8.4 with the spread of the gain", "fitted"
    )
    ef_tau_months: float = sourced(9.0, "mueller2017", "B21-B24", "fitted")
    ischaemic_factor: float = sourced(0.2, "russian-ccm-2024", "B35", "fitted")
    non_ischaemic_factor: float = sourced(1.4, "russian-ccm-2024", "B35", "fitted")
    ef_low_pct: float = sourced(10.0, _E, _LAW, "assumed")
    ef_high_pct: float = sourced(55.0, _E, _LAW, "assumed")
    edv_exponent: float = sourced(-1.0 / 3.0, _E, "B38 ESV -11.5 %", "recalled")
    ef_error_frac: float = sourced(
        0.051, "echo-change-2018", "N20: 14.2 % / (1.96 root 2)", "derived"
    )
    half_dose_hours: float = sourced(1.5, _E, f"{_LAW}; B39", "fitted")
    hours_scale: float = sourced(1.3, _E, f"{_LAW}; 5 h is 1", "derived")
    benefit_tau_months: float = sourced(4.0, "borggrefe2008", "B05-B08", "fitted")
    response_correlation: float = sourced(0.5, _E, _LAW, "assumed")
    placebo_rise_months: float = sourced(0.5, _E, _LAW, "assumed")
    placebo_hold_months: float = sourced(3.0, _E, _LAW, "assumed")
    placebo_tau_months: float = sourced(6.0, _E, f"{_LAW}; B07", "fitted")
    known_treated_factor: float = sourced(1.45, "smart-mini-ifu", "B11", "fitted")
    known_untreated_factor: float = sourced(0.55, "smart-mini-ifu", "B11", "fitted")
    nyha_placebo_frac: float = sourced(0.427, "smart-mini-ifu", "B14", "fitted")
    nyha_placebo_hold_months: float = sourced(6.0, _E, _LAW, "assumed")
    nyha_treatment_frac: float = sourced(0.95, "smart-mini-ifu", "B13", "fitted")
    usual_peak_vo2_ml_per_kg_min: float = sourced(
        14.3, _E, "B virtual cohort", "measured"
    )
    usual_walk_m: float = sourced(345.0, _E, "B virtual cohort", "assumed")
    trial_placebo_log_sd: float = sourced(0.3, _E, f"{_LAW}; B15", "fitted")
    trial_treatment_log_sd: float = sourced(
        0.7, _E, f"{_LAW}; B15, B17, B27, B28", "fitted"
    )
    mlwhfq_points: Symptoms = field(default_factory=Symptoms)
    peak_vo2_ml_per_kg_min: Exercise = field(default_factory=Exercise)
    walk_m: Walk = field(default_factory=Walk)


LAW: Final = ChronicLaw()

FITTED_ROWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "B01": "fluctuation of peak VO2 (SD only)",
        "B02": "placebo of peak VO2",
        "B03": "fluctuation of peak VO2 (SD only)",
        "B04": "fluctuation of peak VO2 (SD only)",
        "B05": "time constant of the benefit; fluctuation of MLWHFQ",
        "B06": "placebo of MLWHFQ; its fluctuation",
        "B07": "time constant of the benefit; fading of the placebo",
        "B08": "time constant of the benefit",
        "B09": "treatment part of peak VO2",
        "B10": "treatment part of peak VO2",
        "B11": "what knowing the treatment adds to the placebo",
        "B13": "treatment part of the NYHA class",
        "B14": "placebo part of the NYHA class",
        "B15": "how trials differ in placebo and treatment",
        "B17": "how trials differ in treatment",
        "B21": "final gain and time constant of EF",
        "B22": "final gain and time constant of EF",
        "B23": "final gain and time constant of EF",
        "B24": "final gain and time constant of EF",
        "B26": "final gain of EF and its spread",
        "B27": "how trials differ in treatment",
        "B28": "how trials differ in treatment",
        "B33": "six-minute walk",
        "B35": "factors of aetiology",
        "B36": "six-minute walk and its spread",
        "B38": "how the ventricle shrinks as it recovers; not EF itself",
        "B39": "hours a day",
    }
)
"""Rows of the validation targets that set the law: agreement there is no prediction."""

SD_ROWS: Final = frozenset({"B01", "B03", "B04"})
"""Of these rows only the spread set the law, and their mean is a prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One value for each measure and patient, (n,) each."""

    mlwhfq_points: FloatArray
    peak_vo2_ml_per_kg_min: FloatArray
    walk_m: FloatArray


SCORES: Final = tuple(item.name for item in fields(Scores))


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """How patients fare at one time, (n,) each."""

    ef_pct: FloatArray
    scores: Scores
    nyha_class: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """How patients respond: drawn once, then theirs for good. (n,) each.

    `ef_gain_pct` holds the factor of the aetiology already; `ef_natural_pct` is where
    the ejection fraction drifts to with or without CCM. The two NYHA draws are uniform
    on 0 to 1; a patient is a class better while a draw is below its share.
    `ef_acute_pct` is what the trains of the usual settings add while they last.
    """

    ef_gain_pct: FloatArray
    ef_natural_pct: FloatArray
    placebo: Scores
    treatment: Scores
    nyha_placebo_draw: FloatArray
    nyha_treatment_draw: FloatArray
    ef_acute_pct: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What months of dose have left: `months` since the start, and two memories.

    `acute` is the share of the acute effect of usual settings that is in force now.
    """

    months: float
    remodelling: FloatArray
    benefit: FloatArray
    acute: FloatArray

    @classmethod
    def fresh(cls, n: int) -> Self:
        """Return the memory of patients who were never treated."""
        return cls(0.0, np.zeros(n), np.zeros(n), np.zeros(n))


def dose_factor(
    hours_per_day: float, delivered_frac: FloatArray | float, law: ChronicLaw = LAW
) -> FloatArray:
    """Return the daily dose; 1 is five hours with a train on every beat.

    >>> [round(float(dose_factor(h, 1.0)), 2) for h in (3, 5, 7, 12)]
    [0.87, 1.0, 1.07, 1.16]
    """
    share = hours_per_day / (hours_per_day + law.half_dose_hours)
    return np.asarray(law.hours_scale * share * np.asarray(delivered_frac))


def advance(
    memory: Memory,
    months: float,
    dose: FloatArray,
    law: ChronicLaw = LAW,
    *,
    acute: FloatArray | float = 0.0,
) -> Memory:
    """Return the memory after some months of a constant dose, exact for any length.

    Parameters
    ----------
    memory
        State before.
    months
        Length, 0 or more.
    dose : (n,)
        Daily dose of each patient, see `dose_factor`; 0 when CCM is off or sham.
    law
        Constants.
    acute
        Share of the acute effect of usual settings that is in force at the end: of
        beats with a train, times the gain of the settings in use over the usual one.
    """
    if months < 0.0:
        raise ValueError(f"months must be 0 or more, got {months:g}")
    return Memory(
        memory.months + months,
        _towards(memory.remodelling, dose, months / law.ef_tau_months),
        _towards(memory.benefit, dose, months / law.benefit_tau_months),
        np.asarray(acute + np.zeros_like(memory.benefit)),
    )


def _towards(level: FloatArray, target: FloatArray, time: float) -> FloatArray:
    return np.asarray(target + (level - target) * np.exp(-time))


def placebo_level(months: float, hold_months: float, law: ChronicLaw = LAW) -> float:
    """Return the share of the placebo response that is there, 0 to 1."""
    # of time, not of a dose: sham and treatment have it alike
    risen = 1.0 - np.exp(-months / law.placebo_rise_months)
    past_months = max(0.0, months - hold_months)
    return float(risen * np.exp(-past_months / law.placebo_tau_months))


def draw_traits(
    ischaemic: BoolArray, rng: np.random.Generator, law: ChronicLaw = LAW
) -> Traits:
    """Draw how each of (n,) patients will respond, by aetiology."""
    n = len(ischaemic)
    common = rng.standard_normal(n)
    rho = law.response_correlation

    # who gains in one measure gains in the others: any two correlate by rho, as far as
    # CCM does it; placebo and natural course are each measure's own
    def related() -> FloatArray:
        own = rng.standard_normal(n)
        return np.asarray(np.sqrt(rho) * common + np.sqrt(1.0 - rho) * own)

    factor = np.where(ischaemic, law.ischaemic_factor, law.non_ischaemic_factor)
    gain = factor * (law.ef_gain_mean_pct + law.ef_gain_sd_pct * related())
    natural = law.ef_natural_sd_pct * rng.standard_normal(n)
    placebo, treatment = {}, {}
    for name in SCORES:
        score: Score = getattr(law, name)
        # a good responder has fewer points of MLWHFQ and more of all else
        better = np.sign(score.treatment_mean)
        treatment[name] = score.treatment_mean + better * score.treatment_sd * related()
        placebo[name] = score.placebo_mean + score.placebo_sd * rng.standard_normal(n)
    draws = rng.random((2, n))
    # drawn last, so that who was drawn before there was an acute part is the same today
    acute = law.ef_acute_mean_pct + law.ef_acute_sd_pct * rng.standard_normal(n)
    return Traits(
        gain,
        natural,
        Scores(**placebo),
        Scores(**treatment),
        *(draws[0], draws[1], acute),
    )


@dataclass(frozen=True, slots=True, eq=False)
class TrialEffect:
    """Factors of a trial's own on placebo and on treatment; numbers or `(n,)`."""

    placebo: FloatArray
    treatment: FloatArray


def draw_trial_effects(
    n: int, rng: np.random.Generator, law: ChronicLaw = LAW
) -> TrialEffect:
    """Draw the effects of n trials: lognormal factors of mean 1."""

    def factor(log_sd: float) -> FloatArray:
        return np.asarray(np.exp(log_sd * rng.standard_normal(n) - 0.5 * log_sd**2))

    return TrialEffect(
        factor(law.trial_placebo_log_sd), factor(law.trial_treatment_log_sd)
    )


def in_trial(traits: Traits, effect: TrialEffect) -> Traits:
    """Return the traits of the same patients as a trial with this effect sees them.

    It scales scores and classes; the ejection fraction is read with an instrument.
    """
    # a draw divided by a factor is below a share as often as it is below the share
    # times the factor, and the same patients are the first to be a class better
    placebo = {n: effect.placebo * getattr(traits.placebo, n) for n in SCORES}
    treatment = {n: effect.treatment * getattr(traits.treatment, n) for n in SCORES}
    return replace(
        traits,
        placebo=Scores(**placebo),
        treatment=Scores(**treatment),
        nyha_placebo_draw=traits.nyha_placebo_draw / effect.placebo,
        nyha_treatment_draw=traits.nyha_treatment_draw / effect.treatment,
    )


def mean_traits(ischaemic: BoolArray, law: ChronicLaw = LAW) -> Traits:
    """Return the traits of the average patient; the NYHA draws are the medians."""
    n = len(ischaemic)
    factor = np.where(ischaemic, law.ischaemic_factor, law.non_ischaemic_factor)
    placebo = {name: np.full(n, getattr(law, name).placebo_mean) for name in SCORES}
    treatment = {name: np.full(n, getattr(law, name).treatment_mean) for name in SCORES}
    half = np.full(n, 0.5)
    return Traits(
        factor * law.ef_gain_mean_pct,
        np.zeros(n),
        Scores(**placebo),
        Scores(**treatment),
        half,
        half,
        np.full(n, law.ef_acute_mean_pct),
    )


def condition(
    start: Condition,
    traits: Traits,
    memory: Memory,
    *,
    knowledge: Knowledge = "treated",
    expectation: float = 1.0,
    law: ChronicLaw = LAW,
) -> Condition:
    """Return how patients truly fare, from how they fared before treatment.

    Parameters
    ----------
    start
        Condition at month 0.
    traits, memory
        How they respond and what the dose has left so far.
    knowledge
        What they know of their treatment; scales the placebo of the scores.
    expectation
        Further factor of the placebo, a patient's own.
    law
        Constants.
    """
    # assumed as slow as the response: the spread of EF was read of the treated alone
    drifted = 1.0 - np.exp(-memory.months / law.ef_tau_months)
    ef_pct = start.ef_pct + traits.ef_gain_pct * memory.remodelling
    ef_pct = ef_pct + traits.ef_natural_pct * drifted
    ef_pct = ef_pct + traits.ef_acute_pct * memory.acute
    level = placebo_level(memory.months, law.placebo_hold_months, law)
    level *= _knowledge_factor(knowledge, law) * expectation
    scores = {
        name: _score(getattr(law, name), name, start, traits, level, memory.benefit)
        for name in SCORES
    }
    return Condition(
        # who begins beyond a limit, such as a healthy heart, is not pulled inside it
        np.clip(
            ef_pct,
            np.minimum(law.ef_low_pct, start.ef_pct),
            np.maximum(law.ef_high_pct, start.ef_pct),
        ),
        Scores(**scores),
        _nyha_class(start, traits, memory, expectation, law),
    )


def _knowledge_factor(knowledge: Knowledge, law: ChronicLaw) -> float:
    factors = {
        "blinded": 1.0,
        "treated": law.known_treated_factor,
        "untreated": law.known_untreated_factor,
    }
    return factors[knowledge]


def _score(
    score: Score,
    name: str,
    start: Condition,
    traits: Traits,
    placebo_level: float,
    benefit: FloatArray,
) -> FloatArray:
    placebo = placebo_level * getattr(traits.placebo, name)
    treatment = benefit * getattr(traits.treatment, name)
    value = getattr(start.scores, name) + placebo + treatment
    return np.asarray(np.clip(value, score.low, score.high))


def _nyha_class(
    start: Condition,
    traits: Traits,
    memory: Memory,
    expectation: float,
    law: ChronicLaw,
) -> IntArray:
    level = placebo_level(memory.months, law.nyha_placebo_hold_months, law)
    by_placebo = traits.nyha_placebo_draw < law.nyha_placebo_frac * level * expectation
    share = law.nyha_treatment_frac * memory.benefit
    by_treatment = traits.nyha_treatment_draw < share
    better = by_placebo.astype(np.int64) + by_treatment
    return np.asarray(np.maximum(1, start.nyha_class - better))


def read(true: Condition, rng: np.random.Generator, law: ChronicLaw = LAW) -> Condition:
    """Return the condition as one visit reads it, with errors and ups and downs."""
    n = len(true.ef_pct)
    ef_pct = true.ef_pct * (1.0 + law.ef_error_frac * rng.standard_normal(n))
    scores = {}
    for name in SCORES:
        score: Score = getattr(law, name)
        seen = getattr(true.scores, name)
        seen = seen + score.fluctuation_sd * rng.standard_normal(n)
        scores[name] = np.clip(seen, score.low, score.high)
    return Condition(ef_pct, Scores(**scores), true.nyha_class)


def edv_ml(
    start_edv_ml: float, start_ef_pct: float, ef_pct: float, law: ChronicLaw = LAW
) -> float:
    """Return the end-diastolic volume that goes with a changed ejection fraction.

    The end-systolic volume then falls by 11 % when 29 % become 33.8 %.
    """
    return float(start_edv_ml * (ef_pct / start_ef_pct) ** law.edv_exponent)


def without_effect(traits: Traits) -> Traits:
    """Return the traits of the same patients when CCM does nothing to them."""
    nothing = {name: 0.0 * getattr(traits.treatment, name) for name in SCORES}
    return replace(
        traits,
        ef_gain_pct=0.0 * traits.ef_gain_pct,
        ef_acute_pct=0.0 * traits.ef_acute_pct,
        treatment=Scores(**nothing),
        # never below its share, which a dose above 1 takes beyond 1
        nyha_treatment_draw=np.full_like(traits.nyha_treatment_draw, np.inf),
    )
