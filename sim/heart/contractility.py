"""What multiplies the LV elastance of each beat: CCM memory, interval, rate.

A train changes the beats after it, not its own: `contractility_factor` is read at the
activation, `update_memory` is called when the beat has ended.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.jit import kernel
from sim.heart.parameters import FloatArray
from sim.sources import sourced
from sim.units import S_PER_MIN

SINUS: Final = 0
PVC: Final = 1
AF: Final = 2
VT: Final = 3
ORIGIN_NAMES: Final = ("sinus", "pvc", "af", "vt")

# Places in the memory array.
FAST: Final = 0
SLOW: Final = 1
POTENTIATION: Final = 2
MEAN_RR: Final = 3
MEMORY: Final = ("fast", "slow", "potentiation", "mean_rr_s")

_FIELDS: Final = (
    "fast_on_beats",
    "fast_off_beats",
    "slow_on_s",
    "slow_off_s",
    "carry_over_frac",
    "ectopic_factor",
    "potentiation_frac",
    "potentiation_kept_frac",
    "force_frequency_frac",
    "reference_rate_bpm",
    "rate_memory_s",
)


@dataclass(frozen=True, slots=True)
class Contractility:
    """Constants of the beat-wise contractility c(n); defaults are HFrEF's.

    `carry_over_frac` is the slow share of the CCM effect, 0 to 0.4: what lingers for
    minutes and biases a hurried visit. `force_frequency_frac` is per 10 beats a minute.
    """

    fast_on_beats: float = sourced(2.5, "ccmlab-evidence", "A2", "assumed")
    fast_off_beats: float = sourced(4.0, "ccmlab-evidence", "A2", "assumed")
    slow_on_s: float = sourced(120.0, "ccmlab-evidence", "A2", "assumed")
    slow_off_s: float = sourced(300.0, "ccmlab-evidence", "A2", "assumed")
    carry_over_frac: float = sourced(0.2, "ccmlab-evidence", "A2", "assumed")
    ectopic_factor: float = sourced(0.8, "ccmlab-evidence", "C2 r(n)", "assumed")
    potentiation_frac: float = sourced(0.2, "ccmlab-evidence", "C2 p HF", "fitted")
    potentiation_kept_frac: float = sourced(
        0.4, "ccmlab-evidence", "C2 r(n)", "assumed"
    )
    force_frequency_frac: float = sourced(0.03, "ccmlab-evidence", "C2 b HF", "fitted")
    reference_rate_bpm: float = sourced(
        74.0, "ccmlab-evidence", "C2 HR HFrEF", "fitted"
    )
    rate_memory_s: float = sourced(10.0, "ccmlab-evidence", "C2 b", "assumed")


def prepare_contractility(contractility: Contractility) -> FloatArray:
    """Return the constants in the order the kernels read; refuse a bad carry-over."""
    share = contractility.carry_over_frac
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"carry_over_frac must be 0 to 1, got {share:g}")
    return np.array([getattr(contractility, name) for name in _FIELDS], dtype=float)


def settled_memory(
    contractility: Contractility, gain: float, rr_s: float
) -> FloatArray:
    """Return the `(4,)` memory of a heart long at a constant gain and rate."""
    slow = contractility.carry_over_frac
    return np.array([(1.0 - slow) * gain, slow * gain, 0.0, rr_s])


@kernel
def contractility_factor(
    memory: FloatArray, constants: FloatArray, ectopic: bool
) -> float:
    """Return c(n) without the reflex, from the memory before this beat's train.

    Parameters
    ----------
    memory : (4,)
        As `MEMORY`; not changed.
    constants : (11,)
        From `prepare_contractility`.
    ectopic
        Whether this beat is premature or a beat of a ventricular run.
    """
    # eq. 16; a premature beat finds calcium not yet recovered, whatever is potentiated
    interval = constants[5] if ectopic else 1.0 + memory[POTENTIATION]
    # eq. 17, by the mean rate: one short interval is no change of rate
    rate_bpm = S_PER_MIN / memory[MEAN_RR]
    rate = 1.0 + constants[8] * (rate_bpm - constants[9]) / 10.0
    # eq. 15; the reflex, eq. 18, is multiplied in `control.commands`
    return float((1.0 + memory[SLOW] + memory[FAST]) * interval * rate)


@kernel
def update_memory(
    memory: FloatArray, constants: FloatArray, gain: float, rr_s: float, ectopic: bool
) -> None:
    """Move the memory in place over one finished beat.

    `gain` is the steady relative gain of the train this beat got, 0 without one;
    `rr_s` the time to the next activation. Fast part per beat, slow part per second.
    """
    # eq. 23
    slow_share = constants[4]
    fast_target, slow_target = (1.0 - slow_share) * gain, slow_share * gain
    # on while the effect grows in size, also where it is below zero
    fast_beats = constants[0] if abs(fast_target) > abs(memory[FAST]) else constants[1]
    slow_s = constants[2] if abs(slow_target) > abs(memory[SLOW]) else constants[3]
    memory[FAST] += (fast_target - memory[FAST]) * -np.expm1(-1.0 / fast_beats)
    memory[SLOW] += (slow_target - memory[SLOW]) * -np.expm1(-rr_s / slow_s)
    if ectopic:
        memory[POTENTIATION] = constants[6]
    else:
        memory[POTENTIATION] *= constants[7]
    memory[MEAN_RR] += (rr_s - memory[MEAN_RR]) * -np.expm1(-rr_s / constants[10])
