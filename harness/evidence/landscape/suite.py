"""The truth of a study's patients under each law and from each start.

Each law is met by the same people, but for what the law itself draws, so that laws are
compared on equal terms. What is counted is points of utility; a share of the span is
told of patients whose span is a point or more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.common.csv import Row
from harness.common.faults import Fault, ScenarioError
from harness.evidence.landscape.law_cell import YARDSTICKS, LawCell, law_cell
from harness.evidence.landscape.survey import DIGITS
from harness.evidence.landscape.told import N_PEOPLE, PlannedTests
from harness.evidence.validation.experiments.acute import NOMINAL
from harness.play.order import order_for, task_of
from harness.play.tables import DeviceTable, SearchTable, VisitTable
from harness.study.plan import CohortTable, Study
from harness.task.lattice import LEADS, TherapySpace, lattice_train
from harness.task.task import Task
from harness.truth.response import Asked, responses
from sim.patient import Cohort, Patient, sample_cohort
from sim.streams import stream
from sim.units import PCT_PER_FRAC
from sim.visit.order import VisitOrder
from sim.visit.plan import VisitPlan
from sim.visit.start import GIVEN, started

FloatArray = NDArray[np.float64]
Progress = Callable[[str], None]
N_LABORATORY: Final = 24
"""Patients whose rise of dP/dt max is held against A16."""


@dataclass(frozen=True, slots=True, eq=False)
class Suite:
    """Every law and start of a study."""

    title: str
    seed: int
    n_people: int
    tests: PlannedTests
    cells: tuple[LawCell, ...]

    def rows(self) -> Iterator[Row]:
        """Yield a row a law and start: estimates with their intervals."""
        for cell in self.cells:
            explained = self._explained(cell, cell.explained.mean(axis=0))
            means = {f"explained_{name}_mean": share for name, share in explained}
            yield {**_summary(cell), **means, **_last(cell)}

    def patient_rows(self) -> Iterator[Row]:
        """Yield a row a law, start and patient."""
        for cell in self.cells:
            for i in range(cell.n):
                yield {
                    "law": cell.law,
                    "start": cell.start,
                    "leads_searched": cell.leads_searched,
                    "patient": i,
                    "span_points": _kept(cell.span[i]),
                    "off_is_best": bool(cell.off_is_best[i]),
                    **{
                        f"{name}_points_lost": _kept(cell.lost[name].points[i])
                        for name in YARDSTICKS
                    },
                    "optimum_at_highest_tolerated": bool(cell.at_top[i]),
                    "optimum_at_an_end": bool(cell.at_edge[i]),
                    "tolerated_frac": _kept(cell.tolerated_frac[i]),
                    **{
                        f"explained_{name}": share
                        for name, share in self._explained(cell, cell.explained[i])
                    },
                }

    @property
    def axes(self) -> tuple[str, ...]:
        """Every axis that any cell searches."""
        return tuple(dict.fromkeys(name for cell in self.cells for name in cell.axes))

    def _explained(
        self, cell: LawCell, shares: FloatArray
    ) -> Iterator[tuple[str, float]]:
        """Yield each axis and what it explains in a cell; nan where not searched."""
        found = dict(zip(cell.axes, shares.tolist(), strict=True))
        for name in self.axes:
            yield name, _kept(found.get(name, nan))


def _kept(value: float) -> float:
    return round(float(value), DIGITS)


def _summary(cell: LawCell) -> Row:
    row: dict[str, str | int | float | bool | None] = {
        "law": cell.law,
        "start": cell.start,
        "leads_searched": cell.leads_searched,
        "n": cell.n,
        "n_span_1_point": cell.n_wide,
        "rise_dpdt_mean_pct": _kept(cell.rise_pct.mean()),
        "rise_dpdt_sd_pct": _kept(cell.rise_pct.std(ddof=1)),
        "agrees_with_a16": cell.a16_answer,
        "span_median_points": _kept(np.median(cell.span)),
        "noise_of_a_test_pct": cell.noise_pct,
    }
    for name in YARDSTICKS:
        lost = cell.lost[name]
        for unit, found in (
            ("median_pct", lost.median_pct),
            ("mean_points", lost.mean_points),
            ("pooled_pct", cell.pooled_pct(name)),
        ):
            for part in ("value", "low", "high"):
                end = "" if part == "value" else f"_{part}"
                row[f"{name}_lost_{unit}{end}"] = _kept(getattr(found, part))
    row["won_back_frac"] = _kept(cell.won_back_frac)
    row["optimum_at_highest_tolerated_pct"] = _kept(PCT_PER_FRAC * cell.at_top.mean())
    row["optimum_at_an_end_pct"] = _kept(PCT_PER_FRAC * cell.at_edge.mean())
    row["off_is_best_pct"] = _kept(PCT_PER_FRAC * cell.off_is_best.mean())
    return row


def _last(cell: LawCell) -> Row:
    """Return the bins, the rules and what is said of a cell."""
    bins = {f"n_factory_bin_{place}": n for place, n in enumerate(cell.binned)}
    rules = " | ".join(rule.text if rule else "CCM off" for rule in cell.fitted)
    told = {"verdict": cell.verdict, "tags": cell.tags}
    return {**bins, "fitted_rules": rules, **told}


def suite(
    study: Study, n_people: int, *, origin: str, progress: Progress = lambda text: None
) -> Suite:
    """Return the truth of `n_people` patients of each law of a study, from each start.

    Where people of a law gain most by one lead alone, a cell of its own searches which
    leads deliver too.

    Raises
    ------
    ScenarioError
        When the study has no cohort, or its patients cannot be drawn.
    """
    if study.cohort is None:
        text = "must be given: a landscape of a study is that of a cohort's laws"
        raise ScenarioError(origin, [Fault("cohort", text)])
    progress(f"drawing {n_people} patients, and {N_PEOPLE} whom a told search knows")
    drawn = _drawn(study.cohort, n_people, study.seed, replicate=0)
    known = _drawn(study.cohort, N_PEOPLE, study.seed, replicate=1)
    cells: list[LawCell] = []
    for law in study.cohort.families:
        progress(f"{law}: {n_people} landscapes from each start")
        people, others = drawn.under(law).patients, known.under(law).patients
        cells += _cells(study, law, people, others)
    tests = PlannedTests.of(_middle_visit(study).visit_plan)
    return Suite(study.title, study.seed, n_people, tests, tuple(cells))


def _middle_visit(study: Study) -> VisitTable:
    """Return the visit of the first plan and the middle budget."""
    budget_min = sorted(study.budgets_min)[len(study.budgets_min) // 2]
    return study.visit_of(study.plans[0], budget_min)


def _cells(
    study: Study, law: str, people: Sequence[Patient], others: Sequence[Patient]
) -> Iterator[LawCell]:
    """Yield the cells of one law."""
    rise_pct = rises_pct(people[:N_LABORATORY])
    for found in study.devices:
        orders = _orders(study, found, people)
        for task in _tasks(study.search, found, orders[0], others):
            yield law_cell(
                law,
                found.start or GIVEN,
                orders,
                task=task,
                others=others,
                rise_pct=rise_pct,
            )


def _orders(
    study: Study, found: DeviceTable, people: Sequence[Patient]
) -> list[VisitOrder]:
    """Return a visit of each patient, the device as the start left it."""
    order = order_for(people[0], found, _middle_visit(study), seed=study.seed)
    orders = [
        replace(order, patient=one, patient_index=i) for i, one in enumerate(people)
    ]
    if found.start is None:
        return orders
    return [started(one, found.start) for one in orders]


def _tasks(
    search: SearchTable,
    found: DeviceTable,
    order: VisitOrder,
    others: Sequence[Patient],
) -> Iterator[Task]:
    """Yield the study's own search, and one of the leads too where that may pay."""
    yield task_of(search, found, order)
    if LEADS in search.axes:
        return
    wider = search.model_copy(update={"axes": (*search.axes, LEADS)})
    with_leads = task_of(wider, found, order)
    around = with_leads.lattice.around(order.found.settings)
    if any(one_lead_is_best(one, around) for one in others):
        yield with_leads


