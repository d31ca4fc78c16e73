"""Change a ready-made patient by the names a scenario file uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from sim.law.muscle import unscaled
from sim.law.registry import constants_of, law_named
from sim.names import nearest_name
from sim.patient.patient import Patient
from sim.patient.solve import Targets, present_targets, solve_patient
from sim.sources import Source, differing

_TARGETS: Final = tuple(item.name for item in fields(Targets))
_SET_WITH_GAIN: Final = ("beta_block_factor", "baseline_elastance_mmhg_per_ml")


@dataclass(frozen=True, slots=True)
class Override:
    """Where a scenario's name goes in a patient, its range, and what it means."""

    part: str
    field: str
    low: float
    high: float
    meaning: str


OVERRIDES: Final[Mapping[str, Override]] = MappingProxyType(
    {
        "ejection_fraction_pct": Override(
            "",
            "",
            5.0,
            80.0,
            "ejection fraction of the left ventricle at rest, CCM off",
        ),
        "edv_ml": Override(
            "", "", 60.0, 500.0, "end-diastolic volume of the left ventricle"
        ),
        "sbp_mmhg": Override("", "", 60.0, 220.0, "systolic pressure at rest"),
        "heart_rate_bpm": Override("", "", 35.0, 150.0, "heart rate at rest"),
        "beta_block_factor": Override(
            "muscle",
            "beta_block_factor",
            0.3,
            1.7,
            "factor of the gain: 1 usual beta-blocker, 1.67 without, 0.6 high dose",
        ),
        "g_two_leads": Override(
            "response",
            "",
            -0.2,
            0.5,
            "own gain of elastance at the nominal train of two leads, a fraction",
        ),
        "best_delay_ms": Override(
            "response", "best_delay_ms", 3.0, 140.0, "delay at which the law gains most"
        ),
        "threshold_frac": Override(
            "response",
            "threshold_frac",
            0.0,
            0.9,
            "share of the nominal strength below which nothing happens",
        ),
        "carry_over_frac": Override(
            "contractility",
            "carry_over_frac",
            0.0,
            0.4,
            "share of the gain that fades slowly after CCM has stopped",
        ),
        "potentiation_frac": Override(
            "contractility",
            "potentiation_frac",
            0.0,
            0.6,
            "stronger beat after an ectopic one",
        ),
        "pvc_per_hour": Override(
            "rhythm", "pvc_per_hour", 0.0, 1500.0, "ventricular ectopics"
        ),
        "couplet_frac": Override(
            "rhythm", "couplet_frac", 0.0, 1.0, "share of ectopics followed by another"
        ),
        "run_frac": Override(
            "rhythm", "run_frac", 0.0, 1.0, "share of ectopics that begin a run"
        ),
        "sdnn_ms": Override(
            "rhythm",
            "sdnn_ms",
            0.0,
            150.0,
            "spread of the intervals between sinus beats",
        ),
        "lf_hf_ratio": Override(
            "rhythm",
            "lf_hf_ratio",
            0.0,
            20.0,
            "slow over respiratory waves of the heart rate",
        ),
        "breathing_hz": Override(
            "rhythm", "breathing_hz", 0.1, 0.6, "breaths per second"
        ),
        "af_cv_frac": Override(
            "rhythm",
            "af_cv_frac",
            0.05,
            0.5,
            "irregularity of the intervals in atrial fibrillation",
        ),
        "pr_ms": Override("conduction", "pr_ms", 100.0, 400.0, "PR interval"),
        "qrs_ms": Override("conduction", "qrs_ms", 60.0, 220.0, "QRS duration"),
        "v1_lag_ms": Override(
            "conduction",
            "v1_lag_ms",
            0.0,
            120.0,
            "from the beginning of the QRS to lead V1",
        ),
        "v2_lag_ms": Override(
            "conduction",
            "v2_lag_ms",
            0.0,
            120.0,
            "from the beginning of the QRS to lead V2",
        ),
        "lag_jitter_ms": Override(
            "conduction",
            "lag_jitter_ms",
            0.0,
            20.0,
            "spread of both lags from beat to beat",
        ),
        "atrial_mv": Override(
            "conduction", "atrial_mv", 0.1, 10.0, "P wave at the atrial lead"
        ),
        "v1_mv": Override("conduction", "v1_mv", 0.1, 30.0, "R wave at lead V1"),
        "v2_mv": Override("conduction", "v2_mv", 0.1, 30.0, "R wave at lead V2"),
        "erp_ms": Override(
            "conduction",
            "erp_ms",
            150.0,
            400.0,
            "absolute refractory period of the ventricle",
        ),
        "sensation_felt_v": Override(
            "sensation", "felt_v", 1.0, 30.0, "amplitude from which trains are felt"
        ),
        "sensation_threshold_v": Override(
            "sensation",
            "threshold_v",
            1.0,
            30.0,
            "amplitude from which trains are not tolerated",
        ),
        "age_years": Override("profile", "age_years", 18.0, 110.0, "age"),
        "nyha_class": Override("profile", "nyha_class", 1.0, 4.0, "NYHA class, 1 to 4"),
        "dyspnoea": Override(
            "profile", "dyspnoea", 0.0, 10.0, "breathlessness, 0 none to 10 worst"
        ),
        "fatigue": Override(
            "profile", "fatigue", 0.0, 10.0, "fatigue, 0 none to 10 worst"
        ),
        "mlwhfq_score": Override(
            "profile",
            "mlwhfq_score",
            0.0,
            105.0,
            "Minnesota questionnaire, 0 best to 105",
        ),
        "expectation": Override(
            "profile",
            "expectation",
            0.0,
            10.0,
            "how much of a symptom score is lost for being treated",
        ),
        "icd_distance_cm": Override(
            "profile",
            "icd_distance_cm",
            0.0,
            30.0,
            "from the defibrillator's lead to the nearest CCM lead, 0 without one",
        ),
    }
)
"""Every name that `override` of a scenario may hold, with its range."""


