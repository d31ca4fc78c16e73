"""Strips as EDF+, with every mark as an annotation."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from edfio import Edf, EdfAnnotation, EdfSignal, Patient
from edfio import Recording as EdfRecording

from sim.telemetry.annotations import Annotation
from sim.telemetry.channels import LARGEST_COUNT, Channel, Recording
from sim.telemetry.wfdb_files import Span

BASE: Final = datetime.datetime(2000, 1, 1)  # EDF+ knows no zone
NO_UNIT: Final = "NU"


def write_edf(
    recording: Recording,
    span: Span,
    samples: Path,
    *,
    marks: Sequence[Annotation],
    path: Path,
) -> None:
    """Write one continuous strip as EDF+C.

    Parameters
    ----------
    recording, span
        What was drawn, and which part of it.
    samples
        The `.dat` file of the span as `write_wfdb` left it: both hold equal counts.
    marks
        Those outside of the span are left out. The text of an annotation is the symbol
        and what stands beside it.
    path
        File to write.
    """
    counts = np.memmap(samples, dtype="<i2", mode="r")
    columns = counts.reshape(-1, len(recording.channels)).T
    signals = [
        _signal(channel, np.ascontiguousarray(column), recording.sampling_hz)
        for channel, column in zip(recording.channels, columns, strict=True)
    ]
    began = BASE + datetime.timedelta(seconds=span.start_s)
    Edf(
        signals,
        patient=Patient(code=recording.pseudonym, name="simulated"),
        recording=EdfRecording(
            startdate=began.date(),
            hospital_administration_code="simulated",
            equipment_code="ccmlab",
        ),
        starttime=began.time(),
        data_record_duration=1.0,
        annotations=[_annotation(m, span) for m in marks if span.holds(m.at_s)],
    ).write(path)


def _signal(
    channel: Channel, counts: np.ndarray[tuple[int], np.dtype[np.int16]], hz: int
) -> EdfSignal:
    limit = LARGEST_COUNT / channel.counts_per_unit
    return EdfSignal.from_digital(
        counts.astype(np.int16, copy=False),
        sampling_frequency=hz,
        label=channel.name,
        transducer_type="simulated",
        physical_dimension="" if channel.unit == NO_UNIT else channel.unit,
        physical_range=(-limit, limit),
        digital_range=(-LARGEST_COUNT, LARGEST_COUNT),
    )


def _annotation(mark: Annotation, span: Span) -> EdfAnnotation:
    onset_s = round(mark.at_s - span.start_s, 6)
    lasts_s = None if mark.lasts_s is None else round(mark.lasts_s, 6)
    return EdfAnnotation(onset_s, lasts_s, edf_text(mark))


def edf_text(mark: Annotation) -> str:
    """Return the text of a mark in EDF+: symbol and words."""
    return f"{mark.symbol} {mark.text}".strip()
