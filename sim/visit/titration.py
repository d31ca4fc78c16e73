"""Does the patient respond, and to what: response test and timed titration."""

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

import simpy

from sim.device.energy import energy_frac
from sim.device.settings import Settings
from sim.heart.sensation import reported_grade
from sim.units import S_PER_MIN
from sim.visit.advisor import THINKING, Proposal
from sim.visit.interrogation import latest_train_end_ms
from sim.visit.measuring import (
    Measured,
    expected_test_s,
    measuring_plan,
)
from sim.visit.measuring_noise import PLANNING
from sim.visit.pairs import Comparison, StoppedError, read_pair
from sim.visit.programmer import settings_text
from sim.visit.record import Ended, Pair, Purpose, Tested, TitrationEnd
from sim.visit.safety import RULES, Admitted, Stop, StopCause, ectopy_is_excessive
from sim.visit.trains import felt_level
from sim.visit.visit import Visit

T = TypeVar("T")
Process = Generator[simpy.Event, object, T]


def response_test(visit: Visit) -> Process[None]:
    """Read the reference against OFF, and one sham pair: reference against itself."""
    n = visit.plan.response_pairs
    # at a place nobody knows beforehand: the sham is read like any other pair
    sham_place = int(visit.rng("arm_order").integers(0, n + 1))
    for place in range(n + 1):
        is_sham = place == sham_place
        tested = visit.reference if is_sham else visit.off
        purpose: Purpose = "sham" if is_sham else "response"
        try:
            pair = yield from read_pair(
                visit, Comparison(purpose, tested, visit.reference)
            )
        except StoppedError as stopped:
            yield from make_safe(visit, stopped.stop, visit.reference)
            if visit.ended_for_safety:
                return
            continue  # what stopped it may come again: a stopped pair is not repeated
        if is_sham:
            visit.findings = replace(visit.findings, sham_pair=pair)
        else:
            pairs = (*visit.findings.response_pairs, pair)
            visit.findings = replace(visit.findings, response_pairs=pairs)
        against = "reference against itself" if is_sham else "CCM off against reference"
        visit.note("pair", f"{purpose} pair, {against}: {pair_text(pair)}")


def titrate(visit: Visit) -> Process[None]:
    """Let the advisor propose, test what it proposes, let it learn."""
    visit.titration_end_s = float(visit.env.now) + visit.plan.titration_s
    ended = yield from _tests(visit)
    visit.findings = replace(visit.findings, titration_end=ended)


def _tests(visit: Visit) -> Process[TitrationEnd]:
    """Test what the advisor proposes, and return what ended it."""
    # asked before the advisor is: a proposal that cannot be tested is never answered
    while time_for_one_more(visit):
        proposed = visit.advisor.propose()
        if proposed is None:
            return TitrationEnd.ADVISOR
        if proposed is THINKING:
            yield from _let_think(visit)
            if visit.ended_for_safety:
                return TitrationEnd.SAFETY
            continue
        proposal = proposed if isinstance(proposed, Proposal) else Proposal(proposed)
        tested = yield from test(visit, proposal)
        seen = (*visit.findings.tested, tested)
        visit.findings = replace(visit.findings, tested=seen)
        visit.advisor.learn(tested)
        if visit.ended_for_safety:
            return TitrationEnd.SAFETY
    return TitrationEnd.CLOCK


def _let_think(visit: Visit) -> Process[None]:
    """Let the advisor think until woken, or until no time is left for a test."""
    left_s = visit.titration_end_s - float(visit.env.now) - shortest_test_s(visit)
    # asked again a second too late, so that rounding cannot ask for ever
    yield from visit.ponder(max(left_s, 0.0) + 1.0)


def time_for_one_more(visit: Visit) -> bool:
    """Tell whether the titration clock leaves time for one more test."""
    return float(visit.env.now) + shortest_test_s(visit) <= visit.titration_end_s


