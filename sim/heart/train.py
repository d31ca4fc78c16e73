"""The train: what reaches the muscle in one beat, whoever asks what it does.

The generator decides whether there is one (`sim.device.generator`), the leads how much
of it arrives; the response laws (`sim.law`) say what it gains, `sim.heart.sensation`
what is felt of it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.heart.parameters import FloatArray
from sim.sources import sourced

PHASES_PER_PULSE: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Train:
    """What reaches the muscle in one beat; each field a number or an `(n,)` array.

    `impedance_ohm` is the harmonic mean over the delivering leads, so that it stands
    for the mean current; `n_leads` counts the leads that deliver: 0, 1 or 2.
    """

    amplitude_v: float | FloatArray
    phase_duration_ms: float | FloatArray = sourced(
        5.14, "ccmlab-device", "1.2", "recalled"
    )
    n_pulses: float | FloatArray = sourced(2, "ccmlab-device", "1.2", "recalled")
    delay_ms: float | FloatArray = sourced(35.0, "ccmlab-device", "1.2", "recalled")
    impedance_ohm: float | FloatArray = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )
    n_leads: float | FloatArray = sourced(2, "ccmlab-device", "1.1", "assumed")

    @property
    def length_ms(self) -> FloatArray:
        """From the first phase to the last: no gap between pulses is documented."""
        length: FloatArray = (
            PHASES_PER_PULSE * np.asarray(self.n_pulses) * self.phase_duration_ms
        )
        return length
