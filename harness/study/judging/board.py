"""The leaderboard: a line for each contender in each group, plan and budget."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

import numpy as np

from harness.study.judging.cells import (
    GAIN,
    Cell,
    Group,
    cell,
    cells,
    groups,
    judged_visits,
)
from harness.study.judging.metrics import METRICS
from harness.study.judging.numbers import NOTHING, Estimate
from harness.study.judging.outcomes import (
    costs,
    gains,
    losses,
    reproducibility,
    searched_spans,
)
from harness.study.judging.paired import (
    KEPT,
    PointsLost,
    against_baseline,
    against_best,
    holm_adjusted,
    points_lost_of,
)
from harness.study.judging.reading import (
    BrokenStudyError,
    Columns,
    StoredStudy,
    starts_of,
)
from harness.study.judging.verdicts import Confusion, confusion, verdict_rates
from optimizers.sources import nearest_name

STAY: Final = "stay"


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One contender in one group, plan and budget; `values` has every metric."""

    study: str
    group: str
    start: str
    plan: str
    budget_min: float
    contender: str
    strategy: str
    recommender: str
    baseline: str
    rank: int
    n_patients: int
    n_visits: int
    n_kept: int
    values: Mapping[str, Estimate]
    confusion: Confusion

    def __getitem__(self, name: str) -> Estimate:
        """Return one metric by its name."""
        return self.values[name]

    @property
    def came_to_nothing(self) -> bool:
        """Whether no visit came to its end: what is told is the reference's alone."""
        return self.n_kept == self.n_visits

    @property
    def is_baseline(self) -> bool:
        """Whether the others are held against this one."""
        return self.contender == self.baseline


