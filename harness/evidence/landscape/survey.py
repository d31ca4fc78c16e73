"""The whole truth of one patient: every setting, and what some choices give away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.common.csv import Row
from harness.evidence.landscape.rules import FACTORY, TEXTBOOK, Rule, RuleBook
from harness.play.order import order_of, task_of
from harness.play.scenario import Scenario
from harness.report.values import therapy_text
from harness.task.lattice import TherapySpace
from harness.task.objective import Objective
from harness.truth.landscape import Landscape, landscape
from harness.truth.shapley import shapley_shares
from sim.device.lattice import value_at
from sim.patient import Patient

FloatArray = NDArray[np.float64]
DIGITS: Final = 6
"""Decimals of the tables: what other machines reproduce."""


@dataclass(frozen=True, slots=True)
class Given:
    """One choice, in words, and what it is truly worth and gives away."""

    name: str
    settings: str
    window_gain_pct: float
    utility_pct: float
    points_lost: float
    share_pct: float


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """The truth of every setting that one patient's search may try."""

    title: str
    patient: Patient
    around: TherapySpace
    objective: Objective
    readout: str
    truth: Landscape

    @property
    def explained(self) -> dict[str, float]:
        """Share of the variance of utility that each axis explains."""
        shares = shapley_shares(self.truth.points, self.truth.utility_pct)
        return dict(zip(self.around.space.names, shares.tolist(), strict=True))

    @property
    def givens(self) -> list[Given]:
        """What the best, the start, both rules and CCM off are worth."""
        truth, space = self.truth, self.around.space
        start = truth.row(self.around.reference_point)
        return [
            self._off("best")
            if truth.off_is_best
            else self._at("best", truth.row(truth.best)),
            self._at("as found", start),
            self._by("factory settings", FACTORY, RuleBook(space)),
            self._by("textbook rule", TEXTBOOK, RuleBook(space)),
            self._off("off"),
        ]

    def rows(self) -> Iterator[Row]:
        """Yield a row a setting, in the order of the lattice."""
        truth, space = self.truth, self.around.space
        values = {
            axis.name: np.array(axis.values)[truth.points[:, place]]
            for place, axis in enumerate(space.axes)
        }
        told = {
            "ees_gain_pct": truth.ees_gain_pct,
            "window_gain_pct": truth.window_gain_pct,
            "settled_gain_pct": truth.settled_gain_pct,
            "utility_pct": truth.utility_pct,
            "points_lost": truth.best_utility_pct - truth.utility_pct,
        }
        for row in range(len(truth.points)):
            yield {
                **{name: value_at(name, float(of[row])) for name, of in values.items()},
                "tolerated": bool(truth.tolerated[row]),
                **{name: round(float(of[row]), DIGITS) for name, of in told.items()},
            }

    def _at(self, name: str, row: int) -> Given:
        truth = self.truth
        point = tuple(int(i) for i in truth.points[row])
        utility, kept = float(truth.utility_pct[row]), bool(truth.tolerated[row])
        lost = truth.points_lost(utility, tolerated=kept)
        told = therapy_text(self.around.settings_of(point))
        return Given(
            name,
            told if kept else f"{told} (not tolerated)",
            float(truth.window_gain_pct[row]),
            utility,
            lost,
            truth.share_pct(lost),
        )

    def _off(self, name: str) -> Given:
        truth = self.truth
        lost = truth.points_lost(truth.off_gain_pct)
        off = truth.off_gain_pct
        return Given(name, "CCM off", off, off, lost, truth.share_pct(lost))

    def _by(self, name: str, rule: Rule, book: RuleBook) -> Given:
        row = book.row_of(self.truth, rule)
        return self._off(name) if row is None else self._at(name, row)


def survey(scenario: Scenario, axes: tuple[str, ...] = ()) -> Survey:
    """Return the truth of the patient of a scenario.

    Parameters
    ----------
    scenario
        A validated scenario; the device is as found, a start drawn.
    axes
        Searched instead of the scenario's own, by `Scenario.changed`'s rules.
    """
    if axes:
        scenario = scenario.changed({"search.axes": list(axes)})
    order = order_of(scenario)
    task = task_of(scenario.search, scenario.device, order)
    around = task.lattice.around(order.found.settings)
    truth = landscape(
        order.patient,
        around.reference,
        around.space,
        plan=order.plan,
        objective=task.objective,
    )
    return Survey(
        scenario.title, order.patient, around, task.objective, order.plan.readout, truth
    )
