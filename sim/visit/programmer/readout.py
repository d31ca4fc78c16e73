"""What the programmer shows of the device: interrogation, alerts, charger, counters."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from sim.device.battery import Recharge
from sim.device.events import Cause, Counters
from sim.device.generator import PulseGenerator
from sim.device.leads import impedance_alert
from sim.units import FRAC_PER_PCT, H_PER_DAY, PCT_PER_FRAC, S_PER_H
from sim.visit.bedside import Bedside
from sim.visit.programmer.scan import FloatArray, scan_beats
from sim.visit.programmer.values import share_text
from sim.visit.record import Interrogation

N_CHARGE_BARS: Final = 4
_AMPLITUDE_BEATS: Final = 20


@dataclass(frozen=True, slots=True)
class Impedances:
    """Measured impedance of both leads, and alerts about changes."""

    v1_ohm: float
    v2_ohm: float
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChargerData:
    """Battery and charging log; `bars` is 0 to 4, `code` the charger's error."""

    charge_pct: float
    bars: int
    voltage_v: float
    days_since_charge: float
    full_charge_takes_min: float
    sessions: tuple[Recharge, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters as the programmer lists them: in this session, and since the reset."""

    session: Mapping[str, int]
    since_reset: Mapping[str, int]
    delivered_pct: float


def counter_rows(counters: Counters) -> Mapping[str, int]:
    """Return counters under the names of the programmer's statistics screen."""
    inhibitions = counters.inhibitions
    return MappingProxyType(
        {
            "Atrial": counters.atrial_events,
            "Ventricular": counters.ventricular_events,
            "A noise": counters.atrial_noise,
            "V noise": inhibitions[Cause.NOISE] - counters.atrial_noise,
            "Short AV": inhibitions[Cause.SHORT_AV],
            "Long AV": inhibitions[Cause.LONG_AV],
            "PVC": inhibitions[Cause.PVC],
            "AT": inhibitions[Cause.AT],
            "VT": inhibitions[Cause.VT],
            "LS": counters.local_sense_events,
            "LS out of alert": inhibitions[Cause.LS_OUT],
            "CCM delivered": counters.delivered,
            "CCM inhibited": counters.eligible_beats - counters.delivered,
        }
    )


def read_impedances(bedside: Bedside) -> Impedances:
    """Measure both leads; one random draw each."""
    generator, now_s = bedside.generator, float(bedside.env.now)
    ohm = {name: generator.leads.measure_ohm(name, now_s) for name in ("V1", "V2")}
    return Impedances(ohm["V1"], ohm["V2"], impedance_alerts(generator, ohm))


def impedance_alerts(
    generator: PulseGenerator, ohm: Mapping[str, float]
) -> tuple[str, ...]:
    """Return an alert for each lead that changed since implantation."""
    settings = generator.settings
    return tuple(
        f"impedance of {name} {now_ohm:.0f} ohm, changed by more than"
        f" {settings.alert_dz_pct:g} % since implantation"
        for name, now_ohm in ohm.items()
        if impedance_alert(settings, generator.leads[name].model.impedance_ohm, now_ohm)
    )


def device_alerts(bedside: Bedside, delivered_frac: float) -> tuple[str, ...]:
    """Return every alert but those of the leads."""
    generator, now_s = bedside.generator, float(bedside.env.now)
    uncharged_days = idle_days(bedside)
    settings, alerts = generator.settings, []
    if delivered_frac * PCT_PER_FRAC < settings.alert_min_ccm_pct:
        alerts.append(
            f"delivered {share_text(delivered_frac)}, below the alert limit of"
            f" {settings.alert_min_ccm_pct:g} %"
        )
    if uncharged_days > settings.alert_recharge_days:
        alerts.append(f"not recharged for {uncharged_days:.0f} days")
    if generator.battery.suspended:
        alerts.append("battery low: CCM suspended")
    if generator.battery.has_charge_error:
        ceiling = share_text(generator.battery.cell.error_ceiling_frac)
        alerts.append(f"charger code A9: charge to {ceiling} at most")
    if generator.state != "ACTIVE":
        alerts.append(f"device state {generator.state}")
    if not settings.delivers:
        alerts.append("CCM is switched off")
    if generator.off_until_s > now_s:
        alerts.append("CCM is switched off for a day by a magnet")
    unread_days = (now_s - generator.last_download_s) / (H_PER_DAY * S_PER_H)
    if unread_days > generator.limits.download_alert_days:
        alerts.append(f"not read out for {unread_days:.0f} days")
    return tuple(alerts)


def read_charger(bedside: Bedside) -> ChargerData:
    """Return battery and charging log now."""
    battery = bedside.generator.battery
    sessions = tuple(battery.recharges)
    return ChargerData(
        charge_pct=PCT_PER_FRAC * battery.charge_frac,
        bars=round(N_CHARGE_BARS * battery.charge_frac),
        voltage_v=battery.voltage_v,
        days_since_charge=idle_days(bedside),
        full_charge_takes_min=battery.charging_min(),
        sessions=sessions,
        code="A9" if battery.has_charge_error else "",
    )


def idle_days(bedside: Bedside) -> float:
    """Return the days since the patient charged last."""
    idle_s = float(bedside.env.now) - bedside.generator.battery.last_recharge_s
    return idle_s / (H_PER_DAY * S_PER_H)


def read_out(
    bedside: Bedside, delivered_frac: float, counters: Mapping[str, int]
) -> Interrogation:
    """Return what the programmer shows now, with some counters and their share."""
    generator = bedside.generator
    battery = generator.battery
    seen = scan_beats(bedside, _AMPLITUDE_BEATS)
    leads = read_impedances(bedside)
    alerts = device_alerts(bedside, delivered_frac)
    generator.last_download_s = float(bedside.env.now)
    return Interrogation(
        at_s=float(bedside.env.now),
        settings=generator.settings,
        ccm_state=generator.state,
        battery_pct=PCT_PER_FRAC * battery.charge_frac,
        battery_v=battery.voltage_v,
        days_since_charge=idle_days(bedside),
        impedance_v1_ohm=leads.v1_ohm,
        impedance_v2_ohm=leads.v2_ohm,
        r_wave_v1_mv=_mean(seen.v1_mv),
        r_wave_v2_mv=_mean(seen.v2_mv),
        p_wave_mv=_mean(seen.atrial_mv),
        delivered_frac=delivered_frac,
        counters=counters,
        lead_alerts=leads.alerts,
        device_alerts=alerts,
    )


def _mean(seen_mv: FloatArray) -> float:
    """Return the mean of the waves there were, nan without one."""
    there = seen_mv[np.isfinite(seen_mv)]
    return float(there.mean()) if there.size else float("nan")


def own_readout(bedside: Bedside) -> Interrogation:
    """Return what the programmer shows now, with the device's own counters."""
    counters = bedside.generator.read_counters()
    share = counters.delivered_pct * FRAC_PER_PCT
    return read_out(bedside, share, counter_rows(counters))
