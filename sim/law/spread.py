"""How a constant of a law differs from patient to patient, said beside the constant.

A spread makes a value of a standard normal score, so that a law drawn by itself and a
cohort whose traits hang together share one formula.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeVar

import numpy as np
from scipy.special import ndtr

from sim.heart.parameters import FloatArray
from sim.sources import Source, Standing

Kind = TypeVar("Kind")


class Spread(Protocol):
    """A distribution over patients."""

    def of(self, score: float | FloatArray) -> FloatArray:
        """Return the values of standard normal scores."""


@dataclass(frozen=True, slots=True)
class Even:
    """Evenly from `low` to `high`."""

    low: float
    high: float

    def of(self, score: float | FloatArray) -> FloatArray:
        """Return the values of standard normal scores."""
        value: FloatArray = self.low + (self.high - self.low) * ndtr(score)
        return value


@dataclass(frozen=True, slots=True)
class EvenLog:
    """From `low` to `high`, evenly in the logarithm."""

    low: float
    high: float

    def of(self, score: float | FloatArray) -> FloatArray:
        """Return the values of standard normal scores."""
        return np.asarray(self.low * (self.high / self.low) ** ndtr(score))


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal, cut to its limits and not drawn again."""

    mean: float
    sd: float
    low: float
    high: float

    def of(self, score: float | FloatArray) -> FloatArray:
        """Return the values of standard normal scores."""
        value: FloatArray = np.clip(
            self.mean + self.sd * np.asarray(score), self.low, self.high
        )
        return value


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A lognormal of a mean and a coefficient of variation; 0 spreads nothing."""

    mean: float
    cv_frac: float

    def of(self, score: float | FloatArray) -> FloatArray:
        """Return the values of standard normal scores."""
        log_sd = np.sqrt(np.log1p(self.cv_frac**2))
        return np.asarray(self.mean * np.exp(log_sd * score - 0.5 * log_sd**2))


def drawn(
    typical: float, spread: Spread, place: str, standing: Standing = "assumed"
) -> float:
    """Return the field of a constant that each patient draws.

    Parameters
    ----------
    typical
        Of a ready-made patient.
    spread
        Over patients.
    place, standing
        Where value and spread come from, in `ccmlab-evidence`.
    """
    source = Source("ccmlab-evidence", place, standing)
    value: float = field(default=typical, metadata={"source": source, "spread": spread})
    return value


def spreads(kind: Any) -> Mapping[str, Any]:
    """Return the spread of each drawn constant of a law, by name, in their order."""
    return {
        item.name: item.metadata["spread"]
        for item in fields(kind)
        if "spread" in item.metadata
    }


def draw_of(kind: type[Kind], rng: np.random.Generator) -> Kind:
    """Return a law with constants of a patient's own."""
    own = {
        name: float(spread.of(rng.standard_normal()))
        for name, spread in spreads(kind).items()
    }
    return kind(**own)
