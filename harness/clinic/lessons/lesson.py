"""A lesson as its file has it: what is said, asked, done and waited for."""

from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from harness.clinic.lessons.checks import AnyCheck
from harness.common.faults import Fault, FaultsError, not_among
from harness.play.filled import within
from harness.play.scenario import LARGEST_SEED, Scenario, load_scenario
from harness.play.stream.actions import ActionLog
from harness.play.stream.live import LiveVisit
from harness.play.stream.messages import PhaseMessage
from harness.play.tables import Table, one_of
from sim.device.leads import Fault as LeadFault
from sim.heart.train import LeadName
from sim.sources import references
from sim.visit.happenings import Happening, What
from sim.visit.plan import PHASES

MINUTES: Final = (5, 120)
"""Bounds of the length of a lesson in class."""
CHOICES: Final = (2, 4)
"""Fewest and most that a prediction or a question has."""


def _said(text: str) -> str:
    told = " ".join(text.split())
    if not told:
        raise ValueError("must say something")
    return told


Said = Annotated[str, AfterValidator(_said)]
Item = TypeVar("Item")


def _some(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Refuse an empty list; after its items, so that one fault is told once."""
    if not items:
        raise ValueError("must have one entry or more")
    return items


def _few(choices: tuple[str, ...]) -> tuple[str, ...]:
    low, high = CHOICES
    if not low <= len(set(choices)) == len(choices) <= high:
        raise ValueError(f"must be {low} to {high} different ones, got {len(choices)}")
    return choices


Choices = Annotated[tuple[Said, ...], Field(strict=False), AfterValidator(_few)]
Some = Annotated[tuple[Item, ...], Field(strict=False), AfterValidator(_some)]


class Prediction(Table):
    """What the class says before it sees; nothing counts until it is given."""

    ask: Said
    choices: Choices


class Injection(Table):
    """What the page lets happen, as `sim.visit.happenings`."""

    what: What
    n_beats: int = Happening("ectopics").n_beats
    for_s: float = Happening("ectopics").for_s
    lead: LeadName = "V2"
    fault: LeadFault = "dislodged"
    grade: int = Happening("ectopics").grade

    @property
    def happening(self) -> Happening:
        """As a command of the visit takes it."""
        return Happening(
            self.what, self.n_beats, self.for_s, self.lead, self.fault, self.grade
        )


class Step(Table):
    """One step: say, predict, do, wait for the check, then say what was seen.

    Without a check it is done as soon as it was said, and its prediction given.
    """

    name: Said
    say: Said
    predict: Prediction | None = None
    do: Said
    inject: Injection | None = None
    check: AnyCheck | None = None
    then: Said


class Question(Table):
    """A question for the end, or for a learning platform; `answer` is one choice."""

    ask: Said
    choices: Choices
    answer: Said
    why: Said

    @model_validator(mode="after")
    def _answer_is_a_choice(self) -> Self:
        if self.answer not in self.choices:
            text = not_among(self.answer, self.choices)
            raise FaultsError([Fault("answer", text)])
        return self


class LessonSource(Table):
    """A work, the place in it, and what the lesson takes from it."""

    work: Annotated[str, one_of(references)]
    place: Said
    says: Said


class Lesson(Table):
    """A lesson, whole.

    Attributes
    ----------
    name
        Of its file, without its ending.
    scenario, seed, change
        Who comes: a scenario, with values changed by dotted path. The seed was chosen
        so that what the lesson says is seen: a class meets no average patient.
    start
        The phase at whose beginning the class takes over.
    revealed
        Whether the truth is open from the beginning.
    hidden
        What nobody in the room knows, to be said aloud.
    """

    name: str
    title: Said
    goal: Said
    minutes: Annotated[int, within(*MINUTES)]
    audience: Said
    scenario: Said
    seed: Annotated[int, within(0, LARGEST_SEED)]
    change: dict[str, Any] = Field(default_factory=dict)
    start: Annotated[str, one_of(lambda: PHASES)]
    revealed: bool = False
    hidden: Some[Said]
    steps: Some[Step]
    questions: Some[Question]
    closing: Said
    sources: Some[LessonSource]

    @property
    def world(self) -> Scenario:
        """The scenario as the lesson has it; raises ScenarioError."""
        return load_scenario(self.scenario).changed({**self.change, "seed": self.seed})

    @property
    def log(self) -> ActionLog:
        """From what the lesson's visit is made, before anybody did anything."""
        world = self.world
        return ActionLog(
            scenario=world,
            scenario_name=self.scenario,
            seed=world.seed,
            strategy=world.search.strategy,
            person=True,
        )

    def begin(self, *, strips: bool = True) -> LiveVisit:
        """Return the visit at the beginning of the phase in which the class joins.

        Parameters
        ----------
        strips
            Whether samples of the strip are drawn and told, as on a page.
        """
        live = LiveVisit(self.log, strips=strips)
        begun: list[bool] = []
        stop = live.listen(
            lambda told: (
                begun.append(True)
                if isinstance(told, PhaseMessage) and told.name == self.start
                else None
            )
        )
        live.draw_strips(False)  # nobody looks on yet
        while not begun and not live.over:
            live.step()
        live.draw_strips(True)
        stop()
        return live
