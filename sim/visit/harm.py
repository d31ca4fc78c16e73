"""Is the patient better off without CCM as found? Fresh pairs where a test says so."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from statistics import fmean

import simpy

from sim.visit.pairs import Comparison, StoppedError, read_pair
from sim.visit.record import Choice, Pair, Verdict
from sim.visit.titration import make_safe, pair_text
from sim.visit.verdict import NOT_READ, RULES, judge
from sim.visit.visit import Visit

Process = Generator[simpy.Event, object, None]


def look_for_harm(visit: Visit) -> Process:
    """Read fresh pairs against OFF where CCM seems to harm, and judge on those alone.

    It seems to where the response test read more with CCM off than on. Nobody titrates
    a patient whom CCM is shown to harm.
    """
    seen = _gains_pct(visit.findings.response_pairs)
    if not visit.may_titrate or not seen or fmean(seen) <= 0.0:
        return
    visit.note(
        "harm",
        f"CCM off read {fmean(seen):.1f} % more than the reference:"
        f" {RULES.harm_pairs} fresh pairs",
    )
    yield from _read_fresh(visit)
    verdict = judged_harm(visit)
    if verdict.kind == "harmful as found":
        visit.findings = replace(visit.findings, verdict=verdict)
        visit.not_titrated = verdict.reason
        visit.note("verdict", f"{verdict.kind}: {verdict.reason}")


def _read_fresh(visit: Visit) -> Process:
    for _ in range(RULES.harm_pairs):
        comparison = Comparison("harm", visit.off, visit.reference)
        try:
            pair = yield from read_pair(visit, comparison)
        except StoppedError as stopped:
            yield from make_safe(visit, stopped.stop, visit.reference)
            if visit.ended_for_safety:
                return
            continue
        pairs = (*visit.findings.harm_pairs, pair)
        visit.findings = replace(visit.findings, harm_pairs=pairs)
        visit.note("pair", f"harm pair, CCM off against reference: {pair_text(pair)}")


def judged_harm(visit: Visit) -> Verdict:
    """Return what the fresh pairs say: CCM off is the candidate, judged on its gain."""
    verdict = judge(
        visit.findings.harm_pairs,
        replace(visit.plan, verification_pairs=RULES.harm_pairs),
        best_single_reading_pct=NOT_READ,
        expected_pair_sd_pct=visit.expected_pair_sd_pct,
    )
    return harmful(verdict) if verdict.ci95_pct[0] > 0.0 else verdict


def harmful(verdict: Verdict) -> Verdict:
    """Return the verdict on CCM off, which gains for sure, as one on the reference."""
    return replace(
        verdict,
        kind="harmful as found",
        reason=f"CCM off reads {verdict.gain_pct:.1f} % more than the settings found,"
        " lower 95 % limit above 0",
    )


def off_is_chosen(visit: Visit, verdict: Verdict) -> Choice:
    """Return CCM off as what is left to choose."""
    return Choice(visit.off, verdict.gain_pct, 1.0, gated=False, reason=verdict.reason)


def _gains_pct(pairs: Sequence[Pair]) -> list[float]:
    return [pair.gains.primary_pct for pair in pairs if pair.gains is not None]
