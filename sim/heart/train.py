"""The train: what reaches the muscle in one beat, whoever asks what it does.

The generator decides whether there is one (`sim.device.generator`), the leads how much
of it arrives; the response laws (`sim.law`) say what it gains, `sim.heart.sensation`
what is felt of it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from sim.heart.parameters import FloatArray
from sim.sources import sourced

PHASES_PER_PULSE: Final = 2.0
LeadName = Literal["V1", "V2"]


@dataclass(frozen=True, slots=True, eq=False)
class Train:
    """What reaches the muscle in one beat; each number may be an `(n,)` array.

    A lead that delivers has 1, one that does not 0; its impedance is that which would
    let as much current come to the muscle of an intact lead. The delay counts from the
    local sense of the lead `sensed_at`.
    """

    amplitude_v: float | FloatArray
    phase_duration_ms: float | FloatArray = sourced(
        5.14, "ccmlab-device", "1.2", "recalled"
    )
    n_pulses: float | FloatArray = sourced(2, "ccmlab-device", "1.2", "recalled")
    delay_ms: float | FloatArray = sourced(35.0, "ccmlab-device", "1.2", "recalled")
    v1_delivers: float | FloatArray = sourced(1.0, "ccmlab-device", "1.1", "assumed")
    v2_delivers: float | FloatArray = sourced(1.0, "ccmlab-device", "1.1", "assumed")
    v1_ohm: float | FloatArray = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )
    v2_ohm: float | FloatArray = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )
    sensed_at: LeadName = "V2"

    @property
    def length_ms(self) -> FloatArray:
        """From the first phase to the last: no gap between pulses is documented."""
        length: FloatArray = (
            PHASES_PER_PULSE * np.asarray(self.n_pulses) * self.phase_duration_ms
        )
        return length

    @property
    def n_leads(self) -> FloatArray:
        """How many leads deliver: 0, 1 or 2."""
        leads: FloatArray = np.asarray(self.v1_delivers, float) + self.v2_delivers
        return leads

    @property
    def impedance_ohm(self) -> FloatArray:
        """Harmonic mean over the delivering leads, so that it is of the mean current.

        Without one, V1's: a number as good as any.
        """
        leads = self.n_leads
        siemens = np.asarray(self.v1_delivers) / self.v1_ohm
        siemens = siemens + np.asarray(self.v2_delivers) / self.v2_ohm
        mean: FloatArray = np.where(
            leads > 0.0,
            np.maximum(leads, 1.0) / np.where(leads > 0.0, siemens, 1.0),
            self.v1_ohm,
        )
        return mean

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all numbers together: () of one train, (n,) of many."""
        numbers = (
            *(self.amplitude_v, self.phase_duration_ms, self.n_pulses, self.delay_ms),
            *(self.v1_delivers, self.v2_delivers, self.v1_ohm, self.v2_ohm),
        )
        return np.broadcast_shapes(*(np.shape(number) for number in numbers))
