"""Pieces of the ECG: as found with the device, as left with the observation."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Final

import numpy as np

from harness.report.case import Case
from harness.report.fhir_observations import component, observation, slug
from harness.report.fhir_terms import (
    ECG,
    SIMULATED,
    Json,
    Names,
    amount,
    clean,
    concept,
)
from harness.report.parts import UNPRINTED, Part, Quantity
from harness.report.section import Section
from harness.report.values import (
    minutes,
    quantity,
    same_therapy,
    therapy_text,
)
from sim.device.events import Cause
from sim.device.settings import Settings
from sim.heart.contractility import PVC, VT
from sim.telemetry.beats import FloatArray, StripBeats
from sim.telemetry.ecg import ecg_strip
from sim.telemetry.morphology import Morphology
from sim.units import MS_PER_S, S_PER_MIN
from sim.visit.record import BeatTable, VisitRecord
from sim.visit.strips import background_of

LENGTH_S: Final = 6.0  # as much as a page holds at 25 mm/s
HZ: Final = 250.0
STEP_S: Final = 4.0
SHORT_CAUSES: Final = {Cause.VT: "rate", Cause.NO_LS: "no LS", Cause.LS_OUT: "LS out"}
CAUSE_CODES: Final = {
    code: SHORT_CAUSES.get(cause, cause.value.replace("_", " "))
    for code, cause in enumerate(Cause)
}
MV_STEP: Final = 0.001
Span = tuple[float, float]


class StripMarker(Part):
    """A device marker on a strip; seconds from its start."""

    kind: str
    code: str
    at_s: float
    end_s: float


class StripPart(Part):
    """An ECG strip with markers."""

    name: str
    title: str
    caption: str
    start: Quantity
    sampling_hz: float
    lead_ii_mv: Annotated[tuple[float, ...], UNPRINTED]
    markers: Annotated[tuple[StripMarker, ...], UNPRINTED]


def strips_part(case: Case) -> tuple[StripPart, ...]:
    """Return a strip as found, when the therapy changed, and one as left."""
    return strips_of(case.record)


def strips_of(record: VisitRecord) -> tuple[StripPart, ...]:
    """Return the strips of a visit: its lead II without what an amplifier adds.

    None where no beats were kept.
    """
    if not len(record.beats.rows):
        return ()
    beats = strip_beats(record.beats)
    shown = []
    found = record.as_found.settings
    if not same_therapy(found, record.final):
        spans = found_spans(record)
        shown += _strip(record, beats, found, spans, name="found", title="As found")
    spans = final_spans(record)
    shown += _strip(
        record, beats, record.final, spans, name="final", title="As left, final values"
    )
    return tuple(shown)


def strip_beats(table: BeatTable) -> StripBeats:
    """Return the columns of the beat table that a strip needs."""
    return StripBeats(
        **{item.name: table.column(item.name) for item in fields(StripBeats)}
    )


def found_spans(record: VisitRecord) -> list[Span]:
    """Return when the settings as found were in force and read."""
    return _phases(record, "interrogation")


def final_spans(record: VisitRecord) -> list[Span]:
    """Return when the final settings were in force, the best time first."""
    return [*_phases(record, "observation"), *_arms(record, record.final)]


def _phases(record: VisitRecord, name: str) -> list[Span]:
    return [(p.start_s, p.end_s) for p in record.phases if p.name == name]


def _arms(record: VisitRecord, settings: Settings) -> list[Span]:
    """Spans in which some settings were held, the last one first."""
    pairs = (*record.response_pairs, *record.harm_pairs, *record.verification_pairs)
    arms = [arm for pair in pairs for arm in pair.arms]
    return [
        (arm.reading.start_s, arm.reading.end_s)
        for arm in reversed(arms)
        if arm.settings == settings
    ]


def _strip(
    record: VisitRecord,
    beats: StripBeats,
    settings: Settings,
    spans: list[Span],
    *,
    name: str,
    title: str,
) -> list[StripPart]:
    start_s = typical_start_s(beats, spans)
    if start_s is None:
        return []
    shape = Morphology()
    drawn = ecg_strip(
        beats,
        settings,
        start_s=start_s,
        duration_s=LENGTH_S,
        sampling_hz=HZ,
        qrs_ms=record.patient.conduction.qrs_ms,
        cause_codes=CAUSE_CODES,
        morphology=shape,
        fibrillatory=background_of(record.order, record.pseudonym, shape).fibrillatory,
    )
    return [
        StripPart(
            name=name,
            title=f"{title}: {therapy_text(settings)}",
            caption=_caption(beats.between(start_s, start_s + LENGTH_S)),
            start=minutes(start_s),
            sampling_hz=HZ,
            lead_ii_mv=tuple(np.round(drawn.lead_ii_mv, 3).tolist()),
            markers=tuple(
                StripMarker(
                    kind=mark.kind,
                    code=mark.code,
                    at_s=round(mark.at_s - start_s, 4),
                    end_s=round(mark.end_s - start_s, 4),
                )
                for mark in drawn.markers
            ),
        )
    ]


def typical_start_s(beats: StripBeats, spans: list[Span]) -> float | None:
    """Return a start with a median number of trains, where there are any at all."""
    starts = [_starts_s(start_s, end_s) for start_s, end_s in spans]
    for candidates in starts:
        trains = _n_trains(beats, candidates)
        if trains.any():
            off = np.abs(trains - np.median(trains[trains > 0]))
            return float(candidates[int(np.argmin(off))])
    usable = [candidates for candidates in starts if candidates.size]
    return float(usable[0][0]) if usable else None


def _starts_s(start_s: float, end_s: float) -> FloatArray:
    return np.arange(start_s, end_s - LENGTH_S, STEP_S, dtype=np.float64)


def _n_trains(beats: StripBeats, starts_s: FloatArray) -> FloatArray:
    """Return how many trains a strip from each start on would show."""
    so_far = np.append(0.0, np.cumsum(beats.delivered))
    first, end = np.searchsorted(beats.start_s, [starts_s, starts_s + LENGTH_S])
    return np.asarray(so_far[end] - so_far[first], dtype=np.float64)


def _caption(shown: StripBeats) -> str:
    n_beats = shown.start_s.size
    if not n_beats:
        return "No beat in this span."
    rate = quantity(S_PER_MIN / float(shown.rr_s.mean()), "/min").text
    n_ectopic = int(np.isin(shown.origin, (PVC, VT)).sum())
    ectopic = f"{n_ectopic} ectopic" if n_ectopic else "none ectopic"
    return (
        f"{LENGTH_S:g} s of lead II, {n_beats} beats at {rate}, {ectopic}, "
        f"{int(shown.delivered.sum())} with CCM."
    )


def _observed(names: Names, strip: StripPart) -> Json:
    data = " ".join(f"{round(mv / MV_STEP)}" for mv in strip.lead_ii_mv)
    markers = [
        {
            "code": concept(slug(f"marker {mark.kind}"), f"device marker, {mark.kind}")
            | {"text": clean(f"{mark.kind}, marker {mark.code}")},
            "valueRange": {
                "low": amount(mark.at_s, "s"),
                "high": amount(mark.end_s, "s"),
            },
        }
        for mark in strip.markers
    ]
    return observation(
        names,
        f"strip-{strip.name}",
        concept("ecg-lead-ii", "ECG, lead II", ECG),
        (strip.title, strip.caption),
        **names.clock.at(strip.start.value),
        valueSampledData={
            "origin": amount(0.0, "mV"),
            "period": MS_PER_S / strip.sampling_hz,
            "factor": MV_STEP,
            "dimensions": 1,
            "data": data,
        },
        note=[{"text": clean(f"{strip.title}. {strip.caption} {SIMULATED}")}],
        component=[component("started", "time since check-in", strip.start), *markers],
    )


def _in_fhir(strips: tuple[StripPart, ...], names: Names) -> Iterator[tuple[str, Json]]:
    for strip in strips:
        yield f"strip-{strip.name}", _observed(names, strip)


STRIPS: Final = Section(name="strips", build=strips_part, fhir=_in_fhir)
