"""One patient and all who look on: the visit that is lived, what was said about it.

A session is sync and belongs to one thread at a time; its room sees to that.
"""

from collections.abc import Mapping
from functools import singledispatchmethod
from typing import Any, Final, Self

from harness.clinic import view
from harness.clinic.board import EVENTS, Board
from harness.clinic.commands import (
    AnswerQuestion,
    CastVote,
    ChangeValue,
    CloseVote,
    Expect,
    GoOn,
    HideAdvice,
    LetStepHappen,
    OpenVote,
    Plain,
    Predict,
    PredictStep,
    SayIt,
    TryScreen,
    Wish,
)
from harness.clinic.foreseen import Foreseen
from harness.clinic.lesson_run import LessonRun
from harness.clinic.lessons.lesson import Lesson
from harness.clinic.lessons.state import Answered, LessonEvent, Predicted, WentOn
from harness.clinic.roles import MAY, Role
from harness.clinic.start import brought_to
from harness.clinic.strips import Strips
from harness.clinic.votes import Vote
from harness.clinic.words import name_of, quantity_of
from harness.play.stream.actions import ActionLog
from harness.play.stream.commands import (
    AskAdvice,
    CancelEdit,
    ChooseCandidate,
    Command,
    EditScreen,
    FinishTitration,
    HandOver,
    Inject,
    PutWandBack,
    RunTest,
    SwitchOff,
    UndoProgramming,
    WatchSettings,
    WriteNote,
)
from harness.play.stream.live import LiveVisit
from harness.play.stream.messages import (
    AdviceMessage,
    AnsweredMessage,
    Message,
    OpenedMessage,
    ResultMessage,
    ScreenMessage,
)
from sim.device.lattice import Value, parameters

PLAIN: Final[Mapping[str, Command]] = {
    "cancel": CancelEdit(),
    "watch": WatchSettings(),
    "undo": UndoProgramming(),
    "off": SwitchOff(),
    "link": PutWandBack(),
    "finish": FinishTitration(),
    "advise": AskAdvice(),
}
MOST_SAYINGS: Final = 60
NO_LESSON: Final = "there is no lesson here"
LEADS: Final = ("alone", "teacher")
NOTHING_ASKED: Final = "there is nothing to predict now"
CLOSED: Final = "predictions are closed: the strategy has given its advice"
BLIND: Final = "say first what you expect: rises, no difference or falls"


