"""The true effect of many trains on each of several patients, played side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.truth.response import Asked, Response, responses
from sim.heart.sensation import sensation_level
from sim.heart.train import Train
from sim.patient import Patient
from sim.units import PCT_PER_FRAC
from sim.visit.plan import VisitPlan

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ComparedTrains:
    """Trains that reach a patient's muscle, numbers `(n,)`, against one steady gain."""

    patient: Patient
    reference_gain: float
    train: Train


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """What each train truly does.

    Attributes
    ----------
    response
        The curves that the gains below are looked up on.
    ees_gain_pct, window_gain_pct, settled_gain_pct
        `(n,)`: gain of elastance over CCM off, then gains against the reference.
    sensation
        `(n,)`: what is truly felt on the scale of the grades, below 0 the further below
        any sensation.
    """

    response: Response
    ees_gain_pct: FloatArray
    window_gain_pct: FloatArray
    settled_gain_pct: FloatArray
    sensation: FloatArray

    @property
    def off_gain_pct(self) -> float:
        """Window gain of CCM off against the reference."""
        return float(self.response.window_pct(0.0))


def effects(compared: Sequence[ComparedTrains], plan: VisitPlan) -> list[Effect]:
    """Return the effect on each patient; their hearts are played side by side."""
    gains = [np.asarray(one.patient.gain(one.train)) for one in compared]
    asked = [
        Asked.over(one.patient, one.reference_gain, of_one)
        for one, of_one in zip(compared, gains, strict=True)
    ]
    found = zip(compared, gains, responses(asked, plan), strict=True)
    return [_effect(*parts) for parts in found]


def _effect(compared: ComparedTrains, gains: FloatArray, response: Response) -> Effect:
    return Effect(
        response,
        PCT_PER_FRAC * gains,
        response.window_pct(gains),
        response.settled_pct(gains),
        np.asarray(sensation_level(compared.patient.sensation, compared.train)),
    )
