"""Whom CCM is given to: the spread of every trait, and one draw from it per patient.

Evidence B, virtual cohort, and A3 for the dose law. Traits hang together through a
Gaussian copula: every trait is a function of one normal score.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from scipy.special import ndtr, ndtri

from sim.heart.parameters import FloatArray
from sim.heart.sensation import SensationPopulation
from sim.law.registry import ALIASES, check_law
from sim.law.response_law import UnknownLawError
from sim.law.saturating import Saturating
from sim.law.spread import Even, EvenLog, LogNormal, Normal, Spread, spreads
from sim.sources import Standing, sourced
from sim.units import H_PER_DAY

_PLACE: Final = "B virtual cohort"


def _b(value: float, standing: Standing, place: str = _PLACE) -> float:
    return sourced(value, "ccmlab-evidence", place, standing)


def _a3(value: float) -> float:
    return sourced(value, "ccmlab-evidence", "A3", "assumed")


_LAW: Final[Mapping[str, Any]] = spreads(Saturating)
"""The spreads of the saturating law, whose numbers a population may change."""


@dataclass(frozen=True, slots=True)
class TraitSpread:
    """Spread of each trait. Normal ones are clipped at their limits, not redrawn.

    Correlations are those of the normal scores, so that those of clipped values are a
    little weaker; that with the NYHA class is of the class itself. Traits given by a
    low and a high value alone are spread evenly; of the dose law `k`,
    `width_constant_ms` and `beta_block_factor` evenly in their logarithm. Of the
    ectopics it is the odds, a day's count against what lacks to `pvc_most_per_day`,
    that are lognormal, with a SD of `pvc_sd_decades`: nobody is cut to the most.
    """

    age_mean_years: float = _b(62.0, "measured")
    age_sd_years: float = _b(11.0, "measured")
    age_low_years: float = _b(30.0, "assumed")
    age_high_years: float = _b(85.0, "assumed")
    male_frac: float = _b(0.78, "measured")
    ischaemic_frac: float = _b(0.62, "measured")
    ef_mean_pct: float = _b(31.0, "measured")
    ef_sd_pct: float = _b(6.5, "measured")
    ef_low_pct: float = _b(20.0, "measured")
    ef_high_pct: float = _b(45.0, "measured")
    edv_median_ml: float = _b(228.0, "measured")
    edv_log_sd: float = _b(0.24, "measured")
    edv_nonischaemic_factor: float = _b(1.12, "measured")
    qrs_mean_ms: float = _b(102.0, "recalled")
    qrs_sd_ms: float = _b(14.0, "recalled")
    qrs_low_ms: float = _b(75.0, "measured")
    qrs_high_ms: float = _b(129.0, "measured")
    heart_rate_mean_bpm: float = _b(73.0, "recalled")
    heart_rate_sd_bpm: float = _b(11.0, "recalled")
    sbp_mean_mmhg: float = _b(118.0, "recalled")
    sbp_sd_mmhg: float = _b(17.0, "recalled")
    dbp_mean_mmhg: float = _b(71.0, "recalled")
    dbp_sd_mmhg: float = _b(10.0, "recalled")
    nyha_ii_frac: float = _b(0.10, "assumed")
    nyha_iii_frac: float = _b(0.85, "assumed")
    peak_vo2_mean_ml_per_kg_min: float = _b(14.3, "measured")
    peak_vo2_sd_ml_per_kg_min: float = _b(2.9, "measured")
    peak_vo2_low_ml_per_kg_min: float = _b(5.0, "assumed")
    mlwhfq_mean: float = _b(50.0, "measured")
    mlwhfq_sd: float = _b(25.0, "measured")
    mlwhfq_low: float = _b(0.0, "measured")
    mlwhfq_high: float = _b(105.0, "measured")
    walk_mean_m: float = _b(345.0, "recalled")
    walk_sd_m: float = _b(85.0, "measured")
    walk_low_m: float = _b(50.0, "assumed")
    fibrillating_ischaemic_frac: float = _b(0.15, "measured")
    fibrillating_nonischaemic_frac: float = _b(0.15, "measured")
    beta_blocker_frac: float = _b(0.92, "recalled")
    corr_ef_edv: float = _b(-0.5, "assumed")
    corr_peak_vo2_walk: float = _b(0.5, "assumed")
    corr_mlwhfq_nyha: float = _b(0.3, "assumed")
    corr_sbp_dbp: float = _b(0.6, "assumed")
    pvc_median_per_hour: float = _b(36.0, "fitted", "E PVCs E01")
    pvc_sd_decades: float = _b(1.2, "fitted", "E PVCs E01")
    pvc_most_per_day: float = _b(10_000.0, "assumed", "E PVCs E01")
    sdnn_mean_ms: float = _b(22.0, "recalled", "E HRV")
    sdnn_sd_ms: float = _b(10.0, "recalled", "E HRV")
    sdnn_low_ms: float = _b(5.0, "assumed", "E HRV")
    lf_hf_low: float = _b(1.0, "recalled", "E HRV")
    lf_hf_high: float = _b(2.0, "recalled", "E HRV")
    pr_mean_ms: float = _b(175.0, "recalled", "E Conduction")
    pr_sd_ms: float = _b(30.0, "recalled", "E Conduction")
    pr_low_ms: float = _b(110.0, "assumed", "E Conduction")
    pr_high_ms: float = _b(300.0, "assumed", "E Conduction")
    g_mean_frac: float = _b(_LAW["g_one_lead_frac"].mean, "fitted", "A3 g_i")
    g_cv_frac: float = _b(_LAW["g_one_lead_frac"].cv_frac, "fitted", "A3 g_i")
    impedance_low_ohm: float = _a3(350.0)
    impedance_high_ohm: float = _a3(700.0)
    threshold_low_frac: float = _a3(_LAW["threshold_frac"].low)
    threshold_high_frac: float = _a3(_LAW["threshold_frac"].high)
    k_low: float = _a3(_LAW["k"].low)
    k_high: float = _a3(_LAW["k"].high)
    width_constant_low_ms: float = _a3(_LAW["width_constant_ms"].low)
    width_constant_high_ms: float = _a3(_LAW["width_constant_ms"].high)
    best_delay_mean_ms: float = _a3(_LAW["best_delay_ms"].mean)
    best_delay_sd_ms: float = _a3(_LAW["best_delay_ms"].sd)
    best_delay_low_ms: float = _a3(_LAW["best_delay_ms"].low)
    best_delay_high_ms: float = _a3(_LAW["best_delay_ms"].high)
    early_width_low_ms: float = _a3(_LAW["early_width_ms"].low)
    early_width_high_ms: float = _a3(_LAW["early_width_ms"].high)
    late_width_low_ms: float = _a3(_LAW["late_width_ms"].low)
    late_width_high_ms: float = _a3(_LAW["late_width_ms"].high)
    negative_low_frac: float = _a3(_LAW["negative_frac"].low)
    negative_high_frac: float = _a3(_LAW["negative_frac"].high)
    block_low: float = sourced(0.6, "ccmlab-protocol", "6, high dose", "assumed")
    block_none: float = sourced(1 / 0.6, "ccmlab-protocol", "6, without", "assumed")


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn for one patient, before any heart was solved.

    `lead_impedance_ohm` is for whoever gives this patient leads: the law's nominal
    train counts as nominal at any impedance of the patient's own. The constants from
    `g_one_lead_frac` on are those of the saturating law; any other law draws its own
    from the stream that `law_number` seeds.
    """

    age_years: float
    sex: str
    ischaemic: bool
    ejection_fraction_pct: float
    edv_ml: float
    qrs_ms: float
    heart_rate_bpm: float
    sbp_mmhg: float
    dbp_mmhg: float
    nyha_class: int
    peak_vo2_ml_per_kg_min: float
    mlwhfq_score: float
    walk_m: float
    fibrillates: bool
    beta_blocker: bool
    pvc_per_hour: float
    sensation_felt_v: float
    sdnn_ms: float
    lf_hf_ratio: float
    pr_ms: float
    family: str
    g_one_lead_frac: float
    lead_impedance_ohm: float
    threshold_frac: float
    k: float
    width_constant_ms: float
    best_delay_ms: float
    early_width_ms: float
    late_width_ms: float
    negative_frac: float
    beta_block_factor: float
    sensation_gap_v: float
    law_number: int


