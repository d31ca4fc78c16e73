"""Strips as EDF+, with every mark as an annotation.

The header is edfio's, made from one second of nothing. The data records, a second each,
are copied from the `.dat` file piece by piece, so that memory is flat in the length of
a strip; edfio would hold all of them.
"""

import datetime
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from edfio import Edf, EdfAnnotation, EdfSignal, Patient
from edfio import Recording as EdfRecording

from sim.telemetry.annotations import Annotation
from sim.telemetry.channels import LARGEST_COUNT, Channel, Recording
from sim.telemetry.wfdb_files import PIECE_S, Span

BASE: Final = datetime.datetime(2000, 1, 1)  # EDF+ knows no zone
NO_UNIT: Final = "NU"
UNFILTERED: Final = "HP:none LP:none"
COUNT: Final = np.dtype("<i2")
_N_RECORDS: Final = slice(236, 244)  # where the header tells how many follow


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
    notes = _notes(marks, span)
    header, width = _header(recording, span, max(map(len, notes)))
    in_second = (recording.sampling_hz, len(recording.channels))
    second_bytes = in_second[0] * in_second[1] * COUNT.itemsize
    with samples.open("rb") as source, path.open("wb") as target:
        target.write(header)
        for first in range(0, len(notes), PIECE_S):
            piece = notes[first : first + PIECE_S]
            counts = np.frombuffer(source.read(len(piece) * second_bytes), COUNT)
            by_trace = counts.reshape(-1, *in_second).swapaxes(1, 2)
            for second, note in zip(by_trace, piece, strict=True):
                target.write(second.tobytes() + note.ljust(width, b"\0"))


def _header(recording: Recording, span: Span, longest_note: int) -> tuple[bytes, int]:
    """Return the header, and how many bytes each record has for its annotations."""
    hz = recording.sampling_hz
    began = BASE + datetime.timedelta(seconds=span.start_s)
    one_second = Edf(
        [_signal(channel, hz) for channel in recording.channels],
        patient=Patient(code=recording.pseudonym, name="simulated"),
        recording=EdfRecording(
            startdate=began.date(),
            hospital_administration_code="simulated",
            equipment_code="ccmlab",
        ),
        starttime=began.time(),
        data_record_duration=1.0,
        annotations=[EdfAnnotation(0.0, None, "x" * longest_note)],
    )
    written = BytesIO()
    one_second.write(written)
    header = bytearray(written.getvalue()[: one_second.bytes_in_header_record])
    header[_N_RECORDS] = f"{span.end_s - span.start_s:<8}".encode("ascii")
    samples_bytes = len(recording.channels) * hz * COUNT.itemsize
    return bytes(header), len(written.getvalue()) - len(header) - samples_bytes


def _signal(channel: Channel, hz: int) -> EdfSignal:
    limit = LARGEST_COUNT / channel.counts_per_unit
    return EdfSignal.from_digital(
        np.zeros(hz, dtype=np.int16),
        sampling_frequency=hz,
        label=channel.name,
        transducer_type=f"simulated: {channel.sensor}".removesuffix(": "),
        prefiltering=UNFILTERED,
        physical_dimension="" if channel.unit == NO_UNIT else channel.unit,
        physical_range=(-limit, limit),
        digital_range=(-LARGEST_COUNT, LARGEST_COUNT),
    )


def _notes(marks: Sequence[Annotation], span: Span) -> list[bytes]:
    """Return the annotations of each second as EDF+ writes them, its time first."""
    notes = [f"+{k}\x14\x14\0".encode() for k in range(span.end_s - span.start_s)]
    for mark in sorted(marks, key=lambda mark: mark.at_s):
        if span.holds(mark.at_s):
            notes[int(mark.at_s - span.start_s)] += _note(mark, span)
    return notes


def _note(mark: Annotation, span: Span) -> bytes:
    when = f"+{mark.at_s - span.start_s:.6f}"
    if mark.lasts_s is not None:
        when += f"\x15{mark.lasts_s:.6f}"
    return f"{when}\x14{edf_text(mark)}\x14\0".encode()


def edf_text(mark: Annotation) -> str:
    """Return the text of a mark in EDF+: symbol and words."""
    return f"{mark.symbol} {mark.text}".strip()
