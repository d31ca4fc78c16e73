"""The time watched after programming, and the adverse events of the whole visit."""

import math
from typing import Final

from harness.common.words import plain
from harness.report.case import Case
from harness.report.parts import Part, Quantity
from harness.report.section import Section
from harness.report.values import minutes
from sim.units import S_PER_MIN


class AdverseRow(Part):
    """Something that should not have happened."""

    at: Quantity
    kind: str
    text: str
    action: str


class ObservationPart(Part):
    """After permanent programming, and adverse events of the whole visit."""

    text: str
    minutes: Quantity
    adverse: tuple[AdverseRow, ...]
    adverse_statement: str


def observation_part(case: Case) -> ObservationPart:
    """Return the observation and all adverse events, or the statement of none."""
    record = case.record
    watched = next((p for p in record.phases if p.name == "observation"), None)
    watched_s = watched.end_s - watched.start_s if watched else math.nan
    total_s = record.phases[-1].end_s - record.phases[0].start_s
    rows = tuple(
        AdverseRow(
            at=minutes(event.at_s),
            kind=plain(event.kind),
            text=plain(event.text),
            action=plain(event.action),
        )
        for event in record.adverse_events
    )
    statement = (
        f"{len(rows)} in {total_s / S_PER_MIN:.0f} min of visit."
        if rows
        else f"None seen in {total_s / S_PER_MIN:.0f} min of visit."
    )
    return ObservationPart(
        text=_sentence(plain(record.observation_text)),
        minutes=minutes(watched_s),
        adverse=rows,
        adverse_statement=statement,
    )


def _sentence(text: str) -> str:
    """Return a note of the log as a sentence."""
    ended = "" if text.endswith((".", "!", "?")) or not text else "."
    return f"{text[:1].upper()}{text[1:]}{ended}"


OBSERVATION: Final = Section(
    name="observation",
    order=80,
    title="Observation and adverse events",
    build=observation_part,
)
