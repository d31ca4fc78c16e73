"""Strips as a WFDB record: headers, 16-bit samples and MIT annotations.

The formats are those of header(5), signal(5, format 16) and annot(5) of the WFDB
applications guide. Samples go to the disk piece by piece and are never held together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sim.telemetry.annotations import NOTE, Annotation
from sim.telemetry.channels import MARKER_BITS, Channel, Recording
from sim.units import S_PER_MIN

BASE: Final = "00:00:00 01/01/2000"
PIECE_S: Final = int(S_PER_MIN)
SIMULATED: Final = "simulated data of ccmlab; not for the care of a patient"
CODES: Final = {"N": 1, "V": 5, '"': 22, "^": 26, "+": 28}
LONGEST_TEXT: Final = 255
_SKIP: Final = 59
_AUX: Final = 63
_MOST_SAMPLES: Final = 1023


@dataclass(frozen=True, slots=True)
class Span:
    """A strip in whole seconds of the visit's clock, and what it shows."""

    start_s: int
    end_s: int
    title: str

    def holds(self, at_s: float) -> bool:
        """Tell whether a time lies in the strip."""
        return self.start_s <= at_s < self.end_s


def write_wfdb(
    recording: Recording, spans: Sequence[Span], folder: Path, *, name: str = "strips"
) -> list[Path]:
    """Write the samples of one continuous strip, or of several with gaps between.

    A continuous strip that begins with the visit is one record; anything else is a
    record of several segments, whose gaps have no samples, so that times stay those
    of the visit; such a record has a header of its layout before its segments.
    Returns the `.dat` file of each span, in order.
    """
    if len(spans) == 1 and spans[0].start_s == 0:
        return [_write_segment(recording, spans[0], folder, name, base=f" {BASE}")]
    names = [f"{name}_{k:04d}" for k in range(1, len(spans) + 1)]
    hz, layout, now_s = recording.sampling_hz, f"{name}_layout", 0
    lines = [f"{layout} 0"]
    for own, span in zip(names, spans, strict=True):
        if span.start_s > now_s:
            lines.append(f"~ {(span.start_s - now_s) * hz}")
        lines.append(f"{own} {(span.end_s - span.start_s) * hz}")
        now_s = span.end_s
    n_channels = len(recording.channels)
    head = f"{name}/{len(lines)} {n_channels} {hz} {now_s * hz} {BASE}"
    _write_lines(folder / f"{name}.hea", [head, *lines, *_comments(recording)])
    _write_layout(recording, folder, layout)
    return [
        _write_segment(recording, span, folder, own)
        for own, span in zip(names, spans, strict=True)
    ]


def _write_layout(recording: Recording, folder: Path, name: str) -> None:
    """Write the header without samples that tells the traces of every segment."""
    lines = [f"{name} {len(recording.channels)} {recording.sampling_hz} 0"]
    for channel in recording.channels:
        lines.append(f"~ 0 {_gain(channel)} 16 0 0 0 0 {channel.name}")
    _write_lines(folder / f"{name}.hea", [*lines, *_comments(recording)])


def _write_segment(
    recording: Recording, span: Span, folder: Path, name: str, *, base: str = ""
) -> Path:
    hz, n_channels = recording.sampling_hz, len(recording.channels)
    begin, end = span.start_s * hz, span.end_s * hz
    path = folder / f"{name}.dat"
    sums = np.zeros(n_channels, dtype=np.int64)
    first_counts = np.zeros(n_channels, dtype=np.int16)
    with path.open("wb") as file:
        for at in range(begin, end, PIECE_S * hz):
            counts = recording.counts(at, min(PIECE_S * hz, end - at))
            file.write(counts.astype("<i2", copy=False).tobytes())
            sums += counts.sum(axis=0, dtype=np.int64)
            if at == begin:
                first_counts = counts[0]
    lines = [f"{name} {n_channels} {hz} {end - begin}{base}"]
    for channel, total, initial in zip(
        recording.channels, sums.tolist(), first_counts.tolist(), strict=True
    ):
        checksum = (total + 0x8000) % 0x10000 - 0x8000
        about = f"{_gain(channel)} 16 0 {initial} {checksum} 0 {channel.name}"
        lines.append(f"{path.name} 16 {about}")
    strip = f"# strip {span.title}, from {span.start_s} s of the visit"
    _write_lines(folder / f"{name}.hea", [*lines, *_comments(recording), strip])
    return path


def _gain(channel: Channel) -> str:
    return f"{channel.counts_per_unit}(0)/{channel.unit}"


def _comments(recording: Recording) -> list[str]:
    bits = ", ".join(f"{bit} {kind}" for kind, bit in MARKER_BITS.items())
    sensing = dict.fromkeys(settings.ls_channel for settings in recording.programmed)
    return [
        f"# {SIMULATED}",
        f"# pseudonym {recording.pseudonym}",
        f"# local sense is EGM {', then EGM '.join(sensing)}",
        f"# the channel MARKER is the sum of {bits}",
    ]


def write_annotations(
    marks: Sequence[Annotation], recording: Recording, path: Path
) -> None:
    """Write marks as MIT annotations, in the order of time, behind a head of two notes.

    Readers take every note at sample 0 for a definition, so that a note of ours which
    falls there stands at sample 1.
    Raises ValueError for a symbol that has no code here or a text that is too long.
    """
    hz = recording.sampling_hz
    about = f"# {SIMULATED}; pseudonym {recording.pseudonym}"
    head = [
        Annotation(0.0, NOTE, f"## time resolution: {hz}"),
        Annotation(0.0, NOTE, about),
    ]
    out, before = bytearray(), 0
    for mark in head:
        out += _annotation(mark, 0)
    for sample, mark in _in_order(marks, hz):
        out += _annotation(mark, sample - before)
        before = sample
    path.write_bytes(bytes(out + _word(0, 0)))


def _in_order(
    marks: Sequence[Annotation], sampling_hz: int
) -> list[tuple[int, Annotation]]:
    least = {NOTE: 1}
    found = [
        (max(least.get(mark.symbol, 0), round(mark.at_s * sampling_hz)), mark)
        for mark in sorted(marks, key=lambda mark: mark.at_s)
    ]
    return sorted(found, key=lambda pair: pair[0])


def _annotation(mark: Annotation, n_samples: int) -> bytes:
    if mark.symbol not in CODES:
        raise ValueError(
            f"symbol must be one of {' '.join(CODES)}, got {mark.symbol!r}"
        )
    text = mark.text.encode("ascii", "replace")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"text must have up to 255 letters, got {len(text)}")
    out = b""
    if not 0 <= n_samples <= _MOST_SAMPLES:
        high, low = (n_samples >> 16) & 0xFFFF, n_samples & 0xFFFF
        out = _word(_SKIP, 0) + high.to_bytes(2, "little") + low.to_bytes(2, "little")
        n_samples = 0
    out += _word(CODES[mark.symbol], n_samples)
    if text:
        out += _word(_AUX, len(text)) + text + b"\0" * (len(text) % 2)
    return out


def _word(code: int, low: int) -> bytes:
    return ((code << 10) | low).to_bytes(2, "little")


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("ascii", "replace"))
