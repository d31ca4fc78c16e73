"""How the visit was planned, searched and computed; sources and limits beside it."""

from dataclasses import asdict
from typing import Final

from harness.common.words import plain
from harness.play.run import Run, strategy_summary
from harness.report.case import Case
from harness.report.parts import Fact, Part
from harness.report.section import Section
from harness.report.sections.pairs import arm_order
from harness.report.values import quantity, share
from sim.instruments import readout
from sim.visit.engines import ENGINES
from sim.visit.measuring import measuring_plan
from sim.visit.record import VisitRecord

# labels by which others find a fact
STRATEGY: Final = "Search strategy"
READOUT: Final = "Readout"
ENGINE: Final = "Engine"
ENDED: Final = "Why the search ended"

ENTROPY: Final = Fact(
    label="Information content",
    value=(
        "fall in entropy, in bits, of where the highest gain lies over an even grid of "
        "the lattice (at most seven values an axis), from the belief before to the "
        "belief after the readings; Hennig and Schuler 2012, protocol section 5"
    ),
)


class Method(Part):
    """How the visit was planned, searched and computed."""

    facts: tuple[Fact, ...]
    versions: tuple[Fact, ...]


def method_part(case: Case) -> Method:
    """Return how the visit was planned, searched and computed."""
    run = case.run
    versions = dict(run.facts.versions)
    versions["source revision"] = run.facts.git_revision or "not known"
    return Method(
        facts=(
            *_engine_facts(run.record),
            *_search_facts(run),
            *_reading_facts(run.record),
            ENTROPY,
        ),
        versions=tuple(Fact(label=name, value=text) for name, text in versions.items()),
    )


def _engine_facts(record: VisitRecord) -> tuple[Fact, ...]:
    """Tell of the engine where it is not the usual one, every beat integrated."""
    engine = record.order.engine
    if engine == "beats":
        return ()
    return (Fact(label=ENGINE, value=f"{engine}: {ENGINES[engine].title}"),)


def _search_facts(run: Run) -> tuple[Fact, ...]:
    played, task = run.played, run.played.task
    summary = strategy_summary(task.strategy_name)
    budget = ", ".join(
        f"{name.replace('_', ' ')} {limit:g}"
        for name, limit in asdict(task.budget).items()
        if limit is not None
    )
    return (
        Fact(label=STRATEGY, value=task.strategy_name),
        Fact(label="What the strategy does", value=plain(summary)),
        Fact(label="Values searched", value=", ".join(task.lattice.axes)),
        Fact(label="Settings asked for", value=quantity(len(played.log))),
        Fact(label="Limits beside the clock", value=budget or "none"),
        Fact(label=ENDED, value=played.ending.text),
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
        Fact(label=READOUT, value=f"{instrument.title}, {instrument.unit}"),
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


METHOD: Final = Section(
    name="method",
    order=110,
    title="Method, sources and limits",
    build=method_part,
)
