"""A lesson while it is played: its present step, and the truth where that is open."""

from typing import Any, Final

from harness.clinic.debrief import loop_shown
from harness.clinic.lesson_view import lesson_view
from harness.clinic.lessons.lesson import Lesson
from harness.clinic.lessons.state import (
    LessonEvent,
    LessonState,
    Predicted,
    WentOn,
)
from harness.play.stream.live import LiveVisit
from harness.play.stream.messages import (
    InterrogationMessage,
    Message,
    PhaseMessage,
    ResultMessage,
    ScreenMessage,
    VerdictMessage,
)
from harness.truth.answer_key import (
    LeadFaults,
    ees_gain,
    faults_after,
    leads_with,
    patient_after,
)
from harness.truth.score import Scorer
from sim.device.settings import Settings
from sim.patient import Patient
from sim.visit.happenings import Happening

STATES: Final = (ScreenMessage, PhaseMessage)
"""What these tell holds until the next of the kind."""
TOLD_ONCE: Final = (InterrogationMessage, VerdictMessage)
"""What these tell counts for the step in which it was told."""
Loops = list[dict[str, list[float]]]


class LessonRun:
    """One lesson in one visit. `last_message` is the last from before it began."""

    def __init__(self, lesson: Lesson, live: LiveVisit, last_message: int) -> None:
        self.lesson = lesson
        self.progress = LessonState.begun(lesson, last_message)
        self._live = live
        kept = (m for m in live.messages() if isinstance(m, STATES))
        self._told: dict[type, Message] = {type(m): m for m in kept}
        self._looped: tuple[Settings, Settings, Patient, LeadFaults] | None = None
        self._loops: Loops = []

    def take(self, event: LessonEvent) -> str:
        """Take what happened, or what the class did; return why not, if refused."""
        before = self.progress.step
        try:
            self.progress = self.progress.advance(self.lesson, event)
        except ValueError as error:
            return str(error)
        if self.progress.step != before:
            self._told = {kind: m for kind, m in self._told.items() if kind in STATES}
        if isinstance(event, STATES + TOLD_ONCE):
            self._told[type(event)] = event
        elif isinstance(event, Predicted | WentOn):
            self.progress = self.progress.look(self.lesson, self._told.values())
        return ""

    @property
    def happening(self) -> Happening | None:
        """What the present step lets happen, if anything."""
        step = self.progress.step_of(self.lesson)
        if step is None or step.inject is None:
            return None
        return step.inject.happening

    def view(self, *, leads: bool) -> dict[str, Any]:
        """Return the lesson as the page shows it."""
        shown = lesson_view(self.lesson, self.progress, leads=leads)
        return shown | ({"loops": self._true_loops()} if self.lesson.revealed else {})

    def truth(self, test: ResultMessage) -> dict[str, float]:
        """Return the truth of a test, in a lesson that is open from its beginning.

        Leads and rhythm are those of the moment at which the test ended.
        """
        if not self.lesson.revealed:
            return {}
        visit, order = self._live.visit, self._live.order
        happened = [item for item in visit.happened if item.at_s <= test.at_s]
        scorer = Scorer(
            patient_after(order.patient, happened),
            visit.reference,
            order.plan,
            self._live.task,
            faults_after(order.found, happened),
        )
        settings = visit.reference.with_values(dict(test.settings))
        return {"true": round(scorer.gain_pct(settings), 2)}

    def _true_loops(self) -> Loops:
        """Return the loops at the reference and at what is programmed now."""
        visit = self._live.visit
        patient = patient_after(self._live.order.patient, visit.happened)
        faults = faults_after(self._live.order.found, visit.happened)
        now = (visit.reference, visit.programmer.programmed, patient, faults)
        if now != self._looped:
            leads = leads_with(faults)
            self._looped = now
            self._loops = [
                loop_shown(patient, ees_gain(patient, s, leads)) for s in now[:2]
            ]
        return self._loops
