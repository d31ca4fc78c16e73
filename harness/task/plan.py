"""How the settings to try are chosen."""

from dataclasses import dataclass, field

from harness.task.objective import Objective
from optimizers.dialogue import OnFinish
from optimizers.problem import Budget, Strategy
from optimizers.recommend import GATE_PROBABILITY
from optimizers.search import Duplicates


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How the settings to try are chosen.

    `noise_sd_pct` is the SD of one test's reading under the visit's measuring plan, and
    `knows_reference` whether that plan makes the reference's gain zero by construction,
    but for an error of `reference_se_pct` that all tests share.
    Strategy and recommender may know how simulated people answer to every setting,
    unless `knows_population` is False.
    """

    strategy: str | Strategy = "titration"
    axes: tuple[str, ...] = ("amplitude_v", "phase_duration_ms", "delay_ms")
    limits: tuple[tuple[str, float, float], ...] = ()
    model: str = "CCM X11"
    solve_dependents: bool = True
    budget: Budget = field(default_factory=Budget)
    recommender: str = "posterior_mean"
    on_finish: OnFinish = "replicate"
    duplicates: Duplicates = "remeasure"
    gate_probability: float = GATE_PROBABILITY
    noise_sd_pct: float = 2.0
    knows_reference: bool = True
    reference_se_pct: float = 0.0
    readout: str = "finger-pressure"
    knows_population: bool = True
    objective: Objective = field(default_factory=Objective)
