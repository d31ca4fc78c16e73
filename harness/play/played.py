"""A visit is played here, and only here: runs, studies, courses, agents, benches."""

from dataclasses import dataclass
from typing import Final

from harness.play.host.laws import ask_over
from harness.play.search import SearchAdvisor
from harness.play.stopping import BY_CLOCK, SearchEnding
from harness.task.lattice import TherapySpace
from harness.task.task import Task
from optimizers.problem import Observation, PastSearch
from sim.visit.checklist import run_visit
from sim.visit.order import VisitOrder
from sim.visit.record import VisitRecord
from sim.visit.visit import Progress

UNPROTECTED: Final = "{} is code of this process and runs in it unprotected"


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A visit that was played: what happened, and what its search saw. No truth.

    Attributes
    ----------
    task
        What the search was asked for.
    record
        What happened; its `order` is what the visit was made from.
    space
        The lattice around the reference of the visit.
    log
        What the strategy was told, in order, free answers of the reference included.
    ending
        Why its search ended.
    """

    task: Task
    record: VisitRecord
    space: TherapySpace
    log: tuple[Observation, ...]
    ending: SearchEnding = BY_CLOCK

    def past(self, *, same_patient: bool) -> PastSearch:
        """Return what its search saw, for a search that comes after it."""
        return PastSearch(
            self.space.space, self.space.reference_point, self.log, same_patient
        )

    @property
    def order(self) -> VisitOrder:
        """What the visit was made from."""
        return self.record.order


def play(
    order: VisitOrder, advisor: SearchAdvisor, *, progress: Progress | None = None
) -> Played:
    """Play a visit with a search at the bedside, and close the search.

    Whatever its strategy raises is passed on; LawFailedError for a response law of
    somebody's own that fails.

    Parameters
    ----------
    order
        Who comes, how the device is found, what is planned; the key of all chance.
    advisor
        Who searches, `SearchAdvisor.at(order, task)`.
    progress
        Called with simulated seconds, phase and text for each line of the visit's log.
    """
    if progress is not None:
        for name in _handed_over(order, advisor.task):
            progress(0.0, "start", UNPROTECTED.format(name))
    ask_over(order, advisor.task.lattice)
    with advisor:
        record = run_visit(order, advisor, progress=progress)
    ending = advisor.ending(record.titration_end)
    return Played(advisor.task, record, advisor.space, advisor.log, ending)


def _handed_over(order: VisitOrder, task: Task) -> list[str]:
    """Name what is somebody's own code and was handed over in Python."""
    law = order.patient.response
    found = [] if isinstance(task.strategy, str) else [task.strategy_name]
    is_ours = type(law).__module__.startswith("sim.law.")
    return found if is_ours else [*found, f"response law {law.name}"]
