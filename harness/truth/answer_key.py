"""The answer key: what the simulator knows and the visit does not.

It opens the truth for the report's section that is labelled as the answer key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isfinite
from statistics import fmean
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.play.played import Played
from sim.device.leads import Fault, Leads
from sim.device.settings import Settings
from sim.heart.beating import (
    BEAT_COLUMNS,
    HeartParts,
    play,
    settled,
    settled_waveforms,
)
from sim.heart.train import LeadName, Train
from sim.instruments import (
    beats_to_read,
    beats_to_settle,
    readout,
)
from sim.patient import Patient
from sim.units import PCT_PER_FRAC, S_PER_MIN
from sim.visit.happenings import Happened, What
from sim.visit.pairs import ABBA, BAAB
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.record import Role
from sim.visit.trains import gain_of

LeadFaults = tuple[Fault, Fault]
"""What is wrong with V1 and V2."""
SOUND: Final[LeadFaults] = ("none", "none")
_RHYTHMS: Final[Mapping[What, str]] = MappingProxyType(
    {"fibrillation begins": "af", "fibrillation ends": "sinus"}
)
LEADS: Final[tuple[LeadName, LeadName]] = ("V1", "V2")
LOOP_STEP = 4  # every 4th of the 1 ms steps draws a smooth loop


@dataclass(frozen=True, slots=True)
class Loop:
    """One pressure-volume loop of the left ventricle at the steady state."""

    volume_ml: tuple[float, ...]
    pressure_mmhg: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The truth about the candidate of one visit (the final settings without one).

    `window_gain_pct` is the estimand: over the read windows of the verification as
    planned, without error, ectopy or carry-over. The settled gains are after all
    memories and reflexes.
    """

    window_gain_pct: float
    settled_systolic_gain_pct: float
    settled_dpdt_gain_pct: float
    reference_ees_gain_pct: float
    final_ees_gain_pct: float
    reference_loop: Loop
    final_loop: Loop


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a block of verification pairs is played, in beats."""

    programming_beats: int
    settle_beats: int
    read_beats: int
    n_pairs: int


def truth_of(played: Played) -> AnswerKey:
    """Return the truth about the settings that a visit chose to verify."""
    record = played.record
    patient, choice = patient_after(record.patient, record.happened), record.choice
    candidate = choice.settings if choice is not None else record.final
    leads = leads_with(faults_after(record.found, record.happened))
    reference_gain, candidate_gain, final_gain = (
        ees_gain(patient, settings, leads)
        for settings in (record.reference, candidate, record.final)
    )
    before, after = (
        settled(patient.heart, g) for g in (reference_gain, candidate_gain)
    )
    dpdt = (
        after.haemodynamics.dpdt_max_mmhg_per_s
        / before.haemodynamics.dpdt_max_mmhg_per_s
        - 1.0
    )
    return AnswerKey(
        window_gain_pct=window_gain_pct(
            patient, record.plan, candidate_gain, reference_gain
        ),
        settled_systolic_gain_pct=settled_gain_pct(
            patient, candidate_gain, reference_gain
        ),
        settled_dpdt_gain_pct=PCT_PER_FRAC * dpdt,
        reference_ees_gain_pct=PCT_PER_FRAC * reference_gain,
        final_ees_gain_pct=PCT_PER_FRAC * final_gain,
        reference_loop=loop(patient, reference_gain),
        final_loop=loop(patient, final_gain),
    )


def ees_gain(patient: Patient, settings: Settings, leads: Leads | None = None) -> float:
    """Return the steady relative gain of LV elastance, a fraction; leads intact."""
    if not settings.delivers:
        return 0.0
    return gain_of(patient, settings, leads or leads_with(SOUND))


def leads_with(faults: LeadFaults) -> Leads:
    """Return leads at rest, with what is wrong with each."""
    leads = Leads(rng=np.random.default_rng(0))
    for name, fault in zip(LEADS, faults, strict=True):
        leads.set_fault(name, fault)
    return leads


def reaching(train: Train, faults: LeadFaults) -> Train:
    """Return what of a train comes to the muscle through leads with faults."""
    v1, v2 = (leads_with(faults)[name].muscle_ohm for name in LEADS)
    return replace(
        train,
        v1_delivers=train.v1_delivers * float(isfinite(v1)),
        v2_delivers=train.v2_delivers * float(isfinite(v2)),
        v1_ohm=v1,
        v2_ohm=v2,
    )


def faults_after(found: FoundDevice, happened: Sequence[Happened]) -> LeadFaults:
    """Return what is wrong with the leads that a patient came with, after a while."""
    faults: dict[LeadName, Fault] = {"V1": found.v1_fault, "V2": found.v2_fault}
    for item in happened:
        if item.happening.what == "lead fault":
            faults[item.happening.lead] = item.happening.fault
    return faults["V1"], faults["V2"]


def patient_after(patient: Patient, happened: Sequence[Happened]) -> Patient:
    """Return a patient in the rhythm that what happened has left."""
    for item in happened:
        if kind := _RHYTHMS.get(item.happening.what):
            patient = replace(patient, rhythm=replace(patient.rhythm, kind=kind))
    return patient


def window_gain_pct(
    patient: Patient, plan: VisitPlan, tested_gain: float, reference_gain: float
) -> float:
    """Return the estimand: the verification played without any error, percent."""
    return _played_gain_pct(
        patient.heart,
        schedule_of(patient, plan),
        readout(plan.readout).beat_column,
        tested_gain,
        reference_gain,
    )


def schedule_of(patient: Patient, plan: VisitPlan) -> Schedule:
    """Return how a plan's verification is played on a patient."""
    kind = readout(plan.readout)
    rr_s = S_PER_MIN / patient.rhythm.heart_rate_bpm
    return Schedule(
        programming_beats=round(plan.programming_s / rr_s),
        settle_beats=beats_to_settle(kind, plan.settle_beats),
        read_beats=beats_to_read(
            kind, plan.read_beats, in_af=patient.in_atrial_fibrillation
        ),
        n_pairs=plan.verification_pairs,
    )


