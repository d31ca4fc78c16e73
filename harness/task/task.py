"""The task of a search: which settings it may try, for what, at what cost."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Self

from harness.task.lattice import Lattice
from harness.task.limits import USUAL_LIMITS, StrategyLimits
from harness.task.objective import Objective
from harness.task.people import EVERY_LAW, Laws
from harness.task.prices import FREE, Prices
from optimizers.dialogue import OnFinish
from optimizers.problem import Budget, PastSearch, Strategy
from optimizers.recommend import GATE_PROBABILITY
from optimizers.registry import knowledge
from optimizers.search import Duplicates
from sim.device.lattice import Value
from sim.device.leads import INTACT, LeadOhms
from sim.units import S_PER_MIN
from sim.visit.measuring import (
    expected_plan_test_s,
    expected_sd_pct,
    measuring_plan,
    reference_error_pct,
)
from sim.visit.measuring_noise import PLANNING, pair_sd_pct
from sim.visit.plan import VisitPlan
from sim.visit.verdict import shown_from_pct

Given = tuple[tuple[str, Value], ...]
"""Values of some settings by name; the reference has the others."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is known of the readings before the first.

    `sd_pct` is the SD of one test's reading under the visit's measuring plan, and
    `knows_reference` whether that plan makes the reference's gain zero by construction,
    but for an error of `reference_se_pct` that all tests share. The mean gain of the
    verification errs by `proof_error_pct` and has to reach `proof_least_pct`; a test
    takes `test_min` minutes and `test_beats` beats.
    """

    readout: str = "finger-pressure"
    sd_pct: float = 2.0
    knows_reference: bool = True
    reference_se_pct: float = 0.0
    proof_error_pct: float = 0.0
    proof_least_pct: float = 0.0
    test_min: float = 0.0
    test_beats: float = 0.0

    @classmethod
    def of(cls, plan: VisitPlan) -> Self:
        """Return what to expect of the readings that a visit plans."""
        n, pair_sd = plan.verification_pairs, pair_sd_pct(plan)
        test_min = expected_plan_test_s(plan) / S_PER_MIN
        return cls(
            readout=plan.readout,
            sd_pct=expected_sd_pct(plan),
            knows_reference=measuring_plan(plan.plan).knows_reference,
            reference_se_pct=reference_error_pct(plan),
            proof_error_pct=pair_sd / sqrt(n),
            proof_least_pct=shown_from_pct(
                pair_sd, n, least_gain_pct=plan.least_relevant_gain_pct
            ),
            test_min=test_min,
            test_beats=test_min * PLANNING.heart_rate_bpm,
        )


@dataclass(frozen=True, slots=True)
class Task:
    """How the settings to try are chosen, and what they are worth.

    It knows the plan of the visit, never the patient. Strategy and recommender may
    know how simulated people answer to every setting, unless `knows_population` is
    False; these people have the laws of `people_laws`. `gate_probability` is the least
    probability of being better with which the reference is left. A strategy that is
    named and not ours runs in a process of its own within its `limits`; a function
    handed over runs unprotected in the visit's. `ohms` are the impedances of the leads
    as found, so that energy costs the same before a test as the visit says after it.
    `listed` are the settings that a strategy which searches nothing tests. While any of
    the `prices` is stated, the search ends when further tests are not worth theirs.
    `history` are earlier searches, which a strategy that declares it is given.
    """

    lattice: Lattice = field(default_factory=Lattice)
    objective: Objective = field(default_factory=Objective)
    strategy: str | Strategy = "titration"
    budget: Budget = field(default_factory=Budget)
    recommender: str = "posterior_mean"
    gate_probability: float = GATE_PROBABILITY
    expected: Expectation = field(default_factory=Expectation)
    on_finish: OnFinish = "replicate"
    duplicates: Duplicates = "remeasure"
    knows_population: bool = True
    people_laws: Laws = EVERY_LAW
    ohms: LeadOhms = INTACT
    listed: tuple[Given, ...] = ()
    prices: Prices = FREE
    history: tuple[PastSearch, ...] = field(default=(), repr=False, compare=False)
    limits: StrategyLimits = field(default=USUAL_LIMITS, compare=False)

    @property
    def strategy_name(self) -> str:
        """The strategy as it was named; of a function its own name."""
        named = self.strategy
        if isinstance(named, str):
            return named
        return f"{named.__module__}:{named.__qualname__}"

    @property
    def knows(self) -> str:
        """What is made use of beforehand: nothing, the noise, or people of which laws.

        "unknown" of a strategy that is not ours, which may use whatever it is given.
        """
        by_people = self.recommender == "population"
        found = knowledge(self.strategy_name)
        if self.knows_population and (found == "people" or by_people):
            return self.people_laws.as_known
        return "noise" if found == "people" else found or "unknown"
