"""Who takes part in a virtual experiment, and how they respond."""

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from sim.heart.dose import DoseResponse
from sim.patient import Patient, phenotype

SEED: Final = 20260
N_IN_COHORT: Final = 200
ISCHAEMIC_SHARE: Final = 0.62
"""Share of ischaemic patients, evidence B."""


def rng_of(name: str) -> np.random.Generator:
    """Return the generator of one experiment; adding another changes none."""
    key = tuple(name.encode())
    return np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=key))


@cache
def cohort() -> tuple[Patient, ...]:
    """Return heart failure patients, each with a response of their own."""
    rng = rng_of("cohort")
    kinds = np.where(
        rng.random(N_IN_COHORT) < ISCHAEMIC_SHARE,
        "hfref-ischaemic",
        "hfref-nonischaemic",
    )
    return tuple(_drawn(phenotype(str(kind)), rng) for kind in kinds)


def _drawn(patient: Patient, rng: np.random.Generator) -> Patient:
    return replace(patient, response=drawn_response(patient.response, rng))


def drawn_response(law: DoseResponse, rng: np.random.Generator) -> DoseResponse:
    """Draw one patient's dose law over the ranges of evidence A3."""
    log_sd = np.sqrt(np.log(1.25))
    size = float(np.exp(log_sd * rng.standard_normal() - 0.5 * log_sd**2))
    return replace(
        law,
        g_one_lead_frac=law.g_one_lead_frac * size,
        threshold_frac=float(rng.uniform(0.2, 0.55)),
        k=float(np.exp(rng.uniform(np.log(0.7), np.log(4.0)))),
        width_constant_ms=float(rng.uniform(8.0, 30.0)),
        best_delay_ms=float(np.clip(rng.normal(32.0, 8.0), 12.0, 60.0)),
        early_width_ms=float(rng.uniform(8.0, 20.0)),
        late_width_ms=float(rng.uniform(20.0, 60.0)),
        negative_frac=float(rng.uniform(0.0, 0.3)),
    )
