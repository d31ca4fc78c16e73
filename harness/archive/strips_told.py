"""Strips as a hand-out has them: of the pressures only that of the monitor.

The arterial pressure of a strip is the heart's own, without an instrument's error: its
mean at two settings is the answer. What the monitor showed has a trace of its own. The
electrograms, the ECG and the device's marks give nothing away.
"""

from pathlib import Path
from typing import Final

import numpy as np

from sim.telemetry.channels import MONITOR
from sim.textfiles import read_text

PRESSURE: Final = "mmHg"
COUNT: Final = np.dtype("<i2")
_EDF_HEAD: Final = 256
_EDF_HEADER_BYTES: Final = slice(184, 192)
_EDF_N_RECORDS: Final = slice(236, 244)
_EDF_N_SIGNALS: Final = slice(252, 256)
_EDF_FIELDS: Final = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_EDF_LABEL: Final = 0
_EDF_UNIT: Final = 2
_EDF_SAMPLES: Final = 8
_NAMING: Final = (".hea", ".atr", ".dev", ".edf")
"""Files of strips that name the pseudonym."""


def make_told(folder: Path, name: str, old: str, new: str) -> None:
    """Write the strips of a folder again as a hand-out may have them.

    No trace of a true pressure is left; the pseudonym is another, as long as the old.
    """
    for path in sorted(folder.glob(f"{name}*.hea")):
        _wfdb_without(path)
    for path in sorted(folder.glob(f"{name}*.edf")):
        path.write_bytes(_edf_without(path.read_bytes()))
    for path in sorted(folder.glob(f"{name}*")):
        if path.suffix in _NAMING:
            content = path.read_bytes()
            path.write_bytes(content.replace(old.encode(), new.encode()))


def _wfdb_without(path: Path) -> None:
    head, *lines = read_text(path).splitlines()
    traces = [n for n, line in enumerate(lines) if _is_trace(line)]
    kept = [n for n in traces if not _is_true_pressure(lines[n])]
    record, n_traces, *rest = head.split(" ")
    left_out = set(traces) - set(kept)
    if traces and left_out:
        data = path.with_name(lines[traces[0]].split(" ")[0])
        if data.suffix == ".dat":
            counts = np.fromfile(data, COUNT).reshape(-1, len(traces))
            columns = [traces.index(n) for n in kept]
            data.write_bytes(np.ascontiguousarray(counts[:, columns]).tobytes())
        n_traces = str(len(kept))
    elif not traces:  # the head of several strips: their traces are in their own
        n_traces = str(_traces_of(path, lines, int(n_traces)))
    told = [line for n, line in enumerate(lines) if n not in left_out]
    text = "\n".join([" ".join([record, n_traces, *rest]), *told]) + "\n"
    path.write_bytes(text.encode())


def _is_trace(line: str) -> bool:
    """Tell a line of a trace from a comment and from one that names a strip."""
    return not line.startswith("#") and len(line.split(" ")) > len(("name", "samples"))


def _is_true_pressure(line: str) -> bool:
    return f"/{PRESSURE} " in line and not line.endswith(f" {MONITOR}")


def _traces_of(path: Path, lines: list[str], n_traces: int) -> int:
    strips = [line.split(" ")[0] for line in lines if not line.startswith("#")]
    named = [name for name in strips if name != "~"]
    if not named:
        return n_traces
    own = read_text(path.with_name(f"{named[0]}.hea")).splitlines()[1:]
    return sum(_is_trace(line) and not _is_true_pressure(line) for line in own)


def _edf_without(content: bytes) -> bytes:
    n = int(content[_EDF_N_SIGNALS])
    at, fields = _EDF_HEAD, []
    for width in _EDF_FIELDS:
        fields.append(
            [content[at + k * width : at + (k + 1) * width] for k in range(n)]
        )
        at += n * width
    told = [[field[k].strip() for k in range(n)] for field in fields]
    pressures = {k for k in range(n) if told[_EDF_UNIT][k] == PRESSURE.encode()}
    monitors = {k for k in range(n) if told[_EDF_LABEL][k] == MONITOR.encode()}
    kept = sorted({*range(n)} - (pressures - monitors))
    sizes = [int(size) * COUNT.itemsize for size in fields[_EDF_SAMPLES]]
    ends = np.cumsum([0, *sizes])
    n_records = int(content[_EDF_N_RECORDS])
    records = np.frombuffer(content[at:], np.uint8).reshape(n_records, int(ends[-1]))
    head = bytearray(content[:_EDF_HEAD])
    head[_EDF_HEADER_BYTES] = f"{_EDF_HEAD * (1 + len(kept)):<8}".encode()
    head[_EDF_N_SIGNALS] = f"{len(kept):<4}".encode()
    about = b"".join(field[k] for field in fields for k in kept)
    left = [records[:, ends[k] : ends[k + 1]] for k in kept]
    return bytes(head) + about + np.hstack(left).tobytes()
