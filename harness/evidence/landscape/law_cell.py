"""The patients of one law from one start: what could be had, what is given away.

What is counted is points of utility; a share of the span is told of patients whose span
is a point or more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.evidence.landscape.rules import (
    AMPLITUDE,
    FACTORY,
    TEXTBOOK,
    Rule,
    RuleBook,
    fitted_losses,
)
from harness.evidence.landscape.survey import DIGITS
from harness.evidence.landscape.told import LawPeople, PlannedTests, told_loss
from harness.evidence.law_sizes import A16
from harness.study.judging.cells import BY_HARM_ALONE
from harness.study.judging.numbers import NOTHING, Estimate, mean, quantiles, ratio
from harness.task.lattice import LEADS, TRAIN_AXES, TherapySpace, lattice_train
from harness.task.task import Task
from harness.truth.landscape import LEAST_SPAN_POINTS, Landscape, Sought, landscapes
from harness.truth.shapley import shapley_shares
from sim.patient import Patient
from sim.streams import stream
from sim.units import PCT_PER_FRAC
from sim.visit.order import VisitOrder

FloatArray = NDArray[np.float64]
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
        True rise of dP/dt max at the factory settings over CCM off, a number for each
        of those patients who stand for A16's.
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
    def leads_searched(self) -> bool:
        """Whether it is searched which leads deliver."""
        return LEADS in self.axes

    @property
    def label(self) -> str:
        """What tables and figures call the cell: the law, and whether leads vary."""
        return f"{self.law}, leads searched" if self.leads_searched else self.law

    @property
    def agrees_with_a16(self) -> bool | None:
        """Whether the mean rise of dP/dt max is that of A16; None where none is asked.

        Its limits agree too.
        """
        if self.law in BY_HARM_ALONE:
            return None
        apart_pct = float(self.rise_pct.mean()) - A16.mean_pct
        return abs(round(apart_pct, DIGITS)) <= A16.within_pct

    @property
    def a16_answer(self) -> str:
        """The same for a table."""
        return {True: "yes", False: "no", None: "not asked"}[self.agrees_with_a16]

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
        if not self.agrees_with_a16:
            return (
                f"out: dP/dt max rises by {self.rise_pct.mean():.1f} %, not as in A16"
            )
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


def law_cell(
    law: str,
    start: str,
    orders: Sequence[VisitOrder],
    *,
    task: Task,
    others: Sequence[Patient],
    rise_pct: FloatArray,
) -> LawCell:
    """Judge the patients of one law from one start.

    Parameters
    ----------
    law, start
        Names.
    orders
        A visit of each patient, with the device as the start left it.
    task
        What is searched, and how it is valued.
    others
        People of the same law whom a told search knows.
    rise_pct
        See `LawCell`.
    """
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
        noise_pct=PlannedTests.of(orders[0].plan).sd_pct,
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
    tests, seed = PlannedTests.of(orders[0].plan), orders[0].seed
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
    """Return whether the optimum is at an end of an axis other than the amplitude's.

    Which leads deliver has no order, and so no end.
    """
    if truth.off_is_best:
        return False
    low, high = truth.points.min(axis=0), truth.points.max(axis=0)
    best = np.array(truth.best)
    ends = (best == low) | (best == high)
    others = np.array([name not in (AMPLITUDE, LEADS) for name in around.space.names])
    return bool((ends & others).any())
