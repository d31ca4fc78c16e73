"""The permanent values: programmed, checked at those values, read back as proof."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final

import simpy

from sim.device.energy import (
    Use,
    energy_mj_per_train,
    recharge_interval_days,
    trains_per_day,
)
from sim.device.settings import Settings, axis_numbers, with_dependents
from sim.heart.sensation import reported_grade
from sim.sources import sourced
from sim.units import FRAC_PER_PCT, PCT_PER_FRAC, S_PER_MIN
from sim.visit.icd_check import ICD, icd_markers, icd_watch
from sim.visit.interrogation import read_out
from sim.visit.programmer import settings_text, share_text
from sim.visit.programmer.scan import RULES_OF_SENSING
from sim.visit.record import Check
from sim.visit.safety import RULES
from sim.visit.trains import felt_level
from sim.visit.verification import permanent_settings, stop
from sim.visit.visit import Visit

Process = Generator[simpy.Event, object, None]
Checking = Generator[simpy.Event, object, bool]
POSTURES: Final = ("supine", "seated", "standing", "deep breath")


@dataclass(frozen=True, slots=True)
class FinalChecks:
    """How each finding is looked for."""

    capture_beats: int = sourced(10, "ccmlab-device", "1.2", "assumed")
    capture_delay_ms: float = sourced(
        25.0, "smart-mini-ifu", "p 17, 20 to 30 ms", "derived"
    )
    posture_beats: int = sourced(20, "ccmlab-protocol", "3, step 8", "assumed")
    posture_grade: tuple[float, ...] = sourced(
        (0.0, 0.05, 0.1, 0.15), "ccmlab-protocol", "3, step 8", "assumed"
    )
    posture_lag_ms: tuple[float, ...] = sourced(
        (0.0, 1.0, 2.0, 1.5), "ccmlab-device", "6, LS out of alert", "assumed"
    )
    posture_mv_factor: tuple[float, ...] = sourced(
        (1.0, 0.97, 0.94, 0.90), "ccmlab-device", "6, LS out of alert", "assumed"
    )


CHECKS: Final = FinalChecks()


def program_permanently(visit: Visit) -> Process:
    """Program what the verdict allows; a failed check falls back to the reference."""
    wanted = permanent_settings(visit)
    for settings in dict.fromkeys((wanted, visit.reference, visit.off)):
        if visit.ended_for_safety and settings != visit.off:
            continue
        yield from visit.programmer.program(settings)
        visit.note("programmed", f"permanent values: {settings_text(settings)}")
        if settings == visit.off:
            visit.note("programmed", "CCM is left off")
            return
        n_before = len(visit.findings.final_checks)
        if (yield from _checks_passed(visit, settings)):
            return
        if not visit.ended_for_safety:
            checks = visit.findings.final_checks[n_before:]
            failed = next(c for c in checks if not c.passed)
            stop(visit, f"final check failed: {failed.name}, {failed.text}")


def _checks_passed(visit: Visit, settings: Settings) -> Checking:
    step_s = visit.plan.site.final_checks_min * S_PER_MIN / 4.0
    yield from visit.bedside.wait_s(step_s)
    checks = [(yield from _atrial_capture(visit, settings))]
    yield from visit.bedside.wait_s(step_s)
    checks.append(icd_cross_check(visit, settings))
    checks.append(_phrenic_twitch(visit, settings))
    for posture in POSTURES:
        checks.append((yield from _in_posture(visit, settings, posture)))
    if settings == visit.reference:
        checks = [replace(c, name=f"{c.name} (reference)") for c in checks]
    done = (*visit.findings.final_checks, *checks)
    visit.findings = replace(visit.findings, final_checks=done)
    for check in checks:
        passed = "passed" if check.passed else "FAILED"
        visit.note("check", f"{check.name}: {passed}, {check.text}")
    return all(check.passed for check in checks) and not visit.ended_for_safety


def _atrial_capture(
    visit: Visit, settings: Settings
) -> Generator[simpy.Event, object, Check]:
    probe = capture_probe(visit, settings)
    visit.bedside.probed = True
    yield from visit.programmer.program(probe)
    yield from visit.bedside.wait_beats(CHECKS.capture_beats)
    yield from visit.programmer.program(settings)
    visit.bedside.probed = False
    captured = visit.thresholds.captures_atrium(probe)
    seen = "atrial beats follow the trains" if captured else "no atrial capture"
    text = f"{seen} at {settings_text(probe)}; {_margin_text(settings, probe)}"
    return Check("atrial capture", not captured, text)


def _margin_text(settings: Settings, probe: Settings) -> str:
    """Tell how far beyond the values to be left the probe went, and what held it."""
    volts = probe.amplitude_v - settings.amplitude_v
    later_ms = probe.delay_ms - settings.delay_ms
    beyond = (
        f"margin over the values left: {volts:.1f} V and {later_ms:.0f} ms of delay"
    )
    if later_ms < CHECKS.capture_delay_ms:
        asked = f"{CHECKS.capture_delay_ms:.0f} ms are looked for"
        return f"{beyond} ({asked}; a later train is not allowed or not safe)"
    return beyond


def capture_probe(visit: Visit, settings: Settings) -> Settings:
    """Return the highest tolerated amplitude with the delay as late as is safe.

    The reference, with which the patient has lived, is checked at its own amplitude.
    """
    latest = settings.delay_ms + CHECKS.capture_delay_ms
    amplitude_v = settings.amplitude_v
    if settings != visit.reference:
        amplitude_v = max(visit.filter.highest_tolerated_v, amplitude_v)
    delays = [v for v in axis_numbers("delay_ms") if settings.delay_ms <= v <= latest]
    for delay_ms in reversed(delays):
        probe = replace(settings, amplitude_v=amplitude_v, delay_ms=delay_ms)
        probe = with_dependents(probe, visit.found.model)
        if visit.programmer.conflicts(probe):
            continue
        if visit.filter.admit(probe).settings == probe:
            return probe
    return settings


def icd_cross_check(visit: Visit, settings: Settings) -> Check:
    """Watch the ICD's markers: it must count each beat once."""
    profile = visit.patient.profile
    name = "ICD cross-check"
    if not profile.has_icd:
        return Check(name, True, "no ICD")
    seen = icd_watch(visit, settings)
    end_ms = visit.filter.latest_local_sense_ms + settings.delay_ms + settings.train_ms
    text = (
        f"{icd_markers(seen)}; train ends {end_ms:.0f} ms after activation,"
        f" ICD blanking {ICD.blanking_ms:g} ms,"
        f" lead distance {profile.icd_distance_cm:g} cm"
    )
    return Check(name, seen.n_double == 0, text)


