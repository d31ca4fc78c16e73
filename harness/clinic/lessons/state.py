"""How far a class has come in a lesson: plain values that any page can go on from."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from harness.clinic.lessons.lesson import Lesson, Step
from harness.common.faults import not_among
from harness.play.stream.messages import Message


@dataclass(frozen=True, slots=True)
class Predicted:
    """The class said what it expects of the present step: one of its choices."""

    choice: str


@dataclass(frozen=True, slots=True)
class WentOn:
    """The class goes to the next step; `anyway` when the check was not waited for."""

    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A question of the end was answered, counted from 0."""

    question: int
    choice: str


LessonEvent = Message | Predicted | WentOn | Answered


@dataclass(frozen=True, slots=True)
class LessonState:
    """The progress through one lesson.

    Attributes
    ----------
    lesson
        Its name.
    step
        The present one, from 0; as many as there are when the steps are done.
    n_matched
        Messages that the check of the present step has found so far.
    met
        Whether the present step is done.
    predictions, answers
        One of each step and question; empty where there is none yet.
    last_message
        Number of the last message that was looked at: none counts twice.
    """

    lesson: str
    step: int = 0
    n_matched: int = 0
    met: bool = False
    predictions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    last_message: int = 0

    @classmethod
    def begun(cls, lesson: Lesson, last_message: int = 0) -> Self:
        """Return the state at the beginning; earlier messages do not count."""
        return cls(
            lesson.name,
            predictions=("",) * len(lesson.steps),
            answers=("",) * len(lesson.questions),
            last_message=last_message,
        )

    def step_of(self, lesson: Lesson) -> Step | None:
        """Return the present step; None when all are done and the questions come."""
        return lesson.steps[self.step] if self.step < len(lesson.steps) else None

    def waits_for_prediction(self, lesson: Lesson) -> bool:
        """Tell whether the present step wants a prediction first."""
        step = self.step_of(lesson)
        return (
            step is not None
            and step.predict is not None
            and not self.predictions[self.step]
        )

    def advance(self, lesson: Lesson, event: LessonEvent) -> Self:
        """Return the state after an event; what does not count changes nothing.

        Raises ValueError, with what is allowed, for a choice that is none.
        """
        match event:
            case Predicted(choice):
                return self._predicted(lesson, choice)
            case WentOn(anyway):
                return self._went_on(lesson, anyway=anyway)
            case Answered(question, choice):
                return self._answered(lesson, question, choice)
        return self._after_message(lesson, event)

    def look(self, lesson: Lesson, standing: Iterable[Message]) -> Self:
        """Return the state after a look at what is the case already.

        Whoever predicts late, or comes to a step when it is done, is not kept waiting
        for what will not happen again.
        """
        step = self.step_of(lesson)
        if step is None or step.check is None or self.waits_for_prediction(lesson):
            return self
        check = step.check
        if self.met or not check.stands or check.times > 1:
            return self
        return replace(self, met=any(check.meant(message) for message in standing))

    def table(self) -> dict[str, Any]:
        """Return the state as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_table(cls, lesson: Lesson, table: Mapping[str, Any]) -> Self:
        """Return the state that a table holds; ValueError when it is of another lesson.

        Parameters
        ----------
        lesson
            Whose state it is; a file that was changed since gives a ValueError too.
        table
            As `table` made it, through JSON or not.
        """
        names = {item.name for item in fields(cls)}
        if set(table) != names or table["lesson"] != lesson.name:
            raise ValueError(f"this is no state of the lesson {lesson.name!r}")
        lists = {name: tuple(table[name]) for name in ("predictions", "answers")}
        state = cls(**{**table, **lists})
        sizes = (len(state.predictions), len(state.answers))
        if sizes != (len(lesson.steps), len(lesson.questions)):
            raise ValueError(f"the lesson {lesson.name!r} was changed since")
        return state

    def _predicted(self, lesson: Lesson, choice: str) -> Self:
        step = self.step_of(lesson)
        if step is None or step.predict is None:
            raise ValueError("the present step asks for no prediction")
        if choice not in step.predict.choices:
            raise ValueError(not_among(choice, step.predict.choices))
        told = replace(self, predictions=_put(self.predictions, self.step, choice))
        return told if step.check else replace(told, met=True)

    def _went_on(self, lesson: Lesson, *, anyway: bool) -> Self:
        step = self.step_of(lesson)
        if step is None:
            return self
        done = self.met or (step.check is None and step.predict is None)
        if not (done or anyway):
            return self
        return replace(self, step=self.step + 1, n_matched=0, met=False)

    def _answered(self, lesson: Lesson, question: int, choice: str) -> Self:
        if not 0 <= question < len(lesson.questions):
            raise ValueError(f"there are {len(lesson.questions)} questions, from 0 on")
        choices = lesson.questions[question].choices
        if choice not in choices:
            raise ValueError(not_among(choice, choices))
        return replace(self, answers=_put(self.answers, question, choice))

    def _after_message(self, lesson: Lesson, message: Message) -> Self:
        if message.number <= self.last_message:
            return self
        seen = replace(self, last_message=message.number)
        step = self.step_of(lesson)
        if step is None or step.check is None or self.waits_for_prediction(lesson):
            return seen
        if self.met or not step.check.meant(message):
            return seen
        n_matched = self.n_matched + 1
        return replace(seen, n_matched=n_matched, met=n_matched >= step.check.times)


def _put(words: tuple[str, ...], place: int, word: str) -> tuple[str, ...]:
    return (*words[:place], word, *words[place + 1 :])
