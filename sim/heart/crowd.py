"""Many hearts played through plans of their own, without chance: memory, reflex, loop.

What `beating.play` is for one heart, in one kernel over blocks of hearts: the truth of
a cohort asks for thousands of plans at once. Only what is read of each beat is kept.
"""

from collections.abc import Sequence

import numpy as np

from sim.heart import exact as at
from sim.heart.batch import LANES, ClosedLoopBatch
from sim.heart.beats import N_BEAT, block_kernel, ends
from sim.heart.circulation import BEAT_FIELDS
from sim.heart.contractility import SINUS
from sim.heart.control import (
    BEAT_COLUMNS,
    OWN_COLUMNS,
    advance,
    commands,
    control_constants,
    control_state,
)
from sim.heart.equilibrium import Equilibrium
from sim.heart.jit import kernel
from sim.heart.parameters import FloatArray
from sim.heart.parts import HeartParts

_beat_of_block = block_kernel(LANES)
_ORDERS_FROM = ends(LANES)[1]
_N_OWN, _N_ROW = len(OWN_COLUMNS), len(BEAT_COLUMNS)
_RR = OWN_COLUMNS.index("rr_s")
_ROOM = 1.5
"""Longest interval there is room for, in those of the slowest heart at rest."""
_NO_WAVE = np.empty(0)


@kernel
def _play_block(
    people: FloatArray,
    rise: FloatArray,
    trace: FloatArray,
    wave: FloatArray,
    states: FloatArray,
    constants: FloatArray,
    av_s: FloatArray,
    gains: FloatArray,
    column: int,
    ectopic: bool,
    longest_s: float,
    step_s: float,
    read: FloatArray,
) -> bool:
    """Play one block of hearts; return whether every interval had room.

    `gains` and `read` are `(n, beats)`, `states` `(n, 6)` and `constants` `(n, 18)` as
    in `control`; an `av_s` of -inf is a heart without P waves. `ectopic` is told, since
    kernels are compiled once more for a constant.
    """
    orders = people[_ORDERS_FROM : _ORDERS_FROM + LANES * at.N_ORDERS]
    orders = orders.reshape(LANES, at.N_ORDERS)
    out, row = np.empty(LANES * N_BEAT), np.empty(_N_ROW)
    for beat in range(gains.shape[1]):
        for j in range(LANES):
            factor, resistance, shift_ml, shift_s = commands(
                states[j], constants[j], ectopic
            )
            rr_s = constants[j, -1] + shift_s
            if not 0.0 < rr_s <= longest_s:
                return False
            orders[j, at.RR], orders[j, at.ONSET] = rr_s, rr_s - av_s[j]
            orders[j, at.CONTRACTILITY] = factor
            orders[j, at.RESISTANCE_SCALE] = resistance
            orders[j, at.VENOUS_SHIFT] = shift_ml
        _beat_of_block(people, rise, trace, wave, out, step_s)
        for j in range(LANES):
            row[_RR] = orders[j, at.RR]
            # numba compiles for seconds what a slice of another length would raise
            for i in range(N_BEAT):
                row[_N_OWN + i] = out[j * N_BEAT + i]
            advance(states[j], constants[j], gains[j, beat], row, ectopic)
            read[j, beat] = row[_N_OWN + column]
    return True


class Crowd(ClosedLoopBatch):
    """Hearts that have each long been at an equilibrium, ready to be played once.

    Parameters
    ----------
    models, starts
        One a heart; repeat one to play it through several plans.
    step_s
        Integration step.
    """

    def __init__(
        self,
        models: Sequence[HeartParts],
        starts: Sequence[Equilibrium],
        *,
        step_s: float = 0.001,
    ) -> None:
        super().__init__([model.circulation for model in models], step_s=step_s)
        pairs = list(zip(models, starts, strict=True))
        self._states = np.array([control_state(*pair) for pair in pairs])
        self._constants = np.array([control_constants(model) for model in models])
        # without a P wave the atria never begin
        self._av_s = np.array(
            [m.circulation.av_delay_s if m.origin == SINUS else -np.inf for m in models]
        )
        self._settle(pairs)

    def _settle(self, pairs: Sequence[tuple[HeartParts, Equilibrium]]) -> None:
        """Beat once, which leaves the tails of the activations, and restore volumes."""
        told = np.array(
            [
                commands(*both, False)[:3]
                for both in zip(self._states, self._constants, strict=True)
            ]
        )
        rr_s = np.array([start.rr_s for _, start in pairs])
        self.beat(
            rr_s,
            contractility=told[:, 0],
            resistance_scale=told[:, 1],
            venous_shift_ml=told[:, 2],
            atrial_onset_s=rr_s - self._av_s,
        )
        self.volumes_ml = np.array([start.volumes_ml for _, start in pairs])
        self._make_room(_ROOM * float(rr_s.max()))

    def played(self, gains: Sequence[FloatArray], field: str) -> list[FloatArray]:
        """Return one quantity of every beat of every heart; the reflex acts.

        Hearts of one block beat together, as long as the longest plan among them: put
        plans of one length next to each other.

        Parameters
        ----------
        gains
            One `(beats,)` array a heart: the steady relative gain of the train that
            each beat is given, 0 without one.
        field
            One of `BEAT_FIELDS`.

        Returns
        -------
        One `(beats,)` array a heart. Raises ValueError where a heart slows to beats
        that are half as long again as the longest at rest.
        """
        states, constants = self._padded(self._states), self._padded(self._constants)
        av_s = self._padded(self._av_s)
        found: list[FloatArray] = []
        for b in range(len(self._blocks)):
            own = slice(b * LANES, (b + 1) * LANES)
            told = _side_by_side(gains[own])
            read = np.empty(told.shape)
            if not _play_block(
                self._people[b],
                self._rise[b],
                self._trace,
                _NO_WAVE,
                states[own],
                constants[own],
                av_s[own],
                told,
                BEAT_FIELDS.index(field),
                False,  # a heart without chance has no ectopic beat
                self._room_s,
                self.step_s,
                read,
            ):
                raise ValueError(f"a heart of block {b} slows beyond {self._room_s} s")
            parts = zip(read, gains[own], strict=False)  # the last block has spare rows
            found += [row[: plan.size] for row, plan in parts]
        return found

    def _padded(self, values: FloatArray) -> FloatArray:
        return np.concatenate(self._parted(values))


def _side_by_side(gains: Sequence[FloatArray]) -> FloatArray:
    """Return the plans of a block, `(LANES, beats)`; the last gain goes on."""
    longest = max(plan.size for plan in gains)
    rows = [np.pad(plan, (0, longest - plan.size), mode="edge") for plan in gains]
    return np.array([*rows, *[rows[-1]] * (LANES - len(rows))])
