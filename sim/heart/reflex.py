"""The arterial baroreflex: what a change of mean pressure does to rate and vessels.

Two states: the last beat's deviation of mean pressure from the set point (vagal, acts
on the next interval) and its slow follower s (sympathetic). Equations 18 to 22 of
docs/model.md. The effects of a beat are read before it is ejected, the states are moved
when it has ended and its mean pressure is known: a beat never answers itself. The set
point is the patient's own settled mean pressure, so that a patient at rest feels none
of this, and therapy that raises pressure is partly undone, as at the bedside.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.jit import kernel
from sim.heart.parameters import FloatArray
from sim.sources import sourced
from sim.units import S_PER_MS

# Places in the state array.
DEVIATION: Final = 0
FOLLOWER: Final = 1

_FIELDS: Final = (
    "follower_s",
    "rr_gain_ms_per_mmhg",
    "resistance_per_mmhg",
    "unstressed_ml_per_mmhg",
    "elastance_per_mmhg",
)


@dataclass(frozen=True, slots=True)
class Reflex:
    """Constants of the baroreflex; defaults are HFrEF's, all weaker than normal.

    `set_map_mmhg` is the patient's settled mean pressure, so that the reflex is at rest
    when the patient is.
    """

    set_map_mmhg: float = sourced(86.0, "ccmlab-evidence", "C2 outputs", "derived")
    follower_s: float = sourced(8.0, "ccmlab-evidence", "C2 baroreflex", "assumed")
    rr_gain_ms_per_mmhg: float = sourced(
        3.0, "ccmlab-evidence", "C2 baroreflex HF", "assumed"
    )
    resistance_per_mmhg: float = sourced(
        -0.005, "ccmlab-evidence", "C2 baroreflex HF", "assumed"
    )
    unstressed_ml_per_mmhg: float = sourced(
        2.5, "ccmlab-evidence", "C2 baroreflex HF", "assumed"
    )
    elastance_per_mmhg: float = sourced(
        -0.0015, "ccmlab-evidence", "C2 Ge HF", "assumed"
    )


@dataclass(frozen=True, slots=True)
class ReflexEffect:
    """What the reflex does to one beat, and to the interval that follows it."""

    resistance_scale: float
    venous_shift_ml: float
    elastance_scale: float
    interval_ms: float


NO_REFLEX: Final = Reflex(
    rr_gain_ms_per_mmhg=0.0,
    resistance_per_mmhg=0.0,
    unstressed_ml_per_mmhg=0.0,
    elastance_per_mmhg=0.0,
)


def prepare_reflex(reflex: Reflex) -> FloatArray:
    """Return the constants in the order the kernels read."""
    return np.array([getattr(reflex, name) for name in _FIELDS], dtype=float)


def settled_effect(reflex: Reflex, deviation_mmhg: float) -> ReflexEffect:
    """Return the effect once the mean pressure has long been off the set point.

    Parameters
    ----------
    reflex
        The patient's reflex.
    deviation_mmhg
        Mean pressure minus set point.
    """
    state = np.array([deviation_mmhg, deviation_mmhg])
    constants = prepare_reflex(reflex)
    return ReflexEffect(
        resistance_scale(state, constants),
        venous_shift_ml(state, constants),
        elastance_scale(state, constants),
        interval_shift_s(state, constants) / S_PER_MS,
    )


@kernel
def resistance_scale(state: FloatArray, constants: FloatArray) -> float:
    """Return the multiplier of the systemic resistance, at least 0.2."""
    # eq. 21; a wild pressure must not make a vessel without resistance
    return max(0.2, float(1.0 + constants[2] * state[FOLLOWER]))


@kernel
def venous_shift_ml(state: FloatArray, constants: FloatArray) -> float:
    """Return the rise of the unstressed venous volume; below 0 the veins tighten."""
    # eq. 22
    return float(constants[3] * state[FOLLOWER])


@kernel
def elastance_scale(state: FloatArray, constants: FloatArray) -> float:
    """Return the multiplier of LV elastance, at least 0.2."""
    # eq. 18
    return max(0.2, float(1.0 + constants[4] * state[FOLLOWER]))


@kernel
def interval_shift_s(state: FloatArray, constants: FloatArray) -> float:
    """Return what the reflex adds to the next beat-to-beat interval."""
    # eq. 20: half at once by the vagus, half by way of the follower
    half_gain = 0.5 * constants[1] * S_PER_MS
    return float(half_gain * (state[DEVIATION] + state[FOLLOWER]))


@kernel
def update_reflex(
    state: FloatArray, constants: FloatArray, deviation_mmhg: float, rr_s: float
) -> None:
    """Move the reflex in place over one finished beat of known mean pressure."""
    # eq. 19, exact over an interval in which the deviation is constant
    kept = np.exp(-rr_s / constants[0])
    state[FOLLOWER] = deviation_mmhg + (state[FOLLOWER] - deviation_mmhg) * kept
    state[DEVIATION] = deviation_mmhg
