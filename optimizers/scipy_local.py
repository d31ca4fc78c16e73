"""SciPy's other local methods: a linear model, and three that want slopes.

The slopes are differences over a quarter of each axis: SciPy's own step of 1e-8 never
leaves one lattice value, and a short one finds no difference that noise does not hide.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import BFGS, minimize

from optimizers.handoff import Objective
from optimizers.problem import Asking, Problem
from optimizers.registry import strategy
from optimizers.scipy_methods import (
    UNLIMITED,
    WIDTH,
    Coordinates,
    adapt,
    while_unlocked,
)
from optimizers.space import FloatArray

DIFFERENCE = 0.5
"""Length of the differences behind a slope, in first steps; at least one cell."""

COBYLA_MODULE, COBYLA_LOCK = "scipy.optimize._cobyla_py", "_module_lock"


@dataclass(slots=True, eq=False)
class Slopes:
    """An objective with slopes by differences, inwards where an axis ends.

    The cost of the last place is kept, since methods ask cost and slope of one place.
    """

    objective: Objective
    box: Coordinates
    _place: FloatArray = field(init=False)
    _cost: float = field(init=False, default=np.nan)

    def __post_init__(self) -> None:
        self._place = np.full_like(self.box.start, np.nan)

    def cost(self, place: FloatArray) -> float:
        """Return the cost of a place."""
        if not np.array_equal(place, self._place):
            self._cost = self.objective(place)
            self._place = place.copy()
        return self._cost

    def slope(self, place: FloatArray) -> FloatArray:
        """Return the slope of the cost along each axis, (n,)."""
        base = self.cost(place)
        steps = np.maximum(DIFFERENCE, self.box.cell)
        steps = np.where(place + steps > WIDTH, -steps, steps)
        ends = place + np.diag(steps)
        return np.array([self.objective(end) - base for end in ends]) / steps


class _SilentBFGS(BFGS):  # type: ignore[misc]  # SciPy has no types
    """BFGS that passes over steps without a change of slope, instead of warning."""

    def update(self, delta_x: FloatArray, delta_grad: FloatArray) -> None:
        if np.any(delta_grad):
            super().update(delta_x, delta_grad)


@strategy("cobyla", summary="SciPy's COBYLA: linear models in a trust region")
def cobyla(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what COBYLA asks (Powell, 1994), until its region is within a lattice cell.

    A linear model through one more reading than there are axes is followed as far as
    it is trusted.
    """
    return adapt(_cobyla, problem, rng)


@strategy("slsqp", summary="SciPy's SLSQP: quadratic programs, slopes by differences")
def slsqp(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what sequential least squares programming asks (Kraft, 1988)."""
    return adapt(_slsqp, problem, rng)


@strategy("l-bfgs-b", summary="SciPy's L-BFGS-B: quasi-Newton, slopes by differences")
def l_bfgs_b(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what L-BFGS-B asks (Byrd, Lu, Nocedal and Zhu, 1995)."""
    return adapt(_l_bfgs_b, problem, rng)


@strategy(
    "trust-constr", summary="SciPy's trust-constr: interior point, trust region, slopes"
)
def trust_constr(problem: Problem, rng: np.random.Generator) -> Asking:
    """Ask what trust-constr asks (Byrd, Hribar and Nocedal, 1999)."""
    return adapt(_trust_constr, problem, rng)


def _cobyla(objective: Objective, box: Coordinates, rng: np.random.Generator) -> object:
    options = {"rhobeg": 1.0, "tol": box.finest / 2.0, "maxiter": UNLIMITED}
    return minimize(
        while_unlocked(objective, COBYLA_MODULE, COBYLA_LOCK),
        box.start,
        method="COBYLA",
        bounds=box.bounds,
        options=options,
    )


def _slsqp(objective: Objective, box: Coordinates, rng: np.random.Generator) -> object:
    slopes = Slopes(objective, box)
    return minimize(
        slopes.cost,
        box.start,
        jac=slopes.slope,
        method="SLSQP",
        bounds=box.bounds,
        options={"maxiter": UNLIMITED},
    )


def _l_bfgs_b(
    objective: Objective, box: Coordinates, rng: np.random.Generator
) -> object:
    slopes = Slopes(objective, box)
    return minimize(
        slopes.cost,
        box.start,
        jac=slopes.slope,
        method="L-BFGS-B",
        bounds=box.bounds,
        options={"maxiter": UNLIMITED, "maxfun": UNLIMITED},
    )


def _trust_constr(
    objective: Objective, box: Coordinates, rng: np.random.Generator
) -> object:
    slopes = Slopes(objective, box)
    options = {
        "initial_tr_radius": 1.0,
        "xtol": box.finest / 2.0,
        "barrier_tol": box.finest / 2.0,
        "maxiter": UNLIMITED,
    }
    return minimize(
        slopes.cost,
        box.start,
        jac=slopes.slope,
        hess=_SilentBFGS(),
        method="trust-constr",
        bounds=box.bounds,
        options=options,
    )
