"""The first message of a visit: what the chart, the plan and the device's menu say."""

from typing import Final

from harness.play.stream.messages import (
    AxisShape,
    ChannelShape,
    OpenedMessage,
    Value,
)
from harness.play.stream.person import PersonAdvisor
from harness.task.task import Task
from sim.device.lattice import parameters, place_of
from sim.instruments import readout
from sim.patient.patient import Profile
from sim.sources import unit_of
from sim.telemetry.channels import COUNTS_PER_MMHG, COUNTS_PER_MV
from sim.units import S_PER_MIN
from sim.visit.measuring import expected_test_s
from sim.visit.plan import PHASES
from sim.visit.visit import Visit

SAMPLING_HZ: Final = 250
CHANNELS: Final = (
    ChannelShape("ECG II", "mV", COUNTS_PER_MV),
    ChannelShape("EGM V1", "mV", COUNTS_PER_MV),
    ChannelShape("EGM V2", "mV", COUNTS_PER_MV),
    ChannelShape("ABP", "mmHg", COUNTS_PER_MMHG),
)
ON_OFFER: Final = ("paired", "single")
"""Measuring plans by which a person may ask for a test."""


def opened(visit: Visit, advisor: PersonAdvisor, task: Task) -> OpenedMessage:
    """Return the first message of a visit."""
    plan = visit.plan
    kind = readout(plan.readout)
    table = parameters(task.lattice.model)
    return OpenedMessage(
        at_s=float(visit.env.now),
        site=plan.site.title,
        staff=dict(plan.site.staff),
        phases=PHASES,
        card=card(visit.patient.profile),
        readout=kind.title,
        readout_unit=kind.unit,
        plan=plan.plan,
        verification_pairs=plan.verification_pairs,
        minutes={
            "titration": plan.titration_min,
            "observation": plan.observation_min,
            **plan_minutes(visit),
        },
        axes=tuple(
            AxisShape(
                name,
                unit_of(name),
                tuple(place_of(name, value) for value in table[name].values),
            )
            for name in task.lattice.axes
        ),
        sampling_hz=SAMPLING_HZ,
        channels=CHANNELS,
        advised_by=advisor.strategy_name,
    )


def card(profile: Profile) -> dict[str, Value]:
    """Return what the chart says of the patient, nothing of the simulated heart."""
    return {
        "age_years": profile.age_years,
        "sex": profile.sex,
        "nyha_class": profile.nyha_class,
        "aetiology": profile.aetiology_text,
        "indication": profile.indication,
        "rhythm": profile.rhythm_text,
        "medication": ", ".join(profile.medication),
        "has_icd": profile.has_icd,
    }


def plan_minutes(visit: Visit) -> dict[str, float]:
    """Return the minutes of one test, by the measuring plan it is read with."""
    names = dict.fromkeys((*ON_OFFER, visit.plan.plan))
    return {name: expected_test_s(visit, name) / S_PER_MIN for name in names}
