"""First: the one sentence of the visit, and the numbers that it rests on."""

import math
from collections.abc import Iterator
from typing import Final

from harness.common.words import plain
from harness.report.case import Case
from harness.report.fhir_observations import component, limits, measured, observation
from harness.report.fhir_terms import Json, Names, clean, concept
from harness.report.parts import Interval, Part, Quantity
from harness.report.section import Section
from harness.report.values import SURROGATE, gain, interval, quantity
from sim.instruments import readout
from sim.visit.record import VisitRecord

ADJUSTED: Final = (
    "Iterative adjustment was done: in-person programming evaluation with repeated "
    "adjustment to test function and select the best permanent values, with analysis, "
    "review and report (0417T-style). No code is chosen by this report."
)
READ_ONLY: Final = (
    "Interrogation only: settings were read and no iterative adjustment was made "
    "(0418T-style). No code is chosen by this report."
)

JUDGED_IN: Final = ("verification", "titration", "response test", "sensing")
"""Phases that a verdict may rest on, the best first."""


class VerdictPart(Part):
    """The one sentence of the visit and what it rests on."""

    kind: str
    sentence: str
    reason: str
    confidence: str
    gain: Quantity
    standard_error: Quantity
    interval_95: Interval
    interval_90: Interval
    service: str


def verdict_part(case: Case) -> VerdictPart:
    """Return the verdict with the numbers it rests on."""
    record = case.record
    verdict = record.verdict
    return VerdictPart(
        kind=verdict.kind,
        sentence=_sentence(record),
        reason=plain(verdict.reason),
        confidence=_confidence(record),
        gain=gain(verdict.gain_pct),
        standard_error=quantity(verdict.standard_error_pct, "%", 1),
        interval_95=interval(verdict.ci95_pct),
        interval_90=interval(verdict.ci90_pct),
        service=ADJUSTED if record.tested else READ_ONLY,
    )


def _sentence(record: VisitRecord) -> str:
    verdict = record.verdict
    noun = readout(record.plan.readout).read_as
    # before any number: many read this one sentence and no more
    if verdict.kind == "stopped for safety":
        left = "the values stated below" if record.final.delivers else "CCM off"
        return (
            f"Stopped for safety: {plain(verdict.reason)}. The device was left with "
            f"{left}."
        )
    if verdict.kind == "harmful as found":
        risen = quantity(verdict.gain_pct, "%", 1).text
        return (
            f"Harmful as found: {noun} was higher by {risen} (95 % interval"
            f" {interval(verdict.ci95_pct).text}) with CCM off than with the values"
            f" found, over {verdict.pairs_done} fresh pairs of readings; CCM is"
            " recommended off and was programmed off."
        )
    if not math.isfinite(verdict.gain_pct):
        return (
            f"No difference shown ({verdict.kind}): {plain(verdict.reason)}; no fresh "
            "pairs were read."
        )
    limits = f"95 % interval {interval(verdict.ci95_pct).text}"
    pairs = f"over {verdict.pairs_done} fresh pairs of readings"
    if verdict.kind == "improved":
        risen = quantity(verdict.gain_pct, "%", 1).text
        return (
            f"Improved: {noun} rose by {risen} ({limits}) with the new permanent "
            f"values against the reference values, {pairs}."
        )
    kept = (
        "the values that need less energy were programmed"
        if verdict.kind == "equivalent"
        else "the reference values were kept"
    )
    return (
        f"No difference shown ({verdict.kind}): {noun} changed by "
        f"{gain(verdict.gain_pct).text} ({limits}) {pairs}; {kept}."
    )


def _confidence(record: VisitRecord) -> str:
    verdict, plan = record.verdict, record.plan
    return (
        f"Rule fixed before the visit: improved needs a lower 95 % limit above 0 and "
        f"a gain of at least {plan.least_relevant_gain_pct:g} %; equivalent needs the "
        f"90 % interval inside ±{plan.equivalence_margin_pct:g} %. With "
        f"{verdict.pairs_planned} pairs this visit could have shown a gain of "
        f"{quantity(verdict.least_detectable_gain_pct, '%', 1).text} with 80 % power."
    )


def _in_fhir(verdict: VerdictPart, names: Names) -> Iterator[tuple[str, Json]]:
    yield (
        "verdict",
        observation(
            names,
            "verdict",
            concept(
                "verified-gain", "verified gain of the candidate over the reference"
            ),
            (verdict.sentence, verdict.confidence, SURROGATE),
            **names.clock.during(*JUDGED_IN),
            **measured(verdict.gain, verdict.reason),
            note=[{"text": clean(verdict.sentence)}],
            component=[
                component("verdict", "verdict", verdict.kind),
                component("standard-error", "standard error", verdict.standard_error),
                *limits(verdict.interval_95, "interval-95", "95 % interval"),
                *limits(verdict.interval_90, "interval-90", "90 % interval"),
            ],
        ),
    )


VERDICT: Final = Section(
    name="verdict",
    order=10,
    title="Verdict and permanent values",
    build=verdict_part,
    fhir=_in_fhir,
)
