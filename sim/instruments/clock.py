"""How a patient wanders during one visit: waves that are functions of clock time.

They are drawn before anything is read, so that two strategies which read at the same
time meet the same patient.
"""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dtbtrs

from sim.instruments.reading import BoolArray, FloatArray

GRID_S: Final = 0.5


def ar1(rng: np.random.Generator, n: int, tau_s: float) -> FloatArray:
    """Return a stationary AR(1) of unit SD on the clock grid; shape `(n,)`."""
    keep = float(np.exp(-GRID_S / tau_s))
    white = rng.standard_normal(n)
    white[1:] *= np.sqrt(1.0 - keep**2)
    # x[i] - keep x[i - 1] = white[i], solved at once; the bands are triangular, which
    # a general solver does not see
    bands = np.array([np.ones(n), np.full(n, -keep)], order="F")
    wave, _ = dtbtrs(bands, white, uplo="L", diag="U")
    return np.asarray(wave, dtype=np.float64)


@dataclass(slots=True, eq=False)
class Clock:
    """The waves of one visit, each `(n,)` on the grid and times the scale of all noise.

    Attributes
    ----------
    drift
        Relative wandering of the patient's level, a fraction.
    slow, slow_dpdt, probe
        Waves of unit SD: of pressure, of dP/dt max, and of the echo probe's angle.
    hand_mmhg
        Error of a finger pressure through the height of the hand.
    lost
        Whether the finger pressure has no signal.
    rng
        For waves that only one readout has; see `wave`.
    """

    scale: float
    breathing_hz: float
    breath_phase: float
    calibration_phase_s: float
    drift: FloatArray
    slow: FloatArray
    slow_dpdt: FloatArray
    probe: FloatArray
    hand_mmhg: FloatArray
    lost: BoolArray
    rng: np.random.Generator
    _waves: dict[float, FloatArray] = field(default_factory=dict)

    def unspoilt(self) -> "Clock":
        """Return the same clock for another visit; neither disturbs the other."""
        hand_mmhg, rng = self.hand_mmhg.copy(), deepcopy(self.rng)
        return replace(self, hand_mmhg=hand_mmhg, rng=rng, _waves={})

    def at(self, time_s: FloatArray) -> NDArray[np.intp]:
        """Return the place of each time on the grid; later times take the last one."""
        index = (time_s * (1.0 / GRID_S)).astype(np.intp)
        return np.asarray(np.minimum(index, self.drift.size - 1), dtype=np.intp)

    def breath(self, time_s: FloatArray) -> FloatArray:
        """Return the wave of breathing, amplitude 1."""
        angle = 2.0 * np.pi * self.breathing_hz * time_s + self.breath_phase
        return np.asarray(np.sin(angle))

    def wave(self, tau_s: float) -> FloatArray:
        """Return a wave of a readout's own, an AR(1) of unit SD; the same each time.

        It is drawn when first asked for, from a stream that nothing else uses: a new
        readout changes nothing of the others.
        """
        if tau_s not in self._waves:
            self._waves[tau_s] = self.scale * ar1(self.rng, self.drift.size, tau_s)
        return self._waves[tau_s]