SCORES: Final = tuple(i.name for i in fields(Draw) if i.name != "law_number")
"""A draw takes one normal score per trait, in this order."""
_CORRELATED: Final = (
    ("ejection_fraction_pct", "edv_ml", "corr_ef_edv"),
    ("peak_vo2_ml_per_kg_min", "walk_m", "corr_peak_vo2_walk"),
    ("mlwhfq_score", "nyha_class", "corr_mlwhfq_nyha"),
    ("sbp_mmhg", "dbp_mmhg", "corr_sbp_dbp"),
)


def correlations(population: TraitSpread) -> FloatArray:
    """Return the matrix of the scores' correlations, order of `SCORES`."""
    matrix: FloatArray = np.eye(len(SCORES))
    for one, other, name in _CORRELATED:
        i, j = SCORES.index(one), SCORES.index(other)
        correlation = getattr(population, name)
        if other == "nyha_class":
            correlation /= graded_share(population)
        matrix[i, j] = matrix[j, i] = correlation
    return matrix


def graded_share(population: TraitSpread) -> float:
    """Return the correlation of the NYHA class with the score it is graded from."""
    shares = (population.nyha_ii_frac, population.nyha_iii_frac)
    steps = ndtri(np.cumsum(shares))
    density = np.exp(-0.5 * steps**2) / np.sqrt(2.0 * np.pi)
    middle = 1.0 - 2.0 * shares[0] - shares[1]  # mean class, counted from III
    spread = 1.0 - shares[1] - middle**2
    return float(density.sum() / np.sqrt(spread))


