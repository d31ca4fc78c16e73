"""A patient of a cohort, put together from the draw and the heart that meets it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Final

import numpy as np

from sim.heart.conduction import ConductionParameters
from sim.heart.contractility import Contractility
from sim.heart.parameters import HFREF, Circulation
from sim.heart.reflex import Reflex
from sim.heart.rhythm import RhythmParameters
from sim.heart.sensation import Sensation, SensationPopulation
from sim.law.muscle import Muscle
from sim.law.registry import law_kind, spreads_of
from sim.law.response_law import ResponseLaw
from sim.law.saturating import Saturating
from sim.law.spread import spreads
from sim.patient.patient import Patient, Profile
from sim.patient.phenotypes import PHENOTYPES
from sim.patient.population import Draw, TraitSpread
from sim.sources import Source, provenance


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
_BLOCKED: Final = Source("ccmlab-protocol", "6, drawn", "assumed")
_CLASS: Final = Source("ccmlab-evidence", "B virtual cohort, by NYHA class", "assumed")
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
    base, law = PHENOTYPES[_label(draw)].patient, _drawn_law(draw)
    return Patient(
        name,
        base.phenotype,
        replace(HFREF, heart_rate_bpm=rate_bpm, **solved),
        contractility=Contractility(reference_rate_bpm=rate_bpm),
        reflex=Reflex(set_map_mmhg=heart.map_mmhg),
        response=law,
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
        sources=_sources(draw, law),
    )


def _label(draw: Draw) -> str:
    if draw.fibrillates:
        return "hfref-af"
    return "hfref-ischaemic" if draw.ischaemic else "hfref-nonischaemic"


def _drawn_law(draw: Draw) -> ResponseLaw:
    """Return the law of a draw; the saturating one hangs together with the traits."""
    law = law_kind(draw.family).draw(np.random.default_rng(draw.law_number))
    if not isinstance(law, Saturating):
        return law
    return replace(law, **{name: getattr(draw, name) for name in spreads(type(law))})


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
        aetiology="ischaemic" if draw.ischaemic else "non-ischaemic",
        indication=f"heart failure with reduced ejection fraction, NYHA {nyha}",
        medication=tuple(
            drug
            for drug in chart.medication
            if draw.beta_blocker or drug != "beta-blocker"
        ),
    )


def _sources(draw: Draw, law: ResponseLaw) -> Mapping[str, Source]:
    declared = {row.name: row.source for row in provenance(law)}
    drawn = {f"response.{name}": _as_drawn(declared[name]) for name in spreads_of(law)}
    solved = [f"circulation.{name}" for name in SOLVED]
    solved += ["reflex.set_map_mmhg", "muscle.baseline_elastance_mmhg_per_ml"]
    right = ("circulation.rv_elastance_mmhg_per_ml", "circulation.rv_stiffness_per_ml")
    return {
        **dict.fromkeys(solved, _FOR_THE_DRAW),
        **dict.fromkeys(right, _RIGHT_HEART),
        **_drawn_sources(),
        **dict.fromkeys(("profile.dyspnoea", "profile.fatigue"), _CLASS),
        **drawn,
        "muscle.beta_block_factor": _BLOCKED,
    }


@cache
def _drawn_sources() -> Mapping[str, Source]:
    spread = {row.name: row.source for row in provenance(TraitSpread())}
    found = {name: spread[number] for name, number in _SPREADS.items()}
    felt = {row.name: row.source for row in provenance(SensationPopulation())}
    found["sensation.felt_v"] = felt["centre_v"]
    found["sensation.threshold_v"] = felt["gap_median_v"]
    return {name: _as_drawn(source) for name, source in found.items()}


def _as_drawn(source: Source) -> Source:
    return replace(source, place=f"{source.place}, drawn")
