"""Frames between a visit and a host: JSON and raw arrays, of bounded length.

Never pickle: what a host sends is data, whatever it holds.
"""

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MOST_TEXT: Final = 1_000_000
"""Bytes of JSON in one frame that a host sends."""

MOST_TOLD: Final = 256_000_000
"""Bytes of JSON in one frame that a host is sent: what was seen in earlier visits."""

CLOSED: Final = 97
"""Exit code of a host that cannot answer, since its line was closed under it."""

MOST_ARRAYS: Final = 2_000_000_000
"""Bytes of all arrays of one frame: a population on a large lattice."""

_HEAD: Final = struct.Struct(">4sIQ")
_MAGIC: Final = b"ccm1"
_AT_ONCE: Final = 1 << 20
UNREADABLE: Final = (
    *(ValueError, TypeError, KeyError, AttributeError),
    *(OverflowError, RecursionError),  # of a number or a nesting without measure
)
"""What reading data raises that are not what they should be."""

_KINDS: Final = ("|b1", "<f4", "<f8")
_NO_ARRAYS: Final[Mapping[str, NDArray[Any]]] = MappingProxyType({})


class FrameError(Exception):
    """What came over a line is no frame, or larger than a frame may be."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One thing said: the number of the question, what kind it is, what it tells."""

    number: int
    kind: str
    told: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=lambda: _NO_ARRAYS)

    @property
    def data(self) -> bytes:
        """The same as bytes."""
        arrays = {name: _plain(array) for name, array in self.arrays.items()}
        told = {
            "number": self.number,
            "kind": self.kind,
            "told": dict(self.told),
            "arrays": [[n, a.dtype.str, list(a.shape)] for n, a in arrays.items()],
        }
        text = json.dumps(told).encode()
        raw = b"".join(array.tobytes() for array in arrays.values())
        return _HEAD.pack(_MAGIC, len(text), len(raw)) + text + raw


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


class FrameLine:
    """One end of a socket over which frames go. Nothing here waits by itself.

    Parameters
    ----------
    end
        A connected stream socket.
    most_arrays, most_text
        Bytes of arrays, and of JSON, that a frame from the other end may have.
    """

    def __init__(
        self, end: socket.socket, *, most_arrays: int, most_text: int = MOST_TEXT
    ) -> None:
        self.end = end
        self._most_arrays, self._most_text = most_arrays, most_text
        self._held = bytearray()

    def take(self) -> Frame | None:
        """Read once, and return the next frame if it is whole by now.

        Raises EOFError when the other end is closed, FrameError for what is no frame,
        BlockingIOError when there is nothing to read yet.
        """
        frame = self._next()
        if frame is not None:
            return frame
        data = self.end.recv(_AT_ONCE)
        if not data:
            raise EOFError
        self._held += data
        return self._next()

    def _next(self) -> Frame | None:
        """Cut the first frame off what was read."""
        if len(self._held) < _HEAD.size:
            return None
        magic, n_text, n_raw = _HEAD.unpack_from(self._held)
        if magic != _MAGIC or n_text > self._most_text or n_raw > self._most_arrays:
            raise FrameError("what came is no frame")
        size = _HEAD.size + n_text + n_raw
        if len(self._held) < size:
            return None
        whole = bytes(self._held[:size])
        del self._held[:size]
        text = whole[_HEAD.size : _HEAD.size + n_text]
        return _frame_of(text, whole[_HEAD.size + n_text :])


def _frame_of(text: bytes, raw: bytes) -> Frame:
    try:
        told = json.loads(text)
        arrays = dict(_arrays_of(told["arrays"], raw))
        return Frame(int(told["number"]), str(told["kind"]), dict(told["told"]), arrays)
    except UNREADABLE as error:
        raise FrameError(f"a frame cannot be read: {type(error).__name__}") from None


def _arrays_of(listed: list[Any], raw: bytes) -> list[tuple[str, NDArray[Any]]]:
    found, at = [], 0
    for name, kind, shape in listed:
        if kind not in _KINDS or any(n < 0 for n in shape):
            raise ValueError(f"no array: {kind} {shape}")
        count = prod(shape)
        array = np.frombuffer(raw, dtype=kind, count=count, offset=at)
        found.append((str(name), array.reshape(shape).copy()))
        at += array.nbytes
    return found
