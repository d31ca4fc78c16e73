"""A heart by table: what one beat does, as slopes around rest instead of an integral.

The circulation of `circulation.ClosedLoop` is integrated at rest and a little beside
it, once for each patient: at a few intervals, with and without the atria of the next
beat, for each volume and each thing that steers a beat. What is kept is a table of
values and slopes; between intervals it is interpolated. A beat is then one product of a
small matrix, a hundred times faster than the integral. Everything else of the heart,
its rhythm, memory and reflex, is that of `beating`.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from sim.heart.circulation import BEAT_FIELDS
from sim.heart.contractility import SINUS
from sim.heart.control import commands, control_constants, control_state
from sim.heart.crowd import Crowd
from sim.heart.equilibrium import Equilibrium, settled
from sim.heart.jit import kernel
from sim.heart.parameters import VOLUMES, FloatArray
from sim.heart.parts import HeartParts

READ_FIELDS: Final = (
    "sbp_mmhg",
    "dbp_mmhg",
    "map_mmhg",
    "sv_ml",
    "dpdt_max_mmhg_per_s",
)
"""What a table tells of a beat: all that instruments, monitor and reflex ask for."""

INTERVALS: Final = (
    *(0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    *(1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0),
)
"""Where the table is made, in intervals of rest; beyond the ends it holds the last."""

STEP_S: Final = 0.002
"""Integration step, that of the truth of a landscape."""

_VOLUME_ML: Final = 1.0
_STEERED: Final = (0.05, 0.05, 20.0)
"""Steps beside rest: a volume, then contractility, resistance, venous shift."""

N_VOLUMES: Final = len(VOLUMES)
N_READ: Final = len(READ_FIELDS)
_SBP, _SV = READ_FIELDS.index("sbp_mmhg"), READ_FIELDS.index("sv_ml")
_ARTERIES: Final = VOLUMES.index("sa")
_N_SLOPES: Final = N_VOLUMES + len(_STEERED)
N_TERMS: Final = 2 + _N_SLOPES
"""Rows of a table: the value at rest, each slope, and the bend in contractility."""
_N_VALUES: Final = N_VOLUMES + N_READ
READ_AT: Final = np.array([BEAT_FIELDS.index(name) for name in READ_FIELDS])


@dataclass(frozen=True, slots=True, eq=False)
class LoopTable:
    """What one beat of a patient does, around rest.

    Attributes
    ----------
    start
        The heart at rest.
    intervals_s
        `(m,)`, ascending.
    slopes
        `(2, m, 13, 13)`: without and with the atria of the next beat; rows as `N_TERMS`
        tells; volumes after the beat less those at rest, then `READ_FIELDS`.
    steering
        `(3,)`: contractility, resistance and venous shift at rest.
    arteries
        `(2,)`: their pressure when a beat begins at rest, mmHg, and mmHg per ml.
    """

    start: Equilibrium
    intervals_s: FloatArray
    slopes: FloatArray
    steering: FloatArray
    arteries: FloatArray


@lru_cache(maxsize=256)
def loop_table(model: HeartParts) -> LoopTable:
    """Return the table of a heart around its rest without CCM; kept for the process."""
    start = settled(model)
    told = commands(control_state(model, start), control_constants(model), False)
    steering = np.array(told[:3])
    beside = _beside_rest()
    crowd = Crowd([model] * len(beside), [start] * len(beside), step_s=STEP_S)
    rest, rest_ml = crowd.state, start.volumes_ml
    intervals_s = np.array(INTERVALS) * start.rr_s

    def beat(rr_s: float, onset_s: float) -> FloatArray:
        crowd.state = rest
        crowd.volumes_ml = rest_ml + beside[:, :N_VOLUMES]
        factor, resistance, shift_ml = (steering + beside[:, N_VOLUMES:]).T
        rows = crowd.beat(
            rr_s,
            contractility=factor,
            resistance_scale=resistance,
            venous_shift_ml=shift_ml,
            atrial_onset_s=onset_s,
        )
        return _slopes(np.hstack((crowd.volumes_ml - rest_ml, rows[:, READ_AT])))

    slopes = np.array(
        [
            [beat(rr_s, math.nan) for rr_s in intervals_s],
            [beat(rr_s, model.atrial_onset_s(rr_s, SINUS)) for rr_s in intervals_s],
        ]
    )
    slopes.setflags(write=False)
    per_ml = 1.0 / model.circulation.systemic_arterial_compliance_ml_per_mmhg
    arteries = np.array([rest_ml[_ARTERIES] * per_ml, per_ml])
    return LoopTable(start, intervals_s, slopes, steering, arteries)


def _beside_rest() -> FloatArray:
    """Return rest, then a step up and one down of each thing that moves, `(23, 11)`."""
    steps = np.diag((*[_VOLUME_ML] * N_VOLUMES, *_STEERED))
    return np.vstack((np.zeros(_N_SLOPES), steps, -steps))


def _slopes(beats: FloatArray) -> FloatArray:
    """Return value, slopes and the bend in contractility of beats beside rest.

    `beats` is `(23, 13)`, in the order of `_beside_rest`; the result `(13, 13)`.
    """
    at_rest, up, down = beats[0], beats[1 : 1 + _N_SLOPES], beats[1 + _N_SLOPES :]
    steps = np.array((*[_VOLUME_ML] * N_VOLUMES, *_STEERED))
    slopes = (up - down) / (2.0 * steps[:, np.newaxis])
    bend = (up + down - 2.0 * at_rest)[N_VOLUMES] / (2.0 * steps[N_VOLUMES] ** 2)
    return np.vstack((at_rest, slopes, bend))


@kernel
def tabled_beat(
    intervals_s: FloatArray,
    slopes: FloatArray,
    steering: FloatArray,
    arteries: FloatArray,
    moved_ml: FloatArray,
    rr_s: float,
    atria: bool,
    told: FloatArray,
    read: FloatArray,
) -> None:
    """Beat once by a table.

    A beat too weak to open the valve reads the pressure that it begins with.

    Parameters
    ----------
    intervals_s, slopes, steering, arteries
        Of the `LoopTable`.
    moved_ml : (8,)
        Volumes less those at rest; moved in place.
    rr_s, atria
        The interval that this beat lasts, and whether the next one has a P wave.
    told : (3,)
        Contractility, resistance, venous shift.
    read : (5,)
        `READ_FIELDS` are written here.
    """
    last = intervals_s.size - 1
    left = 0
    while left < last - 1 and intervals_s[left + 1] <= rr_s:
        left += 1
    between = (rr_s - intervals_s[left]) / (intervals_s[left + 1] - intervals_s[left])
    between = min(max(between, 0.0), 1.0)
    low, high = slopes[int(atria), left], slopes[int(atria), left + 1]
    begins_mmhg = arteries[0] + arteries[1] * moved_ml[_ARTERIES]
    below, above = np.zeros(_N_VALUES), np.zeros(_N_VALUES)
    for term in range(N_TERMS):
        if term == 0:
            size = 1.0
        elif term <= N_VOLUMES:
            size = moved_ml[term - 1]
        elif term <= _N_SLOPES:
            size = told[term - 1 - N_VOLUMES] - steering[term - 1 - N_VOLUMES]
        else:
            size = (told[0] - steering[0]) ** 2
        # values side by side: a sum for each, not one after the other
        for value in range(_N_VALUES):
            below[value] += low[term, value] * size
            above[value] += high[term, value] * size
    for value in range(_N_VALUES):
        found = below[value] + (above[value] - below[value]) * between
        if value < N_VOLUMES:
            moved_ml[value] = found
        else:
            read[value - N_VOLUMES] = found
    read[_SBP] = max(read[_SBP], begins_mmhg)
    read[_SV] = max(read[_SV], 0.0)


class TabledLoop:
    """A circulation that beats by its table, in the place of a `ClosedLoop`.

    Attributes
    ----------
    moved_ml
        `(8,)`: volumes less those at rest.
    """

    def __init__(self, table: LoopTable) -> None:
        self.table = table
        self.moved_ml = np.zeros(N_VOLUMES)
        self._told = np.empty(len(_STEERED))
        self._read = np.empty(N_READ)

    def beat(
        self,
        rr_s: float,
        *,
        contractility: float,
        resistance_scale: float,
        venous_shift_ml: float,
        atrial_onset_s: float,
        out: FloatArray,
    ) -> FloatArray:
        """Beat once, as `ClosedLoop.beat`; what the table does not tell is nan."""
        table = self.table
        self._told[:] = contractility, resistance_scale, venous_shift_ml
        tabled_beat(
            table.intervals_s,
            table.slopes,
            table.steering,
            table.arteries,
            self.moved_ml,
            rr_s,
            not math.isnan(atrial_onset_s),
            self._told,
            self._read,
        )
        out[:] = math.nan
        out[READ_AT] = self._read
        return out