def settled_gain_pct(
    patient: Patient, tested_gain: float, reference_gain: float
) -> float:
    """Return the change of systolic pressure after all memories and reflexes."""
    before, after = (
        settled(patient.heart, gain).haemodynamics.sbp_mmhg
        for gain in (reference_gain, tested_gain)
    )
    return PCT_PER_FRAC * (after / before - 1.0)


@lru_cache(maxsize=4096)
def _played_gain_pct(
    heart: HeartParts,
    schedule: Schedule,
    column: str,
    tested_gain: float,
    reference_gain: float,
) -> float:
    gains = arm_gains(schedule, tested_gain, reference_gain)
    rows = play(heart, gains, start_gain=reference_gain)
    return gain_read_pct(schedule, rows[:, BEAT_COLUMNS.index(column)])


def arm_gains(
    schedule: Schedule, tested_gain: float, reference_gain: float
) -> NDArray[np.float64]:
    """Return the gain of each beat of a block of verification pairs, `(beats,)`."""
    gains = {"tested": tested_gain, "reference": reference_gain}
    arms = [gains[role] for role in _roles(schedule.n_pairs)]
    return _per_beat(arms, schedule, reference_gain)


def gain_read_pct(schedule: Schedule, values: NDArray[np.float64]) -> float:
    """Return the mean gain that the pairs of a block read in the values of its beats.

    `values` is `(beats,)`, as long as `arm_gains`.
    """
    roles = list(_roles(schedule.n_pairs))
    arms = values.reshape(len(roles), values.size // len(roles))
    reads = arms[:, -schedule.read_beats :].mean(1)
    return fmean(_pair_gains_pct(roles, reads.tolist()))


def _roles(n_pairs: int) -> Iterator[Role]:
    for number in range(n_pairs):
        yield from ABBA if number % 2 == 0 else BAAB


def _per_beat(
    arm_gains: Sequence[float], schedule: Schedule, start_gain: float
) -> NDArray[np.float64]:
    """Return the gain of each beat: while it is programmed, the old one goes on."""
    held = schedule.settle_beats + schedule.read_beats
    before = [start_gain, *arm_gains[:-1]]
    parts = [
        [old] * schedule.programming_beats + [new] * held
        for old, new in zip(before, arm_gains, strict=True)
    ]
    return np.array(parts, dtype=np.float64).ravel()


def _pair_gains_pct(roles: Sequence[Role], reads: Sequence[float]) -> Iterator[float]:
    arms = len(ABBA)
    for start in range(0, len(roles), arms):
        own = list(zip(roles, reads, strict=True))[start : start + arms]
        tested = fmean(value for role, value in own if role == "tested")
        base = fmean(value for role, value in own if role == "reference")
        yield PCT_PER_FRAC * (tested / base - 1.0)


@lru_cache(maxsize=64)
def loop(patient: Patient, gain: float) -> Loop:
    """Return the steady pressure-volume loop of the left ventricle at one gain."""
    waves = settled_waveforms(patient.heart, gain)
    keep = slice(None, None, LOOP_STEP)
    return Loop(
        tuple(waves.volume_ml("lv")[keep].tolist()),
        tuple(waves.pressure_mmhg("lv")[keep].tolist()),
    )
