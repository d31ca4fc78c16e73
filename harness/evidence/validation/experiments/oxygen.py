"""What the heart uses: under CCM, and under an inotrope."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import numpy as np
from scipy.optimize import brentq

from harness.evidence.validation.people import cohort
from harness.evidence.validation.rules import (
    Finding,
    compared,
    limits_from_p,
    limits_of_mean,
    mean_of,
    number,
)
from sim.heart.beating import settled
from sim.heart.equilibrium import with_reflex_held
from sim.heart.oxygen import OxygenUse, oxygen_ml_per_min_100g
from sim.heart.parameters import FloatArray
from sim.heart.parts import HeartParts
from sim.heart.train import Train
from sim.units import PCT_PER_FRAC

N_PATIENTS: Final = 252
N_DRIVEN: Final = 84
_HOW: Final = (
    "virtual cohort of 252 (twelve studies of 21), settled off and at the nominal"
    " train, reflex on; oxygen use from the pressure-volume area"
)


@cache
def off_and_on() -> FloatArray:
    """Return, per patient, oxygen use off and on."""
    rows = []
    for patient in cohort().patients[:N_PATIENTS]:
        gain = float(patient.gain(Train(7.5)))
        off, on = settled(patient.heart), settled(patient.heart, gain)
        used_off = oxygen_ml_per_min_100g(off.haemodynamics, off.rr_s)
        used_on = oxygen_ml_per_min_100g(on.haemodynamics, on.rr_s, ccm_effect=gain)
        rows.append((used_off, used_on))
    return np.array(rows)


def a23() -> Finding:
    """Oxygen use at rest, CCM off and on."""
    off, on = off_and_on().T
    return Finding(
        _HOW,
        (
            compared("off", "6.81", limits_of_mean(6.81, 1.69, 21), mean_of(off)),
            compared(
                "change", "0.34", limits_from_p(0.34, 0.241, 21), mean_of(on - off)
            ),
        ),
        "Level and neutrality were fitted: the cost of the area is divided by"
        f" 1 + {OxygenUse().ccm_discount:g} x the CCM effect.",
    )


def a26() -> Finding:
    """Rise of oxygen use per beat under a plain inotrope."""
    dilated = [m.patient for m in cohort().members if not m.draw.ischaemic]
    rises = mean_of([_inotrope_rise_pct(p.heart) for p in dilated[:N_DRIVEN]])
    limits = limits_of_mean(22.0, 11.0 * np.sqrt(7.0), 7)
    return Finding(
        f"{N_DRIVEN} non-ischaemic patients of the virtual cohort (twelve studies of"
        " 7), Ees raised without CCM until dP/dt max is up 37 %, rate held, no reflex;"
        " oxygen use per beat",
        (compared("oxygen use per beat", number(22.0), limits, rises, unit="%"),),
        "The rise of dP/dt max is imposed, that of oxygen use is the answer. The"
        " estimate has no cost of calcium cycling, so it tends to be low.",
    )


def _inotrope_rise_pct(heart: HeartParts) -> float:
    rest = with_reflex_held(heart)
    goal = 1.37 * rest.haemodynamics.dpdt_max_mmhg_per_s

    def miss(effect: float) -> float:
        return with_reflex_held(heart, effect).haemodynamics.dpdt_max_mmhg_per_s - goal

    effect = float(brentq(miss, 0.0, 1.0, xtol=1e-3))
    driven = with_reflex_held(heart, effect)
    before, now = (
        oxygen_ml_per_min_100g(at.haemodynamics, at.rr_s) for at in (rest, driven)
    )
    return PCT_PER_FRAC * (now / before - 1.0)


EXPERIMENTS: Final[Mapping[str, Callable[[], Finding]]] = {
    "A23": a23,
    "A26": a26,
}
