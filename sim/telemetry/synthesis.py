"""Draw waves, blocks and smooth curves into samples: every trace is made of these.

Sample `k` of `out` is at `start_s + k / sampling_hz`; kernels are told the start in
samples, `first`. They add to `out`, which may be a piece of a longer trace: a wave that
begins before the piece is drawn on.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.heart.jit import kernel

FloatArray = NDArray[np.float64]

REACH_SD: Final = 5.0
_LEAST_GAP_S: Final = 1e-4
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """Gaussian waves, each `(n,)`, in the order of time; `joined` makes them so."""

    at_s: FloatArray
    height: FloatArray
    sd_s: FloatArray

    def between(self, start_s: float, end_s: float) -> "Waves":
        """Return the waves that reach into a span."""
        reach_s = REACH_SD * float(self.sd_s.max(initial=0.0))
        first = np.searchsorted(self.at_s, start_s - reach_s, "left")
        last = np.searchsorted(self.at_s, end_s + reach_s, "right")
        return _chosen(self, slice(int(first), int(last)))

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add the waves to samples."""
        end_s = start_s + out.size / sampling_hz
        near = self.between(start_s, end_s)
        first = first_sample(start_s, sampling_hz)
        draw_waves(out, first, sampling_hz, near.at_s, near.height, near.sd_s)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Rectangles, each `(n,)`: `height` from `from_s` on, until before `to_s`."""

    from_s: FloatArray
    to_s: FloatArray
    height: FloatArray

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add the blocks to samples."""
        end_s = start_s + out.size / sampling_hz
        near = _chosen(self, (self.to_s >= start_s) & (self.from_s <= end_s))
        at = first_sample(start_s, sampling_hz)
        draw_blocks(out, at, sampling_hz, near.from_s, near.to_s, near.height)


@dataclass(frozen=True, slots=True, eq=False)
class SmoothCurve:
    """A smooth curve through knots, each `(n,)`: times rise, slopes are per second.

    Between two knots it is the cubic that has their values and slopes; before the
    first and after the last one it stays level.
    """

    at_s: FloatArray
    value: FloatArray
    slope: FloatArray

    @classmethod
    def through(cls, knots: FloatArray) -> Self:
        """Return the curve through rows of (time, value, slope), in any order.

        Rows with a nan are left out, and so is a row that follows another at once.
        """
        kept = knots[np.isfinite(knots).all(axis=1)]
        kept = kept[np.argsort(kept[:, 0], kind="stable")]
        if len(kept):
            apart = np.diff(kept[:, 0], prepend=-np.inf) > _LEAST_GAP_S
            kept = kept[apart]
        return cls(*(np.ascontiguousarray(column) for column in kept.T))

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add the curve to samples; nothing when it has no knot."""
        if not self.at_s.size:
            return
        end_s = start_s + out.size / sampling_hz
        first = max(0, int(np.searchsorted(self.at_s, start_s, "right")) - 1)
        last = int(np.searchsorted(self.at_s, end_s, "left")) + 1
        own = slice(first, last)
        at = first_sample(start_s, sampling_hz)
        draw_curve(
            out, at, sampling_hz, self.at_s[own], self.value[own], self.slope[own]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A smooth curve through values at 0, `step_s`, 2 `step_s` and so on.

    `values` returns those numbered `first` to `last - 1`; only those near a piece are
    asked for.
    """

    step_s: float
    values: Callable[[int, int], FloatArray]

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add the curve to samples."""
        end_s = start_s + out.size / sampling_hz
        first = max(0, math.floor(start_s / self.step_s) - 1)
        last = math.ceil(end_s / self.step_s) + 2
        before = max(0, first - 1)  # a slope needs the value before and the one after
        value = self.values(before, last + 1)
        slope = np.gradient(value, self.step_s)
        own = slice(first - before, last - before)
        at_s = self.step_s * np.arange(first, last, dtype=np.float64)
        at = first_sample(start_s, sampling_hz)
        draw_curve(out, at, sampling_hz, at_s, value[own], slope[own])


@dataclass(frozen=True, slots=True)
class Tone:
    """A sine that never ends, such as the mains; the phase in radians."""

    hz: float
    height: float
    phase: float

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add the sine to samples."""
        turn = 2.0 * math.pi
        turns = math.fmod(self.hz * first_sample(start_s, sampling_hz) / sampling_hz, 1)
        draw_tone(
            out, turn * self.hz / sampling_hz, self.phase + turn * turns, self.height
        )


@dataclass(frozen=True, slots=True)
class Noise:
    """Broadband noise: each sample by itself, as `key` and its number say."""

    key: int
    sd: float

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add the noise to samples."""
        first = np.uint64(round(first_sample(start_s, sampling_hz)))
        draw_noise(out, first, np.uint64(self.key), self.sd)


@dataclass(frozen=True, slots=True)
class Bursts:
    """Broadband noise that is there in some spans of clock time only."""

    key: int
    sd: float
    spans_s: tuple[tuple[float, float], ...]

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add the noise to the samples that lie in a span."""
        first = first_sample(start_s, sampling_hz)
        for from_s, to_s in self.spans_s:
            begin = max(0, math.ceil(from_s * sampling_hz - first))
            end = min(out.size, math.ceil(to_s * sampling_hz - first))
            if begin < end:
                number = np.uint64(round(first) + begin)
                draw_noise(out[begin:end], number, np.uint64(self.key), self.sd)


