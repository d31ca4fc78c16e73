"""The permanent values: programmed, checked at those values, read back as proof."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final

import simpy

from sim.device.settings import Settings, axis_numbers, with_dependents
from sim.heart.sensation import reported_grade, sensation_level
from sim.sources import sourced
from sim.units import MS_PER_S, S_PER_MIN
from sim.visit.bedside import train_of
from sim.visit.clinic import Visit
from sim.visit.interrogation import RULES_OF_SENSING, read_out
from sim.visit.programmer import share_text
from sim.visit.record import Check
from sim.visit.safety import RULES
from sim.visit.titration import settings_text
from sim.visit.verdict import not_verified
from sim.visit.verification import best_single_reading_pct, permanent_settings

Process = Generator[simpy.Event, object, None]
Checking = Generator[simpy.Event, object, bool]
POSTURES: Final = ("supine", "seated", "standing", "deep breath")


@dataclass(frozen=True, slots=True)
class FinalChecks:
    """How likely each finding is, and how it is looked for."""

    atrial_capture_frac: float = sourced(0.005, "ccmlab-device", "6", "assumed")
    capture_beats: int = sourced(10, "ccmlab-device", "1.2", "assumed")
    capture_delay_ms: float = sourced(
        25.0, "smart-mini-ifu", "p 17, 20 to 30 ms", "derived"
    )
    twitch_frac: float = sourced(0.003, "ccmlab-device", "6", "assumed")
    icd_blanking_ms: float = sourced(120.0, "ccmlab-device", "2.3", "recalled")
    icd_safe_distance_cm: float = sourced(2.0, "smart-manual-2017", "p 30", "measured")
    posture_beats: int = sourced(20, "ccmlab-protocol", "3, step 8", "assumed")
    posture_grade: float = sourced(0.15, "ccmlab-protocol", "3, step 8", "assumed")


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
        if (yield from _checks_passed(visit, settings)):
            return
        failed = visit.findings.final_checks[-1]
        visit.note("rejected", f"final check failed: {failed.name}, {failed.text}")
        _reject(visit, failed)


def _reject(visit: Visit, failed: Check) -> None:
    visit.findings.verdict = not_verified(
        visit.plan,
        "stopped for safety",
        f"final check failed: {failed.name}",
        best_single_reading_pct=best_single_reading_pct(visit),
        expected_pair_sd_pct=visit.expected_pair_sd_pct,
    )


def _checks_passed(visit: Visit, settings: Settings) -> Checking:
    step_s = visit.plan.site.final_checks_min * S_PER_MIN / 4.0
    yield from visit.bedside.wait_s(step_s)
    checks = [(yield from _atrial_capture(visit, settings))]
    yield from visit.bedside.wait_s(step_s)
    checks.append(_icd_cross_check(visit, settings))
    checks.append(_phrenic_twitch(visit))
    for posture in POSTURES:
        checks.append((yield from _in_posture(visit, settings, posture)))
    checks.sort(key=lambda check: not check.passed)
    visit.findings.final_checks.extend(checks)
    for check in checks:
        passed = "passed" if check.passed else "FAILED"
        visit.note("check", f"{check.name}: {passed}, {check.text}")
    return all(check.passed for check in checks)


def _atrial_capture(
    visit: Visit, settings: Settings
) -> Generator[simpy.Event, object, Check]:
    probe = capture_probe(visit, settings)
    yield from visit.programmer.program(probe)
    yield from visit.bedside.wait_beats(CHECKS.capture_beats)
    yield from visit.programmer.program(settings)
    captured = visit.rng("site", 1).random() < CHECKS.atrial_capture_frac
    seen = "atrial beats follow the trains" if captured else "no atrial capture"
    return Check("atrial capture", not captured, f"{seen} at {settings_text(probe)}")


def capture_probe(visit: Visit, settings: Settings) -> Settings:
    """Return the highest tolerated amplitude with the delay as late as is safe."""
    latest = settings.delay_ms + CHECKS.capture_delay_ms
    amplitude_v = max(visit.filter.highest_tolerated_v, settings.amplitude_v)
    delays = [v for v in axis_numbers("delay_ms") if settings.delay_ms <= v <= latest]
    for delay_ms in reversed(delays):
        probe = replace(settings, amplitude_v=amplitude_v, delay_ms=delay_ms)
        probe = with_dependents(probe, visit.found.model)
        if visit.programmer.conflicts(probe):
            continue
        if visit.filter.admit(probe).settings == probe:
            return probe
    return settings


def _icd_cross_check(visit: Visit, settings: Settings) -> Check:
    profile = visit.patient.profile
    name = "ICD cross-check"
    if not profile.has_icd:
        return Check(name, True, "no ICD")
    end_ms = visit.filter.latest_local_sense_ms + settings.delay_ms + settings.train_ms
    inside = end_ms < CHECKS.icd_blanking_ms
    apart = profile.icd_distance_cm >= CHECKS.icd_safe_distance_cm
    markers = "one ventricular marker a beat" if inside or apart else "double counting"
    text = (
        f"{markers}; train ends {end_ms:.0f} ms after activation, ICD blanking"
        f" {CHECKS.icd_blanking_ms:g} ms, lead distance {profile.icd_distance_cm:g} cm"
    )
    return Check(name, inside or apart, text)


def _phrenic_twitch(visit: Visit) -> Check:
    twitch = visit.rng("site", 2).random() < CHECKS.twitch_frac
    text = "twitch seen" if twitch else "no twitch seen or felt"
    return Check("phrenic twitch", not twitch, text)


def _in_posture(
    visit: Visit, settings: Settings, posture: str
) -> Generator[simpy.Event, object, Check]:
    first = visit.bedside.n_beats
    yield from visit.bedside.wait_beats(CHECKS.posture_beats)
    lost = visit.bedside.log.unsensed_frac(first)
    share = visit.bedside.log.delivered_frac(first)
    train = train_of(settings, visit.generator)
    sensation = visit.patient.sensation
    shift = CHECKS.posture_grade * POSTURES.index(posture) / (len(POSTURES) - 1)
    level = float(sensation_level(sensation, train)) + shift
    grade = reported_grade(sensation, level, visit.rng_sensation)
    sensed = lost <= 1.0 - RULES_OF_SENSING.least_delivered_frac
    passed = grade < RULES.intolerable_grade and sensed
    text = (
        f"sensation {grade}, {share_text(lost)} of beats lost to sensing,"
        f" CCM delivered {share_text(share)}"
    )
    return Check(f"sensation and sensing, {posture}", passed, text)


def read_again(visit: Visit) -> Process:
    """Read everything back as proof, reset the counters, plan the charging."""
    yield from visit.bedside.wait_s(visit.plan.site.re_interrogation_min * S_PER_MIN)
    counters = visit.generator.read_counters()
    share = counters.delivered_pct / 100.0
    rows = {c.value: n for c, n in counters.beats_by_cause.items() if n}
    left = read_out(visit, share, {"BEATS": counters.beats, **rows})
    visit.findings.as_left = left
    proof = "match" if left.settings == visit.programmer.programmed else "DIFFER"
    visit.note("re-interrogation", f"programmed and read values {proof}")
    visit.generator.reset_counters()
    visit.note("counters", "reset after reading")
    visit.note("battery", charge_plan(visit))


def charge_plan(visit: Visit) -> str:
    """Return what the permanent settings mean for battery and charging."""
    generator, rate = visit.generator, visit.patient.rhythm.heart_rate_bpm
    settings = generator.settings
    trains = settings.ccm_hours_per_day * 60.0 * rate
    energy_mj = generator.leads.energy_mj_per_train(settings)
    days = generator.battery.days_left(energy_mj, trains)
    return (
        f"{energy_mj:.1f} mJ a train, {energy_mj * trains / MS_PER_S:.0f} J a day,"
        f" battery {100.0 * generator.battery.charge_frac:.0f} %, about"
        f" {days:.0f} days until CCM would be suspended: recharge weekly"
    )
