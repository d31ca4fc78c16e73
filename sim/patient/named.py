"""Whom named trials and registries took: the spread of each trait that they print."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from sim.patient.population import TraitSpread
from sim.sources import Standing, sourced


def _row(value: float, row: str, standing: Standing) -> float:
    return sourced(value, "ccmlab-evidence", f"B named cohorts; {row}", standing)


def _c01(value: float) -> float:
    return sourced(value, "fix-hf-5-results", "registry of trials, C01", "measured")


def _c09(value: float) -> float:
    return sourced(value, "russian-ccm-2024", "abstract, C09", "measured")


def _c11(value: float) -> float:
    return _row(value, "C11", "recalled")


def _c12(value: float) -> float:
    return _row(value, "C12", "recalled")


def _assumed(value: float) -> float:
    return sourced(value, "ccmlab-evidence", "B named cohorts", "assumed")


@dataclass(frozen=True, slots=True)
class FixHf5(TraitSpread):
    """FIX-HF-5: EF of 35 % and less, NYHA III and IV."""

    age_mean_years: float = _c01(58.35)
    age_sd_years: float = _c01(12.5)
    male_frac: float = _assumed(0.72)
    ef_mean_pct: float = _c11(26.0)
    ef_sd_pct: float = _c11(7.0)
    ef_low_pct: float = _assumed(12.0)
    ef_high_pct: float = _c11(35.0)
    qrs_mean_ms: float = _c11(101.6)
    qrs_sd_ms: float = _c11(15.0)
    heart_rate_mean_bpm: float = _c11(74.0)
    heart_rate_sd_bpm: float = _c11(12.0)
    sbp_mean_mmhg: float = _c11(117.0)
    sbp_sd_mmhg: float = _c11(18.0)
    nyha_ii_frac: float = _assumed(0.001)
    nyha_iii_frac: float = _c11(0.89)
    peak_vo2_mean_ml_per_kg_min: float = _c11(14.7)
    peak_vo2_sd_ml_per_kg_min: float = _c11(2.9)
    mlwhfq_mean: float = _c11(59.0)
    mlwhfq_sd: float = _c11(23.0)
    walk_mean_m: float = _c11(326.0)
    walk_sd_m: float = _c11(82.0)
    fibrillating_ischaemic_frac: float = _assumed(0.0)
    fibrillating_nonischaemic_frac: float = _assumed(0.0)


@dataclass(frozen=True, slots=True)
class FixHf5c(TraitSpread):
    """FIX-HF-5C: EF of 25 to 45 %, NYHA III and IV."""

    age_mean_years: float = _c12(63.0)
    age_sd_years: float = _c12(11.0)
    male_frac: float = _c12(0.76)
    ef_mean_pct: float = _c12(33.0)
    ef_sd_pct: float = _c12(6.0)
    ef_low_pct: float = _c12(25.0)
    qrs_mean_ms: float = _c12(103.0)
    qrs_sd_ms: float = _c12(13.0)
    nyha_ii_frac: float = _assumed(0.001)
    nyha_iii_frac: float = _c12(0.89)
    peak_vo2_mean_ml_per_kg_min: float = _c12(15.0)
    peak_vo2_sd_ml_per_kg_min: float = _c12(2.8)
    mlwhfq_mean: float = _c12(56.0)
    mlwhfq_sd: float = _c12(22.0)
    walk_mean_m: float = _c12(320.0)
    walk_sd_m: float = _c12(90.0)
    fibrillating_ischaemic_frac: float = _assumed(0.0)
    fibrillating_nonischaemic_frac: float = _assumed(0.0)


@dataclass(frozen=True, slots=True)
class CcmReg(TraitSpread):
    """CCM-REG: patients of European clinics; what they were at entry is assumed."""

    age_mean_years: float = _assumed(66.0)
    ischaemic_frac: float = _assumed(0.55)
    ef_mean_pct: float = _assumed(28.0)
    ef_sd_pct: float = _assumed(7.0)
    ef_low_pct: float = _assumed(15.0)
    nyha_ii_frac: float = _assumed(0.15)
    nyha_iii_frac: float = _assumed(0.80)
    mlwhfq_mean: float = _assumed(48.0)
    mlwhfq_sd: float = _assumed(22.0)
    fibrillating_ischaemic_frac: float = _assumed(0.3)
    fibrillating_nonischaemic_frac: float = _assumed(0.3)


@dataclass(frozen=True, slots=True)
class RussianCohort(TraitSpread):
    """A Russian cohort, two thirds of it in atrial fibrillation, by cause."""

    age_mean_years: float = _c09(59.0)
    male_frac: float = _c09(0.837)
    ischaemic_frac: float = _c09(0.615)
    fibrillating_ischaemic_frac: float = _c09(0.58)
    fibrillating_nonischaemic_frac: float = _c09(0.74)


USUAL: Final = "usual"
NAMED: Final[Mapping[str, type[TraitSpread]]] = MappingProxyType(
    {
        USUAL: TraitSpread,
        "fix-hf-5": FixHf5,
        "fix-hf-5c": FixHf5c,
        "ccm-reg": CcmReg,
        "russian": RussianCohort,
    }
)
"""Populations by name. "usual" mixes several trials."""


def named_population(
    name: str, changes: Mapping[str, float] = MappingProxyType({})
) -> TraitSpread:
    """Return the population of a trial or registry, some of its numbers changed.

    Raises ValueError, with the nearest known one, for an unknown name.
    """
    if name not in NAMED:
        near = get_close_matches(name, NAMED, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"population must be one of {', '.join(NAMED)}, got {name!r}"
            f" (did you mean {near!r}?)"
        )
    return NAMED[name](**changes)
