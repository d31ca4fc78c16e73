"""The size of each response law, fitted to the gain that patients had (A16).

A patient's gain is a size times the shape of his law. Size and shape are drawn apart;
over patients of a cohort the rise of dP/dt max at the factory settings shall have the
mean and the true spread of A16. Two numbers a law are fitted, mean and coefficient of
variation of the size, and nothing else: what the factory settings give away of what
could be had is what comes out. `python -m harness.evidence.law_sizes` prints them.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from scipy.optimize import brentq, fsolve
from scipy.special import ndtri

from harness.evidence.validation.experiments.acute import NOMINAL, rise_pct
from sim.heart.parameters import FloatArray
from sim.law.registry import SHIPPED
from sim.law.response_law import LawKind
from sim.law.spread import LogNormal
from sim.patient import Patient
from sim.patient.cohort import sample_cohort
from sim.sources import sourced
from sim.streams import stream

NODES_FRAC: Final = (0.06, 0.14)
"""Gains of elastance at which a minute of CCM is played in each heart."""


@dataclass(frozen=True, slots=True)
class FactoryGain:
    """What is fitted to: the rise of dP/dt max in patients, percent, and its true SD.

    The SD is that of A16, 4.5, less an error of reading of 2.1 (N04). A law agrees with
    A16 whose mean over some patients is `within_pct` points of it.
    """

    mean_pct: float = sourced(9.1, "ccmlab-evidence", "A16", "recalled")
    sd_pct: float = sourced(4.0, "ccmlab-evidence", "A16, N04", "derived")
    within_pct: float = sourced(2.0, "ccmlab-evidence", "A16, 24 patients", "assumed")
    n_hearts: int = 300
    n_laws: int = 1200
    seed: int = 419


A16: Final = FactoryGain()


@dataclass(frozen=True, slots=True)
class FittedSize:
    """The size of a law, and the rise over patients that it leads to, percent.

    Where the shapes alone spread more than A16 the size is the same for all, and
    `sd_pct` is what is left.
    """

    law: str
    size: LogNormal
    mean_pct: float
    sd_pct: float


def fitted_size(kind: LawKind) -> FittedSize:
    """Return the size of a law that has one."""
    shapes = gains_of(kind, of_size_one=True)
    # one score a patient, evenly through the distribution and in no order
    scores = ndtri((np.arange(A16.n_laws) + 0.5) / A16.n_laws)
    np.random.default_rng(A16.seed).shuffle(scores)

    def rises(size: LogNormal) -> FloatArray:
        return rises_pct(size.of(scores) * shapes)

    def missed(numbers: FloatArray) -> list[float]:
        found = rises(LogNormal(*map(float, numbers)))
        return [found.mean() - A16.mean_pct, found.std() - A16.sd_pct]

    def mean_missed(mean: float) -> float:
        return float(rises(LogNormal(mean, 0.0)).mean()) - A16.mean_pct

    alone = LogNormal(float(brentq(mean_missed, 1e-3, 2.0)), 0.0)
    size = alone
    if rises(alone).std() < A16.sd_pct:
        size = LogNormal(*map(float, fsolve(missed, [alone.mean, 0.25])))
    found = rises(size)
    return FittedSize(kind.name, size, float(found.mean()), float(found.std()))


def gains_of(
    kind: LawKind, n: int | None = None, *, of_size_one: bool = False
) -> FloatArray:
    """Return gains at the factory settings of n patients of a law.

    Of the size that each draws, or of the shapes alone.
    """
    hearts = _hearts()
    found = []
    for number in range(n or A16.n_laws):
        law: Any = kind.draw(np.random.default_rng([A16.seed, number]))
        if of_size_one:
            law = law.sized(getattr(law, "two_lead_factor", 1.0))
        found.append(float(law.gain(NOMINAL, hearts[number % len(hearts)].law_inputs)))
    return np.array(found)


def rises_pct(gains: FloatArray) -> FloatArray:
    """Return the rise of dP/dt max of patients with these gains, the hearts in turn."""
    who = np.arange(len(gains)) % A16.n_hearts
    slope, bend = curves()[who].T
    rises: FloatArray = (slope + bend * gains) * gains
    return rises


@cache
def curves() -> FloatArray:
    """Return slope and bend of each heart's rise over a gain, (n_hearts, 2)."""
    nodes = np.array(NODES_FRAC)
    powers = np.column_stack([nodes, nodes**2])
    read = [[rise_pct(who, gain) for gain in NODES_FRAC] for who in _hearts()]
    return np.linalg.solve(powers, np.array(read).T).T


@cache
def _hearts() -> tuple[Patient, ...]:
    drawn = sample_cohort(A16.n_hearts, stream(A16.seed, name="patient"))
    return tuple(drawn.patients)


def fitted_sizes() -> Iterator[FittedSize]:
    """Yield the size of each shipped law that follows A16."""
    for kind in SHIPPED.values():
        if kind.name != "adverse":
            yield fitted_size(kind)


def main() -> None:
    """Print the sizes."""
    for row in fitted_sizes():
        size = f"LogNormal({row.size.mean:.3f}, {row.size.cv_frac:.2f})"
        rise = f"rise {row.mean_pct:.2f} +- {row.sd_pct:.2f} %"
        drawn = rises_pct(gains_of(SHIPPED[row.law]))
        rise += f", as drawn {drawn.mean():.2f} +- {drawn.std():.2f} %"
        sys.stdout.write(f"{row.law:<14}{size}  {rise}\n")


if __name__ == "__main__":
    main()
