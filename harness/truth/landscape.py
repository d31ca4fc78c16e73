"""The exact truth of every setting of a lattice, and of CCM off, for scoring searches.

Every setting is looked up on the response curves of its patient, which are played at a
few gains (`response`), for a whole cohort side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from math import nan
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from harness.common.tidy import TidyTable
from harness.task.lattice import lattice_train
from harness.task.objective import Objective
from harness.truth.answer_key import (
    SOUND,
    LeadFaults,
    ees_gain,
    leads_with,
    reaching,
)
from harness.truth.effect import ComparedTrains, Effect, effects
from harness.truth.response import Response
from optimizers.space import Point, Space
from sim.device.energy import energy_frac
from sim.device.lattice import MODELS, value_at
from sim.device.leads import INTACT
from sim.device.settings import ConflictError, Settings
from sim.heart.sensation import INTOLERABLE_GRADE
from sim.heart.train import Train
from sim.patient import Patient
from sim.units import PCT_PER_FRAC
from sim.visit.plan import VisitPlan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
FLAT_PCT: Final = 0.05
"""Gain, in percent, below which there is nothing to win: what the curves resolve."""
LEAST_SPAN_POINTS: Final = 1.0
"""Span, in points of utility, from which a share of it is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """Whose truth is sought: every setting of a space, against a reference.

    Values that the space does not search are the reference's. `faults` tells what is
    wrong with the leads.
    """

    patient: Patient
    reference: Settings
    space: Space
    faults: LeadFaults = SOUND


