"""SciPy's optimizers as strategies, all through one adapter.

They see a box in which every value of an axis owns an equal share and the first step,
of length 1, is half of each axis: a default first step never leaves one lattice cell,
and a short one finds no difference that noise does not hide. They begin at the
reference or where a restart says. None of them knows of noise or of a budget; the
search ends them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, differential_evolution, dual_annealing, minimize

from optimizers.handoff import Objective, ask_for
from optimizers.problem import Asking, Observation, Problem
from optimizers.registry import strategy
from optimizers.space import FloatArray, Point, Space

WIDTH = 2.0
"""Length of every axis of the box, in first steps."""

PENALTY_NOISE_SDS = 4.0
"""A test without a value counts as worse than the worst by this many noise SDs."""

DE_POPULATION = 2
"""Members of differential evolution's population for each axis; SciPy's least is 5."""

UNLIMITED = 10**7  # the methods' own limits; the search's budget ends them


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """The coordinates an optimizer works in, one for each axis that can vary.

    Parameters
    ----------
    space
        The space behind it.
    fixed
        Scaled coordinates of the start, for the axes that cannot vary.
    varies
        (n,) places of the axes that can.
    cell
        (n,) length of one lattice value; the box runs from 0 to `WIDTH`.
    start
        (n,) where to begin, in the middle of a cell.
    """

    space: Space
    fixed: FloatArray
    varies: NDArray[np.intp]
    cell: FloatArray
    start: FloatArray

    @property
    def bounds(self) -> Bounds:
        """The box as SciPy wants it."""
        return Bounds(np.zeros_like(self.cell), np.full_like(self.cell, WIDTH))

    @property
    def finest(self) -> float:
        """Length of the shortest cell."""
        return float(self.cell.min())

    def first_simplex(self) -> FloatArray:
        """Return the start and one step of 1 along each axis, inwards, (n + 1, n)."""
        inwards = np.where(self.start + 1.0 > WIDTH, -1.0, 1.0)
        return np.vstack([self.start, self.start + np.diag(inwards)])

    def to_point(self, place: FloatArray) -> Point:
        """Return the allowed point nearest to a place."""
        coordinates = self.fixed.copy()
        steps = self.space.steps[self.varies]
        coordinates[self.varies] = (place / self.cell - 0.5) * steps
        return self.space.from_scaled(coordinates)


def box_around(problem: Problem) -> Coordinates:
    """Return the box of a problem's space, with its start."""
    n_values = np.array(problem.space.shape)
    varies = np.flatnonzero(n_values > 1)
    cell = WIDTH / n_values[varies]
    start = (np.array(problem.first)[varies] + 0.5) * cell
    fixed = problem.space.scaled(problem.first)
    return Coordinates(problem.space, fixed, varies, cell, start)


@dataclass(slots=True)
class Penalty:
    """Cost of a test: minus its value, and a finite penalty when it has none.

    The penalty lies `PENALTY_NOISE_SDS` noise SDs (or 1, when readings are exact) above
    the worst cost seen until then, so that an optimizer turns back but can still
    compare.
    """

    margin: float
    worst: float = 0.0

    def cost(self, observation: Observation) -> float:
        """Return a finite cost, lower is better."""
        if not observation.usable:
            return self.worst + self.margin
        self.worst = max(self.worst, -observation.value)
        return -observation.value


Method = Callable[[Objective, Coordinates, np.random.Generator], object]


def adapt(method: Method, problem: Problem, rng: np.random.Generator) -> Asking:
    """Run a SciPy method on a problem; ends at once where nothing can vary."""
    box = box_around(problem)
    if len(box.varies) == 0:
        return None
    penalty = Penalty(PENALTY_NOISE_SDS * problem.noise_sd or 1.0)
    return (
        yield from ask_for(
            lambda objective: method(objective, box, rng),
            to_point=box.to_point,
            to_cost=penalty.cost,
        )
    )


@strategy("nelder-mead", summary="SciPy's downhill simplex, lattice-scaled")
def nelder_mead(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what Nelder-Mead asks, until its simplex is smaller than the lattice."""
    return adapt(_nelder_mead, problem, rng)


@strategy("powell", summary="SciPy's Powell: one line search after another")
def powell(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what Powell's method asks, each line searched to one lattice step."""
    return adapt(_powell, problem, rng)


@strategy("cobyqa", summary="SciPy's COBYQA: quadratic models in a trust region")
def cobyqa(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what COBYQA asks, until its region is smaller than the lattice."""
    return adapt(_cobyqa, problem, rng)


@strategy(
    "differential-evolution", summary="SciPy's differential evolution, few members"
)
def differential_evolution_(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what differential evolution asks, without a final polish."""
    return adapt(_differential_evolution, problem, rng)


@strategy("dual-annealing", summary="SciPy's annealing, without local searches")
def dual_annealing_(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what dual annealing asks; its local search would only see one cell."""
    return adapt(_dual_annealing, problem, rng)


def _nelder_mead(
    objective: Objective, box: Coordinates, rng: np.random.Generator
) -> object:
    options = {
        "initial_simplex": box.first_simplex(),
        "xatol": box.finest,
        "fatol": np.inf,  # noise never lets the values agree
        "maxiter": UNLIMITED,
        "maxfev": UNLIMITED,
    }
    return minimize(
        objective, box.start, method="Nelder-Mead", bounds=box.bounds, options=options
    )


def _powell(objective: Objective, box: Coordinates, rng: np.random.Generator) -> object:
    options = {
        "direc": np.diag(box.cell),  # a line is then searched in lattice steps
        "xtol": 1.0,
        "maxiter": UNLIMITED,
        "maxfev": UNLIMITED,
    }
    return minimize(
        objective, box.start, method="Powell", bounds=box.bounds, options=options
    )


def _cobyqa(objective: Objective, box: Coordinates, rng: np.random.Generator) -> object:
    options = {
        "initial_tr_radius": 1.0,
        "final_tr_radius": box.finest / 2.0,
        "maxiter": UNLIMITED,
        "maxfev": UNLIMITED,
    }
    return minimize(
        while_unlocked(objective, "scipy.optimize._cobyqa_py", "COBYQA_LOCK"),
        box.start,
        method="COBYQA",
        bounds=box.bounds,
        options=options,
    )


def _differential_evolution(
    objective: Objective, box: Coordinates, rng: np.random.Generator
) -> object:
    return differential_evolution(
        objective,
        box.bounds,
        x0=box.start,
        rng=rng,
        popsize=DE_POPULATION,
        maxiter=UNLIMITED,
        polish=False,
    )


def _dual_annealing(
    objective: Objective, box: Coordinates, rng: np.random.Generator
) -> object:
    return dual_annealing(
        objective,
        box.bounds,
        x0=box.start,
        rng=rng,
        maxiter=UNLIMITED,
        maxfun=UNLIMITED,
        no_local_search=True,
    )


def while_unlocked(objective: Objective, module: str, name: str) -> Objective:
    """Give a lock of SciPy's up while the objective waits for its test.

    SciPy up to 1.17 holds one lock through a whole COBYQA run (scipy issue 24027), and
    up to 1.15 another through COBYLA's: two open searches would wait for each other
    for ever. Where SciPy has no such lock the objective is returned as it is.
    """
    lock = getattr(import_module(module), name, None)
    if lock is None:
        return objective

    def cost(place: FloatArray) -> float:
        lock.release()
        try:
            return objective(place)
        finally:
            lock.acquire()

    return cost