class LiveSession:
    """A visit at the page. `want` takes a wish and returns why it was refused.

    Attributes
    ----------
    events
        Counts what "to the next event" stops at.
    run
        The lesson that is played, if any.
    foreseen
        What is expected of the next test, and was of each.
    """

    def __init__(self, live: LiveVisit, lesson: Lesson | None = None) -> None:
        self.live = live
        self.board = Board()
        self.strips = Strips()
        self.vote: Vote | None = None
        self.foreseen = Foreseen()
        self.hides_advice = False
        self.sayings: list[str] = []
        self.events = 0
        self.answer = ""
        self._overruled = False
        self.run: LessonRun | None = None
        last = 0
        for message in live.messages():
            self._take(message)
            last = message.number
        live.forget_flow()
        if lesson is not None:
            self.run = LessonRun(lesson, live, last)
        self._unlisten = live.listen(self._take)

    @classmethod
    def of(cls, log: ActionLog) -> Self:
        """Return the session of a visit, brought to where its log left it."""
        if not log.actions:
            return cls(LiveVisit(log))
        return cls(brought_to(log, log.actions[-1].at_s))

    @property
    def now_s(self) -> float:
        """Simulated time."""
        return self.live.now_s

    @property
    def over(self) -> bool:
        """Whether the patient has left."""
        return self.live.over

    @property
    def waits(self) -> bool:
        """Whether the visit waits for a person to say what comes next."""
        screen = self.board.screen
        busy = screen is not None and bool(screen.busy)
        return self.board.prompt is not None and not busy

    def advance(self, until_s: float) -> None:
        """Let the patient live until a time."""
        if not self.live.over:
            self.live.advance(until_s)

    def hurry(self, until_s: float) -> None:
        """Let the patient live until a time, with the newest of the strips alone."""
        self.live.draw_strips(False)
        self.advance(until_s)
        self.live.draw_strips(True)

    def to_next_event(self, until_s: float) -> bool:
        """Go on until something is to be seen, or a time; tell whether it was."""
        before = self.events
        self.live.draw_strips(False)
        while not self.live.over and self.live.next_event_s <= until_s:
            self.live.step()
            if self.events != before:
                break
        else:
            self.advance(until_s)
        self.live.draw_strips(True)
        return self.live.over or self.events != before

    def close(self) -> None:
        """Stop the strategy, and let go of the patient."""
        self._unlisten()
        self.live.close()

    # what people want

    @singledispatchmethod
    def want(self, wish: Wish, by: str) -> str:
        """Do what somebody wants; return why not, empty when it was done."""
        raise TypeError(f"a session does not know {wish!r}")

    @want.register
    def _(self, wish: ChangeValue, by: str) -> str:
        shown, table = self.board.on_screen, parameters(self.model)
        if wish.name not in table or wish.name not in shown:
            return f"{wish.name} is not on the screen"
        self.answer = ""
        values = table[wish.name].values
        place = view.place_in(values, shown[wish.name]) + wish.by
        value = values[min(max(place, 0), len(values) - 1)]
        return self._edit({wish.name: value})

    @want.register
    def _(self, wish: Predict, by: str) -> str:
        if refused := self._no_prediction():
            return refused
        self.foreseen.now = wish.answer
        return ""

    @want.register
    def _(self, wish: Expect, by: str) -> str:
        if refused := self._no_prediction():
            return refused
        self.foreseen.say(by, wish.answer)
        return ""

    def _no_prediction(self) -> str:
        """Return why nothing can be predicted now; empty when it can."""
        if not self._asks_next:
            return NOTHING_ASKED
        return CLOSED if self.foreseen.closed else ""

    @want.register
    def _(self, wish: TryScreen, by: str) -> str:
        if self.board.screen is not None and self.board.screen.busy:
            return self._command(RunTest(plan=wish.plan))
        if self.foreseen.now is None:
            return BLIND
        self.answer = ""
        said = self.foreseen.now
        refused = self._command(RunTest(plan=wish.plan, prediction=said))
        if not refused:
            self.vote = None
        return refused

    @want.register
    def _(self, wish: Plain, by: str) -> str:
        if wish.do == "accept":
            return self._accept()
        if wish.do == "overrule":
            self._overruled = True
            return ""
        if wish.do == "advise":
            if self.board.prompt is None:
                return "the strategy is asked when the visit asks what next"
            if self._asks_next and self.foreseen.now is None:
                return BLIND
            self._overruled = False
        return self._command(PLAIN[wish.do])

    @want.register
    def _(self, wish: ChooseCandidate | HandOver | Inject | WriteNote, by: str) -> str:
        return self._command(wish)

    @want.register
    def _(self, wish: HideAdvice, by: str) -> str:
        self.hides_advice = wish.on
        return ""

    @want.register
    def _(self, wish: OpenVote, by: str) -> str:
        self.vote = Vote(wish.choices)
        return ""

    @want.register
    def _(self, wish: CastVote, by: str) -> str:
        if self.vote is None:
            return "nothing is voted on"
        return self.vote.cast(by, wish.choice)

    @want.register
    def _(self, wish: CloseVote, by: str) -> str:
        if self.vote is None:
            return "nothing is voted on"
        self.vote.close(wish.hands)
        return ""

    @want.register
    def _(self, wish: PredictStep, by: str) -> str:
        return self._learn(Predicted(wish.choice))

    @want.register
    def _(self, wish: GoOn, by: str) -> str:
        return self._learn(WentOn(wish.anyway))

    @want.register
    def _(self, wish: AnswerQuestion, by: str) -> str:
        return self._learn(Answered(wish.question, wish.choice))

    @want.register
    def _(self, wish: LetStepHappen, by: str) -> str:
        happening = self.run.happening if self.run is not None else None
        if happening is None:
            return "nothing happens at this step"
        return self._command(Inject(happening))

    def _learn(self, event: LessonEvent) -> str:
        return NO_LESSON if self.run is None else self.run.take(event)

    @want.register
    def _(self, wish: SayIt, by: str) -> str:
        if not self.over:
            return "this is for after the visit"
        if len(self.sayings) >= MOST_SAYINGS:
            return f"there are {MOST_SAYINGS} of these already"
        self.sayings.append(wish.text)
        return ""

    def _accept(self) -> str:
        advice = self.board.advice
        if advice is None or not advice.settings:
            return "nothing was advised"
        if advice.question == "choose":
            return self._command(ChooseCandidate("advised"))
        values = {name: advice.settings[name] for name in self.board.axes}
        return self._edit(values)

    def _edit(self, values: Mapping[str, Value]) -> str:
        """Put values on the screen; what depends on them follows as in a search."""
        shown = self.board.on_screen
        changed = {n: value for n, value in values.items() if shown[n] != value}
        return self._command(EditScreen(changed)) if changed else ""

    def _command(self, command: Command) -> str:
        return self.live.command(command).reason

    # what comes from the bedside

    def _take(self, message: Message) -> None:
        before = self.board.on_screen
        self.board.take(message)
        if isinstance(message, ScreenMessage) and self.board.on_screen != before:
            self.foreseen.forget()
        self.strips.take(message)
        if isinstance(message, OpenedMessage):
            local = self.live.visit.found.settings.ls_channel
            self.strips.open(message, local)
        elif isinstance(message, ResultMessage):
            self._tested(message)
        elif isinstance(message, AdviceMessage):
            self.foreseen.closed = self._asks_next
        elif isinstance(message, AnsweredMessage):
            self._answered(message)
        if isinstance(message, EVENTS):
            self.events += 1
        if self.run is not None:
            self.run.take(message)

    def _answered(self, message: AnsweredMessage) -> None:
        """Take what became of a command, also of one from before a reload."""
        if not message.taken:
            self.answer = message.reason
            return
        command = self.live.actions.actions[message.command - 1].command
        if isinstance(command, RunTest):
            self.foreseen.begin(command.prediction)

    def _tested(self, message: ResultMessage) -> None:
        self.foreseen.tested(message.test)
        self.answer = message.filter_note

    # what the page shows

    @property
    def model(self) -> str:
        """The model of the patient's device."""
        return self.live.task.lattice.model

    @property
    def _asks_next(self) -> bool:
        """Whether the visit asks which test comes next."""
        prompt = self.board.prompt
        return prompt is not None and prompt.question == "next" and self.waits

    def view(self, role: Role) -> dict[str, Any]:
        """Return the page for a role; nothing in it is true before the reveal."""
        board, now_s = self.board, self.now_s
        programs = "test" in MAY[role]
        return {
            "phases": board.phases(),
            "card": view.card_view(board),
            "screen": view.screen_view(board, self.model, whole=programs),
            "band": view.band_view(board, now_s),
            "tests": [self._row(test) for test in board.tests],
            "axes": [name_of(name) for name in board.axes],
            "quantity": quantity_of(board.opened.readout) if board.opened else "",
            "prompt": board.prompt.question if board.prompt and self.waits else "",
            "minutes": board.prompt.minutes if board.prompt else {},
            "predicted": self.foreseen.now or "",
            "expected": self.foreseen.n_students,
            "answer": self.answer,
            "alert": view.alert_text(board),
            "advice": self._advice(role),
            "vote": self.vote.shown() if self.vote else None,
            "log": view.log_view(board),
            "over": self.over,
            "lesson": self.run.view(leads=role in LEADS) if self.run else None,
            "sayings": list(self.sayings),
        }

    def mine(self, voter: str) -> dict[str, Any]:
        """Return what one window said, which no other is told."""
        voted = self.vote.of(voter) if self.vote else None
        return {"vote": voted, **self.foreseen.of(voter)}

    def _row(self, test: ResultMessage) -> dict[str, Any]:
        said = self.foreseen.of_tests.get(test.test, "")
        counts = self.foreseen.counts(test.test)
        row = view.result_row(test, self.board.axes, said) | {"class": counts}
        return row | (self.run.truth(test) if self.run else {})

    def _advice(self, role: Role) -> dict[str, Any]:
        hidden = self.hides_advice and role not in LEADS
        text = "" if hidden or self._overruled else view.advice_text(self.board)
        return {
            "text": text,
            "by": self.live.advisor.strategy_name,
            "runs": self.live.advisor.handed_over,
            "hidden": self.hides_advice,
            "closed": self.foreseen.closed,
        }
