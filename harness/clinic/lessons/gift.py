"""The questions of a lesson in Moodle's GIFT, to import them into a question bank."""

from collections.abc import Iterator
from typing import Final

from harness.clinic.lessons.lesson import Lesson, Question

_ESCAPED: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\~=#{}:"})


def gift_text(lesson: Lesson) -> str:
    """Return the questions of a lesson, one choice right, the reason as feedback.

    See docs.moodle.org, "GIFT format".
    """
    about = (
        f"// {lesson.title}: questions of a lesson of ccmlab, simulated patients only",
        f"$CATEGORY: ccmlab/{_plain(lesson.title)}",
    )
    blocks = ["\n".join(about), *_blocks(lesson)]
    return "\n\n".join(blocks) + "\n"


def _blocks(lesson: Lesson) -> Iterator[str]:
    for number, question in enumerate(lesson.questions, start=1):
        yield _block(f"{lesson.name} {number}", question)


def _block(name: str, question: Question) -> str:
    choices = (
        f"  {'=' if choice == question.answer else '~'}{_plain(choice)}"
        for choice in question.choices
    )
    return "\n".join(
        [
            f"::{_plain(name)}::{_plain(question.ask)} {{",
            *choices,
            f"  ####{_plain(question.why)}",
            "}",
        ]
    )


def _plain(text: str) -> str:
    return text.translate(_ESCAPED)