def shortest_test_s(visit: Visit) -> float:
    """Return the seconds of the shortest test that the advisor may ask for."""
    plans = visit.plans_on_offer or (visit.plan.plan,)
    return min(expected_test_s(visit, plan) for plan in plans)


def test(visit: Visit, proposal: Proposal) -> Process[Tested]:
    """Test one proposal: filter, readings as its plan has them, questions."""
    asked, plan = proposal.settings, proposal.plan or visit.plan.plan
    start_s, first = float(visit.env.now), visit.bedside.n_beats
    # at the rate of now: a faster heart has less room before the T wave
    visit.filter.latest_train_end_ms = latest_train_end_ms(visit)
    admitted = _admitted(visit, asked)
    if admitted.settings is None:
        yield from visit.bedside.spend_s(RULES.refusal_s)
        visit.note("refused", f"{settings_text(asked)}: {admitted.note}")
        ending = Ending(Ended.REFUSED, f"refused: {admitted.note}")
        why, kept = admitted.note, visit.reference
        return _tested(
            visit, asked, kept, first, start_s, why, plan=plan, ending=ending
        )
    settings, measured, stop = admitted.settings, None, None
    # drawn now, so that a test cut short takes as many numbers as a finished one
    visit.felt_grade, grade = 0, felt_grade(visit, settings)
    told = partial(_complaint, grade)
    comparison = Comparison("titration", settings, visit.reference, asks=told)
    try:
        measured = yield from measuring_plan(plan).measure(visit, comparison)
        _keep_references(visit, measured)
        visit.filter.tolerated(settings)
        yield from visit.bedside.wait_s(visit.plan.question_s)
    except StoppedError as stopped:
        stop = stopped.stop
        yield from make_safe(visit, stop, settings)
    if stop is None:
        stop = yield from judge_ectopy(visit, settings)
    return _tested(
        visit,
        asked,
        settings,
        first,
        start_s,
        admitted.note,
        plan=plan,
        measured=measured,
        grade=max(grade, visit.felt_grade),
        ending=_ending(stop),
    )


def _keep_references(visit: Visit, measured: Measured) -> None:
    """Keep the reference readings of a pair for single readings that may follow."""
    if len(visit.plans_on_offer) > 1:
        known = visit.reference_arms
        known += [
            arm
            for arm in measured.pair.arms
            if arm.role == "reference" and not arm.reading.void and arm not in known
        ]


def _admitted(visit: Visit, asked: Settings) -> Admitted:
    """Return what the filter lets pass; the reference is what everything returns to."""
    if asked == visit.reference:
        return Admitted(asked, "")
    return visit.filter.admit(asked)


def make_safe(visit: Visit, stop: Stop, settings: Settings) -> Process[None]:
    """Stop a test: reference or off at once, confirm, rest, exclude the region."""
    visit.bedside.resume()
    was_tested = settings not in (visit.reference, visit.off)
    if stop.urgent:
        visit.programmer.urgent_off()
        visit.bedside.heart.rhythm.end_run()
        visit.ended_for_safety = stop.text
        visit.adverse(stop.text, settings_text(settings), "urgent off, titration ended")
        yield from visit.bedside.wait_s(visit.plan.safety_rest_s)
        return
    if stop.cause is StopCause.BY_HAND:
        visit.note("stop", f"{stop.text} at {settings_text(settings)}")
        yield from visit.bedside.wait_s(visit.plan.safety_rest_s)
        visit.bedside.resume()
        return
    if stop.cause is StopCause.SENSATION:
        visit.filter.felt_at(settings)
    # in a pair it may have happened at the reference, which the test did not cause
    elif was_tested and visit.programmer.programmed == settings:
        visit.filter.stopped_at(settings)
    yield from visit.programmer.program(visit.reference)
    if stop.cause is StopCause.SENSATION:
        text = f"{stop.text} at {settings_text(settings)}"
        visit.note("stop", f"{text}; back to the reference")
        return
    visit.adverse(stop.text, settings_text(settings), "reference programmed, rest")
    yield from visit.bedside.wait_s(visit.plan.safety_rest_s)
    visit.bedside.resume()


