"""What the trains of some settings are, and do to a patient, worked out once.

In a study many contenders meet one patient and try the same settings; what these gain
and how they are felt hangs on the patient, the settings and the leads alone.
"""

from dataclasses import dataclass, field
from typing import Final

from sim.device.leads import Leads
from sim.device.settings import Settings
from sim.heart.sensation import sensation_level
from sim.heart.train import Train
from sim.patient import Patient

_Asked = tuple[Settings, float, float]
"""The settings, and the impedances that decide what reaches the muscle."""
_N_PATIENTS: Final = 64
"""As many as are met at a time: the rooms of a live page, one in a study."""


@dataclass(frozen=True, slots=True, eq=False)
class _Effects:
    """What trains do to one patient, as far as it has been asked for."""

    patient: Patient
    gains: dict[_Asked, float] = field(default_factory=dict)
    levels: dict[_Asked, float] = field(default_factory=dict)


_last: Final[list[_Effects]] = []


def train_of(settings: Settings, leads: Leads) -> Train:
    """Return what reaches the muscle at some settings, through the working leads."""
    working = leads.working(settings)
    return Train(
        amplitude_v=settings.amplitude_v,
        phase_duration_ms=settings.phase_duration_ms,
        n_pulses=settings.n_pulses,
        delay_ms=settings.delay_ms,
        v1_delivers=float("V1" in working),
        v2_delivers=float("V2" in working),
        v1_ohm=leads["V1"].muscle_ohm,
        v2_ohm=leads["V2"].muscle_ohm,
        sensed_at=settings.ls_channel,
    )


def gain_of(patient: Patient, settings: Settings, leads: Leads) -> float:
    """Return the steady relative gain of the trains of some settings, as the law's."""
    known, asked = _effects_on(patient).gains, _asked(settings, leads)
    if asked not in known:
        known[asked] = float(patient.gain(train_of(settings, leads)))
    return known[asked]


def felt_level(patient: Patient, settings: Settings, leads: Leads) -> float:
    """Return how near the trains of some settings are to being felt, as a grade."""
    known, asked = _effects_on(patient).levels, _asked(settings, leads)
    if asked not in known:
        train = train_of(settings, leads)
        known[asked] = float(sensation_level(patient.sensation, train))
    return known[asked]


def _asked(settings: Settings, leads: Leads) -> _Asked:
    return settings, leads.v1.muscle_ohm, leads.v2.muscle_ohm


def _effects_on(patient: Patient) -> _Effects:
    # by identity: a patient need not be hashable, and is long to compare
    for effects in _last:
        if effects.patient is patient:
            return effects
    new = _Effects(patient)
    _last[:] = [new, *_last[: _N_PATIENTS - 1]]
    return new  # another thread may have put its patient first meanwhile
