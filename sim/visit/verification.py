"""Fresh pairs for the one candidate, protected and outside the titration clock."""

from collections.abc import Generator
from dataclasses import replace
from itertools import pairwise
from typing import Final

import simpy

from sim.device.energy import energy_frac
from sim.device.settings import Settings
from sim.units import PCT_PER_FRAC, S_PER_MIN
from sim.visit.advisor import THINKING
from sim.visit.harm import harmful, off_is_chosen
from sim.visit.pairs import ABBA, BAAB, Comparison, StoppedError, read_pair
from sim.visit.record import Choice, Verdict
from sim.visit.titration import judge_ectopy, make_safe, pair_text
from sim.visit.verdict import NOT_READ, judge
from sim.visit.visit import Visit

Process = Generator[simpy.Event, object, None]
NO_CANDIDATE: Final = (
    "no candidate surely better than the reference, so the reference is kept"
)


def verify(visit: Visit) -> Process:
    """Rest, then read the fixed number of pairs; no look before the end."""
    while (chosen := visit.advisor.recommend()) is THINKING:
        yield from visit.ponder()
    choice = chosen
    already = visit.findings.verdict
    if already is not None and already.kind == "harmful as found":
        choice = off_is_chosen(visit, already)
    visit.findings = replace(visit.findings, choice=choice)
    visit.note("choice", choice.reason)
    if visit.may_titrate:
        yield from visit.programmer.program(visit.reference)
        yield from visit.bedside.wait_s(visit.plan.site.rest_min * S_PER_MIN)
    if visit.may_titrate and choice.settings != visit.reference:
        yield from _read_pairs(visit, choice)
    verdict = visit.findings.verdict or _judged(visit, choice)
    visit.findings = replace(visit.findings, verdict=verdict)
    visit.tell(verdict)
    visit.note("verdict", f"{verdict.kind}: {verdict.reason}")


def _read_pairs(visit: Visit, choice: Choice) -> Process:
    order = visit.rng("verification")
    for _ in range(visit.plan.verification_pairs):
        # by a coin: whatever goes with being first is shared out between the two
        arms = ABBA if order.random() < 0.5 else BAAB
        comparison = Comparison(
            "verification", choice.settings, visit.reference, order=arms
        )
        try:
            pair = yield from read_pair(visit, comparison)
        except StoppedError as stopped:
            yield from make_safe(visit, stopped.stop, choice.settings)
            stop(visit, stopped.stop.text)
            return
        pairs = (*visit.findings.verification_pairs, pair)
        visit.findings = replace(visit.findings, verification_pairs=pairs)
        visit.note("pair", f"verification pair: {pair_text(pair)}")
        excess = yield from judge_ectopy(visit, choice.settings)
        if excess is not None:
            stop(visit, excess.text)
            return


def _judged(visit: Visit, choice: Choice) -> Verdict:
    verdict = _from_pairs(visit)
    if visit.ended_for_safety:
        return replace(
            verdict, kind="stopped for safety", reason=visit.ended_for_safety
        )
    if visit.not_titrated:
        return replace(verdict, reason=visit.not_titrated)
    if choice.settings == visit.reference:
        return replace(verdict, reason=NO_CANDIDATE)
    if choice.settings == visit.off and verdict.ci95_pct[0] > 0.0:
        return harmful(verdict)
    return verdict


def stop(visit: Visit, reason: str) -> None:
    """Turn the verdict into a stop for safety; what the pairs showed is kept."""
    verdict = visit.findings.verdict or _from_pairs(visit)
    stopped = replace(verdict, kind="stopped for safety", reason=reason)
    visit.findings = replace(visit.findings, verdict=stopped)
    visit.note("verdict", f"stopped for safety: {reason}")


def _from_pairs(visit: Visit) -> Verdict:
    return judge(
        visit.findings.verification_pairs,
        visit.plan,
        best_single_reading_pct=best_single_reading_pct(visit),
        expected_pair_sd_pct=visit.expected_pair_sd_pct,
    )


def best_single_reading_pct(visit: Visit) -> float:
    """Return what the best single reading would have claimed.

    The reading just before a switch against the one just after it, the highest of all
    tests: what somebody believes who neither switches back nor repeats.
    """
    pairs = [test.pair for test in visit.findings.tested if test.pair is not None]
    claims = [
        tested.reading.primary / before.reading.primary - 1.0
        for pair in pairs
        for before, tested in pairwise(pair.arms)
        if tested.role == "tested" and not (before.reading.void or tested.reading.void)
    ]
    return PCT_PER_FRAC * max(claims, default=NOT_READ)


def permanent_settings(visit: Visit) -> Settings:
    """Return what to program for good: what the verdict allows, no more."""
    verdict, choice = visit.findings.verdict, visit.findings.choice
    if verdict is None or choice is None:
        return visit.reference
    if verdict.kind == "improved":
        return choice.settings
    if verdict.kind == "harmful as found":
        return visit.off
    if verdict.kind == "equivalent":
        ohms = visit.generator.leads.ohms
        both = (visit.reference, choice.settings)
        return min(both, key=lambda settings: energy_frac(settings, ohms))
    return visit.reference
