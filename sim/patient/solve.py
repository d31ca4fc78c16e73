"""Fit the circulation to what was measured at the bedside, CCM off."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from sim.carried import Carried
from sim.heart.equilibrium import with_reflex_held
from sim.heart.parameters import Circulation, FloatArray
from sim.heart.repeating import ImplausibleHeartError
from sim.patient.patient import Patient
from sim.sources import Source
from sim.units import PCT_PER_FRAC

_SOLVED: Final = (
    "lv_elastance_mmhg_per_ml",
    "stressed_volume_ml",
    "systemic_resistance_mmhg_s_per_ml",
)
_FOLLOWING: Final = ("lv_stiffness_per_ml", "heart_rate_bpm")
_ELSEWHERE: Final = (
    "rhythm.heart_rate_bpm",
    "contractility.reference_rate_bpm",
    "reflex.set_map_mmhg",
    "muscle.baseline_elastance_mmhg_per_ml",
)
_RESTING: Final = ("reflex.set_map_mmhg", "muscle.baseline_elastance_mmhg_per_ml")
_DERIVED: Final = Source("ccmlab-evidence", "C2, where this heart settles", "derived")
_LEAST_FACTORS: Final = (0.1, 0.4, 0.25)
_MOST_FACTORS: Final = (5.0, 2.5, 4.0)
_UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {"ejection_fraction_pct": "%", "edv_ml": "mL", "sbp_mmhg": "mmHg"}
)
_RANGES: Final[Mapping[str, tuple[float, float, str]]] = MappingProxyType(
    {
        "ejection_fraction_pct": (5.0, 80.0, "%"),
        "edv_ml": (60.0, 500.0, "mL"),
        "sbp_mmhg": (60.0, 220.0, "mmHg"),
        "heart_rate_bpm": (35.0, 150.0, "1/min"),
    }
)
_NO_HEART: Final = np.full(3, -1.0)  # pumps nothing: far, but no end of the search
_TOLERANCE_FRAC: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Targets:
    """Bedside values at rest with CCM off; a ValueError names one out of range."""

    ejection_fraction_pct: float
    edv_ml: float
    sbp_mmhg: float
    heart_rate_bpm: float

    def __post_init__(self) -> None:
        for name, (low, high, unit) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(
                    f"{name} must be {low:g} to {high:g} {unit}, got {value:g} {unit}"
                )


class UnreachableTargetError(Carried, ValueError):
    """No circulation within bounds has the values asked for together."""

    def __init__(self, name: str, asked: float, reached: float) -> None:
        unit = _UNITS[name]
        super().__init__(
            f"{name} {asked:g} {unit} cannot be reached together with the other"
            f" targets: the nearest heart has {reached:.4g} {unit}"
            f" ({reached - asked:+.3g} {unit})"
        )
        self.name = name
        self.asked = asked
        self.reached = reached


class NoHeartError(ValueError):
    """Stated values leave nothing that could beat, such as empty arteries."""


def present_targets(patient: Patient) -> Targets:
    """Return where the patient is now, as the targets that would bring it there."""
    ejection, edv_ml, sbp_mmhg = (float(v) for v in _operating_point(patient))
    rate_bpm = patient.circulation.heart_rate_bpm
    return Targets(ejection, edv_ml, sbp_mmhg, rate_bpm)


def solve_patient(patient: Patient, targets: Targets) -> Patient:
    """Return the patient with a circulation that settles at the targets.

    LV elastance, stressed volume and systemic resistance are solved for; the filling
    curve is stretched to the end-diastolic volume, as a dilated ventricle's is. The
    reflex set point, the reference rate and the baseline of the dose law follow.

    Raises
    ------
    UnreachableTargetError
        Names the target that is missed most, and by how much.
    ImplausibleHeartError
        When only a heart that could not be alive meets the targets.
    """
    guess = _at_rate(_stretched(patient, targets.edv_ml), targets.heart_rate_bpm)
    asked = np.array([targets.ejection_fraction_pct, targets.edv_ml, targets.sbp_mmhg])

    def miss(log_factors: FloatArray) -> FloatArray:
        trial = _scaled(guess, np.exp(log_factors))
        try:
            point = _operating_point(trial)
        except ValueError:  # too little blood to fill the arteries
            return _NO_HEART
        ratio: FloatArray = point / asked - 1.0
        return ratio if np.isfinite(ratio).all() else _NO_HEART

    found = least_squares(
        miss,
        np.zeros(3),
        bounds=(np.log(_LEAST_FACTORS), np.log(_MOST_FACTORS)),
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
        max_nfev=60,
    )
    worst = int(np.argmax(np.abs(found.fun)))
    if abs(found.fun[worst]) > _TOLERANCE_FRAC:
        reached = asked[worst] * (1.0 + found.fun[worst])
        raise UnreachableTargetError(
            tuple(_UNITS)[worst], float(asked[worst]), float(reached)
        )
    return _solved(_scaled(guess, np.exp(found.x)))


def _stretched(patient: Patient, edv_ml: float) -> Patient:
    """Return the patient with the filling curve of a ventricle of another size."""
    circulation = patient.circulation
    present = (
        with_reflex_held(patient.heart).haemodynamics.edv_ml - circulation.lv_v0_ml
    )
    stiffness = circulation.lv_stiffness_per_ml * present
    stiffness /= edv_ml - circulation.lv_v0_ml
    return _with_circulation(patient, lv_stiffness_per_ml=stiffness)


def _at_rate(patient: Patient, heart_rate_bpm: float) -> Patient:
    patient = _with_circulation(patient, heart_rate_bpm=heart_rate_bpm)
    return replace(
        patient,
        rhythm=replace(patient.rhythm, heart_rate_bpm=heart_rate_bpm),
        contractility=replace(patient.contractility, reference_rate_bpm=heart_rate_bpm),
    )


def _with_circulation(patient: Patient, **changes: float) -> Patient:
    return replace(patient, circulation=replace(patient.circulation, **changes))


def _scaled(patient: Patient, factors: FloatArray) -> Patient:
    circulation: Circulation = patient.circulation
    return _with_circulation(
        patient,
        **{
            name: getattr(circulation, name) * float(factor)
            for name, factor in zip(_SOLVED, factors, strict=True)
        },
    )


def _operating_point(patient: Patient) -> FloatArray:
    beat = with_reflex_held(patient.heart, strict=False).haemodynamics
    return np.array([PCT_PER_FRAC * beat.ef_frac, beat.edv_ml, beat.sbp_mmhg])


def _solved(patient: Patient) -> Patient:
    """Say that the circulation was solved, and let what hangs on it follow."""
    solved = Source("ccmlab-evidence", "C2, solved for EF, EDV, SBP, HR", "fitted")
    names = [f"circulation.{name}" for name in (*_SOLVED, *_FOLLOWING)]
    return adapted(patient, solved, (*names, *_ELSEWHERE))


def adapted(
    patient: Patient, source: Source = _DERIVED, names: tuple[str, ...] = _RESTING
) -> Patient:
    """Put the reflex's set point and the dose law's baseline where the patient is.

    Parameters
    ----------
    patient
        With the circulation that counts.
    source, names
        Where the dotted names now come from.

    Raises
    ------
    NotSettledError, ImplausibleHeartError, NoHeartError
        When this heart cannot live.
    """
    try:
        map_mmhg = with_reflex_held(patient.heart).haemodynamics.map_mmhg
    except ImplausibleHeartError:
        raise
    except ValueError as error:
        raise NoHeartError(str(error)) from None
    elastance = patient.circulation.lv_elastance_mmhg_per_ml
    return replace(
        patient,
        reflex=replace(patient.reflex, set_map_mmhg=map_mmhg),
        muscle=replace(patient.muscle, baseline_elastance_mmhg_per_ml=elastance),
        sources={**patient.sources, **dict.fromkeys(names, source)},
    )
