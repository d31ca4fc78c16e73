"""Reading the device out, and mending what stops it from delivering."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import simpy

from sim.device.generator import Cause, Counters, PulseGenerator
from sim.device.leads import impedance_alert
from sim.device.settings import Settings, axis_numbers, with_dependents
from sim.heart.conduction import refractory_s
from sim.sources import sourced
from sim.units import FRAC_PER_PCT, H_PER_DAY, MS_PER_S, S_PER_H, S_PER_MIN
from sim.visit.clinic import Visit
from sim.visit.history import sample_counters
from sim.visit.programmer import share_text
from sim.visit.record import Interrogation
from sim.visit.safety import RULES, SafetyFilter

Process = Generator[simpy.Event, object, None]
OVO: Final = "OVO-LS-CCM"
SMART: Final = "CCM X10"


@dataclass(frozen=True, slots=True)
class SensingRules:
    """When sensing is good enough, and how it is mended."""

    least_delivered_frac: float = sourced(0.9, "ccmlab-device", "4", "recalled")
    scan_beats: int = sourced(60, "ccmlab-device", "3, feature 12", "assumed")
    scan_tail_pct: float = sourced(1.0, "ccmlab-device", "3, feature 12", "assumed")
    fast_tail_pct: float = sourced(10.0, "ccmlab-protocol", "4", "assumed")
    scan_margin_ms: float = sourced(3.0, "ccmlab-device", "3, feature 12", "assumed")
    sensing_safety_factor: float = sourced(2.0, "ccmlab-device", "4", "assumed")


RULES_OF_SENSING: Final = SensingRules()


@dataclass(frozen=True, slots=True)
class Scan:
    """Local-sense latency and amplitudes over some beats of the patient's own."""

    latency_ms: np.ndarray
    v1_mv: np.ndarray
    v2_mv: np.ndarray
    atrial_mv: np.ndarray
    local_sense_s: np.ndarray


def history(visit: Visit) -> Counters:
    """Return what the device counted over a sample of beats before this visit.

    The programmer scales the sample to the time since the last visit.
    """
    return sample_counters(visit.patient, visit.found, visit.rng)


def counters_since_visit(visit: Visit, sample: Counters) -> Mapping[str, int]:
    """Return the counters the device shows, scaled to the time since the last visit."""
    scheduled_h = visit.found.since_last_visit_days * (
        visit.found.settings.ccm_hours_per_day
    )
    beats = scheduled_h * S_PER_H / 60.0 * visit.patient.rhythm.heart_rate_bpm
    scale = beats / max(sample.beats, 1)
    rows = {cause.value: n for cause, n in sample.beats_by_cause.items() if n}
    shown = {
        "BEATS": sample.beats,
        "VENTRICULAR": sample.ventricular_events,
        "LOCAL_SENSE": sample.local_sense_events,
        **rows,
    }
    return {name: round(n * scale) for name, n in shown.items()}


def interrogate(visit: Visit) -> Process:
    """Read everything out, switch telemetry on, suspend the daily schedule."""
    half_s = visit.plan.site.interrogation_min * S_PER_MIN / 2.0
    yield from visit.bedside.wait_s(half_s)
    sample = history(visit)
    share = sample.delivered_pct * FRAC_PER_PCT
    counters = counters_since_visit(visit, sample)
    visit.findings.as_found = read_out(visit, share, counters)
    visit.note("interrogation", f"settings read; CCM delivered {share_text(share)}")
    _interrogate_icd(visit)
    if visit.generator.state != "ACTIVE":
        _reactivate(visit)
    visit.generator.force_on = True
    visit.note("telemetry", "real-time ECG with markers on; CCM schedule suspended")
    yield from visit.bedside.wait_s(half_s)


def _reactivate(visit: Visit) -> None:
    """Record why the device is off, reset it where needed, switch CCM on."""
    generator = visit.generator
    visit.note("device", f"found in state {generator.state}; cause recorded, reset")
    if generator.state in ("DOWN", "SAFE_MODE"):
        generator.reset()
    generator.set_state("ACTIVE")


def _interrogate_icd(visit: Visit) -> None:
    if visit.patient.profile.has_icd:
        visit.note("interrogation", "ICD interrogated: no episode since the last visit")


