"""The exact truth of every setting of a lattice, for scoring searches.

All that the muscle feels of a setting is one number, the steady gain of LV elastance.
So the gain that a visit would read, and the settled one, are curves of that number:
they are played at a few points of it, and every setting is looked up.
"""

from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from harness.task.lattice import lattice_train
from harness.task.objective import Objective
from harness.truth.answer_key import ees_gain, settled_gain_pct, window_gain_pct
from optimizers.space import Point, Space
from sim.device.energy import energy_frac
from sim.device.leads import INTACT
from sim.device.settings import Settings
from sim.heart.sensation import INTOLERABLE_GRADE, sensation_level
from sim.patient import Patient
from sim.units import PCT_PER_FRAC
from sim.visit.plan import VisitPlan

FloatArray = NDArray[np.float64]
NODES: Final = 6
"""Gains at which the response is played; the curve is nearly straight."""
FLAT_PCT: Final = 0.05
"""Gain, in percent, below which there is nothing to win: what the curves resolve."""


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What a heart shows at each gain of elastance, against one reference, percent."""

    window_pct: Chebyshev
    settled_pct: Chebyshev


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """The truth of each allowed point of a space, in the order of `points`.

    Attributes
    ----------
    response
        The curves that the gains below are looked up on.
    points
        `(n, d)` lattice indices.
    ees_gain_pct, window_gain_pct, settled_gain_pct, utility_pct
        `(n,)`: gain of elastance over CCM off, then gains against the reference.
    tolerated
        `(n,)`: whether the setting is truly felt below the intolerable grade.
    off_gain_pct
        Window gain of CCM off: below 0 when the reference does something.
    """

    response: Response
    points: NDArray[np.intp]
    ees_gain_pct: FloatArray
    window_gain_pct: FloatArray
    settled_gain_pct: FloatArray
    utility_pct: FloatArray
    tolerated: NDArray[np.bool_]
    off_gain_pct: float

    @property
    def best(self) -> Point:
        """The tolerated point of the highest utility, the first of equals."""
        utility = np.where(self.tolerated, self.utility_pct, -np.inf)
        return tuple(int(i) for i in self.points[int(np.argmax(utility))])

    @property
    def attainable_gain_pct(self) -> float:
        """Highest window gain of a tolerated setting; 0 when none is better."""
        return float(self.window_gain_pct[self.tolerated].max(initial=0.0))

    def row(self, point: Point) -> int:
        """Return the row of a point; a ValueError when it is not allowed."""
        rows = np.flatnonzero((self.points == np.array(point)).all(axis=1))
        if rows.size == 0:
            raise ValueError(f"point {point} is not an allowed point of the lattice")
        return int(rows[0])

    def regret_pct(self, gain_pct: float) -> float:
        """Return the share of the best that a window gain gives away.

        0 at the optimum, 100 as bad as CCM off, more when it harms; 0 for every
        setting when less than `FLAT_PCT` lies between off and the best.
        """
        best = self.attainable_gain_pct
        span = best - self.off_gain_pct
        return PCT_PER_FRAC * (best - gain_pct) / span if span >= FLAT_PCT else 0.0

    def attained_frac(self, gain_pct: float) -> float:
        """Return the share of the attainable gain over the reference; nan at none."""
        best = self.attainable_gain_pct
        return gain_pct / best if best >= FLAT_PCT else nan


def landscape(
    patient: Patient,
    reference: Settings,
    space: Space,
    *,
    plan: VisitPlan | None = None,
    objective: Objective | None = None,
) -> Landscape:
    """Return the truth of every allowed setting against a reference, leads intact.

    Parameters
    ----------
    patient
        Whose heart.
    reference
        What is compared with; values that the space does not search are its own.
    space
        The lattice, its axes named as in `Settings`.
    plan, objective
        Read windows of the estimand, and weights of the utility.
    """
    plan, objective = plan or VisitPlan(), objective or Objective()
    points = np.array(list(space.points()), dtype=np.intp).reshape(-1, len(space.axes))
    train = lattice_train(reference, space)
    gains = patient.gain(train)
    response = _response(patient, plan, reference, gains)
    window_pct = np.asarray(response.window_pct(gains))
    level = sensation_level(patient.sensation, train)
    energy = energy_frac(reference, INTACT, train)
    return Landscape(
        response,
        points,
        PCT_PER_FRAC * gains,
        window_pct,
        np.asarray(response.settled_pct(gains)),
        objective.utility_pct(window_pct, energy, level),
        np.asarray(level < INTOLERABLE_GRADE),
        float(response.window_pct(0.0)),
    )


def _response(
    patient: Patient, plan: VisitPlan, reference: Settings, gains: FloatArray
) -> Response:
    """Return window and settled gain as curves over the gains met, and CCM off."""
    base = ees_gain(patient, reference)
    low, high = min(float(gains.min()), 0.0), max(float(gains.max()), 0.0)

    def window_at(nodes: FloatArray) -> FloatArray:
        return np.array([window_gain_pct(patient, plan, float(g), base) for g in nodes])

    def settled_at(nodes: FloatArray) -> FloatArray:
        return np.array([settled_gain_pct(patient, float(g), base) for g in nodes])

    if high - low < 1e-12:  # no setting does anything
        flat = np.zeros(1)
        return Response(Chebyshev(window_at(flat)), Chebyshev(settled_at(flat)))
    window, settled = (
        Chebyshev.interpolate(curve, NODES - 1, domain=[low, high])
        for curve in (window_at, settled_at)
    )
    return Response(window, settled)
