"""Who is enrolled: the virtual cohort beside the cohorts of the trials."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Final

import numpy as np

from harness.evidence.validation.people import cohort, rng_of
from harness.evidence.validation.rules import (
    Finding,
    FindingPart,
    Limits,
    compared,
    exact,
    held,
    interval,
    limits_of_mean,
    limits_of_median,
    limits_of_share,
    limits_of_spread,
    mean_of,
    median_of,
    printed,
    share_of,
)
from sim.heart.beating import settled
from sim.heart.circulation import BeatHaemodynamics
from sim.heart.parameters import FloatArray
from sim.heart.rhythm import RhythmParameters
from sim.patient.chronic import Condition, Scores, read
from sim.patient.named import USUAL
from sim.telemetry.ecg import SinusWaves
from sim.units import PCT_PER_FRAC

HALF: Final = 0.5
_MIXED: Final = (
    "The virtual cohort mixes several trials, so a mean within half a published SD of"
    " it counts as inside."
)
N_READ: Final = 4000


TRIALS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("C01", "C11", "D01"), "fix-hf-5"),
    **dict.fromkeys(("C10", "C12"), "fix-hf-5c"),
    **dict.fromkeys(("C07", "C08", "C09"), "russian"),
}
"""Whom a row is compared with: the named cohort of its trial, else the usual one."""


def trait(name: str, trial: str = USUAL) -> FloatArray:
    """Return one drawn trait of every patient of a virtual cohort."""
    return np.asarray(cohort(trial).column(name), dtype=np.float64)


def _trial(row: str) -> str:
    return TRIALS.get(row, USUAL)


def _how(row: str) -> str:
    trial = _trial(row)
    n = len(cohort(trial))
    return f"{trial} virtual cohort of {n}, draws that no heart could meet replaced"


def _like(row: str, label: str, name: str, mean: float, sd: float) -> FindingPart:
    limits = interval(mean - HALF * sd, mean + HALF * sd, "within half a published SD")
    return compared(label, f"{mean:g}", limits, mean_of(trait(name, _trial(row))))


_Row = tuple[str, str, float, float]
_MEANS: Final[Mapping[str, tuple[_Row, ...]]] = {
    "C01": (("age", "age_years", 58.35, 12.50),),
    "C03": (("EF", "ejection_fraction_pct", 34.0, 6.0),),
    "C04": (
        ("EF, active", "ejection_fraction_pct", 29.3, 6.7),
        ("EF, sham", "ejection_fraction_pct", 29.8, 7.8),
    ),
    "C05": (
        ("peak VO2, active", "peak_vo2_ml_per_kg_min", 14.1, 3.0),
        ("peak VO2, sham", "peak_vo2_ml_per_kg_min", 13.6, 2.7),
    ),
    "C06": (
        ("MLWHFQ, active", "mlwhfq_score", 38.9, 27.4),
        ("MLWHFQ, sham", "mlwhfq_score", 36.5, 27.1),
    ),
    "C11": (
        ("EF", "ejection_fraction_pct", 26.0, 7.0),
        ("QRS", "qrs_ms", 101.6, 15.0),
        ("peak VO2", "peak_vo2_ml_per_kg_min", 14.7, 2.9),
        ("6-minute walk", "walk_m", 326.0, 82.0),
        ("MLWHFQ", "mlwhfq_score", 59.0, 23.0),
        ("rate", "heart_rate_bpm", 74.0, 12.0),
        ("SBP", "sbp_mmhg", 117.0, 18.0),
    ),
    "C12": (
        ("age", "age_years", 63.0, 11.0),
        ("EF", "ejection_fraction_pct", 33.0, 6.0),
        ("QRS", "qrs_ms", 103.0, 13.0),
        ("peak VO2", "peak_vo2_ml_per_kg_min", 15.0, 2.8),
        ("6-minute walk", "walk_m", 320.0, 90.0),
        ("MLWHFQ", "mlwhfq_score", 56.0, 22.0),
    ),
}


def _means(row: str) -> Finding:
    parts = tuple(_like(row, *item) for item in _MEANS[row])
    return Finding(_how(row), parts, _MIXED if _trial(row) == USUAL else "")


def _share(
    label: str, flags: FloatArray, limits: Limits, published: str
) -> FindingPart:
    found = share_of(int(flags.sum()), flags.size)
    return compared(label, published, limits, found, unit="%")


def _men(trial: str = USUAL) -> FloatArray:
    sex = cohort(trial).column("sex")
    men: FloatArray = np.asarray(sex == "male", dtype=np.float64)
    return men


def c02() -> Finding:
    """Age, men and atrial fibrillation of the two-lead trial."""
    flags = trait("fibrillates")
    parts = (
        _like("C02", "age", "age_years", 66.0, 9.0),
        _share("male", _men(), limits_of_share(53, 60), "88"),
        _share("atrial fibrillation", flags, limits_of_share(9, 60), "15"),
    )
    return Finding(_how("C02"), parts, _MIXED)


def _by_cause(values: FloatArray, trial: str) -> tuple[FloatArray, FloatArray]:
    ischaemic = trait("ischaemic", trial) > 0.0
    return values[ischaemic], values[~ischaemic]


def _medians(
    values: FloatArray, rows: Sequence[tuple[str, float, tuple[float, float], int]]
) -> tuple[FindingPart, ...]:
    return tuple(
        compared(
            label,
            f"{median:g}",
            limits_of_median(median, quartiles, n),
            median_of(own),
            unit="mL",
        )
        for own, (label, median, quartiles, n) in zip(
            _by_cause(values, "russian"), rows, strict=True
        )
    )


@cache
def _beats_at_rest(trial: str) -> tuple[BeatHaemodynamics, ...]:
    return tuple(settled(p.heart).haemodynamics for p in cohort(trial).patients)


def _at_rest(name: str, trial: str) -> FloatArray:
    return np.array([getattr(beat, name) for beat in _beats_at_rest(trial)])


def c07() -> Finding:
    """End-diastolic volume by cause."""
    rows = (
        ("ischaemic", 220.0, (192.0, 271.0), 100),
        ("non-ischaemic", 249.0, (208.0, 309.0), 66),
    )
    parts = _medians(_at_rest("edv_ml", "russian"), rows)
    return Finding(f"{_how('C07')}; settled, CCM off", parts)


def c08() -> Finding:
    """End-systolic volume by cause."""
    rows = (
        ("ischaemic", 154.0, (128.0, 199.0), 100),
        ("non-ischaemic", 183.0, (147.0, 230.0), 66),
    )
    parts = _medians(_at_rest("esv_ml", "russian"), rows)
    return Finding(f"{_how('C08')}; settled, CCM off", parts)


def c09() -> Finding:
    """Cause, sex, age and rhythm of another cohort."""
    af = trait("fibrillates", "russian")
    with_cause, without = _by_cause(af, "russian")
    ischaemic = trait("ischaemic", "russian")
    limits = interval(58.0 - 5.5, 74.0, "from half an SD below to the upper value")
    parts = (
        _share("ischaemic", ischaemic, limits_of_share(102, 166), "61.5"),
        _share("male", _men("russian"), limits_of_share(139, 166), "83.7"),
        compared("median age", "59", limits, median_of(trait("age_years", "russian"))),
        _share("AF, ischaemic", with_cause, limits_of_share(58, 100), "58"),
        _share("AF, non-ischaemic", without, limits_of_share(49, 66), "74"),
    )
    return Finding(_how("C09"), parts)


def c10() -> Finding:
    """Entry criterion."""
    widest = float(trait("qrs_ms", "fix-hf-5c").max())
    asked = "every QRS below 130 ms"
    part = held("QRS at entry", asked, f"widest {widest:.0f} ms", widest < 130.0)
    return Finding(_how("C10"), (part,), "An entry criterion, not an effect.")


def d01() -> Finding:
    """Mean pulmonary pressure."""
    found = mean_of(_at_rest("pa_mean_mmhg", "fix-hf-5"))
    parts = (
        compared("treated", "31.3", limits_of_mean(31.3, 10.9, 270), found),
        compared("control", "32.0", limits_of_mean(32.0, 10.5, 280), found),
    )
    return Finding(
        f"{_how('D01')}; settled, CCM off",
        parts,
        "The named cohort nearest to those patients, who were of NYHA class III, had"
        " just been in hospital for heart failure, and had any EF. It is ambulatory:"
        " congestion that sends people to hospital is not drawn.",
    )


def _two_readings() -> tuple[Condition, Condition]:
    rng = rng_of("two readings")
    # 85 m is the SD of readings, which hold the fluctuation of 29 m
    walk_m = np.clip(rng.normal(345.0, 80.0, N_READ), 50.0, 700.0)
    ef_pct = np.clip(rng.normal(31.0, 6.5, N_READ), 20.0, 45.0)
    same = np.full(N_READ, 50.0)
    scores = Scores(same, 0.3 * same, walk_m)
    true = Condition(ef_pct, scores, np.full(N_READ, 3))
    return read(true, rng), read(true, rng)


def _walk_icc() -> float:
    first, second = (seen.scores.walk_m for seen in _two_readings())
    within = float(np.var(first - second)) / 2.0
    return 1.0 - within / float(np.var(np.r_[first, second]))


def _icc(low: float, high: float) -> Finding:
    limits = interval(low - 0.005, high + 0.005, "the printed range, to its rounding")
    part = compared("ICC", f"{low:g}-{high:g}", limits, exact(_walk_icc()))
    return Finding(
        f"{N_READ} virtual patients, walk read twice, nothing changed", (part,)
    )


def n18() -> Finding:
    """Repeatability of the walk over months."""
    made = _icc(0.88, 0.89)
    note = "The 36 m of the row is what patients call important, not a measurement."
    return Finding(made.how, made.parts, note)


def n20() -> Finding:
    """Smallest detectable change of EF."""
    first, second = (seen.ef_pct for seen in _two_readings())
    change = PCT_PER_FRAC * (second - first) / (0.5 * (first + second))
    least = 1.96 * float(change.std())
    limits = limits_of_spread(14.2, 30)
    part = compared("relative", "14.2", limits, exact(least), unit="%")
    return Finding(f"{N_READ} virtual patients, EF read twice", (part,))


def e07() -> Finding:
    """Constants of the synthetic ECG."""
    rhythm, waves = RhythmParameters(), SinusWaves()
    turn_s = 1.0 / 360.0
    rows = (
        ("LF Hz", 0.1, rhythm.lf_hz, 0.0),
        ("HF Hz", 0.25, rhythm.breathing_hz, 0.0),
        ("SD of both, Hz", 0.01, rhythm.band_sd_hz, 0.0),
        ("Q angle", -15.0, waves.q_at_s / turn_s, 1.0),
        ("S angle", 15.0, waves.s_at_s / turn_s, 1.0),
        ("T angle", 90.0, waves.t_at_s / turn_s, 1.0),
    )
    parts = tuple(
        compared(label, f"{value:g}", printed(value, slack), exact(seen))
        for label, value, seen, slack in rows
    )
    return Finding(
        "constants of the rhythm and of the drawn ECG at 60/min",
        parts,
        "LF/HF is a patient's own here (1 to 2), not the 0.5 of the example; P and T"
        " are drawn as waves in mV, so their heights are not compared.",
    )


EXPERIMENTS: Final[Mapping[str, Callable[[], Finding]]] = {
    **{row: partial(_means, row) for row in _MEANS},
    "C02": c02,
    "C07": c07,
    "C08": c08,
    "C09": c09,
    "C10": c10,
    "D01": d01,
    "N18": n18,
    "N19": partial(_icc, 0.88, 0.91),
    "N20": n20,
    "E07": e07,
}
