"""Trains and what a law may know of a patient, as values: what crosses to its host."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.heart.conduction import ConductionParameters
from sim.heart.parameters import FloatArray
from sim.heart.rhythm import RhythmParameters
from sim.heart.train import Train
from sim.law.muscle import Muscle
from sim.law.response_law import LawInputs

NUMBERS: Final = (
    *("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms"),
    *("v1_delivers", "v2_delivers", "v1_ohm", "v2_ohm"),
)
"""What a train is told by, beside the lead that it is sensed at."""


def rows_of(train: Train) -> FloatArray:
    """Return the numbers of each train, (n, 8); of one train, (1, 8)."""
    numbers = np.broadcast_arrays(*(getattr(train, name) for name in NUMBERS))
    rows: FloatArray = np.stack(
        [np.asarray(each, np.float64).ravel() for each in numbers], axis=1
    )
    return rows


def train_told(rows: FloatArray, sensed_at: str, *, alone: bool) -> dict[str, Any]:
    """Return trains as plain values, beside which `rows` crosses as an array.

    `alone` says that one train is meant, and not an array of one.
    """
    one = dict(zip(NUMBERS, rows[0].tolist(), strict=True)) if alone else None
    return {"sensed_at": sensed_at, "one": one}


def train_of(told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Train:
    """Return the trains that were told."""
    numbers: Any = told["one"]
    if numbers is None:
        numbers = dict(zip(NUMBERS, arrays["rows"].T.copy(), strict=True))
    return Train(**numbers, sensed_at=told["sensed_at"])


def inputs_told(patient: LawInputs) -> dict[str, Any]:
    """Return what a law may know of a patient, as plain values."""
    return asdict(patient)


def inputs_of(told: Mapping[str, Any]) -> LawInputs:
    """Return what was told of a patient."""
    return LawInputs(
        Muscle(**told["muscle"]),
        RhythmParameters(**told["rhythm"]),
        ConductionParameters(**told["conduction"]),
    )
