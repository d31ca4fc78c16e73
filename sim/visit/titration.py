"""Does the patient respond, and to what: response test and timed titration."""

from collections.abc import Generator
from dataclasses import replace
from typing import NamedTuple, TypeVar

import simpy

from sim.device.energy import energy_frac
from sim.device.settings import Settings
from sim.heart.sensation import reported_grade, sensation_level
from sim.units import S_PER_MIN
from sim.visit.bedside import train_of
from sim.visit.interrogation import latest_train_end_ms
from sim.visit.measuring import (
    Measured,
    expected_test_s,
    measuring_plan,
)
from sim.visit.measuring_noise import PLANNING
from sim.visit.pairs import Comparison, StoppedError, read_pair
from sim.visit.programmer import settings_text
from sim.visit.record import Ended, Pair, Purpose, Tested
from sim.visit.safety import RULES, Admitted, Stop, StopCause, ectopy_is_excessive
from sim.visit.visit import Visit

T = TypeVar("T")
Process = Generator[simpy.Event, object, T]


def response_test(visit: Visit) -> Process[None]:
    """Read the reference against OFF, and one sham pair: reference against itself."""
    n = visit.plan.response_pairs
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
            continue
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
    while time_for_one_more(visit):
        settings = visit.advisor.propose()
        if settings is None:
            return
        tested = yield from test(visit, settings)
        seen = (*visit.findings.tested, tested)
        visit.findings = replace(visit.findings, tested=seen)
        visit.advisor.learn(tested)
        if visit.ended_for_safety:
            return


def time_for_one_more(visit: Visit) -> bool:
    """Tell whether the titration clock leaves time for one more test."""
    return float(visit.env.now) + expected_test_s(visit) <= visit.titration_end_s


def test(visit: Visit, asked: Settings) -> Process[Tested]:
    """Test one proposal: filter, readings as the plan has them, questions."""
    start_s, first = float(visit.env.now), visit.bedside.n_beats
    visit.filter.latest_train_end_ms = latest_train_end_ms(visit)
    admitted = _admitted(visit, asked)
    if admitted.settings is None:
        yield visit.env.timeout(RULES.refusal_s)
        visit.note("refused", f"{settings_text(asked)}: {admitted.note}")
        refused = Ending(Ended.REFUSED, f"refused: {admitted.note}")
        return _tested(
            visit, asked, visit.reference, first, start_s, admitted.note, ending=refused
        )
    settings, measured, stop = admitted.settings, None, None
    grade = _grade(visit, settings)
    comparison = Comparison(
        "titration", settings, visit.reference, asks=lambda: _complaint(grade)
    )
    try:
        plan = measuring_plan(visit.plan.plan)
        measured = yield from plan.measure(visit, comparison)
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
        measured=measured,
        grade=grade,
        ending=_ending(stop),
    )


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
    if stop.cause is StopCause.SENSATION:
        visit.filter.felt_at(settings)
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
    visit.ectopy_since_beat = bedside.n_beats
    return stop


def _grade(visit: Visit, settings: Settings) -> int:
    sensation = visit.patient.sensation
    level = float(sensation_level(sensation, train_of(settings, visit.generator.leads)))
    return reported_grade(sensation, level, visit.rng_sensation)


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
        standard_error_pct=_standard_error_pct(visit, measured),
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
    visit.note("tested", tested_text(tested))
    return tested


def _standard_error_pct(visit: Visit, measured: Measured | None) -> float:
    """Return what the reading is worth; what is usual where there is none."""
    if measured is not None:
        return measured.standard_error_pct
    usual = measuring_plan(visit.plan.plan).sd_pct(visit.plan, visit.arm_s)
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
