"""Fresh pairs for the one candidate, protected and outside the titration clock."""

from collections.abc import Generator

import simpy

from sim.device.settings import Settings
from sim.units import S_PER_MIN
from sim.visit.clinic import Visit
from sim.visit.pairs import ABBA, BAAB, Comparison, StoppedError, read_pair
from sim.visit.record import Choice, Verdict
from sim.visit.titration import make_safe, pair_text
from sim.visit.verdict import judge, not_verified

Process = Generator[simpy.Event, object, None]


def verify(visit: Visit) -> Process:
    """Rest, then read the fixed number of pairs; no look before the end."""
    found = visit.findings
    choice = found.choice = visit.advisor.recommend()
    visit.note("choice", choice.reason)
    if visit.ended_for_safety:
        found.verdict = _without_pairs(visit, visit.ended_for_safety)
        return
    yield from visit.programmer.program(visit.reference)
    yield from visit.bedside.wait_s(visit.plan.site.rest_min * S_PER_MIN)
    if choice.settings == visit.reference:
        found.verdict = _without_pairs(visit, "")
        return
    yield from _read_pairs(visit, choice)
    if found.verdict is None:
        found.verdict = _judged(visit)
    visit.note("verdict", f"{found.verdict.kind}: {found.verdict.reason}")


def _read_pairs(visit: Visit, choice: Choice) -> Process:
    order = visit.rng("verification")
    for _ in range(visit.plan.verification_pairs):
        arms = ABBA if order.random() < 0.5 else BAAB
        comparison = Comparison(
            "verification", choice.settings, visit.reference, order=arms
        )
        try:
            pair = yield from read_pair(visit, comparison)
        except StoppedError as stopped:
            yield from make_safe(visit, stopped.reason, choice.settings)
            visit.findings.verdict = _without_pairs(visit, stopped.reason)
            return
        visit.findings.verification_pairs.append(pair)
        visit.note("pair", f"verification pair: {pair_text(pair)}")


def _judged(visit: Visit) -> Verdict:
    return judge(
        visit.findings.verification_pairs,
        visit.plan,
        best_single_reading_pct=best_single_reading_pct(visit),
        expected_pair_sd_pct=visit.expected_pair_sd_pct,
    )


def _without_pairs(visit: Visit, stopped: str) -> Verdict:
    kept = "no candidate surely better than the reference, so the reference is kept"
    return not_verified(
        visit.plan,
        "stopped for safety" if stopped else "inconclusive",
        stopped or kept,
        best_single_reading_pct=best_single_reading_pct(visit),
        expected_pair_sd_pct=visit.expected_pair_sd_pct,
    )


def best_single_reading_pct(visit: Visit) -> float:
    """Return what the best single reading of the titration would have claimed."""
    gains = [tested.gain_pct for tested in visit.findings.tested]
    return max((gain for gain in gains if gain == gain), default=float("nan"))


def permanent_settings(visit: Visit) -> Settings:
    """Return what to program for good: what the verdict allows, no more."""
    verdict, choice = visit.findings.verdict, visit.findings.choice
    if verdict is None or choice is None:
        return visit.reference
    if verdict.kind == "improved":
        return choice.settings
    if verdict.kind == "equivalent":
        leads = visit.generator.leads
        both = (visit.reference, choice.settings)
        return min(both, key=leads.energy_mj_per_train)
    return visit.reference
