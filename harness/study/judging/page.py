"""The page of one or several studies: one file, nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from harness.common.csv import Cell
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
from harness.study.judging.sheets import TidySheet, shown, tidy
from harness.study.judging.story import chapters
from harness.study.judging.strokes import strokes
from harness.study.judging.words import CAUTIONS, facts, headline, together

TITLE: Final = "Search strategies compared"
BESIDE: Final = (
    "points_lost_mean",
    "points_lost_share_pct",
    "regret_median_pct",
    "harmed_pct",
    "candidate_harms_pct",
)
BY_LAW: Final = "points_lost_share_pct"
"""What is told law by law of studies, or starts, side by side."""
BY: Final = Head("Contender", "With its plan, and its budget or law.")


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


@dataclass(frozen=True, slots=True, eq=False)
class ShownSheet:
    """A table beside the leaderboard: whose it is, and as it is shown."""

    sheet: TidySheet
    table: ShownTable


@dataclass(frozen=True, slots=True, eq=False)
class ShownChapter:
    """Tables that answer one question."""

    title: str
    sheets: tuple[ShownSheet, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PlanPart:
    """What the page shows of one plan, in the order of reading.

    Figures, groups with the main one first, then chapters, whose visits are those of
    `budget_min` minutes.
    """

    name: str
    budget_min: float
    drawn: tuple[Drawn, ...]
    groups: tuple[CohortFacts, ...]
    chapters: tuple[ShownChapter, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StudyPart:
    """What the page shows of one study."""

    number: int
    name: str
    start: str
    headline: str
    together: str
    facts: tuple[tuple[str, str], ...]
    plans: tuple[PlanPart, ...]
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True, eq=False)
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
            plans.append(
                PlanPart(
                    plan,
                    judged.budget_in(plan),
                    drawn,
                    _populations(judged, plan),
                    _chapters(judged, plan),
                )
            )
        parts.append(
            StudyPart(
                number,
                judged.study.name,
                judged.start,
                headline(judged),
                together(judged),
                tuple(facts(judged)),
                tuple(plans),
                judged.lost,
            )
        )
    return Page(tuple(parts), side_by_side(studies))


def _chapters(judged: Judged, plan: str) -> tuple[ShownChapter, ...]:
    return tuple(
        ShownChapter(
            chapter.title,
            tuple(ShownSheet(sheet, shown(sheet)) for sheet in chapter.sheets),
        )
        for chapter in chapters(judged, plan)
    )


def sheet_rows(page: Page) -> Mapping[str, list[dict[str, Cell]]]:
    """Return the rows of every table beside the leaderboard, by its name."""
    found: dict[str, list[dict[str, Cell]]] = {}
    for study in page.studies:
        for plan in study.plans:
            place: dict[str, Cell] = {
                "study": study.name,
                "start": study.start,
                "plan": plan.name,
                "budget_min": plan.budget_min,
            }
            for chapter in plan.chapters:
                for one in chapter.sheets:
                    rows = found.setdefault(one.sheet.name, [])
                    rows += tidy(one.sheet, place)
    return {name: _same_columns(rows) for name, rows in found.items()}


def _same_columns(rows: list[dict[str, Cell]]) -> list[dict[str, Cell]]:
    """Return rows with the columns of all of them, as studies may differ in laws."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


def _populations(judged: Judged, plan: str) -> tuple[CohortFacts, ...]:
    found = []
    for group in sorted(judged.groups, key=lambda group: group is not judged.main):
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
                            tables(
                                (
                                    *judged.table(group.name, plan, budget),
                                    *judged.told_of(group.name, plan, budget),
                                )
                            ),
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
    by_law = _law_by_law(studies)
    return (
        *(_beside(studies, name) for name in BESIDE),
        *((by_law,) if by_law.rows else ()),
    )


Beside = Mapping[tuple[str, str], Line]
"""Lines of one study by contender and by what is said below its name."""


def _beside(studies: Sequence[Judged], name: str) -> ShownTable:
    """Return one metric of every study in sinus rhythm, by plan, budget, contender."""
    by_study: list[Beside] = [
        {
            (line.contender, f"{line.plan}, {line.budget_min:g} min"): line
            for line in judged.lines
            if line.group == judged.group_of(name).name
        }
        for judged in studies
    ]
    metric = METRICS[name]
    heads = [
        Head(f"{judged.study.name}: {judged.group_of(name).title}", metric.meaning)
        for judged in studies
    ]
    table = ShownTable(f"{metric.head}, {metric.unit}", (BY, *heads), (), ())
    return _in_rows(table, name, by_study, studies)


def _law_by_law(studies: Sequence[Judged]) -> ShownTable:
    """Return one metric under each law, at the budgets of headlines."""
    by_study: list[Beside] = []
    for judged in studies:
        laws = {group.name: group.law for group in judged.groups if group.law}
        by_study.append(
            {
                (line.contender, f"{laws[line.group]}, {line.plan}"): line
                for line in judged.lines
                if line.group in laws
                and line.budget_min == judged.budget_in(line.plan)
                and line[BY_LAW].known
            }
        )
    metric = METRICS[BY_LAW]
    heads = [Head(judged.study.name, metric.meaning) for judged in studies]
    caption = f"{metric.head}, law by law, {metric.unit}"
    table = ShownTable(caption, (BY, *heads), (), ())
    return _in_rows(table, BY_LAW, by_study, studies)


def _in_rows(
    table: ShownTable, name: str, by_study: Sequence[Beside], studies: Sequence[Judged]
) -> ShownTable:
    """Return a table with the same contender of every study in the same row."""
    keys = sorted({key for lines in by_study for key in lines})
    baselines = {judged.baseline for judged in studies}
    rows = [
        (ShownCell(*key), *(_shown(name, lines.get(key)) for lines in by_study))
        for key in keys
    ]
    marked = tuple(contender in baselines for contender, _ in keys)
    return replace(table, rows=tuple(rows), marked=marked)


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
