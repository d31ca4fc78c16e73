"""The leaderboard: a line for each contender in each group, plan and budget."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
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
from harness.study.judging.metrics import METRICS, OF_LOSSES, OF_THE_SEARCHED
from harness.study.judging.numbers import NOTHING, Estimate, sign_flip_ps
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
    saved_points,
)
from harness.study.judging.reading import (
    BrokenStudyError,
    Columns,
    StoredStudy,
    starts_of,
)
from harness.study.judging.verdicts import (
    NO_VISITS,
    Confusion,
    confusion,
    verdict_rates,
)
from harness.study.judging.yardsticks import STAY as YARDSTICK_STAY
from harness.study.judging.yardsticks import told_cells
from harness.task.people import Laws
from optimizers.sources import nearest_name

STAY: Final = "stay"
TOLD: Final = Laws.told("any").as_known
"""What a contender knows that is told the law of its patient."""
BY_HARM: Final = ("harmed_pct", "candidate_harms_pct", "energy_mean_pct")
"""What ranks where no setting is worth searching."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One contender in one group, plan and budget; `values` has every metric.

    `rank` is 0 of a yardstick, which no visit played.
    """

    study: str
    group: str
    start: str
    plan: str
    budget_min: float
    contender: str
    strategy: str
    recommender: str
    knows: str
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
    def is_ranked(self) -> bool:
        """Whether it is a contender that came to an end at all."""
        return self.rank > 0 and not self.came_to_nothing

    @property
    def is_told(self) -> bool:
        """Whether it is told the patient's law, which nobody can know: a ceiling."""
        return self.knows == TOLD

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

    `told` are lines of yardsticks, which follow from the truth and are not ranked.
    `together` has the rates of verdicts over all visits of the main group: intervals
    and verdicts are the visit's, whoever searches.
    """

    study: StoredStudy
    visits: Columns
    groups: tuple[Group, ...]
    baseline: str
    lines: tuple[Line, ...]
    told: tuple[Line, ...]
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
        return self.main if metric in OF_LOSSES else self.everybody

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

    def budget_in(self, plan: str) -> float:
        """Return the budget of headlines, or the longest that a plan was played at."""
        budgets = {line.budget_min for line in self.lines if line.plan == plan}
        return self.budget_min if self.budget_min in budgets else max(budgets)

    def table(self, group: str, plan: str, budget_min: float) -> tuple[Line, ...]:
        """Return the lines of one table, best first."""
        return _of_table(self.lines, (group, plan, budget_min))

    def told_of(self, group: str, plan: str, budget_min: float) -> tuple[Line, ...]:
        """Return the yardsticks beside one table."""
        return _of_table(self.told, (group, plan, budget_min))


def _of_table(
    lines: Sequence[Line], wanted: tuple[str, str, float]
) -> tuple[Line, ...]:
    return tuple(
        line for line in lines if (line.group, line.plan, line.budget_min) == wanted
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
        for line in _lines(study.name, group, table, name, spans)
    ]
    everybody = cell({name: v[found[0].keep] for name, v in visits.items()})
    return Judged(
        study,
        visits,
        found,
        name,
        tuple(lines),
        tuple(_told(study, visits, found, name)),
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
    group: Group,
    table: Sequence[Cell],
    baseline: str,
    spans: Mapping[str, float],
) -> list[Line]:
    """Return the lines of one table, ranked."""
    lines = [_line(study, group.name, one, baseline, spans) for one in table]
    if group.by_harm:
        lines.sort(key=_gentleness)
        compared: list[Mapping[str, Estimate]] = [{"p": NOTHING} for _ in lines]
    else:
        lines.sort(key=_standing)
        compared = _compared(lines, {one.contender: one for one in table})
    adjusted = holm_adjusted(compared)
    dropped = OF_THE_SEARCHED if group.by_harm else frozenset()
    return [
        replace(line, rank=rank, values=_all(line.values, more, p_holm, dropped))
        for rank, (line, more, p_holm) in enumerate(
            zip(lines, compared, adjusted, strict=True), start=1
        )
    ]


def _compared(
    lines: Sequence[Line], by_name: Mapping[str, Cell]
) -> list[Mapping[str, Estimate]]:
    """Return how ranked lines stand against the baseline and against the first."""
    best = points_lost_of(by_name[lines[0].contender])
    compared: list[dict[str, Estimate]] = []
    saved = []
    for line in lines:
        own = points_lost_of(by_name[line.contender])
        base = _base(line, by_name)
        behind = {} if line is lines[0] else against_best(own, best)
        versus = {} if base is None else against_baseline(own, base)
        compared.append({**versus, **behind})
        saved.append(np.zeros(0) if base is None else saved_points(own, base))
    ps = zip(compared, sign_flip_ps(saved), strict=True)
    return [{**of_one, "p": p} for of_one, p in ps]


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
        knows=str(own.of("knows")[0]),
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


def _told(
    study: StoredStudy, visits: Columns, found: Sequence[Group], baseline: str
) -> Iterator[Line]:
    """Yield the yardsticks of every table; who stays is not told twice."""
    known = set(visits["contender"].tolist())
    for group in found:
        dropped = OF_THE_SEARCHED if group.by_harm else frozenset()
        for table in _tables(visits, group):
            columns = {n: np.concatenate([c.of(n) for c in table]) for n in visits}
            for own in told_cells(columns, study.tables.study):
                if own.contender == YARDSTICK_STAY and STAY in known:
                    continue
                line = _line(study.name, group.name, own, baseline, {})
                values = {**losses(own), **gains(own)}
                yield replace(
                    line, values=_all(values, {}, NOTHING, dropped), confusion=NO_VISITS
                )


def _standing(line: Line) -> tuple[bool, float, float, str]:
    """Return what ranks: points lost, then median regret.

    Who never came to an end is last, equals go by name.
    """
    lost, regret = line["points_lost_mean"], line["regret_median_pct"]
    return (
        line.came_to_nothing,
        lost.value if lost.known else inf,
        regret.value if regret.known else inf,
        line.contender,
    )


def _gentleness(line: Line) -> tuple[bool, float, float, float, str]:
    """Return what ranks where nothing is to be won: harm, then energy."""
    values = (line[name].value for name in BY_HARM)
    after, before, energy = (value if isfinite(value) else inf for value in values)
    return (line.came_to_nothing, after, before, energy, line.contender)


def _base(line: Line, by_name: Mapping[str, Cell]) -> PointsLost | None:
    """Return whom a line is held against; None for itself, or without a baseline."""
    if line.baseline == KEPT:
        return points_lost_of(by_name[line.contender], "reference_points_lost")
    if line.is_baseline or line.baseline not in by_name:
        return None
    return points_lost_of(by_name[line.baseline])


def _all(
    own: Mapping[str, Estimate],
    more: Mapping[str, Estimate],
    p_holm: Estimate,
    dropped: frozenset[str],
) -> Mapping[str, Estimate]:
    """Return every metric, in the order of their list; nothing for what is dropped."""
    known = {**own, **more, "p_holm": p_holm}
    return {
        name: NOTHING if name in dropped else known.get(name, NOTHING)
        for name in METRICS
    }


def _lost(visits: Columns) -> Iterator[Lost]:
    """Yield what came to nothing, by contender and kind."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for row in np.flatnonzero(visits["status"] != "done"):
        kind = (visits["contender"][row], visits["status"][row])
        kinds.setdefault(kind, []).append(int(row))
    for (contender, status), rows in sorted(kinds.items()):
        yield Lost(contender, status, len(rows), visits["error"][rows[0]])