def _phrenic_twitch(visit: Visit, settings: Settings) -> Check:
    twitch = visit.thresholds.twitches(settings)
    text = "twitch seen" if twitch else "no twitch seen or felt"
    return Check("phrenic twitch", not twitch, text)


def _in_posture(
    visit: Visit, settings: Settings, posture: str
) -> Generator[simpy.Event, object, Check]:
    first, place = visit.bedside.n_beats, POSTURES.index(posture)
    conduction = visit.bedside.heart.conduction
    conduction.posture_lag_ms = CHECKS.posture_lag_ms[place]
    conduction.posture_mv_factor = CHECKS.posture_mv_factor[place]
    yield from visit.bedside.wait_beats(CHECKS.posture_beats)
    conduction.posture_lag_ms, conduction.posture_mv_factor = 0.0, 1.0
    lost = visit.bedside.log.unsensed_frac(first)
    share = visit.bedside.log.delivered_frac(first)
    level = felt_level(visit.patient, settings, visit.generator.leads)
    level += CHECKS.posture_grade[place]
    grade = reported_grade(visit.patient.sensation, level, visit.rng_sensation)
    # what could not be mended is known already, and is in the verdict
    sensed = lost <= 1.0 - RULES_OF_SENSING.least_delivered_frac or visit.not_titrated
    passed = grade < RULES.intolerable_grade and bool(sensed)
    text = (
        f"sensation {grade}, {share_text(lost)} of beats lost to sensing,"
        f" CCM delivered {share_text(share)}"
    )
    return Check(f"sensation and sensing, {posture}", passed, text)


def read_again(visit: Visit) -> Process:
    """Read everything back as proof, reset the counters, plan the charging."""
    yield from visit.bedside.wait_s(visit.plan.site.re_interrogation_min * S_PER_MIN)
    counters = visit.generator.read_counters()
    share = counters.delivered_pct * FRAC_PER_PCT
    rows = {c.value: n for c, n in counters.beats_by_cause.items() if n}
    left = read_out(visit, share, {"BEATS": counters.beats, **rows})
    visit.findings = replace(visit.findings, as_left=left)
    visit.tell(left)
    proof = "match" if left.settings == visit.programmer.programmed else "DIFFER"
    visit.note("re-interrogation", f"programmed and read values {proof}")
    visit.generator.reset_counters()
    visit.note("counters", "reset after reading")
    visit.note("battery", charge_plan(visit))


def charge_plan(visit: Visit) -> str:
    """Return what the permanent settings mean for charging."""
    generator = visit.generator
    return (
        f"from the present {PCT_PER_FRAC * generator.battery.charge_frac:.0f} % about"
        f" {days_left(visit):.0f} days until CCM would be suspended;"
        f" recharge every {recharge_days(visit)} days"
    )


def days_left(visit: Visit, charge_frac: float | None = None) -> float:
    """Return the days until CCM is suspended, from the present or another charge."""
    generator = visit.generator
    settings, cell = generator.settings, generator.battery.cell
    # planned as if every beat got a train, so that no charge is promised too long
    trains = trains_per_day(
        settings,
        Use(heart_rate_bpm=visit.patient.rhythm.heart_rate_bpm, delivered_frac=1.0),
    )
    energy_mj = energy_mj_per_train(settings, generator.leads.ohms)
    if charge_frac is None:
        return generator.battery.days_left(energy_mj, trains)
    usable_mah = (charge_frac - cell.suspend_frac) * cell.capacity_mah
    return usable_mah / cell.use_mah_per_day(energy_mj, trains)


def recharge_days(visit: Visit) -> int:
    """Return how often to charge: weekly, or when most of a full charge is used."""
    return recharge_interval_days(days_left(visit, charge_frac=1.0))
