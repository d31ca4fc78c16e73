"""The frozen numbers of one patient's heart, held together for whoever makes it beat.

`sim.patient.Patient` has more of the patient (sensation, muscle, chart); everything in
`sim.heart` that needs several parts takes these.
"""

import math
from dataclasses import dataclass

from sim.heart.conduction import ConductionParameters
from sim.heart.contractility import AF, SINUS, Contractility
from sim.heart.parameters import Circulation
from sim.heart.reflex import Reflex
from sim.heart.rhythm import RhythmParameters
from sim.units import S_PER_MIN


@dataclass(frozen=True, slots=True)
class HeartParts:
    """The parts that make a patient's beats."""

    circulation: Circulation
    contractility: Contractility
    reflex: Reflex
    rhythm: RhythmParameters
    conduction: ConductionParameters

    @property
    def rr_s(self) -> float:
        """Mean interval at rest."""
        return S_PER_MIN / self.rhythm.heart_rate_bpm

    @property
    def origin(self) -> int:
        """Origin of the patient's own beats."""
        return AF if self.rhythm.kind == "af" else SINUS

    def atrial_onset_s(self, rr_s: float, next_origin: int) -> float:
        """Return when the atria begin the next beat, nan where it has no P wave."""
        if next_origin != SINUS:
            return math.nan
        return rr_s - self.circulation.av_delay_s
