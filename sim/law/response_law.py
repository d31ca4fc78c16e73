"""The protocol that every response law keeps, and what it may know of a patient."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sim.heart.conduction import ConductionParameters
from sim.heart.parameters import FloatArray
from sim.heart.rhythm import RhythmParameters
from sim.heart.train import LeadName, Train
from sim.law.muscle import Muscle


@dataclass(frozen=True, slots=True)
class LawInputs:
    """The constants of a patient that a law may need; nothing of the visit.

    A law that hangs on the resting rate or the refractory period finds them in `rhythm`
    and `conduction`.
    """

    muscle: Muscle = field(default_factory=Muscle)
    rhythm: RhythmParameters = field(default_factory=RhythmParameters)
    conduction: ConductionParameters = field(default_factory=ConductionParameters)

    def since_activation_ms(self, train: Train, lead: LeadName) -> FloatArray:
        """Return how long after the local activation at a lead a train begins."""
        lag_ms = {"V1": self.conduction.v1_lag_ms, "V2": self.conduction.v2_lag_ms}
        return np.asarray(train.delay_ms + (lag_ms[train.sensed_at] - lag_ms[lead]))


class ResponseLaw(Protocol):
    """How strongly a train raises contractility.

    A law is a frozen dataclass of sourced constants. It is pure, works in double
    precision, and answers an array of trains as it answers each of them.
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


class LawKind(Protocol):
    """A law before anybody's constants: what the registry keeps under a name."""

    @property
    def name(self) -> str:
        """What scenarios and studies write."""

    @property
    def summary(self) -> str:
        """One line for a list."""

    def typical(self) -> ResponseLaw:
        """Return the law of a ready-made patient."""

    def draw(self, rng: np.random.Generator) -> ResponseLaw:
        """Return the law of one patient, from a stream of its own."""


class UnknownLawError(ValueError):
    """No law has the name, or the file or table that should hold it has none."""


class LawFailedError(Exception):
    """Somebody's own law raised, or returned what no law may."""