def personalize(
    patient: Patient,
    override: Mapping[str, float] | None = None,
    response: str | None = None,
) -> Patient:
    """Return the patient with some values replaced, each marked as overridden.

    Parameters
    ----------
    patient
        Where everything else comes from.
    override
        Values by the names of `OVERRIDES`. Bedside values (ejection fraction, volume,
        systolic pressure, rate) are met by solving the circulation anew.
        `g_two_leads` is this patient's own gain at the nominal train.
    response
        A response law as `sim.law.registry.law_kind` takes it, or None to keep the
        patient's. Overrides of the law are those of this one.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one, a value out of range, or one
        that the patient's law does not have.
    UnreachableTargetError
        When no heart has the bedside values together.
    """
    values = dict(override or {})
    for name, value in values.items():
        _check(name, value)
    changes = {name: values[name] for name in _TARGETS if name in values}
    if changes:
        patient = _solved_for(patient, changes)
    if response is not None:
        patient = _under_law(patient, response)
    for name in OVERRIDES:
        if name in values and name not in changes:
            patient = _set(patient, name, values[name])
    return patient


def _solved_for(patient: Patient, changes: Mapping[str, float]) -> Patient:
    """Return the patient solved anew; all that moved is what the scenario asked for."""
    solved = solve_patient(patient, replace(present_targets(patient), **changes))
    stated = Source("scenario", f"solved for {_places(changes)}", "overridden")
    moved = dict.fromkeys(differing(solved, patient), stated)
    return replace(solved, sources={**patient.sources, **moved})


def _under_law(patient: Patient, word: str) -> Patient:
    """Return the patient under another law, whose constants bring their own sources."""
    law, before = law_named(word, patient.response), patient.response
    kept = {
        f"response.{name}"
        for name, value in constants_of(law).items()
        if getattr(before, name, None) == value
    }
    sources = {
        name: source
        for name, source in patient.sources.items()
        if name in kept or not name.startswith("response.")
    }
    return replace(patient, response=law, sources=sources)


def _places(names: Iterable[str]) -> str:
    return ", ".join(f"patient.override.{name}" for name in names)


def _check(name: str, value: float) -> None:
    if name not in OVERRIDES:
        near = nearest_name(name, OVERRIDES)
        raise ValueError(
            f"override has no {name!r}; did you mean {near!r}?"
            f" Known: {', '.join(OVERRIDES)}"
        )
    low, high = OVERRIDES[name].low, OVERRIDES[name].high
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low:g} to {high:g}, got {value:g}")


def _set(patient: Patient, name: str, value: float) -> Patient:
    target = OVERRIDES[name]
    dotted = [f"{target.part}.{target.field}"] if target.field else []
    part = getattr(patient, target.part)
    if name == "g_two_leads":
        before, part = part, _sized(part, value)
        dotted += differing(part, before, "response.")
        # the number is this patient's own: nothing of the muscle scales it again
        patient = replace(patient, muscle=unscaled(patient.muscle))
        dotted += [f"muscle.{field}" for field in _SET_WITH_GAIN]
    else:
        if not hasattr(part, target.field):
            raise ValueError(f"{name}: the law {part.name} has no such constant")
        kind = type(getattr(part, target.field))
        part = replace(part, **{target.field: kind(value)})
    stated = Source("scenario", _places([name]), "overridden")
    sources = {**patient.sources, **dict.fromkeys(dotted, stated)}
    return replace(patient, **{target.part: part, "sources": sources})


def _sized(law: Any, gain_frac: float) -> Any:
    if not hasattr(law, "sized"):
        raise ValueError(f"g_two_leads: the law {law.name} has no size of its own")
    return law.sized(gain_frac)
