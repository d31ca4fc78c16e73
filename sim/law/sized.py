"""What the laws share that are a size times a shape of the train."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from sim.heart.parameters import FloatArray
from sim.heart.train import Train
from sim.law.response_law import LawInputs
from sim.law.shapes import (
    above_threshold,
    current_share,
    lead_factor,
    saturated,
    train_weight,
)
from sim.law.spread import Even, EvenLog, draw_of, drawn
from sim.sources import sourced


@dataclass(frozen=True, slots=True)
class SizedLaw(ABC):
    """A gain of `g_one_lead_frac` times a shape, of a muscle that scales both.

    The size is a patient's own, whatever his shape. Its mean and spread over patients
    were fitted once per law (`python -m harness.evidence.law_sizes`), so that in a
    cohort the gain at the factory settings has mean and spread of A16. A single shape
    is never drawn again because the factory settings give it little, or turn its sign.
    """

    g_one_lead_frac: float = sourced(0.067, "ccmlab-evidence", "A3 g_i", "assumed")
    two_lead_factor: float = sourced(1.35, "ccmlab-evidence", "A3 K", "assumed")

    @abstractmethod
    def shape(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the gain over that of one lead at its best; 0 where none delivers."""

    def gain(self, train: Train, patient: LawInputs) -> FloatArray:
        """Return the steady relative gain, eq. 1 of docs/model.md."""
        size = patient.muscle.scaled(self.g_one_lead_frac)
        return np.asarray(size * self.shape(train, patient))

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Return the law of one patient, from a stream of its own."""
        return draw_of(cls, rng)

    @property
    def two_lead_gain_frac(self) -> float:
        """Gain of two leads where the shape of one is 1."""
        return self.g_one_lead_frac * self.two_lead_factor

    def sized(self, gain_frac: float) -> Self:
        """Return the law with this gain of two leads where the shape of one is 1."""
        return replace(self, g_one_lead_frac=gain_frac / self.two_lead_factor)


@dataclass(frozen=True, slots=True)
class ChargeLaw(SizedLaw, ABC):
    """A shape whose dose is the current above a threshold, weighted by the length."""

    nominal_amplitude_v: float = sourced(7.5, "ccmlab-evidence", "A3 I1", "assumed")
    reference_impedance_ohm: float = sourced(
        550.0, "ccmlab-device", "table z_v1_ohm", "assumed"
    )
    threshold_frac: float = drawn(0.35, Even(0.2, 0.55), "A3 I0")
    k: float = drawn(1.5, EvenLog(0.7, 4.0), "A3 k")
    width_constant_ms: float = drawn(15.0, EvenLog(8.0, 30.0), "A3 tw")
    nominal_train_ms: float = sourced(20.56, "ccmlab-evidence", "A3 w", "derived")

    def strength(self, train: Train) -> FloatArray:
        """Return what the mean current of the delivering leads is worth, S."""
        return self.strength_at(train, train.impedance_ohm)

    def strength_at(
        self, train: Train, impedance_ohm: float | FloatArray
    ) -> FloatArray:
        """Return S of the current that flows at some impedance."""
        u = above_threshold(self.current(train, impedance_ohm), self.threshold_frac)
        return saturated(u * self.weight(train), self.k)

    def current(self, train: Train, impedance_ohm: float | FloatArray) -> FloatArray:
        """Return the current as a share of the nominal one."""
        return current_share(
            train, impedance_ohm, self.nominal_amplitude_v, self.reference_impedance_ohm
        )

    def weight(self, train: Train) -> FloatArray:
        """Return what the length of a train is worth: 1 at the nominal one."""
        return train_weight(train, self.width_constant_ms, self.nominal_train_ms)

    def leads(self, train: Train) -> FloatArray:
        """Return what the delivering leads make of one lead's gain."""
        return lead_factor(self.two_lead_factor, train.n_leads)