def one_lead_is_best(patient: Patient, around: TherapySpace) -> bool:
    """Return whether one lead alone raises contractility more than both ever do."""
    train = lattice_train(around.reference, around.space)
    gain = np.asarray(patient.gain(train))
    both = np.asarray(train.n_leads) > 1.0
    return bool(gain[~both].max(initial=0.0) > gain[both].max(initial=0.0))


def _drawn(cohort: CohortTable, n: int, seed: int, *, replicate: int) -> Cohort:
    rng = stream(seed, name="patient", replicate=replicate)
    return sample_cohort(
        n,
        rng,
        families=cohort.families,
        population=cohort.spread,
        inclusion=cohort.inclusion,
    )


def rises_pct(people: Sequence[Patient]) -> FloatArray:
    """Return the true rise of dP/dt max at the factory settings over CCM off, (n,).

    As pairs of an invasive reading would show it without error.
    """
    asked = [
        Asked.over(one, gain, np.array([gain]))
        for one in people
        for gain in (float(one.gain(NOMINAL)),)
    ]
    found = responses(asked, VisitPlan(readout="invasive-dpdt"))
    off = np.array([float(response.window_pct(0.0)) for response in found])
    return np.asarray(PCT_PER_FRAC * (PCT_PER_FRAC / (PCT_PER_FRAC + off) - 1.0))
