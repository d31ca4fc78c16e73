"""The checklist of the visit: eleven steps in order, from check-in to the record."""

from collections.abc import Callable, Generator
from dataclasses import fields

import simpy

from sim.units import S_PER_MIN
from sim.visit.advisor import Advisor
from sim.visit.arrival import check_in, examine
from sim.visit.effects import scheduled
from sim.visit.followup import follow_up
from sim.visit.harm import look_for_harm
from sim.visit.interrogation import interrogate, mend_sensing
from sim.visit.leaving import close_report, observe
from sim.visit.measuring import n_tests
from sim.visit.order import VisitOrder
from sim.visit.plan import PHASES
from sim.visit.programming import program_permanently, read_again
from sim.visit.record import Findings, VisitRecord
from sim.visit.titration import response_test, titrate
from sim.visit.verification import verify
from sim.visit.visit import Progress, Visit

Process = Generator[simpy.Event, object, None]
Step = Callable[[Visit], Process]


def programming_visit(visit: Visit) -> Process:
    """Go through the clinic's checklist, one phase after the other."""
    visit.programmer.waits_for_link = True
    for planned in visit.order.happenings:
        visit.env.process(scheduled(visit, planned))
    for name, step in zip(PHASES, STEPS, strict=True):
        with visit.in_phase(name):
            yield from step(visit)


def test_response(visit: Visit) -> Process:
    """Take the ectopy baseline, then compare the reference with OFF; look for harm."""
    yield from _finish_baseline(visit)
    if visit.may_titrate:
        yield from response_test(visit)
        yield from look_for_harm(visit)


def titrate_under_the_clock(visit: Visit) -> Process:
    """Search, unless the patient has already been harmed."""
    visit.ectopy_since_beat = visit.bedside.n_beats
    visit.advisor.begin(visit.reference, n_tests(visit))
    if visit.may_titrate:
        yield from titrate(visit)


def _finish_baseline(visit: Visit) -> Process:
    """Wait until the monitored baseline is long enough, then count its ectopics."""
    bedside, wanted_s = visit.bedside, visit.plan.baseline_min * S_PER_MIN
    missing_s = wanted_s - float(visit.env.now)
    if missing_s > 0.0:
        yield from bedside.wait_s(missing_s)
    n = bedside.log.n_ectopic(0)
    visit.ectopy_baseline = (n, float(visit.env.now))


STEPS: tuple[Step, ...] = (
    check_in,
    examine,
    interrogate,
    mend_sensing,
    test_response,
    titrate_under_the_clock,
    verify,
    program_permanently,
    read_again,
    observe,
    close_report,
)


def run_visit(
    order: VisitOrder, advisor: Advisor, *, progress: Progress | None = None
) -> VisitRecord:
    """Play one visit from check-in to the report and return its record.

    Parameters
    ----------
    order
        Who comes, how the device is found, what is planned; the key of all chance.
    advisor
        Proposes settings and learns what was seen; `sim` knows no optimizer.
    progress
        Called with simulated seconds, phase and text for each line of the log.
    """
    visit = Visit(order, advisor, progress)
    if not order.happenings:
        visit.bedside.take_over()
    visit.env.run(until=visit.env.process(programming_visit(visit)))
    return record(visit)


def record(visit: Visit) -> VisitRecord:
    """Return the finished visit as an immutable record; ValueError for another."""
    found = visit.findings
    if found.as_found is None or found.as_left is None or found.verdict is None:
        raise ValueError(f"the visit is not finished: it is in phase {visit.phase!r}")
    final = visit.programmer.programmed
    return VisitRecord(
        **{item.name: getattr(found, item.name) for item in fields(Findings)},
        order=visit.order,
        pseudonym=visit.order.pseudonym,
        reference=visit.reference,
        final=final,
        phases=tuple(visit.phases),
        events=tuple(visit.events),
        follow_up=follow_up(visit, final),
        beats=visit.bedside.log.table(),
        programmed=visit.bedside.programmed,
        happened=tuple(visit.happened),
    )
