"""What the strips of a visit are drawn over: the same for who draws live or later."""

from collections.abc import Sequence

import numpy as np

from sim.device.leads import LeadModel
from sim.heart.beating import heart_streams
from sim.heart.rhythm import variability_s
from sim.telemetry.background import Background
from sim.telemetry.beats import FloatArray
from sim.telemetry.disturbance import Breath, breathing
from sim.telemetry.morphology import Morphology
from sim.visit.happenings import Happened
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice
from sim.visit.visit import HORIZON_S


def breath_of(order: VisitOrder, band_sd_hz: float) -> Breath:
    """Return the breath of a patient in a visit, which the sinus rhythm follows."""
    rhythm = order.patient.rhythm
    if order.patient.in_atrial_fibrillation:
        return breathing(np.empty(0), rhythm.breathing_hz, band_sd_hz)
    streams = heart_streams(
        order.seed, patient=order.patient_index, replicate=order.replicate
    )
    wave_s = variability_s(rhythm, streams.rhythm, HORIZON_S)
    return breathing(wave_s, rhythm.breathing_hz, band_sd_hz)


def lead_sensing(
    found: FoundDevice, happened: Sequence[Happened], at_s: FloatArray
) -> FloatArray:
    """Return the share of the amplitude that each lead still sees, `(n, 2)`.

    Parameters
    ----------
    found
        The faults that the patient came with.
    happened
        What has befallen the leads since.
    at_s : (n,)
        Times, seconds.
    """
    lead = LeadModel()
    shares = np.empty((at_s.size, 2))
    shares[:] = [lead.effect(fault)[1] for fault in (found.v1_fault, found.v2_fault)]
    for item in happened:
        if item.happening.what == "lead fault":
            column = ("V1", "V2").index(item.happening.lead)
            share = lead.effect(item.happening.fault).sensing_frac
            shares[at_s >= item.at_s, column] = share
    return shares


def noisy_spans_s(happened: Sequence[Happened]) -> tuple[tuple[float, float], ...]:
    """Return when noise was on the leads, from and to, seconds."""
    return tuple(
        (item.at_s, item.at_s + item.happening.for_s)
        for item in happened
        if item.happening.what == "noise"
    )


def background_of(order: VisitOrder, pseudonym: str, shape: Morphology) -> Background:
    """Return what lies under the beats; drawn from a stream that changes no visit."""
    breath = breath_of(order, shape.disturbance.breathing_band_hz)
    rng = order.rng("strips", *pseudonym.encode())
    return Background.drawn(rng, breath, shape)
