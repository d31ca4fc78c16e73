"""What is printed of a lesson: one page with all of it, and questions for Moodle."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.cli import invoke
from harness.clinic.lessons.gift import gift_text
from harness.clinic.lessons.lesson import Lesson
from harness.clinic.lessons.plan import check_text, plan_pdf
from harness.clinic.lessons.reader import ORDER, load_lesson

TextOf = Callable[[bytes], str]
ESCAPED = re.compile(r"\\(.)")
BLOCK = re.compile(r"::((?:\\.|[^\\])*?)::((?:\\.|[^\\{])*)\{((?:\\.|[^\\}])*)\}")
CHOICE = re.compile(r"^\s*([=~])(.*)$", re.MULTILINE)
HARD = "1 = 2 ~ 3? {x}: # \\ end"


class Read(NamedTuple):
    name: str
    ask: str
    choices: tuple[str, ...]
    right: str
    why: str


def read_gift(text: str) -> Iterator[Read]:
    """Read questions of one right choice, as the documentation of Moodle has GIFT."""
    lines = [r for r in text.splitlines() if not r.startswith(("//", "$CATEGORY:"))]
    for name, ask, body in BLOCK.findall("\n".join(lines)):
        inside, _, why = body.partition("####")
        marked = [(mark, plain(words)) for mark, words in CHOICE.findall(inside)]
        (right,) = (words for mark, words in marked if mark == "=")
        choices = tuple(words for _, words in marked)
        yield Read(plain(name), plain(ask), choices, right, plain(why))


def plain(text: str) -> str:
    return ESCAPED.sub(r"\1", text.strip())


@pytest.mark.parametrize("name", ORDER)
def test_the_questions_are_read_back_from_gift(name: str) -> None:
    lesson = load_lesson(name)
    read = list(read_gift(gift_text(lesson)))
    assert read == [
        Read(f"{name} {number}", q.ask, q.choices, q.answer, q.why)
        for number, q in enumerate(lesson.questions, start=1)
    ]


def test_signs_that_mean_something_to_gift_are_read_back() -> None:
    lesson = load_lesson("one_beat")
    hard = lesson.questions[0].model_copy(
        update={"ask": HARD, "choices": (HARD, "b"), "answer": HARD, "why": HARD}
    )
    changed = lesson.model_copy(update={"questions": (hard,)})
    (read,) = read_gift(gift_text(changed))
    assert read == Read("one_beat 1", HARD, (HARD, "b"), HARD, HARD)


@pytest.mark.usefixtures("poppler")
@pytest.mark.parametrize("name", ORDER)
def test_a_plan_is_one_page_with_every_step_and_answer(
    name: str, text_of_pdf: TextOf
) -> None:
    lesson = load_lesson(name)
    pdf = plan_pdf(lesson)
    assert pages(pdf) == 1
    text = squeezed(text_of_pdf(pdf))
    for words in wanted(lesson):
        assert squeezed(words) in text, words


def wanted(lesson: Lesson) -> Iterator[str]:
    yield from (lesson.title, lesson.goal, lesson.closing, *lesson.hidden)
    for step in lesson.steps:
        yield from (step.name, step.say, step.do)
        if step.predict:
            yield step.predict.ask
    for question in lesson.questions:
        yield from (question.ask, question.answer, question.why)


def squeezed(text: str) -> str:
    """Return letters and digits alone: lines break in words, and ligatures differ."""
    whole = text.replace("\ufb01", "fi").replace("\ufb02", "fl").replace("\ufb00", "ff")
    return re.sub(r"[\W_]+", "", whole)


def pages(pdf: bytes) -> int:
    done = subprocess.run(("pdfinfo", "-"), input=pdf, capture_output=True, check=True)
    (row,) = (r for r in done.stdout.decode().splitlines() if r.startswith("Pages:"))
    return int(row.split()[1])


@pytest.mark.usefixtures("poppler")
def test_a_lesson_of_twice_the_words_still_fits_on_its_page() -> None:
    lesson = load_lesson("one_beat")
    steps = tuple(
        step.model_copy(update={"say": f"{step.say} {step.say}"})
        for step in lesson.steps
    )
    assert pages(plan_pdf(lesson.model_copy(update={"steps": steps}))) == 1


def test_the_same_lesson_gives_the_same_bytes() -> None:
    lesson = load_lesson("nothing_helps")
    assert plan_pdf(lesson) == plan_pdf(lesson)
    assert gift_text(lesson) == gift_text(lesson)


def test_a_check_is_told_in_words() -> None:
    step = load_lesson("what_the_patient_feels").steps[3]
    assert step.check is not None
    told = check_text(step.check)
    assert told.startswith("test done: plan paired, ended done, asked amplitude_v 6")


def test_the_command_writes_the_page_and_the_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, questions = tmp_path / "a.pdf", tmp_path / "a.gift"
    assert invoke(["lesson-plan", "one_beat", "--out", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    assert page.read_bytes().startswith(b"%PDF")
    asked = ["lesson-plan", "one_beat", "--format", "gift", "--out", str(questions)]
    assert invoke(asked) == 0
    assert len(list(read_gift(questions.read_text(encoding="utf-8")))) == 3
    assert invoke(asked) == 2
    assert "is there already" in capsys.readouterr().err
    assert invoke([*asked, "--force"]) == 0