@dataclass(frozen=True, eq=False)
class Landscape:
    """The truth of each allowed point of a space, in the order of `points`, and of off.

    Attributes
    ----------
    response
        The curves that the gains below are looked up on.
    points
        `(n, d)` lattice indices.
    ees_gain_pct, window_gain_pct, settled_gain_pct, utility_pct
        `(n,)`: gain of elastance over CCM off, then gains against the reference.
    energy_frac, sensation
        `(n,)`: daily energy as a share of nominal, and what is truly felt on the scale
        of the grades, below 0 the further below any sensation.
    off_gain_pct
        Window gain of CCM off: below 0 when the reference does something. It is the
        utility of off too, which costs no energy and is not felt.
    space, reference
        What was asked for.
    """

    response: Response
    points: NDArray[np.intp]
    ees_gain_pct: FloatArray
    window_gain_pct: FloatArray
    settled_gain_pct: FloatArray
    utility_pct: FloatArray
    energy_frac: FloatArray
    sensation: FloatArray
    off_gain_pct: float
    space: Space
    reference: Settings

    @property
    def table(self) -> TidyTable:
        """The settings with their truth, a row each, the axes first."""
        return TidyTable(
            {
                **{
                    axis.name: [value_at(axis.name, axis.values[i]) for i in column]
                    for axis, column in zip(
                        self.space.axes, self.points.T.tolist(), strict=True
                    )
                },
                "ees_gain_pct": self.ees_gain_pct,
                "window_gain_pct": self.window_gain_pct,
                "settled_gain_pct": self.settled_gain_pct,
                "utility_pct": self.utility_pct,
                "energy_frac": self.energy_frac,
                "sensation": self.sensation,
                "tolerated": self.tolerated,
            }
        )

    def __repr__(self) -> str:
        values = self.space.as_dict(self.best).items()
        best = ", ".join(f"{n} {value_at(n, value)}" for n, value in values)
        return (
            f"Landscape of {len(self.points)} settings: "
            f"best {'CCM off' if self.off_is_best else best}, utility "
            f"{self.best_utility_pct:+.2f} %; {self.span_points:.2f} points over off"
        )

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def plot(self, *, width: str = "double") -> "Figure":
        """Return the figure: utility along each axis, at the best and at the reference.

        Parameters
        ----------
        width
            "double" or "single" column of a journal.
        """
        drawn = import_module("harness.truth.landscape_figure")  # loads matplotlib
        figure: Figure = drawn.landscape_figure(self, width=width)
        return figure

    @cached_property
    def tolerated(self) -> NDArray[np.bool_]:
        """Whether each setting is truly felt below the intolerable grade, `(n,)`."""
        return np.asarray(self.sensation < INTOLERABLE_GRADE)

    @property
    def best(self) -> Point:
        """The tolerated point of the highest utility, the first of equals."""
        utility = np.where(self.tolerated, self.utility_pct, -np.inf)
        return tuple(int(i) for i in self.points[int(np.argmax(utility))])

    @cached_property
    def best_utility_pct(self) -> float:
        """Highest utility of a tolerated setting or of CCM off."""
        return float(self.utility_pct[self.tolerated].max(initial=self.off_gain_pct))

    def best_valued_pct(self, objective: Objective) -> float:
        """Return the highest utility of a tolerated setting or off by other weights."""
        worth = objective.utility_pct(
            self.window_gain_pct, self.energy_frac, self.sensation
        )
        return float(worth[self.tolerated].max(initial=self.off_gain_pct))

    @property
    def off_is_best(self) -> bool:
        """Whether no tolerated setting is worth more than CCM off."""
        return self.best_utility_pct <= self.off_gain_pct

    @property
    def span_points(self) -> float:
        """What lies between CCM off and the best, in points of utility."""
        return self.best_utility_pct - self.off_gain_pct

    @property
    def attainable_gain_pct(self) -> float:
        """Highest window gain of a tolerated setting or off; 0 when none is better."""
        least = max(0.0, self.off_gain_pct)
        return float(self.window_gain_pct[self.tolerated].max(initial=least))

    def row(self, point: Point) -> int:
        """Return the row of a point; a ValueError when it is not allowed."""
        rows = np.flatnonzero((self.points == np.array(point)).all(axis=1))
        if rows.size == 0:
            raise ValueError(f"point {point} is not an allowed point of the lattice")
        return int(rows[0])

    def points_lost(self, utility_pct: float, *, tolerated: bool = True) -> float:
        """Return what a choice gives away of the best, in points of utility.

        What is not tolerated cannot be kept: it counts as CCM off at best.
        """
        if not tolerated:
            utility_pct = min(utility_pct, self.off_gain_pct)
        return self.best_utility_pct - utility_pct

    def share_pct(self, points_lost: float) -> float:
        """Return points lost as a share of the span, percent.

        0 at the optimum, 100 as bad as CCM off, more when it harms; nan where the span
        is below `LEAST_SPAN_POINTS`.
        """
        if self.span_points < LEAST_SPAN_POINTS:
            return nan
        return PCT_PER_FRAC * points_lost / self.span_points

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
    faults: LeadFaults = SOUND,
    off_lattice: bool = False,
) -> Landscape:
    """Return the truth of every allowed setting against a reference.

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
    faults
        What is wrong with the leads; nothing by default.
    off_lattice
        Whether the reference may have values that no device takes; a ConflictError
        otherwise.
    """
    wrong = reference.off_lattice()
    if not off_lattice and wrong and all(map(reference.off_lattice, MODELS)):
        raise ConflictError(wrong)
    sought = [Sought(patient, reference, space, faults)]
    return landscapes(sought, plan=plan, objective=objective)[0]


def landscapes(
    sought: Sequence[Sought],
    *,
    plan: VisitPlan | None = None,
    objective: Objective | None = None,
) -> list[Landscape]:
    """Return `landscape` of several patients, whose hearts are played side by side."""
    plan, objective = plan or VisitPlan(), objective or Objective()
    trains = [lattice_train(one.reference, one.space) for one in sought]
    played = [
        ComparedTrains(one.patient, _reference_gain(one), reaching(train, one.faults))
        for one, train in zip(sought, trains, strict=True)
    ]
    found = zip(sought, trains, effects(played, plan), strict=True)
    return [_valued(*parts, objective) for parts in found]


def _reference_gain(one: Sought) -> float:
    return ees_gain(one.patient, one.reference, leads_with(one.faults))


def _valued(
    sought: Sought, train: Train, effect: Effect, objective: Objective
) -> Landscape:
    energy = energy_frac(sought.reference, INTACT, train)
    utility = objective.utility_pct(effect.window_gain_pct, energy, effect.sensation)
    return Landscape(
        effect.response,
        sought.space.indices,
        effect.ees_gain_pct,
        effect.window_gain_pct,
        effect.settled_gain_pct,
        utility,
        np.asarray(energy),
        effect.sensation,
        effect.off_gain_pct,
        sought.space,
        sought.reference,
    )
