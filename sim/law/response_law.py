"""The protocol that every response law keeps, and what it may know of a patient."""

from dataclasses import dataclass, field
from typing import Protocol

from sim.heart.conduction import ConductionParameters
from sim.heart.parameters import FloatArray
from sim.heart.rhythm import RhythmParameters
from sim.heart.train import Train
from sim.law.muscle import Muscle


@dataclass(frozen=True, slots=True)
class LawInputs:
    """The constants of a patient that a law may need; nothing of the visit.

    A law that hangs on the resting rate or the refractory period finds them in `rhythm`
    and `conduction`. Columns `(n, 1)` in place of numbers stand for n patients.
    """

    muscle: Muscle = field(default_factory=Muscle)
    rhythm: RhythmParameters = field(default_factory=RhythmParameters)
    conduction: ConductionParameters = field(default_factory=ConductionParameters)


class ResponseLaw(Protocol):
    """How strongly a train raises contractility.

    A law is a frozen dataclass of sourced constants. It is pure, works in double
    precision, and broadcasts: constants that are columns `(n, 1)` and a train of `(m,)`
    give `(n, m)`.
    """

    @property
    def name(self) -> str:
        """What scenarios, tables and reports call the law."""

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the steady relative gain of LV elastance.

        Returns
        -------
        () or (n,)
            Fraction of the baseline elastance; below 0 where the train weakens the
            beat, 0 where no lead delivers.
        """
