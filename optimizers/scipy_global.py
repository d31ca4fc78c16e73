"""SciPy's other global methods.

SHGO, DIRECT and brute begin at places of their own, whatever the settings as found, and
ask the same again when restarted.
"""

from functools import partial

import numpy as np
from scipy.optimize import basinhopping, brute, direct, shgo

from optimizers.handoff import Objective
from optimizers.problem import Asking, Problem
from optimizers.registry import strategy
from optimizers.scipy_local import COBYLA_LOCK, COBYLA_MODULE, Slopes
from optimizers.scipy_methods import (
    UNLIMITED,
    WIDTH,
    Coordinates,
    adapt,
    while_unlocked,
)
from optimizers.space import FloatArray

SHGO_ROUNDS = 3
"""Refinements of SHGO's triangles, each with local searches from the best of them."""

HOP_STEPS = 0.5, 0.25
"""First and last step of a local search between jumps; finer ones only read noise."""

DIRECT_TESTS = 5_000
"""Room that DIRECT may reserve for its tests; more than any budget."""


@strategy("shgo", summary="SciPy's SHGO: corners and middles, then local searches")
def shgo_(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what simplicial homology optimization asks (Endres, Sandrock, Focke, 2018).

    The corners of the box come first, then local searches by SLSQP from the best of
    them, with slopes as in `scipy_local`, then a finer division.
    """
    return adapt(_shgo, problem, rng)


@strategy("direct", summary="SciPy's DIRECT: divides the most promising boxes")
def direct_(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what dividing rectangles asks (Jones, Perttunen and Stuckman, 1993)."""
    return adapt(_direct, problem, rng)


@strategy(
    "basin-hopping",
    summary="SciPy's basin hopping: jumps, local searches",
    knows="noise",
)
def basin_hopping(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what basin hopping asks (Wales and Doye, 1997).

    A worse end of a local search is accepted as if one noise SD were its temperature.
    """
    temperature = problem.noise_sd or 1.0
    return adapt(partial(_basin_hopping, temperature=temperature), problem, rng)


@strategy("brute", summary="SciPy's brute: every place of the finest affordable grid")
def brute_(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask every place of the finest regular grid that the expected tests can pay."""
    shape, n_tests = problem.space.shape, problem.expected_evaluations
    n_varying = sum(n_values > 1 for n_values in shape)
    finer = (n for n in range(3, max(shape) + 1) if n**n_varying <= n_tests)
    n_places = max(finer, default=2)
    return adapt(partial(_brute, n_places=n_places), problem, rng)


def _shgo(objective: Objective, box: Coordinates, rng: np.random.Generator) -> object:
    slopes = Slopes(objective, box)
    return shgo(
        slopes.cost,
        box.bounds,
        iters=SHGO_ROUNDS,
        minimizer_kwargs={"method": "SLSQP", "jac": slopes.slope},
        sampling_method="simplicial",
    )


def _direct(objective: Objective, box: Coordinates, rng: np.random.Generator) -> object:
    return direct(
        objective,
        box.bounds,
        maxfun=DIRECT_TESTS,
        maxiter=DIRECT_TESTS,
        len_tol=box.finest / (2.0 * WIDTH),
        vol_tol=0.0,
    )


def _basin_hopping(
    objective: Objective,
    box: Coordinates,
    rng: np.random.Generator,
    *,
    temperature: float,
) -> object:
    first, last = HOP_STEPS
    options = {"rhobeg": first, "tol": last, "maxiter": UNLIMITED}
    local = {"method": "COBYLA", "bounds": box.bounds, "options": options}

    def jump(place: FloatArray) -> FloatArray:
        return np.clip(place + rng.uniform(-1.0, 1.0, size=place.shape), 0.0, WIDTH)

    return basinhopping(
        while_unlocked(objective, COBYLA_MODULE, COBYLA_LOCK),
        box.start,
        niter=UNLIMITED,
        T=temperature,
        take_step=jump,
        minimizer_kwargs=local,
        rng=rng,
    )


def _brute(
    objective: Objective, box: Coordinates, rng: np.random.Generator, *, n_places: int
) -> object:
    middle = WIDTH / (2.0 * n_places)  # of the first of the equal shares of an axis
    ranges = [(middle, WIDTH - middle)] * len(box.cell)
    return brute(objective, ranges, Ns=n_places, finish=None)