def read_out(
    visit: Visit, delivered_frac: float, counters: Mapping[str, int]
) -> Interrogation:
    """Return what the programmer shows now."""
    generator, now_s = visit.generator, float(visit.env.now)
    battery, leads = generator.battery, generator.leads
    seen = scan(visit, 20)
    ohm = {name: leads.measure_ohm(name, now_s) for name in ("V1", "V2")}
    idle_days = (now_s - battery.last_recharge_s) / (H_PER_DAY * S_PER_H)
    p_wave = seen.atrial_mv[np.isfinite(seen.atrial_mv)]
    return Interrogation(
        at_s=now_s,
        settings=generator.settings,
        ccm_state=generator.state,
        battery_pct=100.0 * battery.charge_frac,
        battery_v=battery.voltage_v,
        days_since_charge=idle_days,
        impedance_v1_ohm=ohm["V1"],
        impedance_v2_ohm=ohm["V2"],
        r_wave_v1_mv=float(seen.v1_mv.mean()),
        r_wave_v2_mv=float(seen.v2_mv.mean()),
        p_wave_mv=float(p_wave.mean()) if p_wave.size else float("nan"),
        delivered_frac=delivered_frac,
        counters=counters,
        alerts=_alerts(generator, delivered_frac, idle_days, ohm),
    )


def _alerts(
    generator: PulseGenerator,
    delivered_frac: float,
    idle_days: float,
    ohm: Mapping[str, float],
) -> tuple[str, ...]:
    settings = generator.settings
    alerts = [
        f"impedance of {name} {now_ohm:.0f} ohm, changed by more than"
        f" {settings.alert_dz_pct:g} % since implantation"
        for name, now_ohm in ohm.items()
        if impedance_alert(settings, generator.leads[name].model.impedance_ohm, now_ohm)
    ]
    if delivered_frac * 100.0 < settings.alert_min_ccm_pct:
        alerts.append(
            f"delivered {share_text(delivered_frac)}, below the alert limit of"
            f" {settings.alert_min_ccm_pct:g} %"
        )
    if idle_days > settings.alert_recharge_days:
        alerts.append(f"not recharged for {idle_days:.0f} days")
    if generator.battery.suspended:
        alerts.append("battery low: CCM suspended")
    if generator.state != "ACTIVE":
        alerts.append(f"device state {generator.state}")
    return tuple(alerts)


def scan(visit: Visit, n: int) -> Scan:
    """Return latency and amplitudes over the last `n` beats that were not ectopic."""
    beats = visit.bedside.recent_activations(n)
    settings = visit.generator.settings
    local = np.array([b.v1_s if settings.ls_channel == "V1" else b.v2_s for b in beats])
    ref = np.array([b.v2_s if settings.ls_channel == "V1" else b.v1_s for b in beats])
    leads = visit.generator.leads
    at_s = np.array([b.at_s for b in beats])
    p_waves = [b.atrial_mv if b.atrial_s is not None else np.nan for b in beats]
    return Scan(
        latency_ms=(local - ref) * MS_PER_S,
        v1_mv=np.array([b.v1_mv for b in beats]) * leads.v1.sensing_frac,
        v2_mv=np.array([b.v2_mv for b in beats]) * leads.v2.sensing_frac,
        atrial_mv=np.array(p_waves),
        local_sense_s=local - at_s,
    )


def mend_sensing(visit: Visit) -> Process:
    """Sensing before safety before titration: thresholds, scan, window, mode."""
    yield from visit.bedside.wait_s(visit.plan.site.sensing_min * S_PER_MIN)
    rules = RULES_OF_SENSING
    seen = scan(visit, rules.scan_beats)
    settings = visit.generator.settings
    changes = propose_sensing(
        settings,
        seen,
        in_af=visit.patient.in_atrial_fibrillation,
        has_own_ls_sensitivity=visit.found.model == SMART,
    )
    if changes:
        values = {name: value for name, (value, _) in changes.items()}
        settings = with_dependents(settings.with_values(values), visit.found.model)
        visit.findings.sensing.extend(reason for _, reason in changes.values())
        yield from visit.programmer.program(settings)
    first = visit.bedside.n_beats
    yield from visit.bedside.wait_beats(rules.scan_beats)
    share = visit.bedside.log.delivered_frac(first)
    visit.findings.sensing.append(
        f"CCM delivered {share_text(share)} of {rules.scan_beats} beats after the"
        f" sensing tests ({share_text(rules.least_delivered_frac)} wanted)"
    )
    for text in visit.findings.sensing:
        if text:
            visit.note("sensing", text)
    lost = visit.bedside.log.unsensed_frac(first)
    if lost > 1.0 - rules.least_delivered_frac or share == 0.0:
        visit.not_titrated = (
            f"CCM could not be delivered reliably: {share_text(lost)} of beats lost to"
            f" sensing, {share_text(share)} with CCM"
        )
        visit.note("sensing", f"{visit.not_titrated}; nothing is titrated today")
    visit.reference = visit.generator.settings
    visit.filter = _filter(visit, scan(visit, rules.scan_beats))