def judge_ectopy(visit: Visit, settings: Settings) -> Process[Stop | None]:
    """Compare all ectopics since titration began with the baseline; stop on excess."""
    n_baseline, baseline_s = visit.ectopy_baseline
    bedside, first = visit.bedside, visit.ectopy_since_beat
    if bedside.n_beats <= first:
        return None
    n_since = bedside.log.n_ectopic(first)
    since_s = float(visit.env.now) - bedside.log.start_of(first)
    if not ectopy_is_excessive(n_baseline, baseline_s, n_since, since_s):
        return None
    text = f"ectopics {n_since} in {since_s / S_PER_MIN:.0f} min, above the baseline"
    stop = Stop(StopCause.EXCESS_ECTOPICS, text)
    yield from make_safe(visit, stop, settings)
    visit.ectopy_since_beat = bedside.n_beats  # else one excess stops all later tests
    return stop


def felt_grade(visit: Visit, settings: Settings) -> int:
    """Return the grade that the patient tells of some settings; one draw."""
    level = felt_level(visit.patient, settings, visit.generator.leads)
    return reported_grade(visit.patient.sensation, level, visit.rng_sensation)


def _complaint(grade: int) -> Stop | None:
    if grade < RULES.intolerable_grade:
        return None
    return Stop(StopCause.SENSATION, f"sensation grade {grade}")


class Ending(NamedTuple):
    """How a test ended, and in words why it was not completed."""

    ended: Ended
    text: str


def _ending(stop: Stop | None) -> Ending:
    if stop is None:
        return Ending(Ended.DONE, "")
    felt = stop.cause is StopCause.SENSATION
    return Ending(Ended.FELT if felt else Ended.STOPPED, stop.text)


def _tested(
    visit: Visit,
    asked: Settings,
    settings: Settings,
    first: int,
    start_s: float,
    note: str,
    *,
    plan: str,
    measured: Measured | None = None,
    grade: int = 0,
    ending: Ending,
) -> Tested:
    bedside = visit.bedside
    pair = measured.pair if measured is not None else None
    arms = pair.arms if pair is not None else ()
    delivered = [a.reading.delivered_frac for a in arms if a.role == "tested"]
    tested = Tested(
        number=len(visit.findings.tested) + 1,
        asked=asked,
        settings=settings,
        filter_note=note,
        pair=pair,
        standard_error_pct=_standard_error_pct(visit, plan, measured),
        sensation_grade=grade,
        n_ectopics=bedside.log.n_ectopic(first),
        n_train_ectopics=bedside.monitor.take_tied(),
        delivered_frac=sum(delivered) / len(delivered) if delivered else 0.0,
        energy_frac=energy_frac(settings, visit.generator.leads.ohms),
        start_s=start_s,
        end_s=float(visit.env.now),
        n_beats=bedside.n_beats - first,
        ended=ending.ended,
        aborted=ending.text,
    )
    visit.tell(tested)
    visit.note("tested", tested_text(tested))
    return tested


def _standard_error_pct(visit: Visit, plan: str, measured: Measured | None) -> float:
    """Return what the reading is worth; what is usual where there is none."""
    if measured is not None:
        return measured.standard_error_pct
    usual = measuring_plan(plan).sd_pct(visit.plan, visit.arm_s)
    return max(usual, PLANNING.least_error_pct)


def pair_text(pair: Pair) -> str:
    """Return the outcome of a pair in words."""
    if pair.gains is None:
        return f"void ({pair.void})"
    return f"systolic {pair.gains.systolic_pct:+.1f} %"


def tested_text(tested: Tested) -> str:
    """Return the outcome of a test in words."""
    text = f"test {tested.number}: {settings_text(tested.settings)}"
    if tested.aborted:
        return f"{text}: {tested.aborted}"
    outcome = pair_text(tested.pair) if tested.pair is not None else "not read"
    return f"{text}: {outcome}, sensation {tested.sensation_grade}"
