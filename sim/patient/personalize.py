"""Change a ready-made patient by the names a scenario file uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from sim.law.muscle import unscaled
from sim.law.shipped import law_named, two_lead_gain
from sim.patient.patient import Patient
from sim.patient.solve import Targets, present_targets, solve_patient
from sim.sources import Source, differing

_TARGETS: Final = tuple(item.name for item in fields(Targets))
_SET_WITH_GAIN: Final = ("beta_block_factor", "baseline_elastance_mmhg_per_ml")


@dataclass(frozen=True, slots=True)
class Override:
    """Where a scenario's name goes in a patient, and the range it may have."""

    part: str
    field: str
    low: float
    high: float


OVERRIDES: Final[Mapping[str, Override]] = MappingProxyType(
    {
        "ejection_fraction_pct": Override("", "", 5.0, 80.0),
        "edv_ml": Override("", "", 60.0, 500.0),
        "sbp_mmhg": Override("", "", 60.0, 220.0),
        "heart_rate_bpm": Override("", "", 35.0, 150.0),
        "beta_block_factor": Override("muscle", "beta_block_factor", 0.3, 1.7),
        "g_two_leads": Override("response", "g_one_lead_frac", -0.2, 0.5),
        "best_delay_ms": Override("response", "best_delay_ms", 3.0, 140.0),
        "threshold_frac": Override("response", "threshold_frac", 0.0, 0.9),
        "carry_over_frac": Override("contractility", "carry_over_frac", 0.0, 0.4),
        "potentiation_frac": Override("contractility", "potentiation_frac", 0.0, 0.6),
        "pvc_per_hour": Override("rhythm", "pvc_per_hour", 0.0, 1500.0),
        "couplet_frac": Override("rhythm", "couplet_frac", 0.0, 1.0),
        "run_frac": Override("rhythm", "run_frac", 0.0, 1.0),
        "sdnn_ms": Override("rhythm", "sdnn_ms", 0.0, 150.0),
        "lf_hf_ratio": Override("rhythm", "lf_hf_ratio", 0.0, 20.0),
        "breathing_hz": Override("rhythm", "breathing_hz", 0.1, 0.6),
        "af_cv_frac": Override("rhythm", "af_cv_frac", 0.05, 0.5),
        "pr_ms": Override("conduction", "pr_ms", 100.0, 400.0),
        "qrs_ms": Override("conduction", "qrs_ms", 60.0, 220.0),
        "v1_lag_ms": Override("conduction", "v1_lag_ms", 0.0, 120.0),
        "v2_lag_ms": Override("conduction", "v2_lag_ms", 0.0, 120.0),
        "lag_jitter_ms": Override("conduction", "lag_jitter_ms", 0.0, 20.0),
        "atrial_mv": Override("conduction", "atrial_mv", 0.1, 10.0),
        "v1_mv": Override("conduction", "v1_mv", 0.1, 30.0),
        "v2_mv": Override("conduction", "v2_mv", 0.1, 30.0),
        "erp_ms": Override("conduction", "erp_ms", 150.0, 400.0),
        "sensation_felt_v": Override("sensation", "felt_v", 1.0, 30.0),
        "sensation_threshold_v": Override("sensation", "threshold_v", 1.0, 30.0),
        "age_years": Override("profile", "age_years", 18.0, 110.0),
        "nyha_class": Override("profile", "nyha_class", 1.0, 4.0),
        "dyspnoea": Override("profile", "dyspnoea", 0.0, 10.0),
        "fatigue": Override("profile", "fatigue", 0.0, 10.0),
        "mlwhfq_score": Override("profile", "mlwhfq_score", 0.0, 105.0),
        "expectation": Override("profile", "expectation", 0.0, 10.0),
        "icd_distance_cm": Override("profile", "icd_distance_cm", 0.0, 30.0),
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
        Name of a response law, or None to keep the patient's.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one, or a value out of range.
    UnreachableTargetError
        When no heart has the bedside values together.
    """
    values = dict(override or {})
    for name, value in values.items():
        _check(name, value)
    changes = {name: values[name] for name in _TARGETS if name in values}
    if changes:
        patient = _solved_for(patient, changes)
    for name in OVERRIDES:
        if name in values and name not in changes:
            patient = _set(patient, name, values[name])
    return patient if response is None else _under_law(patient, response)


def _solved_for(patient: Patient, changes: Mapping[str, float]) -> Patient:
    """Return the patient solved anew; all that moved is what the scenario asked for."""
    solved = solve_patient(patient, replace(present_targets(patient), **changes))
    stated = Source("scenario", f"solved for {_places(changes)}", "overridden")
    moved = dict.fromkeys(differing(solved, patient), stated)
    return replace(solved, sources={**patient.sources, **moved})


def _under_law(patient: Patient, name: str) -> Patient:
    law = law_named(name, patient.response)
    chosen = Source("ccmlab-evidence", f"A3 family {name}", "assumed")
    moved = differing(law, patient.response, "response.")
    sources = {**patient.sources, **dict.fromkeys(moved, chosen)}
    return replace(patient, response=law, sources=sources)


def _places(names: Iterable[str]) -> str:
    return ", ".join(f"patient.override.{name}" for name in names)


def _check(name: str, value: float) -> None:
    if name not in OVERRIDES:
        near = get_close_matches(name, OVERRIDES, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"override has no {name!r}; did you mean {near!r}?"
            f" Known: {', '.join(OVERRIDES)}"
        )
    low, high = OVERRIDES[name].low, OVERRIDES[name].high
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low:g} to {high:g}, got {value:g}")


def _set(patient: Patient, name: str, value: float) -> Patient:
    target = OVERRIDES[name]
    dotted = [f"{target.part}.{target.field}"]
    part = getattr(patient, target.part)
    if name == "g_two_leads":
        part = two_lead_gain(part, value)
        # the number is this patient's own: nothing of the muscle scales it again
        patient = replace(patient, muscle=unscaled(patient.muscle))
        dotted += [f"muscle.{field}" for field in _SET_WITH_GAIN]
    else:
        kind = type(getattr(part, target.field))
        part = replace(part, **{target.field: kind(value)})
    stated = Source("scenario", _places([name]), "overridden")
    sources = {**patient.sources, **dict.fromkeys(dotted, stated)}
    return replace(patient, **{target.part: part, "sources": sources})
