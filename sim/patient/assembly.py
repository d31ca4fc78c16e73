"""A patient of a cohort, put together from the draw and the heart that meets it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Final

from sim.heart.conduction import ConductionParameters
from sim.heart.contractility import Contractility
from sim.heart.parameters import HFREF, Circulation
from sim.heart.reflex import Reflex
from sim.heart.rhythm import RhythmParameters
from sim.heart.sensation import Sensation, SensationPopulation
from sim.law.muscle import Muscle
from sim.law.saturating import Saturating
from sim.law.shipped import law_named
from sim.patient.patient import Patient, Profile
from sim.patient.phenotypes import PHENOTYPES
from sim.patient.population import Draw, TraitSpread
from sim.sources import Source, differing, provenance


@dataclass(frozen=True, slots=True)
class SolvedHeart:
    """The numbers of one circulation that were solved for; the others are `HFREF`'s.

    `map_mmhg` is where it settles, the set point of the patient's reflex.
    """

    lv_elastance_mmhg_per_ml: float
    lv_stiffness_per_ml: float
    rv_elastance_mmhg_per_ml: float
    rv_stiffness_per_ml: float
    systemic_resistance_mmhg_s_per_ml: float
    systemic_arterial_compliance_ml_per_mmhg: float
    stressed_volume_ml: float
    map_mmhg: float

    @classmethod
    def of(cls, circulation: Circulation, map_mmhg: float) -> "SolvedHeart":
        """Return the solved numbers of a circulation."""
        solved = {name: getattr(circulation, name) for name in SOLVED}
        return cls(**solved, map_mmhg=map_mmhg)


SOLVED: Final = tuple(i.name for i in fields(SolvedHeart) if i.name != "map_mmhg")
_FOR_THE_DRAW: Final = Source(
    "ccmlab-evidence", "C2, solved for the drawn EF, EDV, SBP, DBP, HR", "fitted"
)
_RIGHT_HEART: Final = Source(
    "ccmlab-evidence", "B virtual cohort: RV as large as its stroke volume", "assumed"
)
_SPREADS: Final[Mapping[str, str]] = {
    "circulation.heart_rate_bpm": "heart_rate_mean_bpm",
    "contractility.reference_rate_bpm": "heart_rate_mean_bpm",
    "rhythm.heart_rate_bpm": "heart_rate_mean_bpm",
    "rhythm.sdnn_ms": "sdnn_mean_ms",
    "rhythm.lf_hf_ratio": "lf_hf_low",
    "rhythm.pvc_per_hour": "pvc_median_per_hour",
    "conduction.pr_ms": "pr_mean_ms",
    "conduction.qrs_ms": "qrs_mean_ms",
    "profile.age_years": "age_mean_years",
    "profile.nyha_class": "nyha_iii_frac",
    "profile.mlwhfq_score": "mlwhfq_mean",
}
"""The number of `TraitSpread` whose source a drawn value has."""
_LAW: Final = Source("ccmlab-evidence", "A3 ranges, drawn", "assumed")
_BLOCKED: Final = Source("ccmlab-protocol", "6, drawn", "assumed")
_CLASS: Final = Source("ccmlab-evidence", "B virtual cohort, by NYHA class", "assumed")
_DRAWN_LAW: Final = (
    "g_one_lead_frac",
    "threshold_frac",
    "k",
    "width_constant_ms",
    "best_delay_ms",
    "early_width_ms",
    "late_width_ms",
    "negative_frac",
)
_AETIOLOGIES: Final = {
    True: "ischaemic cardiomyopathy",
    False: "non-ischaemic dilated cardiomyopathy",
}
_CLASS_NAMES: Final = {1: "I", 2: "II", 3: "III", 4: "IV"}


def assembled(name: str, draw: Draw, heart: SolvedHeart) -> Patient:
    """Return the patient of a draw; every number says where it comes from.

    Parameters
    ----------
    name
        Of the patient.
    draw
        The drawn traits.
    heart
        That meets them.
    """
    solved = {name: getattr(heart, name) for name in SOLVED}
    rate_bpm = draw.heart_rate_bpm
    base = PHENOTYPES[_label(draw)].patient
    return Patient(
        name,
        base.phenotype,
        replace(HFREF, heart_rate_bpm=rate_bpm, **solved),
        contractility=Contractility(reference_rate_bpm=rate_bpm),
        reflex=Reflex(set_map_mmhg=heart.map_mmhg),
        response=law_named(draw.family, _drawn_law(draw)),
        muscle=Muscle(draw.beta_block_factor, heart.lv_elastance_mmhg_per_ml),
        rhythm=RhythmParameters(
            kind="af" if draw.fibrillates else "sinus",
            heart_rate_bpm=rate_bpm,
            sdnn_ms=draw.sdnn_ms,
            lf_hf_ratio=draw.lf_hf_ratio,
            pvc_per_hour=draw.pvc_per_hour,
        ),
        conduction=ConductionParameters(pr_ms=draw.pr_ms, qrs_ms=draw.qrs_ms),
        sensation=Sensation(
            felt_v=draw.sensation_felt_v,
            threshold_v=draw.sensation_felt_v + draw.sensation_gap_v,
        ),
        profile=_profile(draw, base.profile),
        sources=_sources(draw),
    )


def _label(draw: Draw) -> str:
    if draw.fibrillates:
        return "hfref-af"
    return "hfref-ischaemic" if draw.ischaemic else "hfref-nonischaemic"


def _drawn_law(draw: Draw) -> Saturating:
    return Saturating(**{name: getattr(draw, name) for name in _DRAWN_LAW})


def _profile(draw: Draw, chart: Profile) -> Profile:
    burden = 2.0 * draw.nyha_class - 1.0  # 5 of 10 in class III, as the ready-made have
    nyha = _CLASS_NAMES[draw.nyha_class]
    return replace(
        chart,
        age_years=draw.age_years,
        sex=draw.sex,
        nyha_class=draw.nyha_class,
        dyspnoea=burden,
        fatigue=burden,
        mlwhfq_score=draw.mlwhfq_score,
        aetiology=_AETIOLOGIES[draw.ischaemic],
        indication=f"heart failure with reduced ejection fraction, NYHA {nyha}",
        medication=tuple(
            drug
            for drug in chart.medication
            if draw.beta_blocker or drug != "beta-blocker"
        ),
    )


def _sources(draw: Draw) -> Mapping[str, Source]:
    family = Source("ccmlab-evidence", f"A3 family {draw.family}", "assumed")
    law = _drawn_law(draw)
    of_family = differing(law_named(draw.family, law), law, "response.")
    solved = [f"circulation.{name}" for name in SOLVED]
    solved += ["reflex.set_map_mmhg", "muscle.baseline_elastance_mmhg_per_ml"]
    right = ("circulation.rv_elastance_mmhg_per_ml", "circulation.rv_stiffness_per_ml")
    return {
        **dict.fromkeys(solved, _FOR_THE_DRAW),
        **dict.fromkeys(right, _RIGHT_HEART),
        **_drawn_sources(),
        **dict.fromkeys(("profile.dyspnoea", "profile.fatigue"), _CLASS),
        **dict.fromkeys((f"response.{name}" for name in _DRAWN_LAW), _LAW),
        "muscle.beta_block_factor": _BLOCKED,
        **dict.fromkeys(of_family, family),
    }


@cache
def _drawn_sources() -> Mapping[str, Source]:
    spread = {row.name: row.source for row in provenance(TraitSpread())}
    found = {name: spread[number] for name, number in _SPREADS.items()}
    felt = {row.name: row.source for row in provenance(SensationPopulation())}
    found["sensation.felt_v"] = felt["centre_v"]
    found["sensation.threshold_v"] = felt["gap_median_v"]
    return {
        name: replace(source, place=f"{source.place}, drawn")
        for name, source in found.items()
    }