@dataclass(frozen=True, slots=True)
class Lost:
    """A kind of visit that came to nothing: whose, how, how often, an example."""

    contender: str
    status: str
    n_visits: int
    error: str


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A study with what it shows: its visits as judged, and its lines in order.

    `together` has the rates of verdicts over all visits of the main group: intervals
    and verdicts are the visit's, whoever searches.
    """

    study: StoredStudy
    visits: Columns
    groups: tuple[Group, ...]
    baseline: str
    lines: tuple[Line, ...]
    together: Mapping[str, Estimate]
    lost: tuple[Lost, ...]

    @property
    def everybody(self) -> Group:
        """The group that rates are given of: sinus rhythm where there is any."""
        return self.groups[0]

    @property
    def main(self) -> Group:
        """The group that is ranked: of everybody, those with something to gain.

        The others are judged by harm and verdict alone. Everybody, where nobody can.
        """
        able = (group for group in self.groups if group.name == GAIN)
        return next(able, self.everybody)

    def group_of(self, metric: str) -> Group:
        """Return whom a metric is told of: losses of those who can gain, else all."""
        lost = any(word in metric for word in ("regret", "points", "saved", "behind"))
        return self.main if lost else self.everybody

    @property
    def start(self) -> str:
        """What the device was left at in these visits."""
        return starts_of(self.study)[0]

    @property
    def plans(self) -> tuple[str, ...]:
        """The measuring plans, the one of most visits first."""
        plans, counts = np.unique(self.visits["plan"], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return tuple(str(plans[i]) for i in order)

    @property
    def budget_min(self) -> float:
        """The budget that headlines speak of: the middle one, minutes."""
        budgets = np.unique(self.visits["budget_min"])
        return float(budgets[budgets.size // 2])

    def table(self, group: str, plan: str, budget_min: float) -> tuple[Line, ...]:
        """Return the lines of one table, best first."""
        wanted = (group, plan, budget_min)
        return tuple(
            line
            for line in self.lines
            if (line.group, line.plan, line.budget_min) == wanted
        )


def judge(study: StoredStudy, baseline: str | None = None) -> Judged:
    """Judge every contender of a study, paired by patient.

    Parameters
    ----------
    study
        What was read of its folder, of one start.
    baseline
        Whom the others are held against; None takes `stay`, or the reference kept,
        known from the truth, where no contender is called so.

    Raises
    ------
    BrokenStudyError
        When the baseline is no contender of the study, or its visits have several
        starts (`reading.by_start` parts them).
    """
    if len(starts := starts_of(study)) > 1:
        raise BrokenStudyError(
            f"study {study.name} has the starts {', '.join(starts)}: judge each alone"
        )
    visits = judged_visits(study)
    name = _baseline(visits, baseline, study.name)
    spans = searched_spans(study.evaluations)
    found = groups(visits)
    lines = [
        line
        for group in found
        for table in _tables(visits, group)
        for line in _lines(study.name, group.name, table, name, spans)
    ]
    everybody = cell({name: v[found[0].keep] for name, v in visits.items()})
    return Judged(
        study,
        visits,
        found,
        name,
        tuple(lines),
        verdict_rates(everybody),
        tuple(_lost(visits)),
    )


def _baseline(visits: Columns, asked: str | None, study: str) -> str:
    known = sorted(set(visits["contender"].tolist()))
    if asked is None:
        return STAY if STAY in known else KEPT
    if asked not in known:
        raise BrokenStudyError(
            f"study {study} has no contender {asked!r} to be the baseline; nearest is "
            f"{nearest_name(asked, dict.fromkeys(known))!r}; it has {', '.join(known)}"
        )
    return asked


def _tables(visits: Columns, group: Group) -> Iterator[list[Cell]]:
    tables: dict[tuple[str, float], list[Cell]] = {}
    for one in cells(visits, group):
        tables.setdefault((one.plan, one.budget_min), []).append(one)
    yield from tables.values()


def _lines(
    study: str,
    group: str,
    table: Sequence[Cell],
    baseline: str,
    spans: Mapping[str, float],
) -> list[Line]:
    """Return the lines of one table, ranked by points lost, then median regret."""
    lines = [_line(study, group, one, baseline, spans) for one in table]
    lines.sort(key=_standing)
    by_name = {one.contender: one for one in table}
    best = points_lost_of(by_name[lines[0].contender])
    compared = []
    for line in lines:
        own = by_name[line.contender]
        behind = {} if line is lines[0] else against_best(points_lost_of(own), best)
        compared.append({**_versus(line, own, by_name), **behind})
    adjusted = holm_adjusted(compared)
    return [
        replace(line, rank=rank, values=_all(line.values, more, p_holm))
        for rank, (line, more, p_holm) in enumerate(
            zip(lines, compared, adjusted, strict=True), start=1
        )
    ]


def _line(
    study: str, group: str, own: Cell, baseline: str, spans: Mapping[str, float]
) -> Line:
    return Line(
        study=study,
        group=group,
        start=str(own.of("start")[0]),
        plan=own.plan,
        budget_min=own.budget_min,
        contender=own.contender,
        strategy=str(own.of("strategy")[0]),
        recommender=str(own.of("recommender")[0]),
        baseline=baseline,
        rank=0,
        n_patients=own.patients.size,
        n_visits=own.place.size,
        n_kept=int(np.count_nonzero(~own.done)),
        values={
            **losses(own),
            **gains(own),
            **costs(own),
            **verdict_rates(own),
            **reproducibility(own, spans),
        },
        confusion=confusion(own),
    )


def _standing(line: Line) -> tuple[bool, float, float, str]:
    """Return what ranks: who never came to an end is last, equals go by name."""
    lost, regret = line["points_lost_mean"], line["regret_median_pct"]
    return (
        line.came_to_nothing,
        lost.value if lost.known else inf,
        regret.value if regret.known else inf,
        line.contender,
    )


def _versus(
    line: Line, own: Cell, by_name: Mapping[str, Cell]
) -> Mapping[str, Estimate]:
    """Return the comparison with the baseline; nothing for itself, or without one."""
    if line.baseline == KEPT:
        base: PointsLost = points_lost_of(own, "reference_points_lost")
    elif line.is_baseline or line.baseline not in by_name:
        return {"p": NOTHING}
    else:
        base = points_lost_of(by_name[line.baseline])
    return against_baseline(points_lost_of(own), base)


def _all(
    own: Mapping[str, Estimate], more: Mapping[str, Estimate], p_holm: Estimate
) -> Mapping[str, Estimate]:
    """Return every metric, in the order of their list."""
    known = {**own, **more, "p_holm": p_holm}
    return {name: known.get(name, NOTHING) for name in METRICS}


def _lost(visits: Columns) -> Iterator[Lost]:
    """Yield what came to nothing, by contender and kind."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for row in np.flatnonzero(visits["status"] != "done"):
        kind = (visits["contender"][row], visits["status"][row])
        kinds.setdefault(kind, []).append(int(row))
    for (contender, status), rows in sorted(kinds.items()):
        yield Lost(contender, status, len(rows), visits["error"][rows[0]])
