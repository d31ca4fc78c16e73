"""The page of one or several studies: one file, nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from harness.common.drawing import inline
from harness.common.pages import filled
from harness.common.words import EN_DASH
from harness.study.judging.board import Judged, Line, Lost
from harness.study.judging.figures import Drawn, figures
from harness.study.judging.layout import (
    Head,
    ShownCell,
    ShownTable,
    estimate_cell,
    tables,
)
from harness.study.judging.metrics import METRICS
from harness.study.judging.strokes import strokes
from harness.study.judging.words import CAUTIONS, facts, headline, together

TITLE: Final = "Search strategies compared"
BESIDE: Final = ("points_lost_mean", "regret_median_pct", "harmed_pct")


@dataclass(frozen=True, slots=True)
class BudgetTables:
    """The tables of one budget; `open` where the page shows them at once."""

    title: str
    tables: tuple[ShownTable, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class CohortFacts:
    """The tables of one group of patients under one plan."""

    title: str
    n_patients: int
    budgets: tuple[BudgetTables, ...]


@dataclass(frozen=True, slots=True)
class PlanPart:
    """What the page shows of one plan: figures, then groups, the main one first."""

    name: str
    drawn: tuple[Drawn, ...]
    groups: tuple[CohortFacts, ...]


@dataclass(frozen=True, slots=True)
class StudyPart:
    """What the page shows of one study."""

    number: int
    name: str
    headline: str
    together: str
    facts: tuple[tuple[str, str], ...]
    plans: tuple[PlanPart, ...]
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows."""

    studies: tuple[StudyPart, ...]
    beside: tuple[ShownTable, ...]

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """Every figure."""
        return tuple(
            one for study in self.studies for plan in study.plans for one in plan.drawn
        )


def page(studies: Sequence[Judged]) -> Page:
    """Lay out and draw all that the page shows."""
    known = strokes(studies)
    parts = []
    for number, judged in enumerate(studies, start=1):
        plans = []
        for at, plan in enumerate(judged.plans, start=1):
            prefix = f"study{number}-" if len(studies) > 1 else ""
            prefix += f"plan{at}-" if len(judged.plans) > 1 else ""
            drawn = figures(judged, plan, known, prefix)
            plans.append(PlanPart(plan, drawn, _populations(judged, plan)))
        parts.append(
            StudyPart(
                number,
                judged.study.name,
                headline(judged),
                together(judged),
                tuple(facts(judged)),
                tuple(plans),
                judged.lost,
            )
        )
    return Page(tuple(parts), side_by_side(studies))


def _populations(judged: Judged, plan: str) -> tuple[CohortFacts, ...]:
    found = []
    for group in judged.groups:
        of_group = [
            line
            for line in judged.lines
            if (line.group, line.plan) == (group.name, plan)
        ]
        budgets = sorted({line.budget_min for line in of_group})
        if budgets:
            shown = judged.budget_min if judged.budget_min in budgets else budgets[-1]
            most = max(line.n_patients for line in of_group)
            found.append(
                CohortFacts(
                    group.title,
                    most,
                    tuple(
                        BudgetTables(
                            f"{budget:g} titration minutes",
                            tables(judged.table(group.name, plan, budget)),
                            budget == shown,
                        )
                        for budget in budgets
                    ),
                )
            )
    return tuple(found)


def side_by_side(studies: Sequence[Judged]) -> tuple[ShownTable, ...]:
    """Return tables with a column a study, the same contender in the same row."""
    if len(studies) < 2:
        return ()
    return tuple(_beside(studies, name) for name in BESIDE)


def _beside(studies: Sequence[Judged], name: str) -> ShownTable:
    """Return one metric of every study in sinus rhythm, by plan, budget, contender."""
    by_study = [
        {
            (line.plan, line.budget_min, line.contender): line
            for line in judged.lines
            if line.group == judged.group_of(name).name
        }
        for judged in studies
    ]
    keys = sorted({key for lines in by_study for key in lines})
    rows = [
        (
            ShownCell(contender, f"{plan}, {budget:g} min"),
            *(_shown(name, lines.get((plan, budget, contender))) for lines in by_study),
        )
        for plan, budget, contender in keys
    ]
    metric = METRICS[name]
    heads = [
        Head(f"{judged.study.name}: {judged.group_of(name).title}", metric.meaning)
        for judged in studies
    ]
    baselines = {judged.baseline for judged in studies}
    return ShownTable(
        f"{metric.head}, {metric.unit}",
        (Head("Contender", "With its plan and budget."), *heads),
        tuple(rows),
        tuple(contender in baselines for _, _, contender in keys),
    )


def _shown(name: str, line: Line | None) -> ShownCell:
    if line is None:
        return ShownCell(EN_DASH)
    return estimate_cell(METRICS[name], line[name], interval=True)


def page_html(page: Page) -> str:
    """Return the page; the same studies give the same text."""
    drawn: Mapping[str, str] = inline({one.name: one.svg for one in page.drawn})
    marked = {name: Markup(text) for name, text in drawn.items()}
    values = {
        "title": TITLE,
        "page": page,
        "figures": marked,
        "metrics": METRICS.values(),
        "cautions": CAUTIONS,
    }
    return filled("harness.study.judging", "compare.html.j2", values)
