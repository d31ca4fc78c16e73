"""The truth about the settings of one patient, for scoring what a search chose."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Self

import numpy as np

from harness.play.played import Played
from harness.task.lattice import Lattice
from harness.task.objective import Objective
from harness.task.task import Task
from harness.truth.answer_key import ees_gain
from harness.truth.landscape import Landscape, landscape
from sim.device.energy import energy_frac
from sim.device.leads import Leads
from sim.device.settings import Settings
from sim.heart.sensation import INTOLERABLE_GRADE, sensation_level
from sim.patient import Patient
from sim.visit.bedside import train_of
from sim.visit.plan import VisitPlan

HARM_PCT: Final = 0.1
"""Loss of window gain, in percent, from which permanent settings count as harm."""

_WINDOW: Final = (
    "readout",
    "settle_beats",
    "read_beats",
    "programming_s",
    "verification_pairs",
)


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """Looks settings up on the response curve of one patient; leads intact.

    `reference` is what the visit compared with, `plan` gives the read windows of the
    estimand, `task` the lattice and the weights of the utility.
    """

    patient: Patient
    reference: Settings
    plan: VisitPlan
    task: Task

    @classmethod
    def of(cls, played: Played) -> Self:
        """Return the scorer of what a visit chose among."""
        record = played.record
        return cls(record.patient, record.reference, record.plan, played.task)

    @property
    def truth(self) -> Landscape:
        """The truth of the whole lattice, made once per patient and reference."""
        window = tuple((name, getattr(self.plan, name)) for name in _WINDOW)
        # what only steers the search has no part in the truth, nor in the cache
        lattice, objective = self.task.lattice, self.task.objective
        return _landscape(self.patient, self.reference, window, lattice, objective)

    def gain_pct(self, settings: Settings) -> float:
        """Return the true window gain; exactly 0 for the reference."""
        if settings == self.reference:
            return 0.0
        gain = ees_gain(self.patient, settings)
        return float(self.truth.response.window_pct(gain))

    def settled_gain_pct(self, settings: Settings) -> float:
        """Return the true settled gain; exactly 0 for the reference."""
        if settings == self.reference:
            return 0.0
        gain = ees_gain(self.patient, settings)
        return float(self.truth.response.settled_pct(gain))

    def utility_pct(self, settings: Settings) -> float:
        """Return the true utility: gain less energy and what is truly felt."""
        return self.task.objective.utility_pct(
            self.gain_pct(settings), energy_frac(settings), self._level(settings)
        )

    def tolerated(self, settings: Settings) -> bool:
        """Return whether settings are off or felt below the grade that excludes."""
        return not settings.delivers or self._level(settings) < INTOLERABLE_GRADE

    def regret_pct(self, gain_pct: float) -> float:
        """Return the share of the best that a gain gives away."""
        return self.truth.regret_pct(gain_pct)

    def columns(self, candidate: Settings, final: Settings) -> dict[str, Any]:
        """Return the columns of a study's row that are true of its settings."""
        truth = self.truth
        gain, final_gain = self.gain_pct(candidate), self.gain_pct(final)
        best = float(truth.utility_pct[truth.row(truth.best)])
        tolerated = self.tolerated(final)
        worse = final_gain <= -HARM_PCT or not tolerated
        return {
            "attainable_gain_pct": truth.attainable_gain_pct,
            "off_gain_pct": truth.off_gain_pct,
            "candidate_gain_pct": gain,
            "final_gain_pct": final_gain,
            "candidate_settled_gain_pct": self.settled_gain_pct(candidate),
            "candidate_tolerated": self.tolerated(candidate),
            "final_tolerated": tolerated,
            "regret_pct": truth.regret_pct(gain),
            "final_regret_pct": truth.regret_pct(final_gain),
            "utility_regret_pct": best - self.utility_pct(candidate),
            "attained_frac": truth.attained_frac(gain),
            "harmed": worse and self.tolerated(self.reference),
        }

    def _level(self, settings: Settings) -> float:
        leads = Leads(rng=np.random.default_rng(0))
        return float(sensation_level(self.patient.sensation, train_of(settings, leads)))


@lru_cache(maxsize=8)
def _landscape(
    patient: Patient,
    reference: Settings,
    window: tuple[tuple[str, object], ...],
    lattice: Lattice,
    objective: Objective,
) -> Landscape:
    values: dict[str, Any] = dict(window)
    plan = replace(VisitPlan(), **values)
    space = lattice.around(reference).space
    return landscape(patient, reference, space, plan=plan, objective=objective)
