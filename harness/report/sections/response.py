"""Whether the patient responds at all, and what a sham reprogramming reads."""

from collections.abc import Sequence
from typing import Final

from harness.common.words import plain
from harness.report.case import Case
from harness.report.parts import PairRow, Part
from harness.report.section import Section
from harness.report.sections.pairs import pair_row
from harness.report.values import gain, mean_and_error, quantity
from sim.instruments import readout
from sim.visit.record import Pair, VisitRecord


class ResponsePart(Part):
    """Whether the patient responds at all, and what a sham pair reads."""

    statement: str
    change_label: str
    pairs: tuple[PairRow, ...]
    sham: tuple[PairRow, ...]
    sham_statement: str


def response_part(case: Case) -> ResponsePart:
    """Return the pairs against CCM off and the sham pair."""
    record = case.record
    instrument = readout(record.plan.readout)
    pairs = record.response_pairs
    sham = [record.sham_pair] if record.sham_pair else []
    tests_off = bool(pairs) and any(
        not arm.settings.delivers for arm in pairs[0].arms if arm.role == "tested"
    )
    label = (
        "Change when CCM is switched off (X) from the reference values (R)"
        if tests_off
        else "Change with the reference values (X) from CCM off (R)"
    )
    return ResponsePart(
        statement=" ".join(
            (_response_statement(pairs, tests_off), _harm_statement(record))
        ).strip(),
        change_label=label,
        pairs=tuple(
            pair_row(pair, instrument) for pair in (*pairs, *record.harm_pairs)
        ),
        sham=tuple(pair_row(pair, instrument) for pair in sham),
        sham_statement=_sham_statement(record.sham_pair),
    )


def _response_statement(pairs: Sequence[Pair], tests_off: bool) -> str:
    read = [pair.gains.primary_pct for pair in pairs if pair.gains]
    if not read:
        return "No response test was read."
    mean, error = mean_and_error(read)
    action = "Switching CCM off" if tests_off else "Switching CCM on"
    return (
        f"{action} changed the reading by {gain(mean).text}, standard error "
        f"{quantity(error, '%', 1).text}, over {len(read)} valid pairs."
    )


def _harm_statement(record: VisitRecord) -> str:
    """Tell of the fresh pairs that were read because CCM seemed to harm."""
    if not record.harm_pairs:
        return ""
    read = [pair.gains.primary_pct for pair in record.harm_pairs if pair.gains]
    mean, error = mean_and_error(read)
    harms = record.verdict.kind == "harmful as found"
    shown = "CCM as found harms" if harms else "harm is not shown"
    return (
        "That is more than with the reference values, so fresh pairs were read and "
        f"judged alone: {gain(mean).text}, standard error "
        f"{quantity(error, '%', 1).text}, over {len(read)} valid pairs; {shown}."
    )


def _sham_statement(pair: Pair | None) -> str:
    if pair is None:
        return "No sham reprogramming was done."
    if pair.gains is None:
        return f"The sham pair does not count: {plain(pair.void)}."
    return (
        "Sham reprogramming, the reference values against themselves, read "
        f"{gain(pair.gains.primary_pct).text}: a negative control of chance and drift."
    )


RESPONSE: Final = Section(
    name="response",
    order=40,
    title="Response test and sham pair",
    short="Response test and sham",
    build=response_part,
)
