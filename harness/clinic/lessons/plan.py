"""A lesson on one page, for the teacher: a PDF set by typst, the same bytes always."""

from importlib.resources import files
from typing import Any, Final

from harness.clinic.lessons.checks import LessonCheck
from harness.clinic.lessons.lesson import Lesson
from harness.report.compiled import compiled
from harness.report.typeset import printable

BANNER: Final = "Simulated patients: not for the care of anybody, not for a claim"


def plan_pdf(lesson: Lesson) -> bytes:
    """Return the lesson as a tagged PDF of one A4 page, in letters as large as fit."""
    source = (files(__package__) / "templates" / "plan.typ").read_bytes()
    return compiled(source, {"lesson": _printed(lesson_facts(lesson))})


def lesson_facts(lesson: Lesson) -> dict[str, Any]:
    """Return what the page says, as plain values."""
    world = lesson.world
    return {
        "banner": BANNER,
        "title": lesson.title,
        "goal": lesson.goal,
        "closing": lesson.closing,
        "facts": [
            ["Time", f"{lesson.minutes} min in class"],
            ["For", lesson.audience],
            ["Patient", f"{world.title}; {world.subject or 'nothing more is told'}"],
            ["Scenario", f"{lesson.scenario}, seed {lesson.seed}"],
            ["Begins with", f"the {lesson.start}"],
            ["The truth", "is open" if lesson.revealed else "stays closed to the end"],
            ["Nobody knows", "; ".join(lesson.hidden)],
        ],
        "steps": [
            {
                "name": step.name,
                "say": step.say,
                "predict": _asked(step.predict.ask, step.predict.choices)
                if step.predict
                else "",
                "do": step.do,
                "until": check_text(step.check) if step.check else "",
                "then": step.then,
            }
            for step in lesson.steps
        ],
        "questions": [
            {"ask": _asked(q.ask, q.choices), "answer": q.answer, "why": q.why}
            for q in lesson.questions
        ],
        "sources": [f"{s.work}, {s.place}: {s.says}" for s in lesson.sources],
    }


def check_text(check: LessonCheck) -> str:
    """Return a check in words: its name, its values, how often."""
    values = check.model_dump(exclude_defaults=True, exclude={"times"})
    told = ", ".join(f"{_spaced(k)} {_value_text(v)}" for k, v in values.items())
    often = f" ({check.times} times)" if check.times > 1 else ""
    return f"{check.name}: {told}{often}" if told else f"{check.name}{often}"


def _value_text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value_text(v)}" for name, v in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return " or ".join(map(_value_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _asked(ask: str, choices: tuple[str, ...]) -> str:
    return f"{ask} ({' / '.join(choices)})"


def _printed(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printed(item) for item in value]
    return {name: _printed(item) for name, item in value.items()}
