"""What the device counted before a visit: the timing machine on the patient's beats."""

from collections.abc import Callable
from typing import Final

import numpy as np

from sim.device.battery import Battery
from sim.device.generator import BeatSignals, Counters, PulseGenerator
from sim.device.leads import Leads
from sim.heart.conduction import Conduction
from sim.heart.parts import HeartParts
from sim.heart.rhythm import Rhythm
from sim.visit.implant import put_into_state
from sim.visit.plan import FoundDevice

HISTORY_BEATS: Final = 1500


def sample_counters(
    model: HeartParts, found: FoundDevice, rng: Callable[..., np.random.Generator]
) -> Counters:
    """Return what the device counts over a sample of beats of a patient.

    The machine of the visit judges the rhythm of the same patient, drawn from streams
    of its own. The sample stands for the whole time since the last visit: a fault of a
    lead and the state as found begin, and a suspended battery ends, at their share of
    the beats.

    Parameters
    ----------
    model, found
        Whose rhythm, and the device with its settings.
    rng
        Gives a random stream by name and key, as `Visit.rng` does.
    """
    leads = Leads(rng=rng("leads", 1))
    generator = PulseGenerator(found.settings, leads, Battery(), found.model)
    generator.force_on = True
    duration_s = 2.0 * HISTORY_BEATS
    rhythm = Rhythm(model.rhythm, rng("rhythm", 1), rng("ectopy", 1), duration_s)
    conduction = Conduction(model.conduction, rng("conduction", 1))
    fault_from = round(HISTORY_BEATS * (1.0 - found.fault_frac))
    charged_from = round(HISTORY_BEATS * found.suspended_frac)
    if charged_from > 0:
        generator.battery = Battery(charge_frac=0.0)
    now_s, rr_s, origin = 0.0, model.rr_s, rhythm.base_origin
    for number in range(HISTORY_BEATS):
        if number == fault_from:
            leads.set_fault("V1", found.v1_fault)
            leads.set_fault("V2", found.v2_fault)
            put_into_state(generator, found.state)
        if number == charged_from:
            generator.battery = Battery()
        beat = conduction.activate(now_s, origin, rr_s)
        generator.beat(
            BeatSignals(
                beat.at_s,
                beat.atrial_s,
                beat.v1_s,
                beat.v2_s,
                beat.atrial_mv,
                beat.v1_mv,
                beat.v2_mv,
            )
        )
        rr_s, origin = rhythm.next_interval(now_s)
        now_s += rr_s
    return generator.read_counters()
