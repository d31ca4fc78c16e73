"""The page of a course: its visits, its figure, its alerts, in one file."""

from typing import Final

from markupsafe import Markup

from harness.common.banner import BANNER
from harness.common.drawing import inline
from harness.common.pages import filled
from harness.common.words import EN_DASH, decimal, plain
from harness.course.figure import course_svg
from harness.course.play import Course, visit_rows
from sim.units import PCT_PER_FRAC

HEADS: Final = (
    "month",
    "EF %",
    "MLWHFQ",
    "peak VO2",
    "walk m",
    "NYHA",
    "CCM %",
    "battery %",
    "verdict",
)


def course_cells(course: Course) -> list[tuple[str, ...]]:
    """Return what a table of a course shows of each visit, as text under `HEADS`."""
    return [
        (
            f"{row['month']:g}",
            _number(row["ef_pct_seen"], 1),
            _number(row["mlwhfq_points_seen"], 0),
            _number(row["peak_vo2_ml_per_kg_min_seen"], 1),
            _number(row["walk_m_seen"], 0),
            f"{row['nyha_class']}",
            _percent(row["delivered_frac"]),
            _number(row["battery_pct_found"], 0),
            f"{row['verdict']}",
        )
        for row in visit_rows(course)
    ]


def alert_texts(course: Course) -> list[str]:
    """Return each alert with its day."""
    return [f"day {alert.day}: {alert.text}" for alert in course.alerts]


def course_text(course: Course) -> str:
    """Return what a finished course says on stdout: a line a visit."""
    rows = [HEADS, *course_cells(course)]
    lines = ["".join(f"{cell:>10}" for cell in r[:-1]) + f"  {r[-1]}" for r in rows]
    alerts = alert_texts(course) or ["no alert between the visits"]
    return "\n".join([*lines, "", *alerts])


def course_html(course: Course, *, keyed: bool = True) -> str:
    """Return the page; the same course gives the same text.

    Parameters
    ----------
    course
        What to show.
    keyed
        Whether the answer key stands at its end; without it the page is a hand-out.
    """
    pictures = {"course": course_svg(course)}
    if keyed:
        pictures["course_key"] = course_svg(course, keyed=True)
    drawn = inline(pictures)
    values = {
        "title": plain(course.scenario.title),
        "key": key_facts(course) if keyed else (),
        "key_figure": Markup(drawn.get("course_key", "")),
        "banner": BANNER,
        "heads": ("visit", *HEADS),
        "rows": course_cells(course),
        "figure": Markup(drawn["course"]),
        "alerts": alert_texts(course),
    }
    return filled("harness.course", "course.html.j2", values)


def key_facts(course: Course) -> tuple[tuple[str, str], ...]:
    """Return who the patient was: what would have given the answer away."""
    scenario, patient = course.scenario, course.visits[0].run.record.patient
    told = (
        ("Scenario", course.scenario_name or "not named"),
        ("Seed", str(course.seed)),
        ("Subject", scenario.subject or "not stated"),
        ("What it shows", scenario.description.strip() or "not stated"),
        ("Virtual patient", patient.phenotype),
        ("Response law", patient.response.name),
    )
    return tuple((label, plain(text)) for label, text in told)


def _number(value: str | int | float | None, digits: int) -> str:
    """Return a number of the table; a dash where a visit has none."""
    return decimal(value, digits) if isinstance(value, int | float) else EN_DASH


def _percent(share: str | int | float | None) -> str:
    if not isinstance(share, int | float):
        return EN_DASH
    return decimal(PCT_PER_FRAC * share, 0)
