"""The columns of the beat table that a trace is drawn from."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.heart.contractility import AF, PVC, SINUS, VT

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class StripBeats:
    """What an ECG with markers needs, each `(n,)`; times in seconds.

    `atrial_s` is the atrium's true activation, `a_sensed_s` what the device sensed of
    it. `cause` is the code of the reason a beat got no train, -1 when there is none;
    times are nan where the event did not happen.
    """

    start_s: FloatArray
    rr_s: FloatArray
    origin: FloatArray
    delivered: FloatArray
    cause: FloatArray
    train_start_s: FloatArray
    train_end_s: FloatArray
    ls_s: FloatArray
    v_s: FloatArray
    atrial_s: FloatArray
    a_sensed_s: FloatArray

    def between(self, start_s: float, end_s: float) -> Self:
        """Return the beats whose activation lies in the half-open span."""
        inside = (self.start_s >= start_s) & (self.start_s < end_s)
        kept = {f.name: getattr(self, f.name)[inside] for f in fields(self)}
        return type(self)(**kept)

    @property
    def conducted(self) -> NDArray[np.bool_]:
        """Tell which beats came through the conduction system."""
        return np.isin(self.origin, (SINUS, AF))

    @property
    def ectopic(self) -> NDArray[np.bool_]:
        """Tell which beats came from the ventricle itself."""
        return np.isin(self.origin, (PVC, VT))


@dataclass(frozen=True, slots=True, eq=False)
class RecordedBeats(StripBeats):
    """What a whole recording needs beside that.

    `setting_id` counts the settings in the order in which they were programmed;
    `v1_s`, `v2_s` are the true leading edges at the leads, and the valve times count
    from the activation.
    """

    setting_id: FloatArray
    v1_s: FloatArray
    v2_s: FloatArray
    v1_mv: FloatArray
    v2_mv: FloatArray
    sbp_mmhg: FloatArray
    dbp_mmhg: FloatArray
    lvedp_mmhg: FloatArray
    la_mean_mmhg: FloatArray
    dpdt_max_mmhg_per_s: FloatArray
    aortic_open_s: FloatArray
    aortic_close_s: FloatArray
    mitral_open_s: FloatArray
