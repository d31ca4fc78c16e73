"""What steers each beat: memory of the trains and reflex, as one state per heart.

`commands` is asked before a beat is ejected, `advance` is told when it has ended; both
are kernels on one flat state, so that a visit spends two short calls a beat on them.
"""

from typing import Final

import numpy as np

from sim.heart.circulation import BEAT_FIELDS
from sim.heart.contractility import (
    MEMORY,
    Contractility,
    contractility_factor,
    prepare_contractility,
    settled_memory,
    update_memory,
)
from sim.heart.equilibrium import Equilibrium
from sim.heart.jit import kernel
from sim.heart.parameters import FloatArray
from sim.heart.parts import HeartParts
from sim.heart.reflex import (
    elastance_scale,
    interval_shift_s,
    prepare_reflex,
    resistance_scale,
    update_reflex,
    venous_shift_ml,
)

OWN_COLUMNS: Final = ("at_s", "rr_s", "origin", "contractility", "gain")
BEAT_COLUMNS: Final = OWN_COLUMNS + BEAT_FIELDS
_N_MEMORY: Final = len(MEMORY)
_N_CONTRACTILITY: Final = len(prepare_contractility(Contractility()))
_RR: Final = OWN_COLUMNS.index("rr_s")
_MAP: Final = BEAT_COLUMNS.index("map_mmhg")


def control_constants(model: HeartParts, *, reflex: bool = True) -> FloatArray:
    """Return the constants of memory and reflex, then set point and resting interval.

    Without `reflex` its gains are 0.
    """
    gains = prepare_reflex(model.reflex)
    if not reflex:
        gains[1:] = 0.0
    return np.concatenate(
        (
            prepare_contractility(model.contractility),
            gains,
            [model.reflex.set_map_mmhg, model.rr_s],
        )
    )


def control_state(model: HeartParts, start: Equilibrium) -> FloatArray:
    """Return memory and reflex of a heart that has long been at an equilibrium."""
    memory = settled_memory(model.contractility, start.gain, start.rr_s)
    return np.concatenate((memory, np.full(2, start.deviation_mmhg)))


@kernel
def commands(
    state: FloatArray, constants: FloatArray, ectopic: bool
) -> tuple[float, float, float, float]:
    """Return what steers a beat: contractility, resistance, venous shift, interval.

    Parameters
    ----------
    state : (6,)
        From `control_state`.
    constants : (18,)
        From `control_constants`.
    ectopic
        Whether the beat comes from the ventricle itself.
    """
    reflex, of_reflex = state[_N_MEMORY:], constants[_N_CONTRACTILITY:]
    factor = contractility_factor(state[:_N_MEMORY], constants, ectopic)
    return (
        factor * elastance_scale(reflex, of_reflex),
        resistance_scale(reflex, of_reflex),
        venous_shift_ml(reflex, of_reflex),
        interval_shift_s(reflex, of_reflex),
    )


@kernel
def advance(
    state: FloatArray,
    constants: FloatArray,
    gain: float,
    row: FloatArray,
    ectopic: bool,
) -> None:
    """Move memory and reflex in place over one finished beat, `row` of BEAT_COLUMNS."""
    rr_s, deviation_mmhg = row[_RR], row[_MAP] - constants[-2]
    update_memory(state[:_N_MEMORY], constants, gain, rr_s, ectopic)
    update_reflex(state[_N_MEMORY:], constants[_N_CONTRACTILITY:], deviation_mmhg, rr_s)
