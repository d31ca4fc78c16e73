"""The truth of a study's patients under each law and from each start.

Each law is met by the same people, but for what the law itself draws, so that laws are
compared on equal terms. What is counted is points of utility; a share of the span is
told of patients whose span is a point or more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.common.csv import Row
from harness.common.faults import Fault, ScenarioError
from harness.evidence.landscape.rules import (
    AMPLITUDE,
    FACTORY,
    TEXTBOOK,
    Rule,
    RuleBook,
    fitted_losses,
)
from harness.evidence.landscape.survey import DIGITS
from harness.evidence.landscape.told import (
    N_PEOPLE,
    LawPeople,
    PlannedTests,
    told_loss,
)
from harness.evidence.validation.experiments.acute import NOMINAL
from harness.play.order import order_for, task_of
from harness.study.judging.cells import BY_HARM_ALONE
from harness.study.judging.numbers import NOTHING, Estimate, mean, quantiles, ratio
from harness.study.plan import CohortTable, Study
from harness.task.lattice import TRAIN_AXES, TherapySpace, lattice_train
from harness.task.task import Task
from harness.truth.landscape import LEAST_SPAN_POINTS, Landscape, Sought, landscapes
from harness.truth.response import Asked, responses
from harness.truth.shapley import shapley_shares
from sim.patient import Cohort, Patient, sample_cohort
from sim.streams import stream
from sim.units import PCT_PER_FRAC
from sim.visit.measuring import expected_n_tests, expected_sd_pct
from sim.visit.order import VisitOrder
from sim.visit.plan import VisitPlan
from sim.visit.start import GIVEN, started

FloatArray = NDArray[np.float64]
Progress = Callable[[str], None]
N_LABORATORY: Final = 24
"""Patients whose rise of dP/dt max is held against A16."""
BINS_PCT: Final = (5.0, 15.0, 30.0, 50.0)
"""Ends of the bins of what the factory settings give away."""
LEAST_RULE_PCT: Final = 12.0
"""Median loss of the best rule below which a law is not worth searching."""
LEAST_WON_FRAC: Final = 0.5
"""Share of that loss that a told search must win back."""
YARDSTICKS: Final = ("start", "factory", "textbook", "fitted", "told")
"""Whose losses are told, in this order."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenAway:
    """What one yardstick gives away, a number a patient; shares nan at a small span."""

    points: FloatArray
    share_pct: FloatArray

    @property
    def median_pct(self) -> Estimate:
        """Median share of those whose span is a point or more."""
        known = self.share_pct[np.isfinite(self.share_pct)]
        return quantiles(known, (0.5,))[0]

    @property
    def mean_points(self) -> Estimate:
        """Mean of the points lost."""
        return mean(self.points)


@dataclass(frozen=True, slots=True, eq=False)
class LawCell:
    """The patients of one law from one start.

    Attributes
    ----------
    span
        `(n,)` points of utility between CCM off and the best.
    lost
        By yardstick: the start kept, the factory settings brought down to what is
        tolerated, the textbook rule, the best rule of three numbers fitted on the other
        half of the patients, the told search.
    at_top, at_edge, tolerated_frac
        `(n,)`: whether the optimum is at the highest tolerated amplitude, or at an end
        of another axis; share of the settings that are tolerated.
    explained
        `(n, axes)`: Shapley shares of the variance of utility.
    rise_pct
        True rise of dP/dt max at the factory settings over CCM off, of the first
        `N_LABORATORY` patients.
    fitted
        The rules that either half chose; None is CCM off.
    """

    law: str
    start: str
    axes: tuple[str, ...]
    noise_pct: float
    span: FloatArray
    off_is_best: NDArray[np.bool_]
    lost: dict[str, GivenAway]
    at_top: NDArray[np.bool_]
    at_edge: NDArray[np.bool_]
    tolerated_frac: FloatArray
    explained: FloatArray
    rise_pct: FloatArray
    fitted: tuple[Rule | None, ...]

    @property
    def n(self) -> int:
        """How many patients there are."""
        return self.span.size

    @property
    def n_wide(self) -> int:
        """How many have a span of a point or more."""
        return int(np.count_nonzero(self.span >= LEAST_SPAN_POINTS))

    def pooled_pct(self, yardstick: str) -> Estimate:
        """Return points lost, summed, over the spans, summed, percent."""
        found = ratio(self.lost[yardstick].points, self.span)
        return found.times(PCT_PER_FRAC) if found.known else NOTHING

    @property
    def binned(self) -> list[int]:
        """How many patients lose how much at the factory settings, bin by bin."""
        share = self.lost["factory"].share_pct
        known = share[np.isfinite(share)]
        places = np.searchsorted(BINS_PCT, known, side="right")
        counts = np.bincount(places, minlength=len(BINS_PCT) + 1)
        return [int(count) for count in counts]

    @property
    def won_back_frac(self) -> float:
        """Share of the fitted rule's median loss that the told search wins back."""
        rule, told = (self.lost[name].median_pct.value for name in ("fitted", "told"))
        return (rule - told) / rule if rule > 0.0 else float("nan")

    @property
    def verdict(self) -> str:
        """Whether the law is worth searching from here, and why not."""
        rule = self.lost["fitted"].median_pct
        if self.law in BY_HARM_ALONE:
            return "judged by harm alone"
        if rule.value < LEAST_RULE_PCT:
            return f"not worth searching: the best rule loses {rule.value:.1f} %"
        won = self.won_back_frac
        if isnan(won) or won < LEAST_WON_FRAC:
            return (
                "not worth searching: a told search wins back "
                f"{PCT_PER_FRAC * won:.0f} % of what the best rule loses"
            )
        return "worth searching"

    @property
    def tags(self) -> str:
        """Where optima lie, span against noise, what the factory gives away."""
        inside = ~(self.at_top | self.at_edge)
        where = "inside" if 2 * np.count_nonzero(inside) > self.n else "at an edge"
        spread = float(np.median(self.span)) / self.noise_pct
        kept = PCT_PER_FRAC * float(np.median(self.tolerated_frac))
        return (
            f"optimum {where}; span {spread:.1f} times the noise of a test; "
            f"{self._factory_bin}; {kept:.0f} % tolerated"
        )

    @property
    def _factory_bin(self) -> str:
        """In which bin most patients are, in words."""
        if self.n_wide == 0:
            return "no span of a point"
        ends, fullest = (0.0, *BINS_PCT), int(np.argmax(self.binned))
        if fullest == len(BINS_PCT):
            return f"factory gives away over {ends[fullest]:g} %"
        low, high = ends[fullest], ends[fullest + 1]
        return f"factory gives away {low:g} to {high:g} %"


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
            yield _summary(cell)

    def patient_rows(self) -> Iterator[Row]:
        """Yield a row a law, start and patient."""
        for cell in self.cells:
            for i in range(cell.n):
                yield {
                    "law": cell.law,
                    "start": cell.start,
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
                        f"explained_{name}": _kept(share)
                        for name, share in zip(
                            cell.axes, cell.explained[i], strict=True
                        )
                    },
                }


