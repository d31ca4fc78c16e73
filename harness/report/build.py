"""From a run to its report: the only place where both are known."""

from dataclasses import asdict
from typing import Final

import numpy as np

from harness.common.words import plain
from harness.play.run import Run, strategy_summary
from harness.report.closing import (
    LIMITS,
    final_part,
    follow_up_part,
    observation_part,
    provenance_part,
    sign_off_part,
)
from harness.report.encounter import (
    device_part,
    encounter_part,
    permanent_part,
    verdict_part,
)
from harness.report.model import AnswerKey, Fact, Loop, Method, Report
from harness.report.strips import strips_part
from harness.report.surface import fitted
from harness.report.trials import (
    analysis_part,
    arm_order,
    response_part,
    tests_part,
)
from harness.report.values import gain, quantity, share
from harness.truth.answer_key import AnswerKey as Truth
from harness.truth.answer_key import Loop as TrueLoop
from sim.instruments import readout
from sim.visit.measuring import measuring_plan
from sim.visit.record import VisitRecord

ENTROPY: Final = Fact(
    label="Information content",
    value=(
        "fall in entropy, in bits, of where the highest gain lies over an even grid of "
        "the lattice (at most seven values an axis), from the belief before to the "
        "belief after the readings; Hennig and Schuler 2012, protocol section 5"
    ),
)
BANNER: Final = "Simulated data: not a medical record, not a claim"


def report_of(run: Run, truth: Truth) -> Report:
    """Return the report of a run: all that any format needs, nothing else is asked.

    Parameters
    ----------
    run
        What was played, and how.
    truth
        What its section labelled as the answer key shows.
    """
    played, scenario = run.played, run.facts.scenario
    record = played.record
    fit = fitted(played)
    return Report(
        title=plain(scenario.title),
        banner=BANNER,
        verdict=verdict_part(record),
        permanent=permanent_part(record),
        encounter=encounter_part(record, dict(scenario.metadata)),
        device=device_part(record, record.found.model),
        strips=strips_part(record),
        response=response_part(record),
        tests=tests_part(record, fit),
        analysis=analysis_part(record, fit),
        final=final_part(record),
        observation=observation_part(record),
        follow_up=follow_up_part(record),
        method=method_part(run),
        limits=LIMITS,
        sign_off=sign_off_part(),
        answer_key=answer_key_part(truth),
        provenance=provenance_part(run),
    )


def method_part(run: Run) -> Method:
    """Return how the visit was planned, searched and computed."""
    versions = dict(run.facts.versions)
    versions["source revision"] = run.facts.git_revision or "not known"
    return Method(
        facts=(*_search_facts(run), *_reading_facts(run.record), ENTROPY),
        versions=tuple(Fact(label=name, value=text) for name, text in versions.items()),
    )


def _search_facts(run: Run) -> tuple[Fact, ...]:
    facts, scenario = run.facts, run.facts.scenario
    played, task = run.played, run.played.task
    summary = strategy_summary(task.strategy_name)
    budget = ", ".join(
        f"{name.replace('_', ' ')} {limit:g}"
        for name, limit in asdict(task.budget).items()
        if limit is not None
    )
    return (
        Fact(label="Scenario", value=plain(facts.scenario_name or "not named")),
        Fact(label="What it shows", value=plain(scenario.description or "not stated")),
        Fact(label="Seed", value=quantity(played.order.seed)),
        Fact(label="Search strategy", value=task.strategy_name),
        Fact(
            label="What the strategy does",
            value=plain(summary),
        ),
        Fact(label="Values searched", value=", ".join(task.lattice.axes)),
        Fact(label="Settings asked for", value=quantity(len(played.log))),
        Fact(label="Limits beside the clock", value=budget or "none"),
        Fact(label="Recommender", value=task.recommender),
        Fact(
            label="Do-no-harm gate: least probability of being better",
            value=share(task.gate_probability),
        ),
        Fact(
            label="Weight of energy in the search (per 100 % of nominal)",
            value=quantity(task.objective.energy_weight, "points", 2),
        ),
        Fact(
            label="Weight of discomfort in the search (per grade)",
            value=quantity(task.objective.discomfort_weight, "points", 2),
        ),
    )


def _reading_facts(record: VisitRecord) -> tuple[Fact, ...]:
    plan = record.plan
    instrument = readout(plan.readout)
    settle = plan.settle_beats
    return (
        Fact(label="Readout", value=f"{instrument.title}, {instrument.unit}"),
        Fact(label="Plan of a reading", value=_plan_text(record)),
        Fact(
            label="Beats to settle, per arm",
            value=quantity(instrument.settle_beats if settle is None else settle),
        ),
        Fact(
            label="Beats read, per arm",
            value=quantity(plan.read_beats or instrument.read_beats),
        ),
        Fact(label="Titration clock", value=quantity(plan.titration_min, "min", 1)),
        Fact(label="Response pairs planned", value=quantity(plan.response_pairs)),
        Fact(
            label="Verification pairs planned",
            value=quantity(plan.verification_pairs),
        ),
        Fact(
            label="Least relevant gain",
            value=quantity(plan.least_relevant_gain_pct, "%", 1),
        ),
        Fact(
            label="Equivalence margin",
            value=quantity(plan.equivalence_margin_pct, "%", 1),
        ),
        Fact(
            label="Scale of all reading errors", value=quantity(plan.noise_scale, "", 2)
        ),
    )


def _plan_text(record: VisitRecord) -> str:
    """Return the name of the plan, what it reads, and the orders of verification."""
    plan = record.plan
    text = f"{plan.plan}: titration {measuring_plan(plan.plan).text(plan)}"
    read = sorted({arm_order(pair) for pair in record.verification_pairs if pair.gains})
    return f"{text}; verification {' or '.join(read)}" if read else text


def answer_key_part(truth: Truth) -> AnswerKey:
    """Return the simulator's truth."""
    return AnswerKey(
        statement=(
            "The simulator's truth, not known to anybody in the visit and not used by "
            "it. It is here to score the visit. The candidate is the setting that the "
            "visit chose to verify; where there was none, the final settings."
        ),
        facts=(
            Fact(
                label="Window gain of the candidate (what verification estimates)",
                value=gain(truth.window_gain_pct),
            ),
            Fact(
                label="Settled gain of systolic pressure, candidate",
                value=gain(truth.settled_systolic_gain_pct),
            ),
            Fact(
                label="Settled gain of LV dP/dt max, candidate",
                value=gain(truth.settled_dpdt_gain_pct),
            ),
            Fact(
                label="Contractility (LV Ees) over CCM off, reference values",
                value=gain(truth.reference_ees_gain_pct),
            ),
            Fact(
                label="Contractility (LV Ees) over CCM off, final values",
                value=gain(truth.final_ees_gain_pct),
            ),
        ),
        reference_loop=_loop(truth.reference_loop),
        final_loop=_loop(truth.final_loop),
    )


def _loop(loop: TrueLoop) -> Loop:
    return Loop(
        volume_ml=tuple(np.round(loop.volume_ml, 2).tolist()),
        pressure_mmhg=tuple(np.round(loop.pressure_mmhg, 2).tolist()),
    )