def propose_sensing(
    settings: Settings,
    seen: Scan,
    *,
    in_af: bool,
    has_own_ls_sensitivity: bool = False,
) -> dict[str, tuple[object, str]]:
    """Return the sensing values to change, each with the finding that asks for it."""
    changes: dict[str, tuple[object, str]] = {}
    if settings.ccm_mode == "OFF":
        changes["ccm_mode"] = ("TIMED", "CCM found switched off: switched on")
    if in_af and settings.mode != OVO:
        changes["mode"] = (OVO, "atrial fibrillation: mode OVO-LS-CCM programmed")
    elif settings.mode == "OOO":
        changes["mode"] = (OVO, "found in standby (OOO): mode OVO-LS-CCM programmed")
    ovo = in_af or settings.mode != "ODO-LS-CCM"
    local_mv = seen.v1_mv if settings.ls_channel == "V1" else seen.v2_mv
    rows = [("sens_v1_mv", seen.v1_mv), ("sens_v2_mv", seen.v2_mv)]
    if has_own_ls_sensitivity:
        rows.append(("sens_ls_mv", local_mv))
    for name, seen_mv in rows:
        changes |= _sensitivity(settings, name, seen_mv, ovo=ovo)
    return changes | _window(settings, seen, ovo=ovo)


def _sensitivity(
    settings: Settings, name: str, seen_mv: np.ndarray, *, ovo: bool
) -> dict[str, tuple[object, str]]:
    rules = RULES_OF_SENSING
    set_mv = getattr(settings, name)
    weak_mv = float(np.percentile(seen_mv, rules.scan_tail_pct))
    if weak_mv >= rules.sensing_safety_factor * set_mv:
        return {}
    allowed_mv = axis_numbers(name, mode=OVO if ovo else None)
    limit_mv = weak_mv / rules.sensing_safety_factor
    better = max((v for v in allowed_mv if v <= limit_mv), default=allowed_mv[0])
    if better >= set_mv:
        return {}
    lead = name.split("_")[1].upper()
    text = (
        f"{lead} undersensed: R wave {seen_mv.mean():.1f} mV at sensitivity"
        f" {set_mv:g} mV; set to {better:g} mV"
    )
    return {name: (better, text)}


def _window(
    settings: Settings, seen: Scan, *, ovo: bool
) -> dict[str, tuple[object, str]]:
    rules = RULES_OF_SENSING
    tail = rules.scan_tail_pct
    low, high = np.percentile(seen.latency_ms, [tail, 100.0 - tail])
    start_ms = settings.alert_start_ms
    if start_ms <= low and high <= start_ms + settings.alert_width_ms:
        return {}
    wanted = low - rules.scan_margin_ms
    starts = [v for v in axis_numbers("alert_start_ms") if v <= wanted]
    start = starts[-1] if starts else axis_numbers("alert_start_ms")[0]
    allowed_ms = axis_numbers("alert_width_ms", mode=OVO if ovo else None)
    needed_ms = high + rules.scan_margin_ms - start
    width = min((v for v in allowed_ms if v >= needed_ms), default=allowed_ms[-1])
    text = (
        f"local sense {low:.0f} to {high:.0f} ms after the reference lead, alert window"
        f" {start_ms:g} to {start_ms + settings.alert_width_ms:g} ms; moved to"
        f" {start:g} to {start + width:g} ms"
    )
    return {"alert_start_ms": (start, text), "alert_width_ms": (width, "")}


def latest_train_end_ms(visit: Visit) -> float:
    """Return the latest safe end of a train after activation, at the present rate.

    The refractory period is the patient's own, as if measured beforehand; the rate is
    that of the fast tenth of the last beats, since fibrillation has short intervals.
    """
    beats = visit.bedside.recent_activations(RULES_OF_SENSING.scan_beats)
    intervals_s = np.diff([beat.at_s for beat in beats])
    conduction = visit.patient.conduction
    rr_s = float(np.percentile(intervals_s, RULES_OF_SENSING.fast_tail_pct))
    refractory_ms = refractory_s(conduction, rr_s) * MS_PER_S
    first_lead_ms = min(conduction.v1_lag_ms, conduction.v2_lag_ms)
    return first_lead_ms + refractory_ms - RULES.refractory_margin_ms


def _filter(visit: Visit, seen: Scan) -> SafetyFilter:
    late_s = np.percentile(seen.local_sense_s, 100.0 - RULES.late_sense_pct)
    return SafetyFilter(
        highest_tolerated_v=visit.reference.amplitude_v,
        latest_train_end_ms=latest_train_end_ms(visit),
        latest_local_sense_ms=float(late_s) * MS_PER_S,
    )


def cause_text(counters: Mapping[str, int]) -> str:
    """Return the share of each reason for a beat without a train, largest first."""
    beats = max(counters.get("BEATS", 0), 1)
    known = {cause.value for cause in Cause} - {Cause.DELIVERED.value}
    rows = sorted(
        ((n / beats, name) for name, n in counters.items() if name in known),
        reverse=True,
    )
    return ", ".join(f"{name} {share_text(share)}" for share, name in rows)