def _kept(value: float) -> float:
    return round(float(value), DIGITS)


def _summary(cell: LawCell) -> Row:
    row: dict[str, str | int | float | bool | None] = {
        "law": cell.law,
        "start": cell.start,
        "n": cell.n,
        "n_span_1_point": cell.n_wide,
        "rise_dpdt_mean_pct": _kept(cell.rise_pct.mean()),
        "rise_dpdt_sd_pct": _kept(cell.rise_pct.std(ddof=1)),
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
    for name, share in zip(cell.axes, cell.explained.mean(axis=0), strict=True):
        row[f"explained_{name}_mean"] = _kept(share)
    for place, count in enumerate(cell.binned):
        row[f"n_factory_bin_{place}"] = count
    row["fitted_rules"] = " | ".join(
        rule.text if rule else "CCM off" for rule in cell.fitted
    )
    row["verdict"], row["tags"] = cell.verdict, cell.tags
    return row


def suite(
    study: Study, n_people: int, *, origin: str, progress: Progress = lambda text: None
) -> Suite:
    """Return the truth of `n_people` patients of each law of a study, from each start.

    Raises
    ------
    ScenarioError
        When the study has no cohort, or its patients cannot be drawn.
    """
    if study.cohort is None:
        text = "must be given: a landscape of a study is that of a cohort's laws"
        raise ScenarioError(origin, [Fault("cohort", text)])
    budget_min = sorted(study.budgets_min)[len(study.budgets_min) // 2]
    visit = study.visit_of(study.plans[0], budget_min)
    cells: list[LawCell] = []
    progress(f"drawing {n_people} patients, and {N_PEOPLE} whom a told search knows")
    drawn = _drawn(study.cohort, n_people, study.seed, replicate=0)
    known = _drawn(study.cohort, N_PEOPLE, study.seed, replicate=1)
    for law in study.cohort.families:
        people, others = drawn.under(law).patients, known.under(law).patients
        rise_pct = rises_pct(people[:N_LABORATORY])
        for found in study.devices:
            progress(f"{law}, start {found.start or GIVEN}: {n_people} landscapes")
            order = order_for(people[0], found, visit, seed=study.seed)
            task = task_of(study.search, found, order)
            orders = [
                replace(order, patient=one, patient_index=i)
                for i, one in enumerate(people)
            ]
            if found.start is not None:
                orders = [started(one, found.start) for one in orders]
            start = found.start or GIVEN
            cells.append(_cell(law, start, orders, task, others, rise_pct))
    tests = tests_of(visit.visit_plan)
    return Suite(study.title, study.seed, n_people, tests, tuple(cells))


def _drawn(cohort: CohortTable, n: int, seed: int, *, replicate: int) -> Cohort:
    rng = stream(seed, name="patient", replicate=replicate)
    return sample_cohort(
        n,
        rng,
        families=cohort.families,
        population=cohort.spread,
        inclusion=cohort.inclusion,
    )


def tests_of(plan: VisitPlan) -> PlannedTests:
    """Return how many tests a plan's titration holds, and the SD of one."""
    return PlannedTests(max(1, expected_n_tests(plan)), expected_sd_pct(plan))


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


def _cell(
    law: str,
    start: str,
    orders: Sequence[VisitOrder],
    task: Task,
    others: Sequence[Patient],
    rise_pct: FloatArray,
) -> LawCell:
    """Judge the patients of one law from one start."""
    around = [task.lattice.around(order.found.settings) for order in orders]
    truths = _truths(orders, around, task)
    book = RuleBook(around[0].space)
    best = np.array([truth.best_utility_pct for truth in truths])
    by_rule = best[:, None] - np.array([book.utilities(truth) for truth in truths])
    fitted, chosen = fitted_losses(by_rule)
    rules = book.rules
    points = {
        "start": _starts_lost(truths, around),
        "factory": by_rule[:, book.number_of(FACTORY)],
        "textbook": by_rule[:, book.number_of(TEXTBOOK)],
        "fitted": fitted,
        "told": _told_lost(law, truths, around, others, orders),
    }
    span = np.array([truth.span_points for truth in truths])
    wide = np.where(span >= LEAST_SPAN_POINTS, span, np.nan)
    return LawCell(
        law=law,
        start=start,
        axes=around[0].space.names,
        noise_pct=tests_of(orders[0].plan).sd_pct,
        span=span,
        off_is_best=np.array([truth.off_is_best for truth in truths]),
        lost={
            name: GivenAway(of, PCT_PER_FRAC * of / wide) for name, of in points.items()
        },
        at_top=np.array(
            [_at_top(t, one) for t, one in zip(truths, around, strict=True)]
        ),
        at_edge=np.array(
            [_at_edge(t, one) for t, one in zip(truths, around, strict=True)]
        ),
        tolerated_frac=np.array([truth.tolerated.mean() for truth in truths]),
        explained=np.array(
            [shapley_shares(truth.points, truth.utility_pct) for truth in truths]
        ),
        rise_pct=rise_pct,
        fitted=tuple(rules[place] for place in chosen),
    )


def _truths(
    orders: Sequence[VisitOrder], around: Sequence[TherapySpace], task: Task
) -> Sequence[Landscape]:
    sought = [
        Sought(order.patient, one.reference, one.space)
        for order, one in zip(orders, around, strict=True)
    ]
    return landscapes(sought, plan=orders[0].plan, objective=task.objective)


def _starts_lost(
    truths: Sequence[Landscape], around: Sequence[TherapySpace]
) -> FloatArray:
    lost = []
    for truth, one in zip(truths, around, strict=True):
        row = truth.row(one.reference_point)
        kept = bool(truth.tolerated[row])
        lost.append(truth.points_lost(float(truth.utility_pct[row]), tolerated=kept))
    return np.array(lost)


def _told_lost(
    law: str,
    truths: Sequence[Landscape],
    around: Sequence[TherapySpace],
    others: Sequence[Patient],
    orders: Sequence[VisitOrder],
) -> FloatArray:
    """Return what the told search loses; hearts known to it are of the other half."""
    tests, seed = tests_of(orders[0].plan), orders[0].seed
    key = tuple(law.encode())
    rng = stream(seed, name="strategy", key=key)
    hearts = [truth.response for truth in truths]
    # what is not searched is as found, and starts may leave it otherwise
    known: dict[tuple[object, ...], list[LawPeople]] = {}
    lost = []
    for i, (truth, one) in enumerate(zip(truths, around, strict=True)):
        left = _not_searched(one)
        if left not in known:
            train = lattice_train(one.reference, one.space)
            gains = np.array([np.asarray(other.gain(train)) for other in others])
            known[left] = [LawPeople.of(gains, hearts[1 - k :: 2], rng) for k in (0, 1)]
        reference = truth.row(one.reference_point)
        lost.append(told_loss(truth, known[left][i % 2], reference, tests, rng))
    return np.array(lost)


def _not_searched(around: TherapySpace) -> tuple[object, ...]:
    """Return what a reference decides of every train of its space."""
    names = [name for name in TRAIN_AXES if name not in around.space.names]
    kept = [getattr(around.reference, name) for name in (*names, "ls_channel")]
    return (*kept, around.space.mask.tobytes())


def _at_top(truth: Landscape, around: TherapySpace) -> bool:
    """Return whether the optimum has the highest amplitude that is tolerated at all."""
    if truth.off_is_best or AMPLITUDE not in around.space.names:
        return False
    level = truth.points[:, around.space.names.index(AMPLITUDE)]
    best = truth.best[around.space.names.index(AMPLITUDE)]
    return best == int(level[truth.tolerated].max())


def _at_edge(truth: Landscape, around: TherapySpace) -> bool:
    """Return whether the optimum is at an end of an axis other than the amplitude's."""
    if truth.off_is_best:
        return False
    low, high = truth.points.min(axis=0), truth.points.max(axis=0)
    best = np.array(truth.best)
    ends = (best == low) | (best == high)
    others = np.array([name != AMPLITUDE for name in around.space.names])
    return bool((ends & others).any())
