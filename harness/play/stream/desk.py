"""Where a person's commands are taken or refused, one at a time, in clinic time.

The programmer does one thing after another. While the visit goes on by itself (a test
is read, a phase runs) it is busy, and what would program the device is refused; when
the visit asks a person, what is commanded is put on the visit's desk, which the visit
itself works off. So nothing is ever programmed in the middle of an arm.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from harness.play.search import SearchAdvisor
from harness.play.settings_table import kept_values
from harness.play.stream.commands import (
    Answer,
    AskAdvice,
    CancelEdit,
    ChangeStrategy,
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
from harness.play.stream.messages import (
    AdviceMessage,
    AnsweredMessage,
    Message,
    PromptMessage,
    Question,
    ScreenMessage,
    TimeLeftMessage,
    Wrong,
)
from harness.play.stream.opening import ON_OFFER, plan_minutes
from harness.play.stream.person import PersonAdvisor
from harness.play.stream.telling import all_values, therapy
from harness.task.lattice import Lattice
from optimizers.registry import check_source
from sim.device.settings import Settings, with_dependents
from sim.units import S_PER_MIN
from sim.visit.advisor import Proposal
from sim.visit.effects import happen
from sim.visit.hands import put_wand_back, switch_off_by_hand, watch
from sim.visit.visit import Visit

TAKEN: Final = ""
TITRATION: Final = "titration"


class Desk:
    """Judges commands, and tells of screen, clock and questions when they change."""

    def __init__(
        self,
        visit: Visit,
        advisor: PersonAdvisor,
        lattice: Lattice,
        emit: Callable[[Message], None],
    ) -> None:
        self._visit, self._advisor, self._emit = visit, advisor, emit
        self._lattice = lattice
        self._shown: object = None
        self._clock: object = None
        self._n_prompts = 0
        self._offer()

    @property
    def busy(self) -> str:
        """What the programmer is at, empty while the visit waits for a person."""
        visit = self._visit
        if visit.pondered:
            return ""
        if visit.phase == TITRATION and self._advisor.going_on is not None:
            return f"test {len(visit.findings.tested) + 1} is being read"
        return visit.phase or "the visit has not begun"

    @property
    def question(self) -> Question | None:
        """What a person is asked now."""
        if not self._visit.pondered:
            return None
        return "next" if self._visit.phase == TITRATION else "choose"

    def obey(self, number: int, command: Command) -> Answer:
        """Obey a command, or refuse it; either is told."""
        reason = self._obeyed(command)
        self._emit(
            AnsweredMessage(
                at_s=self._now_s,
                command=number,
                do=command.do,
                taken=reason == TAKEN,
                reason=reason,
            )
        )
        self.look()
        return Answer(number, reason == TAKEN, reason)

    def refused(self, number: int, command: Command, reason: str) -> Answer:
        """Refuse a command whatever it is."""
        told = AnsweredMessage(
            at_s=self._now_s,
            command=number,
            do=command.do,
            taken=False,
            reason=reason,
        )
        self._emit(told)
        return Answer(number, False, reason)

    def look(self) -> None:
        """Tell of screen, clock and question where they are not what was told."""
        self._offer()
        self._look_at_screen()
        self._look_at_clock()
        visit, question = self._visit, self.question
        if question is not None and visit.n_pondered != self._n_prompts:
            self._n_prompts = visit.n_pondered
            minutes = self._fitting() if question == "next" else {}
            self._emit(
                PromptMessage(at_s=self._now_s, question=question, minutes=minutes)
            )

    def _offer(self) -> None:
        """Let there be time for one more test as long as it is for whoever proposes.

        A person may ask for a single reading when there is no time for a pair; a
        strategy that was handed the visit reads by its plan alone, as in a run.
        """
        advisor, visit = self._advisor, self._visit
        own = advisor.plan or visit.plan.plan
        if advisor.alone:
            return
        others = () if advisor.handed_over else ON_OFFER
        visit.plans_on_offer = tuple(dict.fromkeys((own, *others)))

    @property
    def _now_s(self) -> float:
        return float(self._visit.env.now)

    def _look_at_screen(self) -> None:
        programmer = self._visit.programmer
        programmed, pending = programmer.programmed, programmer.pending_settings
        is_read = self._visit.telemetry
        shown = (programmed, pending, programmer.wand.linked, self.busy, is_read)
        if shown == self._shown:
            return
        self._shown = shown
        old = all_values(programmed)
        changed = {k: v for k, v in all_values(pending).items() if v != old[k]}
        wrong = programmer.conflicts(pending) if changed else ()
        self._emit(
            ScreenMessage(
                at_s=self._now_s,
                programmed=old if is_read else {},
                pending=changed,
                wrong=tuple(Wrong(tuple(c.names), c.reason) for c in wrong),
                button=programmer.button,
                link=programmer.wand.linked,
                busy=self.busy,
            )
        )

    def _look_at_clock(self) -> None:
        visit = self._visit
        n_tests = len(visit.findings.tested)
        told = (visit.phase == TITRATION, n_tests, visit.n_pondered)
        if told == self._clock:
            return
        self._clock = told
        left_s = self._left_s if visit.phase == TITRATION else None
        self._emit(
            TimeLeftMessage(at_s=self._now_s, titration_s=left_s, n_tests=n_tests)
        )

    @property
    def _left_s(self) -> float | None:
        left_s = self._visit.titration_end_s - self._now_s
        return max(left_s, 0.0) if left_s < float("inf") else None

    def _fitting(self) -> dict[str, float]:
        """Return the minutes of a test by each plan for which there is time."""
        left_min = (self._left_s or 0.0) / S_PER_MIN
        return {k: v for k, v in plan_minutes(self._visit).items() if v <= left_min}

    def _obeyed(self, command: Command) -> str:
        """Obey a command and return why it was refused, `TAKEN` when it was not."""
        match command:
            case SwitchOff():
                switch_off_by_hand(self._visit)
            case PutWandBack():
                if self._visit.programmer.wand.linked:
                    return "the wand has a link"
                put_wand_back(self._visit)
            case Inject(happening):
                happen(self._visit, happening)
            case WriteNote(text):
                self._visit.note("note", text)
            case ChangeStrategy(strategy, plan):
                return self._changed(strategy, plan)
            case _:
                return self._of_screen(command)
        return TAKEN

    def _changed(self, strategy: str, plan: str) -> str:
        advisor, visit = self._advisor, self._visit
        task = advisor.search.task
        if strategy:
            try:
                check_source(strategy)
            except ValueError as error:
                return str(error)
            task = replace(task, strategy=strategy)
        if plan:
            advisor.plan = plan
            others = () if advisor.alone else visit.plans_on_offer
            visit.plans_on_offer = tuple(dict.fromkeys((plan, *others)))
        advisor.change(SearchAdvisor.at(visit.order, task), visit)
        visit.wake()
        return TAKEN

    def _of_screen(self, command: Command) -> str:
        visit, programmer = self._visit, self._visit.programmer
        if not visit.telemetry:
            return "the device has not been read out yet"
        match command:
            case EditScreen(values):
                return self._edited(values)
            case CancelEdit():
                programmer.cancel()
                return TAKEN
            case HandOver(to_strategy):
                return self._handed_over(to_strategy)
            case FinishTitration():
                return self._finished()
            case ChooseCandidate(what):
                return self._chosen(what)
            case _:
                return self._when_asked(command)

    def _when_asked(self, command: Command) -> str:
        """Obey what is only obeyed while the visit waits for a person."""
        if self.question is None:
            return f"the programmer is busy: {self.busy}"
        match command:
            case AskAdvice():
                return self._advised()
            case UndoProgramming():
                if not self._visit.programmer.can_undo:
                    return "there is nothing to undo"
                self._visit.desk.append(self._visit.programmer.undo)
                self._visit.wake()
                return TAKEN
            case RunTest(plan):
                return self._tested(plan)
            case WatchSettings():
                return self._watched()
        return "nothing is known of such a command"

    def _edited(self, values: object) -> str:
        programmer = self._visit.programmer
        try:
            kept = kept_values(values, self._lattice.model)
        except ValueError as error:
            return str(error)
        edited = programmer.pending_settings.with_values(kept)
        if self._lattice.solve_dependents:
            solved = with_dependents(edited, self._lattice.model)
            edited = solved.with_values(kept)
        old = all_values(programmer.pending_settings)
        changed = {k: v for k, v in all_values(edited).items() if v != old[k]}
        programmer.edit(changed)
        return TAKEN

    def _handed_over(self, to_strategy: bool) -> str:
        if self._advisor.alone:
            return "nobody was there to begin with: the strategy advises"
        self._advisor.handed_over = to_strategy
        self._offer()
        self._visit.wake()
        return TAKEN

    def _finished(self) -> str:
        if self._visit.phase != TITRATION:
            return "there is no titration to finish"
        self._advisor.finished = True
        self._visit.wake()
        return TAKEN

    def _chosen(self, what: str) -> str:
        visit = self._visit
        if visit.phase != TITRATION and self.question != "choose":
            return "it is not the time to choose"
        if what == "advised":
            self._advisor.chosen, self._advisor.chosen_by_search = None, True
        else:
            pending = visit.programmer.pending_settings
            settings = pending if what == "screen" else visit.reference
            if reason := self._why_not(settings):
                return reason
            self._advisor.chosen = settings
        visit.wake()
        return TAKEN

    def _advised(self) -> str:
        question = self.question or "next"
        advisor = self._advisor
        settings = advisor.advice() if question == "next" else advisor.search.leading()
        self._emit(
            AdviceMessage(
                at_s=self._now_s,
                question=question,
                settings={} if settings is None else therapy(settings),
            )
        )
        return TAKEN

    def _tested(self, plan: str) -> str:
        if self.question != "next":
            return "the titration is over"
        fitting, settings = self._fitting(), self._visit.programmer.pending_settings
        if plan not in fitting:
            needed = plan_minutes(self._visit)[plan]
            left = (self._left_s or 0.0) / S_PER_MIN
            return f"it takes {needed:.1f} min, {left:.1f} min are left"
        wrong = self._visit.programmer.conflicts(settings)
        if wrong:
            return f"conflict: {wrong[0].reason}"
        self._advisor.wanted = Proposal(settings, plan)
        self._visit.wake()
        return TAKEN

    def _watched(self) -> str:
        visit, settings = self._visit, self._visit.programmer.pending_settings
        if reason := self._why_not(settings):
            return reason
        visit.desk.append(lambda: watch(visit, settings))
        visit.wake()
        return TAKEN

    def _why_not(self, settings: Settings) -> str:
        """Return why settings may not be programmed; empty when they may."""
        visit = self._visit
        wrong = visit.programmer.conflicts(settings)
        if wrong:
            return f"conflict: {wrong[0].reason}"
        if settings in (visit.reference, visit.off):
            return ""
        admitted = visit.filter.admit(settings)
        return "" if admitted.settings == settings else admitted.note
