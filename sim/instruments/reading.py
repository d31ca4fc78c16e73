"""What is read, the true beats of a window, and what comes out of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ReadingWindow:
    """The true beats of one reading, each array `(n,)`.

    `clean` is false for beats within 2 of an ectopic; `delivered` tells the beats that
    got a CCM train; `expects_ccm` whether the settings in force should deliver.
    """

    start_s: FloatArray
    rr_s: FloatArray
    sbp_mmhg: FloatArray
    dbp_mmhg: FloatArray
    map_mmhg: FloatArray
    sv_ml: FloatArray
    dpdt_max_mmhg_per_s: FloatArray
    clean: BoolArray
    ectopic: BoolArray
    delivered: BoolArray
    expects_ccm: bool
    link_lost: bool = False


@dataclass(frozen=True, slots=True)
class Pressures:
    """Arterial pressures over one window: means, with the error of who reads them."""

    sbp_mmhg: float
    dbp_mmhg: float
    map_mmhg: float

    @property
    def pulse_mmhg(self) -> float:
        """Systolic less diastolic."""
        return self.sbp_mmhg - self.dbp_mmhg


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read over one window: means, with the error of the instrument in them.

    `void` is empty for a valid reading, else the reason it does not count.
    """

    number: int
    start_s: float
    end_s: float
    n_beats: int
    n_used: int
    delivered_frac: float
    void: str
    primary: float
    sbp_mmhg: float
    dbp_mmhg: float
    map_mmhg: float
    pulse_pressure_mmhg: float
    heart_rate_bpm: float


def clean_beats(ectopic: BoolArray, reach: int) -> BoolArray:
    """Return the beats more than `reach` beats away from any ectopic; shape `(n,)`."""
    near = ectopic.copy()
    for shift in range(1, reach + 1):
        near[shift:] |= ectopic[:-shift]
        near[:-shift] |= ectopic[shift:]
    return ~near
