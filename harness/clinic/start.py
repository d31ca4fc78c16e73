"""Who may come: the shipped visits, by what the clinic knows, neutrally named."""

from dataclasses import dataclass, replace
from functools import cache
from string import ascii_uppercase
from typing import Any, Final

from harness.clinic.lessons.reader import load_lesson, shipped_lessons
from harness.play.scenario import CourseScenario, load_scenario, shipped_scenarios
from harness.play.stream.actions import ActionLog
from harness.play.stream.live import LiveVisit
from harness.play.stream.messages import OpenedMessage

TITLE: Final = "Patient"


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who may come: `key` stands for the scenario, whose name tells too much.

    `card` is what a chart says.
    """

    key: str
    scenario_name: str
    card: dict[str, Any]

    @property
    def title(self) -> str:
        """What the patient is called."""
        return f"{TITLE} {self.key}"


def log_of(scenario_name: str, seed: int | None = None) -> ActionLog:
    """Return a visit of a person before its first action."""
    scenario = load_scenario(scenario_name)
    return ActionLog(
        scenario=scenario,
        scenario_name=scenario_name,
        seed=scenario.seed if seed is None else seed,
        replicate=0,
        strategy=scenario.search.strategy,
        person=True,
    )


@dataclass(frozen=True, slots=True)
class LessonCard:
    """A lesson that may be played: `key` stands for its name."""

    key: str
    name: str
    title: str
    goal: str
    minutes: int
    audience: str


@cache
def lesson_cards() -> tuple[LessonCard, ...]:
    """Return the shipped lessons."""
    loaded = ((name, load_lesson(name)) for name in shipped_lessons())
    return tuple(
        LessonCard(
            f"L{n}",
            name,
            lesson.title,
            lesson.goal,
            lesson.minutes,
            lesson.audience,
        )
        for n, (name, lesson) in enumerate(loaded, start=1)
    )


@cache
def guests() -> tuple[Guest, ...]:
    """Return who may come; solves each patient once, which takes about a second."""
    names = [
        name
        for name in shipped_scenarios()
        if not isinstance(load_scenario(name), CourseScenario)
    ]
    keys = ascii_uppercase[: len(names)]
    return tuple(
        Guest(key, name, _card(name)) for key, name in zip(keys, names, strict=True)
    )


def _card(scenario_name: str) -> dict[str, Any]:
    with LiveVisit(log_of(scenario_name)) as live:
        opened = live.messages()[0]
    if not isinstance(opened, OpenedMessage):
        raise TypeError(f"a visit begins with its opening, got {opened.kind!r}")
    return dict(opened.card)


def brought_to(log: ActionLog, at_s: float) -> LiveVisit:
    """Return a visit brought to a time; of its strips the newest seconds are drawn."""
    live = LiveVisit(replace(log, actions=()))
    live.draw_strips(False)
    for action in log.until(at_s).actions:
        live.advance(action.at_s)
        live.command(action.command)
    live.advance(at_s)
    live.draw_strips(True)
    return live


def restarted(log: ActionLog, seed: int | None) -> ActionLog:
    """Return the log of a visit before its first action, with another seed if given."""
    return replace(log, actions=(), seed=log.seed if seed is None else seed)
