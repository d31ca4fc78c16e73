"""A lesson as the page shows it: the present step, and the questions at its end."""

from typing import Any

from harness.clinic.lessons.lesson import Lesson, Step
from harness.clinic.lessons.state import LessonState


def lesson_view(lesson: Lesson, state: LessonState, *, leads: bool) -> dict[str, Any]:
    """Return the present step, with what comes of it once it is done.

    `leads` tells that the window may go on: it sees what a step lets happen.
    """
    step = state.step_of(lesson)
    shown: dict[str, Any] = {
        "n": min(state.step + 1, len(lesson.steps)),
        "of": len(lesson.steps),
        "title": lesson.title,
        "revealed": lesson.revealed,
    }
    if step is None:
        return shown | _ending(lesson, state)
    return shown | _step(lesson, state, step, leads=leads)


def _step(
    lesson: Lesson, state: LessonState, step: Step, *, leads: bool
) -> dict[str, Any]:
    done = state.met or (step.check is None and step.predict is None)
    times = step.check.times if step.check is not None else 0
    return {
        "name": step.name,
        "say": step.say,
        "do": step.do,
        "then": step.then if done else "",
        "done": done,
        "seen": f"{min(state.n_matched, times)} of {times}" if times > 1 else "",
        "ask": step.predict.ask if step.predict is not None else "",
        "choices": step.predict.choices if step.predict is not None else (),
        "predicted": state.predictions[state.step],
        "inject": step.inject.what if leads and step.inject is not None else "",
    }


def _ending(lesson: Lesson, state: LessonState) -> dict[str, Any]:
    """Return the questions; the answer of each stands there once it was given."""
    return {
        "closing": lesson.closing,
        "questions": [
            {
                "ask": question.ask,
                "choices": question.choices,
                "given": given,
                "answer": question.answer if given else "",
                "why": question.why if given else "",
            }
            for question, given in zip(lesson.questions, state.answers, strict=True)
        ],
    }
