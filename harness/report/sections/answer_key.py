"""Last, and set apart: the simulator's truth, which nobody in the visit knew."""

from typing import Annotated, Final

import numpy as np

from harness.common.words import plain
from harness.play.run import Run
from harness.report.case import Case
from harness.report.parts import UNPRINTED, Fact, Part
from harness.report.section import Section
from harness.report.sections.provenance import Provenance, hidden_part
from harness.report.values import gain, quantity, therapy_text
from harness.truth.answer_key import AnswerKey, Loop, faults_after
from harness.truth.score import Scorer
from sim.visit.record import VisitRecord

# labels by which others find a fact
SCENARIO: Final = "Scenario"
WINDOW_GAIN: Final = "Window gain of the candidate (what verification estimates)"
BEST: Final = "Best attainable setting (gain less energy and discomfort)"
BEST_GAIN: Final = "Window gain of the best attainable setting"
POINTS_LOST: Final = "Points of utility that the candidate gives away"
REGRET: Final = "Regret of the candidate (0 % the best attainable, 100 % as CCM off)"
OFF_IS_BEST: Final = "CCM off: no tolerated setting of the search is worth more"


class LoopPart(Part):
    """A pressure-volume loop of the left ventricle."""

    volume_ml: tuple[float, ...]
    pressure_mmhg: tuple[float, ...]


class AnswerKeyPart(Part):
    """The simulator's truth, which nobody in the visit knew.

    `numbers` are those of the patient and of the law of response, with their sources;
    a report from before they stood here has them among the others.
    """

    statement: str
    facts: tuple[Fact, ...]
    reference_loop: Annotated[LoopPart, UNPRINTED]
    final_loop: Annotated[LoopPart, UNPRINTED]
    numbers: Provenance | None = None


def answer_key_part(case: Case) -> AnswerKeyPart:
    """Return the simulator's truth."""
    truth = case.truth
    return AnswerKeyPart(
        statement=(
            "The simulator's truth, not known to anybody in the visit and not used by "
            "it. It is here to score the visit. The candidate is the setting that the "
            "visit chose to verify; where there was none, the final settings."
            + _at_the_end(case)
        ),
        facts=(
            *_who(case.run),
            *_gains(truth),
            *_attainable(case.record, case.scorer),
        ),
        reference_loop=_loop(truth.reference_loop),
        final_loop=_loop(truth.final_loop),
        numbers=hidden_part(case),
    )


def _at_the_end(case: Case) -> str:
    """Return of which leads and rhythm the truth is, where a visit changed them."""
    record, scorer = case.record, case.scorer
    as_it_came = (record.patient, faults_after(record.found, ()))
    if (scorer.patient, scorer.faults) == as_it_came:
        return ""
    return " Leads and rhythm are those of the visit's end, for the best setting too."


def _who(run: Run) -> tuple[Fact, ...]:
    """Return who the patient was: what would have given the answer away."""
    facts, patient = run.facts, run.record.patient
    scenario = facts.scenario
    return (
        Fact(label=SCENARIO, value=plain(facts.scenario_name or "not named")),
        Fact(label="Seed", value=quantity(run.played.order.seed)),
        Fact(label="Subject", value=plain(scenario.subject or "not stated")),
        Fact(
            label="What it shows",
            value=plain(scenario.description.strip() or "not stated"),
        ),
        Fact(label="Virtual patient", value=plain(patient.phenotype)),
        Fact(label="Response law", value=plain(patient.response.name)),
    )


def _gains(truth: AnswerKey) -> tuple[Fact, ...]:
    return (
        Fact(label=WINDOW_GAIN, value=gain(truth.window_gain_pct)),
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
    )


def _attainable(record: VisitRecord, scorer: Scorer) -> tuple[Fact, ...]:
    """Return the best that could have been found, and what was given away of it."""
    best = scorer.best
    candidate = record.choice.settings if record.choice else record.final
    lost = scorer.points_lost(candidate)
    return (
        Fact(label=BEST, value=therapy_text(best) if best.delivers else OFF_IS_BEST),
        Fact(label=BEST_GAIN, value=gain(scorer.gain_pct(best))),
        Fact(label=POINTS_LOST, value=quantity(lost, "points", 2)),
        Fact(label=REGRET, value=quantity(scorer.share_pct(lost), "%")),
    )


def _loop(loop: Loop) -> LoopPart:
    return LoopPart(
        volume_ml=tuple(np.round(loop.volume_ml, 2).tolist()),
        pressure_mmhg=tuple(np.round(loop.pressure_mmhg, 2).tolist()),
    )


ANSWER_KEY: Final = Section(
    name="answer-key",
    order=130,
    title="Answer key (the simulator's truth, not known to the visit)",
    short="Answer key",
    holds_truth=True,
    build=answer_key_part,
)
