"""What a played visit asks of a clinic: its phases with staff, place and programmer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from harness.day.site import PHYSICIAN, Admission, Role
from sim.units import S_PER_MIN
from sim.visit.plan import PHASES
from sim.visit.record import PhaseTime, VisitRecord

Place = Literal["", "room", "chair"]

HANDOVER: Final = "handover"
TRANSPORT: Final = "waiting for a bed or transport"
OBSERVATION: Final = "observation"

TITLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "medical assistant": "medical assistant",
        "nurse": "nurse",
        "device specialist": "device specialist",
        "cardiac device nurse": "device specialist",
        "industry-independent device nurse": "device specialist",
        "heart failure physician": "physician",
        "electrophysiologist": "physician",
    }
)
"""The role in which somebody of a visit's staff works in the day."""

_IN_ROOM: Final = PHASES[PHASES.index("exam") : PHASES.index(OBSERVATION)]
WITH_PROGRAMMER: Final = PHASES[
    PHASES.index("interrogation") : PHASES.index(OBSERVATION)
]
"""Settings are read, tried or programmed; before and after no programmer is needed."""
SEARCHED: Final = ("response test", "titration", "verification", OBSERVATION)
"""What this visit has and a routine check of a device has not."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One phase as the clinic sees it: how long, where, who, with a programmer."""

    name: str
    duration_s: float
    roles: tuple[Role, ...] = ()
    place: Place = ""
    programmer: bool = False
    is_safety: bool = False


@dataclass(frozen=True, slots=True)
class VisitJob:
    """All that a day knows of a visit. `stopped` says that it ended for safety."""

    name: str
    stages: tuple[Stage, ...]
    stopped: bool = False

    @property
    def duration_s(self) -> float:
        """How long the visit lasts when nobody waits."""
        return sum(stage.duration_s for stage in self.stages)

    def staff_s(self, role: Role | None = None) -> float:
        """Return the person-seconds of one role, or of all."""
        return sum(
            stage.duration_s
            * (len(stage.roles) if role is None else stage.roles.count(role))
            for stage in self.stages
        )

    @property
    def routine_staff_s(self) -> float:
        """Person-seconds of the phases that a routine check of a device has too."""
        return sum(
            stage.duration_s * len(stage.roles)
            for stage in self.stages
            if stage.name not in SEARCHED
        )


def job_of(record: VisitRecord, name: str) -> VisitJob:
    """Return what a visit asks of a clinic, phase by phase."""
    since = _stopped_in(record)
    stages = tuple(
        _stage(phase, is_safety=since is not None and since <= at <= _OBSERVED_AT)
        for at, phase in enumerate(record.phases)
    )
    return VisitJob(name, stages, stopped=since is not None)


_OBSERVED_AT: Final = PHASES.index(OBSERVATION)


def _stage(phase: PhaseTime, *, is_safety: bool) -> Stage:
    roles = tuple(TITLES[title] for title in phase.staff.split(" and "))
    if is_safety and PHYSICIAN not in roles:
        roles = (*roles, PHYSICIAN)
    place: Place = "room" if phase.name in _IN_ROOM else ""
    if phase.name == OBSERVATION:  # nobody is moved who was just in danger
        place = "room" if is_safety else "chair"
    return Stage(
        name=phase.name,
        duration_s=phase.end_s - phase.start_s,
        roles=roles,
        place=place,
        programmer=phase.name in WITH_PROGRAMMER,
        is_safety=is_safety,
    )


def _stopped_in(record: VisitRecord) -> int | None:
    """Return the number of the phase in which a visit was stopped for safety."""
    if record.verdict.kind != "stopped for safety":
        return None
    judged = [event.phase for event in record.events if event.kind == "verdict"]
    settled = PHASES.index(judged[-1] if judged else "verification")
    if settled > PHASES.index("verification") or not record.adverse_events:
        return settled
    last_s = record.adverse_events[-1].at_s
    return next(at for at, phase in enumerate(record.phases) if last_s <= phase.end_s)


def with_admission(job: VisitJob, admission: Admission) -> VisitJob:
    """Return the job of a patient who is admitted: handed over, then fetched."""
    stages: list[Stage] = []
    for stage in job.stages:
        stages.append(stage)
        if stage.name == OBSERVATION:
            handover_s = admission.handover_min * S_PER_MIN
            transport_s = admission.transport_min * S_PER_MIN
            here = stage.place
            stages += [
                Stage(HANDOVER, handover_s, ("nurse",), here),
                Stage(TRANSPORT, transport_s, (), here),
            ]
    return replace(job, stages=tuple(stages))
