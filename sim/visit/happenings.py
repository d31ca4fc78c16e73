"""What may happen to patient and device in a visit beside what staff do.

A scenario names happenings beforehand, a script or a teacher lets them happen at any
time; either way the visit's record has them.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from sim.device.leads import Fault
from sim.heart.train import LeadName
from sim.sources import sourced

_A: Final = ("ccmlab-protocol", "4, happenings", "assumed")

What = Literal[
    "ectopics",
    "fibrillation begins",
    "fibrillation ends",
    "lead fault",
    "noise",
    "wand away",
    "cough",
    "stands up",
    "felt",
]
WHAT: Final[tuple[What, ...]] = get_args(What)


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens. Each kind uses its own values and passes over the others.

    Attributes
    ----------
    what
        A run of `n_beats` ectopics; fibrillation of the atria begins or ends; `lead`
        gets `fault`; noise on the leads, the wand away, a patient standing, each for
        `for_s`; a cough; the patient feels the present settings at `grade`.
    """

    what: What
    n_beats: int = sourced(5, *_A, allowed=(1, 200))
    for_s: float = sourced(30.0, *_A, allowed=(1.0, 3600.0))
    lead: LeadName = "V2"
    fault: Fault = "dislodged"
    grade: int = sourced(2, *_A, allowed=(0, 4))


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happens in a visit, and when, in seconds after check-in."""

    at_s: float
    happening: Happening
