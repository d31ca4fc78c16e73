"""Other people's optimizers as strategies; they come with the extra `peers`.

All work in the box of the SciPy methods, begin where these begin and count a test
without a value as these do. None of them knows of noise levels, budgets or sensation.
"""

from importlib import import_module
from typing import Any

import numpy as np

from optimizers.handoff import Objective
from optimizers.problem import Asking, Problem
from optimizers.registry import strategy
from optimizers.scipy_methods import (
    PENALTY_NOISE_SDS,
    WIDTH,
    Coordinates,
    Penalty,
    adapt,
    box_around,
)

EXTRA = "peers"
FIRST_SIGMA = 0.5
"""SD of the first generation of CMA-ES, a quarter of each axis."""

SEEDS = 2**31


@strategy(
    "cmaes", summary="CMA-ES with margin (package cmaes)", needs="cmaes", extra=EXTRA
)
def cma_es(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what CMA-ES asks, generation by generation, on the lattice's own steps.

    The margin (Hamano et al., 2022) keeps every value of an axis within reach.
    """
    box, cost = box_around(problem), _penalty(problem).cost
    if len(box.varies) == 0:
        return None
    optimizer = _cma(box, rng)
    while True:
        told = []
        for _ in range(optimizer.population_size):
            place, own = optimizer.ask()
            seen = yield box.to_point(place[: len(box.varies)])
            told.append((own, cost(seen)))
        optimizer.tell(told)


def _cma(box: Coordinates, rng: np.random.Generator) -> Any:
    """Return the optimizer; an only axis gets a second one, which changes nothing."""
    n_spare = max(0, 2 - len(box.varies))
    cell = np.append(box.cell, np.full(n_spare, WIDTH / 2.0))
    start = np.append(box.start, np.full(n_spare, WIDTH / 4.0))
    return import_module("cmaes").CMAwM(
        mean=start,
        sigma=FIRST_SIGMA,
        bounds=np.column_stack([cell / 2.0, WIDTH - cell / 2.0]),
        steps=cell,
        seed=int(rng.integers(SEEDS)),
    )


@strategy(
    "optuna",
    summary="Optuna's TPE sampler (package optuna)",
    needs="optuna",
    extra=EXTRA,
)
def tpe(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what Optuna's tree-structured Parzen estimator asks, the reference first."""
    optuna = import_module("optuna")
    space, cost = problem.space, _penalty(problem).cost
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=int(rng.integers(SEEDS)))
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(dict(zip(space.names, problem.first, strict=True)))
    while True:
        trial = study.ask()
        index = [
            trial.suggest_int(name, 0, n_values - 1)
            for name, n_values in zip(space.names, space.shape, strict=True)
        ]
        seen = yield space.from_scaled(np.array(index) * space.steps)
        study.tell(trial, cost(seen))


@strategy(
    "pybads",
    summary="Bayesian adaptive direct search (package pybads)",
    needs="pybads",
    extra=EXTRA,
    knows="noise",
)
def bads(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what BADS asks (Acerbi and Ma, 2017), told of noise and expected tests."""
    options = {
        "display": "off",
        "uncertainty_handling": True,
        "noise_size": problem.noise_sd or None,
        "noise_final_samples": 0,
        "max_fun_evals": problem.expected_evaluations,
        "random_seed": rng,
    }

    def method(
        objective: Objective, box: Coordinates, rng: np.random.Generator
    ) -> object:
        low, high = np.zeros_like(box.cell), np.full_like(box.cell, WIDTH)
        build = import_module("pybads").BADS
        search = build(objective, box.start, low, high, low, high, options=options)
        return search.optimize()

    return adapt(method, problem, rng)


def _penalty(problem: Problem) -> Penalty:
    return Penalty(PENALTY_NOISE_SDS * problem.noise_sd or 1.0)
