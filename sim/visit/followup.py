"""Recommendations: each follows by a stated rule from what happened in the visit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sim.device.settings import Settings
from sim.sources import sourced
from sim.units import H_PER_DAY, S_PER_H
from sim.visit.delivery import Loss, losses
from sim.visit.interrogation import cause_text
from sim.visit.programmer import share_text
from sim.visit.programmer.scan import RULES_OF_SENSING
from sim.visit.programming import recharge_days
from sim.visit.record import Ended, FollowUp, Verdict
from sim.visit.safety import RULES as SAFETY
from sim.visit.visit import Visit


@dataclass(frozen=True, slots=True)
class FollowUpRules:
    """When the patient comes again, and how many ectopics ask for a longer ECG."""

    routine_months: int = sourced(3, "ccmlab-device", "4, visits", "recalled")
    soon_weeks: int = sourced(4, "ccmlab-device", "4, visits", "recalled")
    many_ectopics_per_day: float = sourced(
        10_000.0, "ccmlab-evidence", "E PVCs, the most a day", "assumed"
    )


RULES: Final = FollowUpRules()


def follow_up(visit: Visit, final: Settings) -> tuple[FollowUp, ...]:
    """Return the recommendations in the order a reader needs them."""
    return (
        *_interval(visit),
        *_leads(visit),
        *_delivery(visit),
        *_hours(visit, final),
        *_response(visit),
        *_sensation(visit),
        *_rhythm(visit),
        *_battery(visit, final),
    )


def _interval(visit: Visit) -> Iterator[FollowUp]:
    verdict = _verdict(visit)
    if verdict.kind == "stopped for safety":
        yield FollowUp(
            f"see the patient again within {RULES.soon_weeks} weeks,"
            " rhythm recording before",
            f"the visit was stopped for safety: {verdict.reason}",
            is_next_visit=True,
        )
    elif verdict.kind == "harmful as found":
        yield FollowUp(
            f"CCM stays off; see the patient again within {RULES.soon_weeks} weeks to"
            " look for the cause and to decide on CCM anew",
            f"harmful as found: {verdict.reason}",
        )
    elif verdict.kind == "improved":
        yield FollowUp(
            f"next programming visit in {RULES.routine_months} months",
            "permanent values were changed after a verified gain",
            is_next_visit=True,
        )
    else:
        yield FollowUp(
            f"next routine visit in {RULES.routine_months} months,"
            " no earlier titration",
            f"no difference shown ({verdict.kind})",
            is_next_visit=True,
        )


def _verdict(visit: Visit) -> Verdict:
    if visit.findings.verdict is None:
        raise ValueError("the visit has no verdict yet")
    return visit.findings.verdict


def _delivery(visit: Visit) -> Iterator[FollowUp]:
    found = visit.findings.as_found
    if found is None or found.delivered_frac >= RULES_OF_SENSING.least_delivered_frac:
        return
    yield FollowUp(
        f"interrogate again in {RULES.soon_weeks} weeks to confirm the delivered share",
        f"found at {share_text(found.delivered_frac)}: {cause_text(found.counters)}",
    )


def _hours(visit: Visit, final: Settings) -> Iterator[FollowUp]:
    """Tell of a schedule that gives fewer hours; it is not changed in the visit."""
    for loss in losses({}, final, in_af=visit.patient.in_atrial_fibrillation):
        if loss.name == "schedule":
            yield FollowUp("set daily start, end and OFF time anew", loss.text)


def _response(visit: Visit) -> Iterator[FollowUp]:
    verdict = _verdict(visit)
    least = verdict.least_detectable_gain_pct
    if verdict.kind == "inconclusive" and least == least:
        yield FollowUp(
            "judge benefit by exercise capacity and symptoms over months, not by today",
            f"this visit could only have shown a gain of {least:.1f} % or more",
        )


def _sensation(visit: Visit) -> Iterator[FollowUp]:
    felt = [t for t in visit.findings.tested if t.ended is Ended.FELT]
    if felt:
        lowest = min(t.settings.amplitude_v for t in felt)
        yield FollowUp(
            f"do not raise the amplitude to {lowest:g} V or above without a new test",
            f"sensation grade {SAFETY.intolerable_grade} or more at {lowest:g} V",
        )


def _rhythm(visit: Visit) -> Iterator[FollowUp]:
    bedside = visit.bedside
    ectopics = bedside.log.n_ectopic()
    per_hour = ectopics / max(float(visit.env.now) / S_PER_H, 1e-9)
    before = [loss for loss in _found_losses(visit) if loss.name == "PVC burden"]
    if per_hour > RULES.many_ectopics_per_day / H_PER_DAY:
        yield FollowUp(
            "24-hour ECG; consider treating the ectopy",
            f"{per_hour:.0f} ectopic beats an hour during the visit",
        )
    elif before:
        yield FollowUp("24-hour ECG; consider treating the ectopy", before[0].text)
    if visit.patient.in_atrial_fibrillation:
        yield FollowUp(
            "check rate control: fast beats get no CCM",
            f"atrial fibrillation, rate limit {bedside.settings.vt_rate_bpm:g} /min",
        )


def _found_losses(visit: Visit) -> tuple[Loss, ...]:
    found = visit.findings.as_found
    least = RULES_OF_SENSING.least_delivered_frac
    if found is None or found.delivered_frac >= least:
        return ()
    in_af = visit.patient.in_atrial_fibrillation
    return losses(found.counters, found.settings, in_af=in_af)


def _battery(visit: Visit, final: Settings) -> Iterator[FollowUp]:
    found = visit.findings.as_found
    if found is not None and found.days_since_charge > final.alert_recharge_days:
        yield FollowUp(
            "train the patient in charging again",
            f"last charged {found.days_since_charge:.0f} days ago",
        )
    days = recharge_days(visit)
    usual = "weekly" if days == 7 else f"every {days} days"
    yield FollowUp(f"recharge {usual}", "charging plan of the permanent settings")


def _leads(visit: Visit) -> Iterator[FollowUp]:
    found = visit.findings.as_found
    for alert in found.lead_alerts if found is not None else ():
        yield FollowUp("chest radiograph and lead check", alert)
