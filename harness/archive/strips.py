"""The strips of a run: which pieces are kept, and the files they are written to."""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from harness.report.sections.strips import (
    CAUSE_CODES,
    final_spans,
    found_spans,
    typical_start_s,
)
from sim.telemetry.annotations import (
    NOTE,
    RHYTHM,
    Annotation,
    device_marks,
    true_beats,
)
from sim.telemetry.beats import FloatArray, RecordedBeats
from sim.telemetry.channels import Recording, Setup, record_strips
from sim.telemetry.edf_files import write_edf
from sim.telemetry.morphology import Disturbance, Morphology
from sim.telemetry.shown import beats_shown
from sim.telemetry.wfdb_files import Span, write_annotations, write_wfdb
from sim.visit.record import BeatTable, VisitRecord
from sim.visit.strips import background_of, lead_sensing, noisy_spans_s

Kept = Literal["none", "events", "whole"]

NAME: Final = "strips"
LENGTH_S: Final = 30
AROUND_S: Final = 20
INVASIVE: Final = "invasive-dpdt"


def write_strips(
    record: VisitRecord,
    folder: Path,
    *,
    keep: Kept,
    sampling_hz: int,
    disturbance: Disturbance | None = None,
    shown_mmhg: FloatArray | None = None,
) -> None:
    """Write the strips of a visit as WFDB and EDF+.

    Parameters
    ----------
    record
        A finished visit.
    folder
        Where `strips.hea`, `.dat`, `.atr` (the truth), `.dev` (the device) and `.edf`
        go; strips with gaps are numbered, and `strips.hea` puts them together.
    keep
        "none"; "events": as found, as left and around each adverse event; "whole".
    sampling_hz
        Samples a second, 250 to 1000.
    disturbance
        Noise, drift and breathing; those of `Disturbance` by default.
    shown_mmhg : (n_beats, 3)
        What the monitor showed of each beat, see `Transcript`, for a trace of it.
    """
    if keep == "none" or not len(record.beats.rows):
        return
    recording = recording_of(record, sampling_hz, disturbance, shown_mmhg)
    spans = [whole_span(recording)] if keep == "whole" else event_spans(record)
    if not spans:
        return
    samples = write_wfdb(recording, spans, folder, name=NAME)
    beats = true_beats(recording, _qrs_ms(record))
    truth = within([*opening_rhythms(beats, spans), *beats, *notes(record)], spans)
    marks = within(device_marks(recording), spans)
    write_annotations(truth, recording, folder / f"{NAME}.atr")
    write_annotations(marks, recording, folder / f"{NAME}.dev")
    for span, path in zip(spans, samples, strict=True):
        write_edf(
            recording,
            span,
            path,
            marks=[*truth, *marks],
            path=path.with_suffix(".edf"),
        )


def recording_of(
    record: VisitRecord,
    sampling_hz: int,
    disturbance: Disturbance | None = None,
    shown_mmhg: FloatArray | None = None,
) -> Recording:
    """Return every trace of a visit, ready to be drawn.

    The disturbances are drawn from a stream of their own: they change no visit. With
    what the monitor showed of each beat there is a trace of that too.
    """
    shape = Morphology(disturbance=disturbance or Disturbance())
    setup = Setup(
        pseudonym=record.pseudonym,
        sampling_hz=sampling_hz,
        qrs_ms=_qrs_ms(record),
        breathing_hz=record.patient.rhythm.breathing_hz,
        with_lv_pressure=record.plan.readout == INVASIVE,
        noisy_s=noisy_spans_s(record.happened),
    )
    beats = recorded_beats(record.beats)
    return record_strips(
        _with_faults(beats, record),
        record.programmed,
        setup,
        cause_codes=CAUSE_CODES,
        morphology=shape,
        background=background_of(record.order, record.pseudonym, shape),
        shown=None if shown_mmhg is None else beats_shown(beats, shown_mmhg),
    )


def _with_faults(beats: RecordedBeats, record: VisitRecord) -> RecordedBeats:
    """Return the beats with what leads still see that became faulty in the visit."""
    shares = lead_sensing(record.found, record.happened, beats.start_s)
    v1_mv, v2_mv = (
        mv * share
        for mv, share in zip((beats.v1_mv, beats.v2_mv), shares.T, strict=True)
    )
    return replace(beats, v1_mv=v1_mv, v2_mv=v2_mv)


def recorded_beats(table: BeatTable) -> RecordedBeats:
    """Return the columns of the beat table that a recording needs."""
    return RecordedBeats(
        **{item.name: table.column(item.name) for item in fields(RecordedBeats)}
    )


def whole_span(recording: Recording) -> Span:
    """Return the visit from its first to its last second."""
    return Span(0, math.ceil(recording.end_s), "whole visit")


def event_spans(record: VisitRecord) -> list[Span]:
    """Return strips as found, as left and around adverse events, in order, disjoint."""
    beats = recorded_beats(record.beats)
    wanted = []
    for title, spans in (
        ("as found", found_spans(record)),
        ("as left", final_spans(record)),
    ):
        start_s = typical_start_s(beats, spans)
        if start_s is not None:
            wanted.append(Span(int(start_s), int(start_s) + LENGTH_S, title))
    for event in record.adverse_events:
        at_s = int(event.at_s)
        wanted.append(Span(max(0, at_s - AROUND_S), at_s + AROUND_S, event.kind))
    end_s = math.ceil(float(beats.start_s[-1] + beats.rr_s[-1]))
    return joined_spans(wanted, end_s)


def joined_spans(wanted: Sequence[Span], end_s: int) -> list[Span]:
    """Return spans in order, those that touch as one, none beyond the end."""
    found: list[Span] = []
    for span in sorted(wanted, key=lambda item: (item.start_s, item.end_s)):
        last = min(span.end_s, end_s)
        if last <= span.start_s:
            continue
        if found and span.start_s <= found[-1].end_s:
            before = found.pop()
            title = f"{before.title}, {span.title}"
            found.append(Span(before.start_s, max(before.end_s, last), title))
        else:
            found.append(Span(span.start_s, last, span.title))
    return found


def notes(record: VisitRecord) -> list[Annotation]:
    """Return the beginning of each phase, and each adverse event."""
    phases = [Annotation(p.start_s, NOTE, f"phase {p.name}") for p in record.phases]
    harms = [Annotation(e.at_s, NOTE, e.kind) for e in record.adverse_events]
    return [*phases, *harms]


def opening_rhythms(
    beats: Sequence[Annotation], spans: Sequence[Span]
) -> list[Annotation]:
    """Return the rhythm that a strip begins in, for each strip that it began before."""
    changes = [mark for mark in beats if mark.symbol == RHYTHM]
    found = []
    for span in spans:
        earlier = [mark.text for mark in changes if mark.at_s < span.start_s]
        if earlier:
            found.append(Annotation(span.start_s, RHYTHM, earlier[-1]))
    return found


def within(marks: Sequence[Annotation], spans: Sequence[Span]) -> list[Annotation]:
    """Return the marks that lie in a strip, in the order of time."""
    at_s = np.array([mark.at_s for mark in marks])
    inside = np.zeros(at_s.shape, dtype=np.bool_)
    for span in spans:
        inside |= (at_s >= span.start_s) & (at_s < span.end_s)
    kept = [marks[k] for k in np.flatnonzero(inside).tolist()]
    return sorted(kept, key=lambda mark: mark.at_s)


def _qrs_ms(record: VisitRecord) -> float:
    return record.patient.conduction.qrs_ms
