"""Visits of one readout and measuring plan, each a row of what it took and came to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any, Final, Literal

from harness.play.order import order_of, task_of
from harness.play.played import play
from harness.play.scenario import Scenario
from harness.play.search import SearchAdvisor
from sim.law.registry import MIXTURE
from sim.patient import Patient, sample_cohort
from sim.streams import stream
from sim.units import S_PER_MIN
from sim.visit.order import EngineName, VisitOrder
from sim.visit.record import VisitRecord
from sim.visit.start import started

Whom = Literal["patient", "anybody"]
"""Who comes: the scenario's patient each time, or another virtual patient."""

PHASE: Final = "minutes: "
"""What the column of a phase begins with."""


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCell:
    """A scenario read by one readout and plan, played by one engine."""

    scenario: Scenario
    readout: str
    plan: str
    engine: EngineName

    @classmethod
    def of(
        cls, scenario: Scenario, readout: str, plan: str, engine: EngineName
    ) -> "PlannedCell":
        """Return the scenario with this readout and plan in place of its own.

        Beats to settle and to read that were given are given for the scenario's own
        readout; another one has its usual ones.
        """
        changes: dict[str, object] = {
            "visit.readout": readout,
            "visit.plan": plan,
            "visit.strips": "none",
            "engine": engine,
        }
        if readout != scenario.visit.visit_plan.readout:
            for name in ("settle_beats", "read_beats", "expected_pair_sd_pct"):
                changes[f"visit.{name}"] = None
        return cls(scenario.changed(changes), readout, plan, engine)


Comer = tuple[int, Patient | None]
"""Number of a visit, and who comes; None is the scenario's own patient."""


def comers(scenario: Scenario, n: int, whom: Whom) -> list[Comer]:
    """Return who comes to n visits.

    Anybody is drawn from the patients of all laws alike, by the scenario's seed.
    """
    if whom == "patient":
        return [(number, None) for number in range(n)]
    shares = {law: 1.0 / len(group) for group in MIXTURE for law in group}
    drawn = sample_cohort(n, stream(scenario.seed, name="patient"), families=shares)
    return list(enumerate(drawn.patients))


def visits_of(cell: PlannedCell, who: Iterable[Comer]) -> list[dict[str, Any]]:
    """Play a visit of each; the same numbers and people give the same rows."""
    return [_row(cell, number, patient) for number, patient in who]


def _row(cell: PlannedCell, number: int, patient: Patient | None) -> dict[str, Any]:
    scenario = cell.scenario
    order = _order(scenario, number, patient)
    task = task_of(scenario.search, scenario.device, order)
    advisor = SearchAdvisor.at(order, task)
    record = play(order, advisor).record
    verdict = record.verdict
    return {
        "readout": cell.readout,
        "plan": cell.plan,
        "visit": number,
        "verdict": verdict.kind,
        "verified_gain_pct": verdict.gain_pct if verdict.pairs_done else nan,
        "pair_sd_pct": verdict.pair_sd_pct,
        "tests": len(record.tested),
        "unpleasant_events": sum(seen.events for seen in advisor.log),
        "visit_minutes": record.phases[-1].end_s / S_PER_MIN,
        **dict(_phases(record)),
    }


def _order(scenario: Scenario, number: int, patient: Patient | None) -> VisitOrder:
    if patient is None:
        return order_of(scenario, replicate=number)
    # numbered before a start is drawn, so that each is asked by chance of their own
    told = scenario.changed({"device.start": None})
    order = replace(order_of(told, patient=patient), patient_index=number)
    start = scenario.device.start
    return started(order, start) if start else order


def _phases(record: VisitRecord) -> Iterator[tuple[str, float]]:
    for phase in record.phases:
        yield f"{PHASE}{phase.name}", (phase.end_s - phase.start_s) / S_PER_MIN


def chunks(who: Sequence[Comer], size: int) -> list[Sequence[Comer]]:
    """Return who comes in groups of a size."""
    return [who[i : i + size] for i in range(0, len(who), size)]
