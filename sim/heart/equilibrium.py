"""Where a heart comes to rest at a constant gain, with the reflex closed.

Two loops, one inside the other. Inside, the reflex is held at some deviation, and the
beat that repeats itself is found (`with_reflex_held`). Outside, the deviation is moved
by the secant method until the beat's own mean pressure is the one it was held at
(`settled`). `repeating.repeating_beat` is the inner loop for a bare circulation.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.blocks import resting_volumes_ml
from sim.heart.circulation import (
    BEAT_FIELDS,
    BeatHaemodynamics,
    ClosedLoop,
)
from sim.heart.contractility import (
    contractility_factor,
    prepare_contractility,
    settled_memory,
)
from sim.heart.parameters import VOLUMES, FloatArray
from sim.heart.parts import HeartParts
from sim.heart.reflex import settled_effect
from sim.heart.repeating import NotSettledError, anderson, check_plausible
from sim.units import S_PER_MS

_MOST_TRIALS: Final = 25
_DEVIATION_TOLERANCE_MMHG: Final = 1e-8
_SETTLED_ML: Final = 1e-8
_MOST_BEATS: Final = 400


@dataclass(frozen=True, slots=True, eq=False)
class Equilibrium:
    """A heart that no longer changes from beat to beat, at a constant gain.

    `deviation_mmhg` is how far its mean pressure stays from the reflex's set point.
    """

    gain: float
    rr_s: float
    deviation_mmhg: float
    volumes_ml: FloatArray
    haemodynamics: BeatHaemodynamics


def settled(
    model: HeartParts, gain: float = 0.0, *, near: Equilibrium | None = None
) -> Equilibrium:
    """Return the steady state at a constant gain with the reflex closed.

    In atrial fibrillation it is the regular heart at the mean rate, without atria.
    `near` is where to begin to look, at another gain of the same heart: the same state
    to the tolerances, in fewer beats. Raises what `with_reflex_held` raises.
    """
    start_ml = None if near is None else near.volumes_ml
    before = 0.0 if near is None else near.deviation_mmhg
    trial = with_reflex_held(model, gain, deviation_mmhg=before, start_ml=start_ml)
    miss_before = _miss(model, trial)
    # the reflex undoes more than half of what moves the mean
    now = before + 0.3 * miss_before
    for _ in range(_MOST_TRIALS):
        if abs(miss_before) < _DEVIATION_TOLERANCE_MMHG:
            break
        start_ml = None if near is None else trial.volumes_ml
        trial = with_reflex_held(model, gain, deviation_mmhg=now, start_ml=start_ml)
        miss = _miss(model, trial)
        slope = (miss - miss_before) / (now - before)
        before, miss_before, now = now, miss, now - miss / slope
    return trial


def _miss(model: HeartParts, trial: Equilibrium) -> float:
    deviation_mmhg = trial.haemodynamics.map_mmhg - model.reflex.set_map_mmhg
    return deviation_mmhg - trial.deviation_mmhg


def with_reflex_held(
    model: HeartParts,
    gain: float = 0.0,
    *,
    deviation_mmhg: float = 0.0,
    start_ml: FloatArray | None = None,
    strict: bool = True,
) -> Equilibrium:
    """Return the steady state while the reflex is held at one deviation.

    `start_ml` are volumes to begin at, in place of those of a heart at rest.
    `strict` refuses a heart that does not settle (`NotSettledError`) or could not be
    alive (`ImplausibleHeartError`); a solver that passes by such hearts turns it off.
    """
    effect = settled_effect(model.reflex, deviation_mmhg)
    rr_s = model.rr_s + effect.interval_ms * S_PER_MS
    memory = settled_memory(model.contractility, gain, rr_s)
    constants = prepare_contractility(model.contractility)
    factor = contractility_factor(memory, constants, False) * effect.elastance_scale
    heart = ClosedLoop(model.circulation)

    def beat(volumes_ml: FloatArray) -> FloatArray:
        heart.volumes_ml = volumes_ml
        beat_row[:] = heart.beat(
            rr_s,
            contractility=factor,
            resistance_scale=effect.resistance_scale,
            venous_shift_ml=effect.venous_shift_ml,
            atrial_onset_s=model.atrial_onset_s(rr_s, model.origin),
        )
        return heart.volumes_ml

    beat_row = np.empty(len(BEAT_FIELDS))
    # The first beat leaves the tails of the activations; then only volumes count.
    rest_ml = resting_volumes_ml(model.circulation) if start_ml is None else start_ml
    started_ml = beat(rest_ml)
    volumes_ml, change, n_beats = anderson(beat, started_ml, _SETTLED_ML, _MOST_BEATS)
    worst = int(np.argmax(np.abs(change)))
    haemodynamics = BeatHaemodynamics.from_row(beat_row)
    if strict:
        if not abs(change[worst]) <= _SETTLED_ML:
            raise NotSettledError(
                VOLUMES[worst],
                float(change[worst]),
                tol=_SETTLED_ML,
                n_beats=n_beats,
            )
        check_plausible(haemodynamics)
    return Equilibrium(gain, rr_s, deviation_mmhg, volumes_ml, haemodynamics)
