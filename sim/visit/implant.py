"""The implanted device as the patient brings it in."""

from sim.device.battery import Battery
from sim.device.generator import PulseGenerator, State
from sim.units import H_PER_DAY, S_PER_H
from sim.visit.order import VisitOrder


def found_generator(
    order: VisitOrder, kind: type[PulseGenerator] = PulseGenerator
) -> PulseGenerator:
    """Return the device at check-in, its leads, charge and state as found."""
    found = order.found
    battery = Battery(
        charge_frac=found.charge_frac,
        last_recharge_s=-found.days_since_charge * H_PER_DAY * S_PER_H,
    )
    generator = kind(
        found.settings,
        found.leads(order.rng("leads")),
        battery,
        found.model,
        time_of_day_s=found.arrival_h * S_PER_H,
    )
    put_into_state(generator, found.state)
    unread_s = found.since_last_visit_days * H_PER_DAY * S_PER_H
    generator.last_download_s = -unread_s
    return generator


def put_into_state(generator: PulseGenerator, state: State) -> None:
    """Let a device that works be in the state in which it was found."""
    if state == "PERMANENT_OFF":
        generator.set_state(state)
    elif state == "DOWN":
        generator.go_down()
    elif state == "SAFE_MODE":
        generator.enter_safe_mode()
