"""Many patients, or many settings of one patient, beat by beat side by side."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from sim.heart import exact as at
from sim.heart.activation import n_records, rise_table
from sim.heart.beats import N_BEAT, block_kernel, ends
from sim.heart.blocks import Block, lined_up, room_for
from sim.heart.circulation import (
    LONGEST_RR_S,
    SHORTEST_RR_S,
)
from sim.heart.jit import kernel
from sim.heart.parameters import VOLUMES, Circulation, FloatArray
from sim.heart.repeating import MEMORY, NotSettledError, combined

LANES = 4
"""Patients of a block: their left and right hearts fill one AVX-512 register."""
_beat_of_block = block_kernel(LANES)


@kernel
def beat_of_blocks(
    people: FloatArray,
    rise: FloatArray,
    trace: FloatArray,
    wave: FloatArray,
    out: FloatArray,
    step_s: float,
) -> None:
    """Let every block beat once: a row of `people`, `rise` and `out` each."""
    for b in range(len(people)):
        _beat_of_block(people[b], rise[b], trace, wave, out[b], step_s)


_NO_WAVE = np.empty(0)


class ClosedLoopBatch:
    """Several hearts that beat one beat per call, each at its own interval.

    Parameters
    ----------
    circulations
        One per heart; repeat one to try many settings on the same patient.
    step_s
        Integration step.
    """

    def __init__(
        self, circulations: Sequence[Circulation], *, step_s: float = 0.001
    ) -> None:
        if not circulations:
            raise ValueError("circulations must not be empty")
        self.circulations = tuple(circulations)
        self.step_s = step_s
        n_spare = -len(circulations) % LANES
        padded = [*circulations, *[circulations[-1]] * n_spare]
        parts = [padded[k : k + LANES] for k in range(0, len(padded), LANES)]
        longest = max(n_records(c, step_s) for c in circulations)
        tables = [rise_table(part, step_s, longest) for part in parts]
        self._rise = lined_up(len(parts), len(tables[0]))
        self._rise[:, : len(tables[0])] = tables
        self._people = lined_up(len(parts), ends(LANES)[-1])
        self._blocks = [
            Block(part, step_s, people)
            for part, people in zip(parts, self._people, strict=True)
        ]
        self._av_delay_s = np.array([c.av_delay_s for c in circulations])
        self._make_room(2.0)

    def _make_room(self, rr_s: float) -> None:
        self._room_s = rr_s
        self._trace = room_for(rr_s, self.step_s, LANES)

    def __len__(self) -> int:
        return len(self.circulations)

    @property
    def volumes_ml(self) -> FloatArray:
        """Copy of the state, `(n, 8)`, columns in the order of `VOLUMES`."""
        return np.concatenate([block.volumes for block in self._blocks])[: len(self)]

    @volumes_ml.setter
    def volumes_ml(self, volumes_ml: FloatArray) -> None:
        if volumes_ml.shape != (len(self), len(VOLUMES)):
            raise ValueError(
                f"volumes_ml must have shape ({len(self)}, 8), got {volumes_ml.shape}"
            )
        for block, part in zip(self._blocks, self._parted(volumes_ml), strict=True):
            block.volumes[:] = part

    @property
    def state(self) -> FloatArray:
        """Copy of all that goes from one beat into the next, to be put back."""
        return self._people.copy()

    @state.setter
    def state(self, state: FloatArray) -> None:
        self._people[:] = state

    def _parted(self, values: FloatArray) -> list[FloatArray]:
        """Split rows into blocks; the last row fills the spare places."""
        n_spare = len(self._blocks) * LANES - len(self)
        padded = np.concatenate([values, np.repeat(values[-1:], n_spare, axis=0)])
        return np.split(padded, len(self._blocks))

    def beat(
        self,
        rr_s: ArrayLike,
        *,
        contractility: ArrayLike = 1.0,
        resistance_scale: ArrayLike = 1.0,
        venous_shift_ml: ArrayLike = 0.0,
        atrial_onset_s: ArrayLike | None = None,
    ) -> FloatArray:
        """Beat once; return `(n, len(BEAT_FIELDS))`. Arguments as for `Heart.beat`.

        Each argument is one number for all hearts or `(n,)`.
        """
        intervals_s = np.broadcast_to(np.asarray(rr_s, dtype=np.float64), len(self))
        low, high = intervals_s.min(), intervals_s.max()
        if not SHORTEST_RR_S <= low <= high <= LONGEST_RR_S:
            raise ValueError(f"rr_s must be 0.15 to 20 s, got {low:g} to {high:g} s")
        if atrial_onset_s is None:
            onset_s = np.maximum(0.0, intervals_s - self._av_delay_s)
        else:
            onset_s = np.asarray(atrial_onset_s, dtype=np.float64)
        told = np.empty((len(self), 5))
        told[:, at.RR] = intervals_s
        told[:, at.ONSET] = np.where(np.isnan(onset_s), np.inf, onset_s)
        told[:, at.CONTRACTILITY] = contractility
        told[:, at.RESISTANCE_SCALE] = resistance_scale
        told[:, at.VENOUS_SHIFT] = venous_shift_ml
        if not (told[:, at.CONTRACTILITY : at.VENOUS_SHIFT] > 0.0).all():
            raise ValueError("contractility and resistance_scale must be above 0")
        if high > self._room_s:
            self._make_room(float(high))
        for block, part in zip(self._blocks, self._parted(told), strict=True):
            block.orders[:, : told.shape[1]] = part
        out = np.empty((len(self._blocks), LANES * N_BEAT))
        beat_of_blocks(
            self._people, self._rise, self._trace, _NO_WAVE, out, self.step_s
        )
        return out.reshape(-1, N_BEAT)[: len(self)]


def repeating_beats(
    circulations: Sequence[Circulation],
    *,
    rr_s: ArrayLike | None = None,
    contractility: ArrayLike = 1.0,
    resistance_scale: ArrayLike = 1.0,
    venous_shift_ml: ArrayLike = 0.0,
    step_s: float = 0.001,
    tol: float = 1e-8,
    max_beats: int = 400,
) -> tuple[FloatArray, FloatArray]:
    """Return settled volumes `(n, 8)` and rows `(n, len(BEAT_FIELDS))` of many hearts.

    As `settle` does for one; plausibility is the caller's to check. Raises
    NotSettledError, naming volume and heart.
    """
    batch = ClosedLoopBatch(circulations, step_s=step_s)
    own_s = [circulation.rr_s for circulation in circulations]
    intervals_s = np.asarray(own_s if rr_s is None else rr_s, dtype=np.float64)

    def once() -> FloatArray:
        return batch.beat(
            intervals_s,
            contractility=contractility,
            resistance_scale=resistance_scale,
            venous_shift_ml=venous_shift_ml,
        )

    once()
    states: list[FloatArray] = []
    changes: list[FloatArray] = []
    for _ in range(max_beats):
        before = batch.volumes_ml
        rows = once()
        after = batch.volumes_ml
        change = after - before
        if np.abs(change).max() <= tol:
            return after, rows
        states, changes = [*states[-MEMORY:], after], [*changes[-MEMORY:], change]
        batch.volumes_ml = np.array(
            [
                combined([s[j] for s in states], [c[j] for c in changes])
                for j in range(len(batch))
            ]
        )
    worst = np.where(np.isfinite(change), np.abs(change), np.inf)
    heart, volume = np.unravel_index(int(np.argmax(worst)), worst.shape)
    raise NotSettledError(
        VOLUMES[int(volume)],
        float(change[heart, volume]),
        tol=tol,
        n_beats=max_beats,
        who=f" of heart {heart}",
    )
