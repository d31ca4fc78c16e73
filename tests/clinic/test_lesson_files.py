"""Lesson files: shipped ones are whole, a faulty one is told with its step."""

import tomllib
from pathlib import Path

import pytest

from harness.cli import invoke
from harness.clinic.lessons.checks import checks
from harness.clinic.lessons.lesson import MINUTES, Lesson
from harness.clinic.lessons.reader import (
    ORDER,
    load_lesson,
    parse_lesson,
    shipped_lessons,
)
from harness.common.faults import ScenarioError
from sim.sources import references
from sim.visit.plan import PHASES

HOW_TO = Path(__file__).parents[2] / "docs/how-to/write-a-lesson.md"
SHORT = """
title = "Short"
goal = "See a beat."
minutes = 5
audience = "anybody"
scenario = "first_visit"
seed = 7
start = "titration"
hidden = ["everything"]
closing = "That was it."
[[steps]]
name = "Look"
say = "Look."
do = "Look at it."
check = { is = "beat seen", times = 3 }
then = "That was a beat."
[[questions]]
ask = "What was it?"
choices = ["a beat", "a fish"]
answer = "a beat"
why = "It was not wet."
[[sources]]
work = "ccmlab-device"
place = "section 2"
says = "what a beat is"
"""


def fault(text: str, old: str, new: str) -> str:
    assert old in text
    with pytest.raises(ScenarioError) as caught:
        parse_lesson(text.replace(old, new), "short.toml")
    return str(caught.value)


def test_the_ten_lessons_come_in_teaching_order() -> None:
    assert tuple(shipped_lessons()) == ORDER
    assert len(ORDER) == 10


@pytest.mark.parametrize("name", ORDER)
def test_a_shipped_lesson_is_whole(name: str) -> None:
    lesson = load_lesson(name)
    assert lesson.name == name
    assert len(lesson.steps) >= 4
    assert len(lesson.questions) == 3
    assert MINUTES[0] <= lesson.minutes <= 45
    assert sum(step.predict is not None for step in lesson.steps) >= 3
    assert {source.work for source in lesson.sources} <= set(references())


def test_only_the_lesson_about_a_stronger_beat_opens_the_truth() -> None:
    assert [n for n in ORDER if load_lesson(n).revealed] == ["a_stronger_beat"]


def test_right_answers_are_not_always_in_one_place() -> None:
    places = [
        question.choices.index(question.answer)
        for name in ORDER
        for question in load_lesson(name).questions
    ]
    assert max(map(places.count, set(places))) <= 0.7 * len(places)


def test_a_lesson_says_what_is_wrong_and_in_which_step() -> None:
    told = fault(SHORT, '"beat seen"', '"beet seen"')
    assert told.startswith("short.toml: step 1 (Look): check.is: no such name; ")
    assert "nearest is 'beat seen'" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("times = 3", "tims = 3", "step 1 (Look): check.tims: no such name; nearest"),
        ("times = 3", "times = 0", "step 1 (Look): check.times: must be 1 to 1000"),
        ('is = "beat seen", ', "", "step 1 (Look): check.is: must be given"),
        ('answer = "a beat"', 'answer = "a bat"', "question 1: answer: must be one of"),
        ('scenario = "first_visit"', 'scenario = "frist"', "scenario: scenario: no "),
        ('start = "titration"', 'start = "titraton"', "nearest is 'titration'"),
        ('work = "ccmlab-device"', 'work = "ccmlab-devise"', "sources.0.work: must be"),
        ('say = "Look."', 'say = "  "', "step 1 (Look): say: must say something"),
        ("minutes = 5", "minutes = 500", "minutes: must be 5 to 120, got 500"),
        ("seed = 7", "seed = 7\nname = 'x'", "name: is that of the file"),
        ("seed = 7", 'seed = 7\nchange = { "visit.nose" = 1 }', "visit.nose: no such"),
        ("closing =", "closng =", "closing: must be given"),
        ('["everything"]', "[]", "hidden: must have one entry or more"),
        ('["a beat", "a fish"]', '["a beat"]', "choices: must be 2 to 4 different"),
    ],
)
def test_a_fault_of_a_lesson_is_told_with_its_place(
    old: str, new: str, told: str
) -> None:
    assert told in fault(SHORT, old, new)


def test_every_fault_is_told_at_once() -> None:
    text = SHORT.replace("minutes = 5", "minutes = 1")
    told = fault(text, "times = 3", "times = 3.5")
    assert "2 faults" in told
    assert "minutes" in told
    assert "check.times: must be a whole number" in told


def test_an_unknown_lesson_is_answered_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["lesson-plan", "one_bet"]) == 2
    told = capsys.readouterr().err
    assert "nearest is 'one_beat'" in told
    assert "Traceback" not in told


def test_a_lesson_may_bring_a_scenario_of_its_own(tmp_path: Path) -> None:
    own = Path("scenarios/null_responder.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(own, encoding="utf-8")
    (tmp_path / "lesson.toml").write_text(
        SHORT.replace('"first_visit"', '"mine.toml"'), encoding="utf-8"
    )
    lesson = load_lesson(tmp_path / "lesson.toml")
    assert lesson.world.patient.phenotype == "hfref-null"
    assert lesson.world.seed == lesson.seed


def test_every_check_is_told_in_the_how_to() -> None:
    text = HOW_TO.read_text(encoding="utf-8")
    for name, kind in checks().items():
        (row,) = [r for r in text.splitlines() if r.startswith(f"| `{name}` |")]
        for value in set(kind.model_fields) - {"times"}:
            assert f"`{value}`" in row, f"{name} lacks {value}"
    assert all(f"`{phase}`" in text for phase in PHASES)


def example() -> str:
    text = HOW_TO.read_text(encoding="utf-8")
    return text.partition("```toml\n")[2].partition("```")[0]


def test_the_lesson_of_the_how_to_is_valid() -> None:
    lesson = parse_lesson(example(), "my_lesson.toml")
    assert isinstance(lesson, Lesson)
    assert set(tomllib.loads(example())) == set(Lesson.model_fields) - {"name"}


def test_the_list_has_the_lessons_with_title_and_minutes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["list", "lessons"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(ORDER)
    assert "One beat, 20 min: Read one heartbeat" in lines[0]
