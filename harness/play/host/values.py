"""Problems and observations as values: what crosses to a host and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizers.problem import Budget, Observation, PastSearch, Population, Problem
from optimizers.space import Axis, Space

Told = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


def problem_told(problem: Problem) -> tuple[Told, Arrays]:
    """Return a problem as plain values; the rules of its space cross as a mask."""
    space, population = problem.space, problem.population
    told = {
        "axes": _axes_told(space),
        "reference": list(problem.reference),
        "start": None if problem.start is None else list(problem.start),
        "budget": asdict(problem.budget),
        "noise_sd": float(problem.noise_sd),
        "planned_evaluations": problem.planned_evaluations,
        "gradual": list(problem.gradual),
        "history": [_past_told(past) for past in problem.history],
    }
    arrays: Arrays = {"mask": space.mask}
    arrays |= {
        f"mask {number}": past.space.mask for number, past in enumerate(problem.history)
    }
    if population is not None:
        arrays["values"] = _real(population.values)
        arrays["sensation"] = _real(population.sensation)
    return told, arrays


def _past_told(past: PastSearch) -> Told:
    return {
        "axes": _axes_told(past.space),
        "reference": list(past.reference),
        "log": [observation_told(seen) for seen in past.log],
        "same_patient": past.same_patient,
    }


def _axes_told(space: Space) -> list[Any]:
    return [[axis.name, axis.unit, list(axis.values)] for axis in space.axes]


def _space_of(axes: list[Any], mask: NDArray[Any]) -> Space:
    told = tuple(Axis(name, unit, tuple(values)) for name, unit, values in axes)
    return Space(told, lambda point: bool(mask[point]))


def _past_of(told: Mapping[str, Any], mask: NDArray[Any]) -> PastSearch:
    return PastSearch(
        _space_of(told["axes"], mask),
        tuple(told["reference"]),
        tuple(observation_of(seen) for seen in told["log"]),
        bool(told["same_patient"]),
    )


def _real(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as frames carry them: in single precision, or in double."""
    single = numbers.dtype == np.float32
    return np.asarray(numbers, dtype=np.float32 if single else np.float64)


def problem_of(told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Problem:
    """Return the problem that was told."""
    population = None
    if "values" in arrays:
        population = Population(arrays["values"], arrays["sensation"])
    start = told["start"]
    return Problem(
        _space_of(told["axes"], arrays["mask"]),
        tuple(told["reference"]),
        Budget(**told["budget"]),
        noise_sd=told["noise_sd"],
        start=None if start is None else tuple(start),
        planned_evaluations=told["planned_evaluations"],
        population=population,
        gradual=tuple(told["gradual"]),
        history=tuple(
            _past_of(past, arrays[f"mask {number}"])
            for number, past in enumerate(told["history"])
        ),
    )


def observation_told(seen: Observation) -> Told:
    """Return an observation as plain values."""
    return {
        "asked": [int(index) for index in seen.asked],
        "tested": [int(index) for index in seen.tested],
        "value": float(seen.value),
        "standard_error": float(seen.standard_error),
        "channels": {name: float(value) for name, value in seen.channels.items()},
        "aborted": seen.aborted,
        "minutes": float(seen.minutes),
        "beats": int(seen.beats),
        "events": int(seen.events),
    }


def observation_of(told: Mapping[str, Any]) -> Observation:
    """Return the observation that was told."""
    points = {name: tuple(told[name]) for name in ("asked", "tested")}
    return Observation(**{**told, **points})
