"""Lesson files: read once, every fault told together, with the step it is in."""

import re
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from harness.clinic.lessons.lesson import Lesson
from harness.common.faults import Fault, ScenarioError, faults_of
from harness.play.shipped import file_named, read_toml, shipped

_STEP: Final = re.compile(r"^(steps|questions)\.(\d+)\.?(.*)$")
_ONE: Final = {"steps": "step", "questions": "question"}


def shipped_lessons() -> Mapping[str, Traversable]:
    """Return the lessons that come with the package, by name, in teaching order."""
    found = shipped("lessons")
    order = {name: place for place, name in enumerate(ORDER)}
    return dict(sorted(found.items(), key=lambda i: (order.get(i[0], len(order)), i)))


ORDER: Final = (
    "one_beat",
    "a_stronger_beat",
    "six_beats_of_ten",
    "delay_and_refractory_period",
    "what_the_patient_feels",
    "one_reading_lies",
    "nothing_helps",
    "irregular_pulse",
    "something_happens",
    "delivered_is_not_effective",
)
"""Each builds on those before it; a lesson that is not named comes after them."""


def load_lesson(path_or_name: str | Path) -> Lesson:
    """Read a lesson: a path ending in .toml, or the name of a shipped one.

    Raises
    ------
    ScenarioError
        With every fault of the file and the step it is in, or the nearest name.
    """
    file = file_named("lesson", path_or_name, shipped_lessons())
    return parse_lesson(file.text, file.origin, file.folder)


def parse_lesson(text: str, origin: str, folder: Path | None = None) -> Lesson:
    """Return the lesson written in TOML; ScenarioError lists every fault.

    Parameters
    ----------
    text
        Contents of the file.
    origin
        Names the file in messages, and the lesson by its stem.
    folder
        Where a scenario's file is looked for; the present folder by default.
    """
    data = read_toml(text, origin)
    scenario = data.get("scenario")
    if isinstance(scenario, str) and scenario.endswith(".toml"):
        data["scenario"] = str((folder or Path()) / scenario)
    if "name" in data:
        raise ScenarioError(
            origin, [Fault("name", "is that of the file; leave it out")]
        )
    try:
        lesson = Lesson.model_validate({**data, "name": Path(origin).stem})
    except ValidationError as error:
        faults = list(_placed(faults_of(error, Lesson), data))
        raise ScenarioError(origin, faults) from None
    _check_world(lesson, origin)
    return lesson


def _check_world(lesson: Lesson, origin: str) -> None:
    try:
        _ = lesson.world
    except ScenarioError as error:
        told = [Fault("scenario", f"{error.origin}: {f}") for f in error.faults]
        raise ScenarioError(origin, told) from None


def _placed(faults: tuple[Fault, ...], data: Mapping[str, Any]) -> Iterator[Fault]:
    """Tell steps as a teacher counts them, with their names."""
    for fault in faults:
        place = _STEP.match(fault.path)
        if place is None:
            yield fault
            continue
        kind, number, rest = place[1], int(place[2]), place[3]
        name = _name_of(data.get(kind), number)
        where = f"{_ONE[kind]} {number + 1}{name}"
        yield Fault(where, f"{rest}: {fault.text}" if rest else fault.text)


def _name_of(rows: object, number: int) -> str:
    if isinstance(rows, list) and number < len(rows) and isinstance(rows[number], dict):
        name = rows[number].get("name")
        return f" ({name})" if isinstance(name, str) else ""
    return ""