def checked_families(families: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of the response laws, which add up to 1.

    Raises ValueError for an unknown law, a share below 0, or no share at all.
    """
    for name, share in families.items():
        try:
            check_law(name)
        except UnknownLawError as error:
            raise ValueError(f"families: {error}") from None
        if not 0.0 <= share < np.inf:
            raise ValueError(f"share of family {name} must be 0 or more, got {share:g}")
    total = sum(families.values())
    if not total > 0.0:
        raise ValueError(f"families must have shares above 0 in all, got {total:g}")
    return {ALIASES.get(n, n): share / total for n, share in families.items()}


def draws_of(
    population: TraitSpread, normal: FloatArray, families: Mapping[str, float]
) -> list[Draw]:
    """Return one draw per row of independent standard normal numbers.

    Parameters
    ----------
    population
        Spread of each trait.
    normal : (n, len(SCORES))
        Independent standard normal numbers.
    families
        Share of each response law, adding up to 1.
    """
    scores = normal @ np.linalg.cholesky(correlations(population)).T
    z = dict(zip(SCORES, scores.T, strict=True))
    columns = _bedside(population, z) | _rhythm(population, z) | _law(population, z)
    bounds = np.cumsum(list(families.values()))[:-1]
    which = np.searchsorted(bounds, ndtr(z["family"]), side="right")
    columns["family"] = np.array(list(families))[which]
    rows = zip(*(columns[name].tolist() for name in SCORES), strict=True)
    named: list[dict[str, Any]] = [dict(zip(SCORES, row, strict=True)) for row in rows]
    return [Draw(**each, law_number=0) for each in named]


Columns = dict[str, Any]


def _bedside(p: TraitSpread, z: Mapping[str, FloatArray]) -> Columns:
    ischaemic = ndtr(z["ischaemic"]) < p.ischaemic_frac
    dilated = np.where(ischaemic, 1.0, p.edv_nonischaemic_factor)
    steps = [ndtri(p.nyha_ii_frac), ndtri(p.nyha_ii_frac + p.nyha_iii_frac)]
    vo2 = p.peak_vo2_sd_ml_per_kg_min * z["peak_vo2_ml_per_kg_min"]
    vo2 += p.peak_vo2_mean_ml_per_kg_min
    ef = p.ef_mean_pct + p.ef_sd_pct * z["ejection_fraction_pct"]
    score = p.mlwhfq_mean + p.mlwhfq_sd * z["mlwhfq_score"]
    walk = p.walk_mean_m + p.walk_sd_m * z["walk_m"]
    age = p.age_mean_years + p.age_sd_years * z["age_years"]
    return {
        "age_years": np.clip(age, p.age_low_years, p.age_high_years),
        "sex": np.where(ndtr(z["sex"]) < p.male_frac, "male", "female"),
        "ischaemic": ischaemic,
        "ejection_fraction_pct": np.clip(ef, p.ef_low_pct, p.ef_high_pct),
        "edv_ml": p.edv_median_ml * dilated * np.exp(p.edv_log_sd * z["edv_ml"]),
        "heart_rate_bpm": p.heart_rate_mean_bpm
        + p.heart_rate_sd_bpm * z["heart_rate_bpm"],
        "sbp_mmhg": p.sbp_mean_mmhg + p.sbp_sd_mmhg * z["sbp_mmhg"],
        "dbp_mmhg": p.dbp_mean_mmhg + p.dbp_sd_mmhg * z["dbp_mmhg"],
        "nyha_class": 2 + np.searchsorted(steps, z["nyha_class"]),
        "peak_vo2_ml_per_kg_min": np.maximum(vo2, p.peak_vo2_low_ml_per_kg_min),
        "mlwhfq_score": np.clip(score, p.mlwhfq_low, p.mlwhfq_high),
        "walk_m": np.maximum(walk, p.walk_low_m),
    }


def _rhythm(p: TraitSpread, z: Mapping[str, FloatArray]) -> Columns:
    most_per_hour = p.pvc_most_per_day / H_PER_DAY
    usual_odds = p.pvc_median_per_hour / (most_per_hour - p.pvc_median_per_hour)
    odds = usual_odds * 10.0 ** (p.pvc_sd_decades * z["pvc_per_hour"])
    ischaemic = ndtr(z["ischaemic"]) < p.ischaemic_frac
    fibrillating = np.where(
        ischaemic, p.fibrillating_ischaemic_frac, p.fibrillating_nonischaemic_frac
    )
    sensation = SensationPopulation()
    sdnn = p.sdnn_mean_ms + p.sdnn_sd_ms * z["sdnn_ms"]
    pr = p.pr_mean_ms + p.pr_sd_ms * z["pr_ms"]
    qrs = p.qrs_mean_ms + p.qrs_sd_ms * z["qrs_ms"]
    return {
        "fibrillates": ndtr(z["fibrillates"]) < fibrillating,
        "pvc_per_hour": most_per_hour * odds / (1.0 + odds),
        "sensation_felt_v": sensation.felt_v(z["sensation_felt_v"]),
        "sensation_gap_v": sensation.gap_v(z["sensation_gap_v"]),
        "sdnn_ms": np.maximum(sdnn, p.sdnn_low_ms),
        "lf_hf_ratio": Even(p.lf_hf_low, p.lf_hf_high).of(z["lf_hf_ratio"]),
        "pr_ms": np.clip(pr, p.pr_low_ms, p.pr_high_ms),
        "qrs_ms": np.clip(qrs, p.qrs_low_ms, p.qrs_high_ms),
    }


def _law(p: TraitSpread, z: Mapping[str, FloatArray]) -> Columns:
    spread: Mapping[str, Spread] = {
        "g_one_lead_frac": LogNormal(p.g_mean_frac, p.g_cv_frac),
        "lead_impedance_ohm": Even(p.impedance_low_ohm, p.impedance_high_ohm),
        "threshold_frac": Even(p.threshold_low_frac, p.threshold_high_frac),
        "k": EvenLog(p.k_low, p.k_high),
        "width_constant_ms": EvenLog(p.width_constant_low_ms, p.width_constant_high_ms),
        "best_delay_ms": Normal(
            p.best_delay_mean_ms,
            p.best_delay_sd_ms,
            p.best_delay_low_ms,
            p.best_delay_high_ms,
        ),
        "early_width_ms": Even(p.early_width_low_ms, p.early_width_high_ms),
        "late_width_ms": Even(p.late_width_low_ms, p.late_width_high_ms),
        "negative_frac": Even(p.negative_low_frac, p.negative_high_frac),
    }
    blocked = ndtr(z["beta_blocker"]) < p.beta_blocker_frac
    factor = EvenLog(p.block_low, p.block_none).of(z["beta_block_factor"])
    return {name: each.of(z[name]) for name, each in spread.items()} | {
        "beta_blocker": blocked,
        "beta_block_factor": np.where(blocked, factor, p.block_none),
    }
