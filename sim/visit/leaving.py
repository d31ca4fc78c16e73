"""After programming: observation of the patient, then report and recommendations."""

from collections.abc import Generator
from dataclasses import replace

import simpy

from sim.units import S_PER_MIN
from sim.visit.arrival import ASKING, review_symptoms, take_vitals
from sim.visit.programmer import share_text
from sim.visit.programming import read_again
from sim.visit.verification import stop
from sim.visit.visit import Visit

Process = Generator[simpy.Event, object, None]


def observe(visit: Visit) -> Process:
    """Watch rhythm, symptoms and vitals; say so when nothing was seen."""
    bedside = visit.bedside
    first, n_before = bedside.n_beats, len(visit.findings.adverse_events)
    stopped_before = visit.ended_for_safety
    yield from bedside.wait_s(visit.plan.observation_min * S_PER_MIN)
    seen = visit.findings.adverse_events[n_before:]
    if visit.ended_for_safety != stopped_before:
        stop(visit, f"{visit.ended_for_safety} during observation")
        yield from read_again(visit)
    n = bedside.log.n_ectopic(first)
    share = bedside.log.delivered_frac(first)
    nothing = (
        "no arrhythmia and no adverse effect" if not seen else "see adverse events"
    )
    text = (
        f"{nothing} seen in {visit.plan.observation_min:g} min of monitored rhythm;"
        f" ectopic beats {n}; CCM with {share_text(share)} of beats"
    )
    visit.findings = replace(visit.findings, observation_text=text)
    visit.note("observation", text)
    _restore_schedule(visit)
    take_vitals(visit)
    review_symptoms(visit, relief=_relief(visit))


def _restore_schedule(visit: Visit) -> None:
    """Give CCM back to its daily schedule, which the visit had suspended."""
    visit.generator.force_on = False
    hours = visit.generator.settings.ccm_hours_per_day
    visit.note("schedule", f"restored: {hours:g} h a day")


def _relief(visit: Visit) -> float:
    """Return what expectation and, far behind it, the acute effect take off a score."""
    verdict = visit.findings.verdict
    improved = verdict is not None and verdict.kind == "improved"
    gain_pct = verdict.gain_pct if verdict is not None and improved else 0.0
    expectation = visit.patient.profile.expectation * visit.rng_symptoms.uniform(0, 2)
    return float(expectation + ASKING.relief_per_pct * gain_pct)


def close_report(visit: Visit) -> Process:
    """Write and review the report, then the patient leaves."""
    yield from visit.bedside.wait_s(visit.plan.site.report_min * S_PER_MIN)
    visit.note("report", "analysis reviewed, report written, patient leaves")
