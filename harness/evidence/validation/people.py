"""Who takes part in a virtual experiment."""

from functools import cache
from typing import Final

import numpy as np

from sim.patient.cohort import Cohort, sample_cohort
from sim.patient.named import USUAL, named_population
from sim.patient.population import SCORES, Draw, TraitSpread, draws_of

SEED: Final = 20260
N_IN_COHORT: Final = 1200
POPULATION: Final = TraitSpread()


def rng_of(name: str) -> np.random.Generator:
    """Return the generator of one experiment; adding another changes none."""
    key = tuple(name.encode())
    return np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=key))


def cohort(trial: str = USUAL) -> Cohort:
    """Return the cohort of a trial, each with a heart; experiments share it."""
    return _sampled(trial)


# a cache of `cohort` itself would keep that of no argument and that of USUAL apart
@cache
def _sampled(trial: str) -> Cohort:
    key = "cohort" if trial == USUAL else f"cohort {trial}"
    return sample_cohort(N_IN_COHORT, rng_of(key), population=named_population(trial))


def drawn(n: int, name: str) -> list[Draw]:
    """Draw patients of whom no heart is needed."""
    scores = rng_of(name).standard_normal((n, len(SCORES)))
    return draws_of(POPULATION, scores, {"nominal": 1.0})
