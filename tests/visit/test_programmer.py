"""The programmer shows what is pending, refuses conflicts, undoes and switches off."""

from collections.abc import Generator
from dataclasses import replace

import pytest
import simpy

from sim.device.settings import ConflictError, Settings, with_dependents
from sim.patient import phenotype
from sim.visit.advisor import Nobody
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.visit import Visit

FOUND = with_dependents(Settings(amplitude_v=4.5, delay_ms=30.0))
LOUDER = replace(FOUND, amplitude_v=5.0)


@pytest.fixture
def visit() -> Visit:
    patient = phenotype("hfref-ischaemic")
    order = VisitOrder(patient, FoundDevice(settings=FOUND), VisitPlan(), 3)
    return Visit(order, Nobody())


def do(visit: Visit, command: Generator[simpy.Event, object, None]) -> None:
    visit.env.run(until=visit.env.process(command))


def test_pending_values_are_marked_as_changed_or_in_conflict(visit: Visit) -> None:
    wrong = replace(FOUND, delay_ms=60.0, amplitude_v=5.0)
    states = {p.name: p.state for p in visit.programmer.pending(wrong)}
    assert states == {"delay_ms": "conflict", "amplitude_v": "changed"}


def test_programming_takes_over_all_values_after_its_time(visit: Visit) -> None:
    do(visit, visit.programmer.program(LOUDER))
    assert visit.programmer.programmed == LOUDER
    assert visit.env.now == visit.programmer.programming_s


def test_a_conflict_is_refused_and_nothing_is_changed(visit: Visit) -> None:
    with pytest.raises(ConflictError, match="delay_ms"):
        do(visit, visit.programmer.program(replace(FOUND, delay_ms=60.0)))
    assert visit.programmer.programmed == FOUND


def test_undo_goes_back_one_command_at_a_time(visit: Visit) -> None:
    do(visit, visit.programmer.program(LOUDER))
    do(visit, visit.programmer.program(replace(LOUDER, amplitude_v=5.5)))
    do(visit, visit.programmer.undo())
    assert visit.programmer.programmed == LOUDER
    do(visit, visit.programmer.undo())
    assert visit.programmer.programmed == FOUND
    with pytest.raises(ValueError, match="nothing to undo"):
        do(visit, visit.programmer.undo())


def test_urgent_off_takes_no_time_and_stops_every_train(visit: Visit) -> None:
    visit.generator.force_on = True
    visit.programmer.urgent_off()
    assert visit.programmer.programmed.mode == "OOO"
    do(visit, _ten_beats(visit))
    assert visit.bedside.log.delivered_frac(0) == 0.0


def _ten_beats(visit: Visit) -> Generator[simpy.Event, object, None]:
    yield from visit.bedside.wait_beats(10)


def test_every_command_is_in_the_log_with_its_values(visit: Visit) -> None:
    do(visit, visit.programmer.program(LOUDER))
    lines = [e.text for e in visit.events if e.kind == "programmer"]
    assert lines == ["programmed and confirmed: amplitude_v 4.5 -> 5.0"]
