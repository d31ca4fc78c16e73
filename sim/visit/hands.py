"""What a person does at the programmer beside the tests: watch, switch off, relink."""

from sim.device.settings import Settings
from sim.visit.pairs import felt_beats
from sim.visit.programmer import settings_text
from sim.visit.safety import BY_HAND, RULES, Stop, StopCause
from sim.visit.titration import felt_grade, make_safe
from sim.visit.visit import Visit, Work


def watch(visit: Visit, settings: Settings) -> Work:
    """Program settings and ask what is felt; without a reading, they stay.

    What the patient does not tolerate, or the monitor stops, ends as in a test.
    """
    bedside, visit.felt_grade = visit.bedside, 0
    grade = felt_grade(visit, settings)
    bedside.guarded = True
    yield from visit.programmer.program(settings)
    stop = yield from bedside.wait_beats(felt_beats(visit))
    bedside.guarded = False
    if stop is None and grade >= RULES.intolerable_grade:
        stop = Stop(StopCause.SENSATION, f"sensation grade {grade}")
    if stop is not None:
        yield from make_safe(visit, stop, settings)
        return
    visit.filter.tolerated(settings)
    visit.note("watched", f"{settings_text(settings)}: sensation {grade}")


def switch_off_by_hand(visit: Visit) -> None:
    """Switch CCM off at once; a test that is going on is broken off.

    From the verification on nothing is tried after it: CCM stays off.
    """
    visit.programmer.urgent_off()
    visit.bedside.heart.rhythm.end_run()
    if visit.phase not in ("response test", "titration"):
        visit.ended_for_safety = BY_HAND.text
    if not visit.bedside.break_off(BY_HAND):
        visit.note("stop", BY_HAND.text)


def put_wand_back(visit: Visit) -> None:
    """Begin to link the wand; the link is there when the command is through."""
    visit.env.process(visit.programmer.link())
