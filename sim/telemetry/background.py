"""What lies under the beats of a recording: functions of clock time, drawn as needed.

Breath, drift, noise and fibrillatory waves of a visit are the same whoever draws them,
how much of them, and in which order: each has a generator of its own, and a later part
of it continues an earlier one.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from sim.telemetry.beats import FloatArray
from sim.telemetry.disturbance import STEP_S, Breath, Growing
from sim.telemetry.fibrillation import Fibrillatory
from sim.telemetry.morphology import Disturbance, Morphology
from sim.telemetry.synthesis import Grid, Noise, Tone, TracePart

_LARGEST_KEY: Final = 2**63
_LEADS: Final = ("ECG II", "ECG V1")
_NOISY: Final = ("EGM V1", "EGM V2", "ABP", "LVP")


@dataclass(frozen=True, slots=True, eq=False)
class LeadBackground:
    """What is added to one lead of the ECG."""

    drift: Growing
    mains_phase: float
    noise_key: int

    def parts(self, model: Disturbance, breath: Breath) -> list[TracePart]:
        """Return the parts whose height is not 0."""

        def breathed(first: int, last: int) -> FloatArray:
            return model.breathing_mv * breath.values(first, last)

        def drifted(first: int, last: int) -> FloatArray:
            return model.drift_mv * self.drift.values(first, last)

        parts: list[tuple[float, TracePart]] = [
            (model.drift_mv, Grid(model.drift_step_s, drifted)),
            (model.breathing_mv, Grid(STEP_S, breathed)),
            (model.mains_mv, Tone(model.mains_hz, model.mains_mv, self.mains_phase)),
            (model.muscle_mv, Noise(self.noise_key, model.muscle_mv)),
        ]
        return [part for height, part in parts if height]


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """All that stands in the strips of one visit beside its beats."""

    breath: Breath
    fibrillatory: Fibrillatory
    leads: dict[str, LeadBackground]
    noise_keys: dict[str, int]

    @classmethod
    def drawn(cls, rng: np.random.Generator, breath: Breath, shape: Morphology) -> Self:
        """Return the background of a visit; `rng` is used for nothing else."""
        fibrillation, *leads, noises = rng.spawn(2 + len(_LEADS))
        return cls(
            breath=breath,
            fibrillatory=Fibrillatory(shape.fibrillation, fibrillation),
            leads={name: _lead(own) for name, own in zip(_LEADS, leads, strict=True)},
            noise_keys={name: _key(noises) for name in _NOISY},
        )

    def noise(self, channel: str, sd: float) -> list[TracePart]:
        """Return the broadband noise of a channel; none when `sd` is 0."""
        return [Noise(self.noise_keys[channel], sd)] if sd else []


def _lead(rng: np.random.Generator) -> LeadBackground:
    phase = float(rng.uniform(0.0, 2.0 * np.pi))
    key = _key(rng)
    return LeadBackground(Growing(rng, 1), phase, key)


def _key(rng: np.random.Generator) -> int:
    return int(rng.integers(_LARGEST_KEY))
