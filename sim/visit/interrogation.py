"""Reading the device out, and mending what stops it from delivering."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import simpy

from sim.device.generator import Cause, Counters
from sim.device.schedule import scheduled_h_per_day
from sim.device.settings import Settings, with_dependents
from sim.heart.conduction import refractory_s
from sim.heart.parts import HeartParts
from sim.streams import stream
from sim.units import FRAC_PER_PCT, MS_PER_S, S_PER_H, S_PER_MIN
from sim.visit.delivery import losses, losses_text
from sim.visit.history import sample_counters
from sim.visit.icd_check import interrogate_icd
from sim.visit.plan import FoundDevice
from sim.visit.programmer import readout, share_text
from sim.visit.programmer.scan import (
    RULES_OF_SENSING,
    Scan,
    propose_sensing,
    scan_beats,
)
from sim.visit.record import Interrogation
from sim.visit.safety import RULES, SafetyFilter
from sim.visit.visit import Visit

Process = Generator[simpy.Event, object, None]
Changes = Mapping[str, tuple[object, str]]
ICD_COUNTS: Final = "the ICD counts trains as beats"
SMART: Final = "CCM X10"
_WINDOW: Final = ("alert_start_ms", "alert_width_ms", "delay_ms")


def history(visit: Visit) -> Counters:
    """Return what the device counted over a sample of beats before this visit.

    The programmer scales the sample to the time since the last visit.
    """
    order = visit.order
    return _counted(
        order.patient.heart,
        order.found,
        order.seed,
        order.patient_index,
        order.replicate,
    )


# in a study many contenders meet one patient with one past
@lru_cache(maxsize=64)
def _counted(
    model: HeartParts, found: FoundDevice, seed: int, index: int, replicate: int
) -> Counters:
    def rng(name: str, *key: int) -> np.random.Generator:
        return stream(seed, name=name, patient=index, replicate=replicate, key=key)

    return sample_counters(model, found, rng)


def counters_since_visit(visit: Visit, sample: Counters) -> Mapping[str, int]:
    """Return the counters the device shows, scaled to the time since the last visit."""
    scheduled_h = visit.found.since_last_visit_days * (
        scheduled_h_per_day(visit.found.settings)
    )
    beats = scheduled_h * S_PER_H / S_PER_MIN * visit.patient.rhythm.heart_rate_bpm
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
    share = _eligible_share(sample)
    counters = counters_since_visit(visit, sample)
    as_found = read_out(visit, share, counters)
    visit.findings = replace(visit.findings, as_found=as_found)
    visit.tell(as_found)
    visit.note("interrogation", f"settings read; CCM delivered {share_text(share)}")
    _find_losses(visit, sample.delivered / sample.beats, counters)
    if interrogate_icd(visit):
        _keep_off(visit)
    if visit.generator.state != "ACTIVE":
        yield from _reactivate(visit)
    visit.generator.force_on = visit.telemetry = True
    visit.note("telemetry", "real-time ECG with markers on; CCM schedule suspended")
    yield from visit.bedside.wait_s(half_s)


def _keep_off(visit: Visit) -> None:
    """Switch CCM off for good, since the ICD beside it would shock."""
    visit.programmer.urgent_off()
    visit.ended_for_safety = ICD_COUNTS
    visit.adverse(ICD_COUNTS, "found when the ICD was interrogated", "urgent off")


def _eligible_share(sample: Counters) -> float:
    """Return the share of the eligible beats with CCM; 0 when it was off all along."""
    return sample.delivered / max(sample.eligible_beats, 1)


def _find_losses(visit: Visit, share: float, counters: Mapping[str, int]) -> None:
    """Name why little was delivered, as the counters tell it."""
    in_af = visit.patient.in_atrial_fibrillation
    found = losses(counters, visit.found.settings, in_af=in_af)
    is_short = any(loss.name == "schedule" for loss in found)
    if share >= RULES_OF_SENSING.least_delivered_frac and not is_short:
        return
    got = f"CCM in {share_text(share)} of the scheduled beats"
    text = f"counters: {got}; cause: {losses_text(found)}"
    _tell(visit, text)
    visit.note("interrogation", text)


def _reactivate(visit: Visit) -> Process:
    """Record why the device is off, reset it where needed, switch CCM on."""
    generator, programmer = visit.generator, visit.programmer
    if generator.state in ("DOWN", "SAFE_MODE"):
        cause = programmer.record_cause()
        visit.note("device", f"found in state {generator.state}: {cause}; reset")
        yield from programmer.reset_device()
    else:
        visit.note("device", f"found in state {generator.state}; CCM switched on")
    yield from programmer.ccm_on()


def read_out(
    visit: Visit, delivered_frac: float, counters: Mapping[str, int]
) -> Interrogation:
    """Return what the programmer shows now."""
    return readout.read_out(visit.bedside, delivered_frac, counters)


def scan(visit: Visit, n: int) -> Scan:
    """Return latency and amplitudes over the last `n` beats that were not ectopic."""
    return scan_beats(visit.bedside, n)


def mend_sensing(visit: Visit) -> Process:
    """Sensing before safety before titration: thresholds, scan, window, mode."""
    yield from visit.bedside.wait_s(visit.plan.site.sensing_min * S_PER_MIN)
    n_told, n_beats = len(visit.findings.sensing_findings), RULES_OF_SENSING.scan_beats
    if visit.ended_for_safety:
        visit.filter = _filter(visit, scan(visit, n_beats))
        return
    changes = propose_sensing(
        visit.generator.settings,
        scan(visit, n_beats),
        in_af=visit.patient.in_atrial_fibrillation,
        has_own_ls_sensitivity=visit.found.model == SMART,
    )
    if changes:
        yield from visit.programmer.program(_mended(visit, changes))
    first = visit.bedside.n_beats
    yield from visit.bedside.wait_beats(n_beats)
    _judge_sensing(visit, first, n_told)
    visit.reference = visit.generator.settings
    visit.filter = _filter(visit, scan(visit, n_beats))


def _tell(visit: Visit, *texts: str) -> None:
    told = (*visit.findings.sensing_findings, *texts)
    visit.findings = replace(visit.findings, sensing_findings=told)


def _mended(visit: Visit, changes: Changes) -> Settings:
    """Return the settings with the changes, less the window where none fits."""
    without = {name: row for name, row in changes.items() if name not in _WINDOW}
    for some in (changes, without):
        values = {name: value for name, (value, _) in some.items()}
        settings = visit.generator.settings.with_values(values)
        settings = with_dependents(settings, visit.found.model)
        wrong = visit.programmer.conflicts(settings)
        if not wrong:
            _tell(visit, *(reason for _, reason in some.values() if reason))
            return settings
        _tell(visit, f"no alert window for this local sense: {wrong[0].reason}")
    return visit.generator.settings


def _judge_sensing(visit: Visit, first: int, n_told: int) -> None:
    """Say what is delivered now; without enough of it nothing is titrated."""
    rules, log = RULES_OF_SENSING, visit.bedside.log
    share, lost = log.delivered_frac(first), log.unsensed_frac(first)
    _tell(
        visit,
        f"CCM delivered {share_text(share)} of {rules.scan_beats} beats after the"
        f" sensing tests ({share_text(rules.least_delivered_frac)} wanted)",
    )
    for text in visit.findings.sensing_findings[n_told:]:
        visit.note("sensing", text)
    if lost > 1.0 - rules.least_delivered_frac or share == 0.0:
        visit.not_titrated = (
            f"CCM could not be delivered reliably: {share_text(lost)} of beats lost to"
            f" sensing, {share_text(share)} with CCM"
        )
        visit.note("sensing", f"{visit.not_titrated}; nothing is titrated today")


def latest_train_end_ms(visit: Visit) -> float:
    """Return the latest safe end of a train after activation, at the present rate.

    The refractory period is the patient's own, as if measured beforehand; the rate is
    that of the fast tenth of the last beats, since fibrillation has short intervals.
    """
    starts_s = visit.bedside.recent_starts_s(RULES_OF_SENSING.scan_beats)
    intervals_s = sorted(end_s - begin_s for begin_s, end_s in pairwise(starts_s))
    conduction = visit.patient.conduction
    rr_s = _percentile(intervals_s, RULES_OF_SENSING.fast_tail_pct)
    refractory_ms = refractory_s(conduction, rr_s) * MS_PER_S
    first_lead_ms = min(conduction.v1_lag_ms, conduction.v2_lag_ms)
    return first_lead_ms + refractory_ms - RULES.refractory_margin_ms


def _percentile(ascending: list[float], pct: float) -> float:
    """Return `np.percentile` of a few numbers, to the last bit, in less time."""
    last = len(ascending) - 1
    place = pct * FRAC_PER_PCT * last
    left = int(place)
    low, high, along = ascending[left], ascending[min(left + 1, last)], place - left
    if along < 0.5:
        return low + (high - low) * along
    return high - (high - low) * (1.0 - along)


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
