"""The page of a day: one file, nothing from elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from harness.common.banner import BANNER
from harness.common.drawing import inline
from harness.common.pages import filled
from harness.common.words import decimal, plain
from harness.day.figures import DayFigure
from harness.day.measures import BY_NAME, key
from harness.day.play import CAUSES
from harness.day.replicate import DaysPlayed, PlanPlayed
from harness.day.words import (
    HEADLINE,
    LIMITS,
    bottleneck_sentence,
    difference_sentence,
    estimate_text,
    interval_text,
    published_sentence,
)
from sim.units import S_PER_MIN

_CHANGES: Final = (*HEADLINE, *(f"waiting_{key(cause)}_min" for cause in CAUSES))


@dataclass(frozen=True, slots=True)
class DayTable:
    """A table of the page: caption, heads, and rows whose first cell names them."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def day_html(played: DaysPlayed, drawn: Sequence[DayFigure]) -> str:
    """Return the page; the same days give the same text."""
    scenario = played.file.scenario
    marked = inline({one.name: one.svg for one in drawn})
    values = {
        "title": plain(scenario.title),
        "description": plain(scenario.description.strip()),
        "banner": BANNER,
        "in_short": list(_in_short(played)),
        "headline": means_table(played, HEADLINE, "The mean day of each plan"),
        "differences": [changes_table(played, _CHANGES, "What each plan changes")]
        if played.others
        else [],
        "all_differences": [
            changes_table(played, tuple(BY_NAME), "Every paired difference")
        ]
        if played.others
        else [],
        "paper": [paper_table(one) for one in played.plans],
        "figures": [(one, Markup(marked[one.name])) for one in drawn],
        "all_means": means_table(
            played, tuple(BY_NAME), "Every number of the mean day"
        ),
        "visits": visits_table(played),
        "facts": list(_facts(played)),
        "metadata": [
            (plain(name), plain(value)) for name, value in scenario.metadata.items()
        ],
        "numbers": numbers_table(played),
        "limits": LIMITS,
    }
    return filled("harness.day", "day.html.j2", values)


def _in_short(played: DaysPlayed) -> Iterator[str]:
    yield from (bottleneck_sentence(one) for one in played.plans)
    yield from (difference_sentence(played, other) for other in played.others)
    yield published_sentence(played)


def _facts(played: DaysPlayed) -> Iterator[tuple[str, str]]:
    scenario = played.file.scenario
    yield "Site", scenario.site
    yield "Days played", f"{played.n_days}, each begins empty: no warm-up is left out"
    yield (
        "Day shown",
        f"{played.shown}, whose waiting as planned is nearest to the mean",
    )
    yield "Seed", str(played.seed)
    yield (
        "Random numbers",
        "each patient's are a stream of their own, the same in every plan",
    )
    yield "Intervals", "95 %, t-interval over days; differences are taken day by day"


def means_table(played: DaysPlayed, names: Sequence[str], caption: str) -> DayTable:
    """Return a row a measure and a column a plan, each with its interval."""
    rows = []
    for name in names:
        measure = BY_NAME[name]
        cells = [
            _with_interval(
                estimate_text(measure, one.means[name]),
                interval_text(measure, one.means[name]),
            )
            for one in played.plans
        ]
        rows.append((measure.title, *cells))
    heads = ("", *(plain(one.name) for one in played.plans))
    return DayTable(f"{caption}, with 95 % intervals", heads, tuple(rows))


def changes_table(played: DaysPlayed, names: Sequence[str], caption: str) -> DayTable:
    """Return what each plan changes, a row a measure that any of them changes."""
    found = [played.differences(other) for other in played.others]
    rows = []
    for measure in (BY_NAME[name] for name in names):
        of_plans = [differences[measure.name] for differences in found]
        if not any(one.known and one.value != 0.0 for one in of_plans):
            continue
        cells = [
            _with_interval(
                estimate_text(measure, one, signed=True),
                interval_text(measure, one, signed=True),
            )
            for one in of_plans
        ]
        rows.append((measure.title, *cells))
    heads = ("", *(plain(other.name) for other in played.others))
    how = "paired by day, plan less the day as planned, with 95 % intervals"
    return DayTable(f"{caption}: {how}", heads, tuple(rows))


def paper_table(one: PlanPlayed) -> DayTable:
    """Return the load of each resource as a class works it out on paper."""
    rows = tuple(
        (
            row.resource,
            str(row.n),
            decimal(row.needed_min, 1),
            f"{decimal(row.load_pct, 0)} %" if row.n else "none",
            "the bottleneck" if row.resource == one.bottleneck else "",
        )
        for row in one.paper
    )
    heads = ("", "there", "minutes a visit", "load of the day", "")
    return DayTable(f"On paper, without any queue: {plain(one.name)}", heads, rows)


def visits_table(played: DaysPlayed) -> DayTable:
    """Return the visits that the days drew from."""
    rows = []
    for one in played.plans:
        for pool in one.pools:
            for job in pool.jobs:
                rows.append(
                    (
                        job.name,
                        plain(one.name),
                        decimal(job.duration_s / S_PER_MIN, 1),
                        decimal(job.staff_s() / S_PER_MIN, 1),
                        "yes" if job.stopped else "no",
                    )
                )
    unique = tuple(dict.fromkeys(rows))
    heads = ("visit", "plan", "minutes", "staff minutes", "stopped for safety")
    return DayTable("Visits played beforehand, beat by beat", heads, unique)


def numbers_table(played: DaysPlayed) -> DayTable:
    """Return every number of the day as planned, with its source."""
    rows = tuple(
        (
            row.name,
            f"{row.value:g} {'' if row.unit == '1' else row.unit}".strip(),
            row.source.standing,
            f"{row.source.reference}: {row.source.place}",
        )
        for row in played.base.plan.numbers
    )
    heads = ("number", "value", "standing", "source")
    return DayTable("Numbers of the day as planned", heads, rows)


def _with_interval(text: str, interval: str) -> str:
    return f"{text} ({interval})" if interval else text
