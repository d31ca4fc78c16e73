"""The truth about the settings of one patient, for scoring what a search chose."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Self

from harness.play.played import Played
from harness.task.lattice import Lattice
from harness.task.objective import Objective
from harness.task.task import Task
from harness.truth.answer_key import (
    SOUND,
    LeadFaults,
    ees_gain,
    faults_after,
    leads_with,
    patient_after,
)
from harness.truth.landscape import Landscape, landscape
from optimizers.recommend import HARM_PCT
from sim.device.energy import energy_frac
from sim.device.leads import Leads
from sim.device.settings import Settings
from sim.heart.sensation import INTOLERABLE_GRADE
from sim.patient import Patient
from sim.visit.plan import VisitPlan
from sim.visit.trains import felt_level

OTHER_ENERGY_WEIGHTS: Final = (0.0, 1.0)
"""At which the best is sought too, beside the weight of the search."""

_WINDOW: Final = (
    "readout",
    "settle_beats",
    "read_beats",
    "programming_s",
    "verification_pairs",
)


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """Looks settings up on the response curve of one patient.

    `reference` is what the visit compared with, `plan` gives the read windows of the
    estimand, `task` the lattice and the weights of the utility, `faults` what is wrong
    with the leads. Of a visit that is over, leads and rhythm are those of its end, as
    in the answer key: what was chosen and what was best are of one world.
    """

    patient: Patient
    reference: Settings
    plan: VisitPlan
    task: Task
    faults: LeadFaults = SOUND
    _truths: list[Landscape] = field(default_factory=list, init=False, repr=False)
    _gains_pct: dict[Settings, float] = field(
        default_factory=dict, init=False, repr=False
    )
    _made_leads: list[Leads] = field(default_factory=list, init=False, repr=False)
    _levels: dict[Settings, float] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, played: Played) -> Self:
        """Return the scorer of what a visit chose among."""
        record = played.record
        return cls(
            patient_after(record.patient, record.happened),
            record.reference,
            record.plan,
            played.task,
            faults_after(record.found, record.happened),
        )

    @property
    def truth(self) -> Landscape:
        """The truth of the whole lattice, made once per patient and reference."""
        if not self._truths:
            self._truths.append(self._truth())
        return self._truths[0]

    def _truth(self) -> Landscape:
        window = tuple((name, getattr(self.plan, name)) for name in _WINDOW)
        # what only steers the search has no part in the truth, nor in the cache
        lattice, objective = self.task.lattice, self.task.objective
        return _landscape(
            self.patient, self.reference, window, lattice, objective, self.faults
        )

    @property
    def _leads(self) -> Leads:
        if not self._made_leads:
            self._made_leads.append(leads_with(self.faults))
        return self._made_leads[0]

    @property
    def best(self) -> Settings:
        """The tolerated setting of the highest utility, or CCM off if that is more."""
        if self.truth.off_is_best:
            return replace(self.reference, ccm_mode="OFF")
        return self.task.lattice.around(self.reference).settings_of(self.truth.best)

    def gain_pct(self, settings: Settings) -> float:
        """Return the true window gain; exactly 0 for the reference."""
        if settings == self.reference:
            return 0.0
        if settings not in self._gains_pct:
            gain = ees_gain(self.patient, settings, self._leads)
            self._gains_pct[settings] = float(self.truth.response.window_pct(gain))
        return self._gains_pct[settings]

    def settled_gain_pct(self, settings: Settings) -> float:
        """Return the true settled gain; exactly 0 for the reference."""
        if settings == self.reference:
            return 0.0
        gain = ees_gain(self.patient, settings, self._leads)
        return float(self.truth.response.settled_pct(gain))

    def utility_pct(self, settings: Settings) -> float:
        """Return the true utility: gain less energy and what is truly felt."""
        return self.task.objective.utility_pct(
            self.gain_pct(settings), energy_frac(settings), self._level(settings)
        )

    def tolerated(self, settings: Settings) -> bool:
        """Return whether settings are off or felt below the grade that excludes."""
        return self._level(settings) < INTOLERABLE_GRADE

    def points_lost(self, settings: Settings) -> float:
        """Return what settings give away of the best, in points of utility."""
        return self.truth.points_lost(
            self.utility_pct(settings), tolerated=self.tolerated(settings)
        )

    def points_lost_at(self, settings: Settings, gain_pct: float) -> float:
        """Return the same where the settings are taken to have another gain."""
        more = gain_pct - self.gain_pct(settings)
        return self.truth.points_lost(
            self.utility_pct(settings) + more, tolerated=self.tolerated(settings)
        )

    def share_pct(self, points_lost: float) -> float:
        """Return points lost as a share of the span, as `Landscape.share_pct`."""
        return self.truth.share_pct(points_lost)

    def columns(self, candidate: Settings, final: Settings) -> dict[str, Any]:
        """Return the columns of a study's row that are true of its settings."""
        truth = self.truth
        gain, final_gain = self.gain_pct(candidate), self.gain_pct(final)
        lost, final_lost = self.points_lost(candidate), self.points_lost(final)
        return {
            "attainable_gain_pct": truth.attainable_gain_pct,
            "off_gain_pct": truth.off_gain_pct,
            "span_points": truth.span_points,
            "off_is_best": truth.off_is_best,
            "candidate_gain_pct": gain,
            "final_gain_pct": final_gain,
            "candidate_settled_gain_pct": self.settled_gain_pct(candidate),
            "candidate_tolerated": self.tolerated(candidate),
            "final_tolerated": self.tolerated(final),
            "reference_points_lost": self.points_lost(self.reference),
            "points_lost": lost,
            "final_points_lost": final_lost,
            "regret_pct": truth.share_pct(lost),
            "final_regret_pct": truth.share_pct(final_lost),
            "attained_frac": truth.attained_frac(gain),
            "harmed": self.harms(final),
            "candidate_harms": self.harms(candidate),
            "candidate_energy_frac": energy_frac(candidate),
            "final_energy_frac": energy_frac(final),
            "reference_energy_frac": energy_frac(self.reference),
            "candidate_sensation": self.sensation(candidate),
            "reference_sensation": self.sensation(self.reference),
            **self._other_weights(),
        }

    def harms(self, settings: Settings) -> bool:
        """Return whether settings are worse than the reference, or not tolerated.

        Never where the reference is not tolerated itself.
        """
        worse = self.gain_pct(settings) <= -HARM_PCT or not self.tolerated(settings)
        return worse and self.tolerated(self.reference)

    def sensation(self, settings: Settings) -> float:
        """Return what is truly felt, on the scale of the grades; 0 where nothing is."""
        return max(0.0, self._level(settings))

    def _other_weights(self) -> dict[str, float]:
        objective = self.task.objective
        return {
            f"best_utility_energy_{weight:g}_pct": self.truth.best_valued_pct(
                replace(objective, energy_weight=weight)
            )
            for weight in OTHER_ENERGY_WEIGHTS
        }

    def _level(self, settings: Settings) -> float:
        if not settings.delivers:
            return 0.0
        if settings not in self._levels:
            level = felt_level(self.patient, settings, self._leads)
            self._levels[settings] = level
        return self._levels[settings]


@lru_cache(maxsize=8)
def _landscape(
    patient: Patient,
    reference: Settings,
    window: tuple[tuple[str, object], ...],
    lattice: Lattice,
    objective: Objective,
    faults: LeadFaults,
) -> Landscape:
    values: dict[str, Any] = dict(window)
    plan = replace(VisitPlan(), **values)
    space = lattice.around(reference).space
    return landscape(
        patient, reference, space, plan=plan, objective=objective, faults=faults
    )
