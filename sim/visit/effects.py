"""What each happening does to patient, device and link."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sim.sources import sourced
from sim.visit.happenings import Happened, Happening, What
from sim.visit.safety import RULES, Stop, StopCause
from sim.visit.visit import Visit, Work

_A: Final = ("ccmlab-protocol", "4, happenings", "assumed")
_LS_OUT: Final = ("ccmlab-device", "6, LS out of alert", "assumed")


@dataclass(frozen=True, slots=True)
class Strains:
    """What coughing and standing do: pressure while it lasts, blood pooled in the legs.

    A standing patient's leads see the beat a little later and lower.
    """

    cough_s: float = sourced(4.0, *_A)
    cough_mmhg: float = sourced(15.0, *_A)
    pooled_ml: float = sourced(500.0, *_A)
    standing_lag_ms: float = sourced(
        2.0, "ccmlab-device", "6, LS out of alert", "assumed"
    )
    standing_mv_factor: float = sourced(
        0.94, "ccmlab-device", "6, LS out of alert", "assumed"
    )


STRAINS: Final = Strains()


def happen(visit: Visit, happening: Happening) -> None:
    """Let something happen now; it goes into the record of the visit."""
    visit.happened.append(Happened(float(visit.env.now), happening))
    _EFFECTS[happening.what](visit, happening)


def scheduled(visit: Visit, planned: Happened) -> Work:
    """Let something happen when its time has come."""
    yield visit.env.timeout(planned.at_s)
    happen(visit, planned.happening)


def _ectopics(visit: Visit, happening: Happening) -> None:
    visit.bedside.heart.rhythm.provoke(happening.n_beats)


def _fibrillation_begins(visit: Visit, happening: Happening) -> None:
    visit.bedside.heart.rhythm.fibrillate(fibrillating=True)


def _fibrillation_ends(visit: Visit, happening: Happening) -> None:
    visit.bedside.heart.rhythm.fibrillate(fibrillating=False)


def _lead_fault(visit: Visit, happening: Happening) -> None:
    visit.generator.leads.set_fault(happening.lead, happening.fault)


def _noise(visit: Visit, happening: Happening) -> None:
    visit.bedside.interfere(happening.for_s)


def _wand_away(visit: Visit, happening: Happening) -> None:
    visit.programmer.take_wand_away()
    visit.env.process(_wand_comes_back(visit, happening.for_s))


def _wand_comes_back(visit: Visit, after_s: float) -> Work:
    n_removals = visit.programmer.wand.n_removals
    yield visit.env.timeout(after_s)
    wand = visit.programmer.wand
    if not wand.linked and wand.n_removals == n_removals:
        yield from visit.programmer.link()


def _cough(visit: Visit, happening: Happening) -> None:
    visit.note("patient", "coughs")
    visit.instruments.disturb(float(visit.env.now), STRAINS.cough_s, STRAINS.cough_mmhg)


def _stands_up(visit: Visit, happening: Happening) -> None:
    visit.note("patient", "stands up")
    visit.env.process(_standing(visit, happening.for_s))


def _standing(visit: Visit, for_s: float) -> Work:
    heart = visit.bedside.heart
    conduction = heart.conduction
    heart.pooled_ml = STRAINS.pooled_ml
    conduction.posture_lag_ms = STRAINS.standing_lag_ms
    conduction.posture_mv_factor = STRAINS.standing_mv_factor
    yield visit.env.timeout(for_s)
    if _still_stands(visit):
        return
    heart.pooled_ml = 0.0
    conduction.posture_lag_ms, conduction.posture_mv_factor = 0.0, 1.0
    visit.note("patient", "lies down again")


def _still_stands(visit: Visit) -> bool:
    """Return whether the patient stood up again, for longer."""
    now_s = float(visit.env.now)
    return any(
        item.at_s <= now_s < item.at_s + item.happening.for_s
        for item in visit.happened
        if item.happening.what == "stands up"
    )


def _felt(visit: Visit, happening: Happening) -> None:
    grade = happening.grade
    visit.felt_grade = max(visit.felt_grade, grade)
    visit.note("patient", f"feels the stimulation, grade {grade}")
    if grade >= RULES.intolerable_grade:
        text = f"sensation grade {grade}"
        visit.bedside.break_off(Stop(StopCause.SENSATION, text))


_EFFECTS: Final[Mapping[What, Callable[[Visit, Happening], None]]] = MappingProxyType(
    {
        "ectopics": _ectopics,
        "fibrillation begins": _fibrillation_begins,
        "fibrillation ends": _fibrillation_ends,
        "lead fault": _lead_fault,
        "noise": _noise,
        "wand away": _wand_away,
        "cough": _cough,
        "stands up": _stands_up,
        "felt": _felt,
    }
)
