"""A visit that is lived: stepped from outside, commanded by a person, told as messages.

SimPy keeps the events; whoever owns the visit says how far its clock may go. Between
two calls nothing is due any more, so that a command given at a simulated time is given
after all that happens until then: the same commands at the same times give the same
visit, to the byte, however it was stepped.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Final, Self

from harness.play.host.laws import ask_over
from harness.play.order import order_of, task_of
from harness.play.played import Played
from harness.play.scenario import Scenario, beat_by_beat, one_visit
from harness.play.search import SearchAdvisor
from harness.play.stream.actions import Action, ActionLog
from harness.play.stream.commands import Answer, Command
from harness.play.stream.desk import Desk
from harness.play.stream.messages import FLOWING, ClosedMessage, Message
from harness.play.stream.opening import opened
from harness.play.stream.person import PersonAdvisor
from harness.play.stream.strips import LiveStrips
from harness.play.stream.telling import Teller, therapy
from harness.task.limits import USUAL_LIMITS, StrategyLimits
from harness.task.task import Task
from optimizers.problem import PastSearch
from sim.visit.checklist import programming_visit
from sim.visit.checklist import record as record_of
from sim.visit.order import VisitOrder
from sim.visit.record import VisitRecord
from sim.visit.visit import Progress, Visit

KEPT_FLOW: Final = 4000
"""Messages of beats, strips and markers that are kept, about two minutes."""

Listener = Callable[[Message], None]


class LiveVisit:
    """One visit, from outside: `step` or `advance` it, give it a `command`, listen.

    Use it as a context manager, or `close` it, so that a strategy with a thread of its
    own is stopped.

    Parameters
    ----------
    log
        What the visit is made from; its actions are not played, see `replayed`.
    strips
        Whether samples of the strip are drawn and told.
    order
        The visit, where it is not the first of the log's scenario.
    limits
        What somebody else's strategy may use.
    progress
        Called with simulated seconds, phase and text for each line of the visit's log.
    listener
        Handed every message, the first one too.
    history
        Earlier searches, for a strategy that declares to use them.

    Attributes
    ----------
    visit
        The visit itself, which knows what is true: for this room and for tests.
    """

    def __init__(
        self,
        log: ActionLog,
        *,
        strips: bool = True,
        order: VisitOrder | None = None,
        limits: StrategyLimits = USUAL_LIMITS,
        progress: Progress | None = None,
        listener: Listener | None = None,
        history: tuple[PastSearch, ...] = (),
    ) -> None:
        order = order or _first_order(log)
        if strips:
            beat_by_beat(log.scenario, "strips are drawn of beats that were integrated")
        task = task_of(
            log.scenario.search, log.scenario.device, order, strategy=log.strategy
        )
        task = replace(task, limits=limits, history=history)
        ask_over(order, task.lattice)
        self._log, self._actions = log, list[Action]()
        self._flow: deque[Message] = deque(maxlen=KEPT_FLOW)
        self._kept: list[Message] = []
        self._listeners: list[Listener] = [] if listener is None else [listener]
        self._n_messages = 0
        self.order: VisitOrder = order
        self.task: Task = task
        self.advisor = PersonAdvisor(
            SearchAdvisor.at(order, task), alone=not log.person
        )
        self.visit = Visit(order, self.advisor, progress)
        drawn = LiveStrips(self.visit, log.scenario.visit.strip_noise.disturbance)
        self._teller = Teller(
            self.visit, self.advisor, self._emit, drawn if strips else None
        )
        self._desk = Desk(self.visit, self.advisor, task.lattice, self._emit)
        self._closed = False
        self._emit(opened(self.visit, self.advisor, task))
        self._process = self.visit.env.principal(programming_visit(self.visit))

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        *,
        scenario_name: str = "",
        seed: int | None = None,
        replicate: int = 0,
        strategy: str = "",
        person: bool = False,
        strips: bool = True,
    ) -> Self:
        """Return the visit of a scenario before its first beat.

        Parameters
        ----------
        scenario, scenario_name
            A validated scenario, and the name under which a report shows it.
        seed, strategy
            Replace what the scenario says.
        replicate
            Number of the visit of this patient.
        person
            Whether the visit waits for a person's commands; otherwise the strategy
            proposes and chooses.
        strips
            Whether samples of the strip are drawn and told.
        """
        return cls(
            ActionLog(
                scenario=scenario,
                scenario_name=scenario_name,
                seed=scenario.seed if seed is None else seed,
                replicate=replicate,
                strategy=strategy or scenario.search.strategy,
                person=person,
            ),
            strips=strips,
        )

    @classmethod
    def replayed(
        cls,
        log: ActionLog,
        until_s: float = inf,
        *,
        strips: bool = True,
        listener: Listener | None = None,
    ) -> Self:
        """Return a visit brought to where a log has it at a time; by default its end.

        What was done at that time itself is done.
        """
        live = cls(log, strips=strips, listener=listener)
        for action in log.until(until_s).actions:
            live.advance(action.at_s)
            live.command(action.command)
        live.advance(until_s)
        return live

    @property
    def now_s(self) -> float:
        """Simulated time, seconds."""
        return float(self.visit.env.now)

    @property
    def next_event_s(self) -> float:
        """When something happens next; infinite when the visit is over."""
        return inf if self.over else float(self.visit.env.peek())

    @property
    def over(self) -> bool:
        """Whether the patient has left."""
        return bool(self._process.processed)

    @property
    def busy(self) -> str:
        """What the programmer is at; empty while the visit waits for a person."""
        return self._desk.busy

    @property
    def actions(self) -> ActionLog:
        """All that was commanded so far: with it the visit can be played again."""
        return replace(self._log, actions=tuple(self._actions))

    def draw_strips(self, on: bool) -> None:
        """Draw strips from now on or not: whoever hurries on needs the newest alone.

        When they are drawn again, the last 8 s come at once; what was before is left
        out.
        """
        self._teller.draw(on)

    def step(self) -> None:
        """Let the next thing happen, and what else happens at the same time."""
        self.advance(self.next_event_s)

    def advance(self, until_s: float) -> None:
        """Let everything happen until a time, and set the clock to it.

        An infinite time is the end of the visit; a time that is past changes nothing.
        Raises what a strategy raises.
        """
        if until_s == inf:
            with self._teller.in_stretches():
                self._settle(until_s)
            return
        self._settle(until_s)
        if not self.over and self.now_s < until_s:
            self.visit.env.set_clock(until_s)

    def command(self, command: Command) -> Answer:
        """Obey a command now, or refuse it with a reason; either is on the log."""
        self._actions.append(Action(self.now_s, command))
        number = len(self._actions)
        if self.over:
            return self._desk.refused(number, command, "the visit is over")
        answer = self._desk.obey(number, command)
        self._settle(self.now_s)
        return answer

    def messages(self, since: int = 0) -> Sequence[Message]:
        """Return the messages with a higher number, in order, as far as they are kept.

        Of beats, strips and markers the last `KEPT_FLOW` are.
        """
        found = [m for m in (*self._kept, *self._flow) if m.number > since]
        return sorted(found, key=lambda message: message.number)

    def forget_flow(self) -> None:
        """Keep no beats, strips and markers from now on: who looks on has listened."""
        self._flow = deque(maxlen=0)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hand every message from now on to a listener; the return value ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def record(self) -> VisitRecord:
        """What happened; ValueError while the visit goes on."""
        return record_of(self.visit)

    def played(self) -> Played:
        """Return the finished visit with what its strategy saw.

        `harness.archive.replaying.run_of` makes a run of it, for report and folder.
        """
        search, record = self.advisor.search, self.record
        ending = self.advisor.ending(record.titration_end)
        return Played(search.task, record, search.space, search.log, ending)

    def close(self) -> None:
        """Stop the strategy; the visit stays where it is."""
        self.advisor.search.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _settle(self, until_s: float) -> None:
        """Let everything happen that is due until a time."""
        env = self.visit.env
        while not self.over and env.peek() <= until_s:
            env.step()
            self._desk.look()
        if self.over and not self._closed:
            self._closed = True
            self.close()
            self._emit(
                ClosedMessage(
                    at_s=self.now_s,
                    n_beats=self.visit.bedside.n_beats,
                    final=therapy(self.visit.programmer.programmed),
                )
            )

    def _emit(self, message: Message) -> None:
        self._n_messages += 1
        # nobody has it yet: a copy of each takes longer than all that is told in it
        object.__setattr__(message, "number", self._n_messages)
        (self._flow if isinstance(message, FLOWING) else self._kept).append(message)
        for listener in tuple(self._listeners):
            listener(message)


def _first_order(log: ActionLog) -> VisitOrder:
    one_visit(log.scenario, "a visit that is lived or replayed is one visit")
    return order_of(log.scenario, seed=log.seed, replicate=log.replicate)
