"""What the readings say, how much they can say, and what the change costs."""

from collections.abc import Sequence
from typing import Final

from harness.common.words import plain
from harness.report.case import Case
from harness.report.parts import BeforeAfter, Fact, PairRow, Part, Quantity
from harness.report.section import Section
from harness.report.sections.energy import energy_rows, energy_statement
from harness.report.sections.pairs import pair_row
from harness.report.surface import Surface, surface_part
from harness.report.values import (
    SURROGATE,
    gain,
    interval,
    mean_and_error,
    quantity,
    therapy_text,
)
from sim.instruments import readout
from sim.units import PCT_PER_FRAC
from sim.visit.record import Pair, VisitRecord

# labels by which others find a fact
PAIRS_DONE: Final = "Pairs done"
LEAST_GAIN: Final = "Least gain the visit could have shown (80 % power)"
EXCESS: Final = "That claim less the verified gain"
CANDIDATE: Final = "Candidate"
NAIVE: Final = "What the best single reading would have claimed"


class ChannelRow(Part):
    """Mean change of one quantity over the verification pairs."""

    label: str
    change: Quantity
    standard_error: Quantity


class Analysis(Part):
    """What the readings say, and how much they can say."""

    facts: tuple[Fact, ...]
    choice: tuple[Fact, ...]
    surface: Surface | None
    energy: tuple[BeforeAfter, ...]
    energy_statement: str
    channels: tuple[ChannelRow, ...]
    pairs: tuple[PairRow, ...]
    reading_unit: str
    unit: str
    surrogate: str


def analysis_part(case: Case) -> Analysis:
    """Return what the visit can say, pair by pair, and the advisor's choice."""
    record = case.record
    instrument = readout(record.plan.readout)
    valid = any(pair.gains for pair in record.verification_pairs)
    return Analysis(
        facts=_facts(record),
        choice=_choice(record),
        surface=surface_part(case.fit),
        energy=energy_rows(record),
        energy_statement=energy_statement(record),
        channels=_channels(record.verification_pairs) if valid else (),
        pairs=tuple(pair_row(pair, instrument) for pair in record.verification_pairs),
        reading_unit=f"{instrument.title}, {instrument.unit}",
        unit=instrument.unit,
        surrogate=SURROGATE,
    )


def _facts(record: VisitRecord) -> tuple[Fact, ...]:
    verdict = record.verdict
    excess = verdict.best_single_reading_pct - verdict.gain_pct
    return (
        Fact(label="Pairs planned", value=quantity(verdict.pairs_planned)),
        Fact(label=PAIRS_DONE, value=quantity(verdict.pairs_done)),
        Fact(label="Pairs void", value=quantity(verdict.pairs_void)),
        Fact(
            label="Spread between pairs (SD)",
            value=quantity(verdict.pair_sd_pct, "%", 1),
        ),
        Fact(label="Verified gain", value=gain(verdict.gain_pct)),
        Fact(
            label="Standard error of the gain",
            value=quantity(verdict.standard_error_pct, "%", 1),
        ),
        Fact(label="95 % interval", value=interval(verdict.ci95_pct)),
        Fact(label="90 % interval", value=interval(verdict.ci90_pct)),
        Fact(
            label=LEAST_GAIN,
            value=quantity(verdict.least_detectable_gain_pct, "%", 1),
        ),
        Fact(
            label=NAIVE,
            value=gain(verdict.best_single_reading_pct),
        ),
        Fact(
            label=EXCESS,
            value=quantity(excess, "points", 1, signed=True),
        ),
    )


def _choice(record: VisitRecord) -> tuple[Fact, ...]:
    choice = record.choice
    if choice is None:
        return (Fact(label=CANDIDATE, value="none was chosen"),)
    probability = PCT_PER_FRAC * choice.probability_better
    gate = "kept the reference" if choice.gated else "let the candidate pass"
    return (
        Fact(label=CANDIDATE, value=therapy_text(choice.settings)),
        Fact(
            label="Gain expected of it after titration",
            value=gain(choice.expected_gain_pct),
        ),
        Fact(
            label="Probability that it is better than the reference",
            value=quantity(probability, "%"),
        ),
        Fact(label="Do-no-harm gate", value=gate),
        Fact(label="Why", value=plain(choice.reason)),
    )


def _channels(pairs: Sequence[Pair]) -> tuple[ChannelRow, ...]:
    rows = (
        ("Systolic pressure", "systolic_pct"),
        ("Pulse pressure", "pulse_pct"),
        ("Mean pressure", "mean_pct"),
        ("Diastolic pressure", "diastolic_pct"),
        ("Heart rate", "heart_rate_pct"),
    )
    return tuple(_channel(label, name, pairs) for label, name in rows)


def _channel(label: str, name: str, pairs: Sequence[Pair]) -> ChannelRow:
    read = [getattr(pair.gains, name) for pair in pairs if pair.gains]
    mean, error = mean_and_error(read)
    return ChannelRow(
        label=label, change=gain(mean), standard_error=quantity(error, "%", 1)
    )


ANALYSIS: Final = Section(
    name="analysis",
    order=60,
    title="Analysis and verification",
    build=analysis_part,
)