class TracePart(Protocol):
    """Anything that adds itself to the samples of a trace."""

    def draw(self, out: FloatArray, start_s: float, sampling_hz: float) -> None:
        """Add it to samples."""


def first_sample(start_s: float, sampling_hz: float) -> float:
    """Return a start in samples; a whole number when it is within rounding of one.

    So the time of a sample is the same number, whichever piece it is drawn in.
    """
    exact = start_s * sampling_hz
    whole = round(exact)
    return float(whole) if abs(exact - whole) < _ROUNDING else exact


Several = TypeVar("Several", Waves, Blocks)


def _chosen(part: Several, inside: slice | NDArray[np.bool_]) -> Several:
    kept = (getattr(part, item.name)[inside] for item in fields(part))
    return type(part)(*kept)


def joined(parts: Sequence[Waves]) -> Waves:
    """Return several groups of waves as one, in the order of time.

    A wave whose time or height is nan did not happen and is left out.
    """
    rows = np.stack(
        [
            np.concatenate([getattr(part, item.name) for part in parts])
            for item in fields(Waves)
        ]
    )
    kept = rows[:, np.isfinite(rows).all(axis=0)]
    return Waves(*kept[:, np.argsort(kept[0], kind="stable")])


@kernel
def draw_waves(
    out: FloatArray,
    first: float,
    sampling_hz: float,
    at_s: FloatArray,
    height: FloatArray,
    sd_s: FloatArray,
) -> None:
    """Add Gaussian waves to samples, each as far as 5 SD from its peak."""
    for wave in range(at_s.size):
        peak = at_s[wave] * sampling_hz - first
        reach = REACH_SD * sd_s[wave] * sampling_hz
        low = max(0, math.ceil(peak - reach))
        high = min(out.size, math.floor(peak + reach) + 1)
        narrow = -0.5 / (sd_s[wave] * sampling_hz) ** 2
        # the ratio of neighbours changes by the same factor from each to the next
        value = height[wave] * math.exp(narrow * (low - peak) ** 2)
        ratio = math.exp(narrow * (2.0 * (low - peak) + 1.0))
        factor = math.exp(2.0 * narrow)
        for k in range(low, high):
            out[k] += value
            value *= ratio
            ratio *= factor


@kernel
def draw_blocks(
    out: FloatArray,
    first: float,
    sampling_hz: float,
    from_s: FloatArray,
    to_s: FloatArray,
    height: FloatArray,
) -> None:
    """Add rectangles to samples, from their beginning until before their end."""
    for block in range(from_s.size):
        if not math.isfinite(from_s[block]) or not math.isfinite(to_s[block]):
            continue
        k = max(0, int(from_s[block] * sampling_hz - first) - 1)
        while k < out.size:
            now_s = (first + k) / sampling_hz
            if now_s >= to_s[block]:
                break
            if now_s >= from_s[block]:
                out[k] += height[block]
            k += 1


@kernel
def draw_curve(
    out: FloatArray,
    first: float,
    sampling_hz: float,
    at_s: FloatArray,
    value: FloatArray,
    slope: FloatArray,
) -> None:
    """Add the cubic through each pair of knots to samples, level outside of them."""
    last = at_s.size - 1
    piece = 0
    for k in range(out.size):
        now_s = (first + k) / sampling_hz
        while piece < last and now_s >= at_s[piece + 1]:
            piece += 1
        if now_s < at_s[0] or piece == last:
            out[k] += value[piece]
            continue
        width_s = at_s[piece + 1] - at_s[piece]
        x = (now_s - at_s[piece]) / width_s
        rise = value[piece + 1] - value[piece]
        begin, end = width_s * slope[piece], width_s * slope[piece + 1]
        cubic = begin + end - 2.0 * rise
        square = 3.0 * rise - 2.0 * begin - end
        out[k] += value[piece] + x * (begin + x * (square + x * cubic))


@kernel
def draw_tone(
    out: FloatArray, turn_per_sample: float, turn_at_first: float, height: float
) -> None:
    """Add a sine to samples; angles in radians."""
    # sin(n a) = 2 cos(a) sin((n - 1) a) - sin((n - 2) a)
    now = math.sin(turn_at_first)
    before = math.sin(turn_at_first - turn_per_sample)
    double = 2.0 * math.cos(turn_per_sample)
    for k in range(out.size):
        out[k] += height * now
        before, now = now, double * now - before


@kernel
def draw_noise(out: FloatArray, first: np.uint64, key: np.uint64, sd: float) -> None:
    """Add noise to samples, a function of the number of the sample and the key.

    The bits are those of splitmix64; the sum of the four 16-bit numbers in them is
    close to normal.
    """
    scale = sd * math.sqrt(3.0) / 65536.0  # a uniform number has the variance 1/12
    low = np.uint64(0xFFFF)
    for k in range(out.size):
        z = (first + np.uint64(k)) * np.uint64(0x9E3779B97F4A7C15) + key
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        total = np.int64(z & low) + np.int64((z >> np.uint64(16)) & low)
        total += np.int64((z >> np.uint64(32)) & low) + np.int64(z >> np.uint64(48))
        out[k] += scale * (total - 131070)
