"""Instruments of a bedside that strides: waves kept, and a pressure read in one kernel.

What is read is what `Instruments.read` reads, number for number; a test compares them.
Only the pressure of the finger has a kernel; any other readout takes the usual way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sim.heart.contractility import PVC, VT
from sim.heart.control import BEAT_COLUMNS
from sim.heart.jit import kernel
from sim.heart.judged import DEVICE
from sim.instruments.clock import GRID_S, Clock
from sim.instruments.errors import PressureError
from sim.instruments.instruments import Instruments
from sim.instruments.reading import BoolArray, FloatArray, Reading, ReadingWindow
from sim.streams import DrawMemory
from sim.units import S_PER_MIN

ERRORS: Final = (
    "scale",
    "breathing_hz",
    "breath_phase",
    "calibration_phase_s",
    "calibration_every_s",
    "calibration_pause_s",
    "slow_mmhg",
    "breath_mmhg",
    "white_sbp_mmhg",
    "white_dbp_mmhg",
    "diastolic_share_frac",
)
"""Numbers of `PressureError` and of the clock, as the kernel takes them."""
_SEEN: Final = (
    "sbp_mmhg",
    "dbp_mmhg",
    "map_mmhg",
    "rr_s",
    "n_used",
    "n_readable",
    "ectopic_frac",
    "n_eligible",
    "delivered_frac",
)
_START, _RR, _ORIGIN = (BEAT_COLUMNS.index(n) for n in ("at_s", "rr_s", "origin"))
_SBP, _DBP, _MAP = (BEAT_COLUMNS.index(f"{n}_mmhg") for n in ("sbp", "dbp", "map"))
_DELIVERED: Final = DEVICE.index("delivered")


@kernel
def _read_pressure(
    beats: FloatArray,
    found: FloatArray,
    first: int,
    reach: int,
    errors: FloatArray,
    drift: FloatArray,
    slow: FloatArray,
    hand_mmhg: FloatArray,
    lost: BoolArray,
    white: FloatArray,
    seen: FloatArray,
) -> None:
    """Read a window of a finger pressure.

    Parameters
    ----------
    beats, found
        Rows of `BEAT_COLUMNS` and of `DEVICE`, up to the last beat of the window.
    first
        Line of its first beat; those before only tell of ectopics.
    reach
        Beats dropped on either side of an ectopic.
    errors
        As `ERRORS`.
    drift, slow, hand_mmhg, lost
        Waves of the clock.
    white : (2, n)
        Unit white errors.
    seen : (9,)
        What was read is written, in the order of `_SEEN`.
    """
    scale, hz, phase, since_phase_s, every_s, pause_s = errors[:6]
    slow_mmhg, breath_mmhg, white_sbp, white_dbp, share = errors[6:]
    total, last = len(beats), drift.size - 1
    n, end_s = total - first, beats[total - 1, _START] + beats[total - 1, _RR]
    breaths = np.floor((end_s - beats[first, _START]) * hz)
    from_s = end_s - breaths / hz if breaths >= 1.0 else -np.inf
    used, clean = np.zeros(n, dtype=np.bool_), np.ones(n, dtype=np.bool_)
    n_ectopic = n_eligible = n_delivered = n_readable = 0
    for k in range(n):
        at = first + k
        n_ectopic += beats[at, _ORIGIN] in (PVC, VT)
        for near in range(max(0, at - reach), min(total, at + reach + 1)):
            clean[k] = clean[k] and beats[near, _ORIGIN] not in (PVC, VT)
        if clean[k]:
            n_eligible += 1
            n_delivered += found[at, _DELIVERED] > 0.0
        start_s = beats[at, _START]
        used[k] = clean[k] and start_s + 0.5 * beats[at, _RR] >= from_s
        if used[k] and scale > 0.0:
            is_paused = (start_s + since_phase_s) % every_s < pause_s
            used[k] = not (is_paused or lost[min(int(start_s / GRID_S), last)])
        n_readable += used[k]
    seen[:] = 0.0
    n_used = 0
    for k in range(n):
        if n_readable > 0 and not used[k]:
            continue
        row = beats[first + k]
        middle_s = row[_START] + 0.5 * row[_RR]
        i = min(int(middle_s / GRID_S), last)
        breath = np.sin(2.0 * np.pi * hz * middle_s + phase)
        common = slow_mmhg * slow[i] + scale * breath_mmhg * breath
        common += hand_mmhg[i] + scale * white_sbp * white[0, k]
        drifted = 1.0 + drift[i]
        # eq. 31, each channel with its share of what errs
        seen[0] += row[_SBP] * drifted + common
        seen[1] += (
            row[_DBP] * drifted + share * common + scale * white_dbp * white[1, k]
        )
        seen[2] += row[_MAP] * drifted + (1.0 + 2.0 * share) / 3.0 * common
        seen[3] += row[_RR]
        n_used += 1
    seen[:4] /= n_used
    seen[4], seen[5], seen[6] = n_used, n_readable, n_ectopic / n
    seen[7] = n_eligible
    seen[8] = n_delivered / n_eligible if n_eligible > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waves:
    """The waves of a visit, what the monitor makes of a pressure, white errors so far.

    `white` is keyed by the number and the beats of a reading: who shares the waves is
    in the same visit, and errs alike in the same reading.
    """

    clock: Clock
    drift: FloatArray
    error_mmhg: FloatArray
    white: dict[tuple[int, int], FloatArray] = field(default_factory=dict)


_WAVES: Final = DrawMemory[_Waves](8)


class StridingInstruments(Instruments):
    """Instruments for kernels: what is drawn is kept, a pressure read at once."""

    def _set_up(
        self, rng: np.random.Generator, n: int, scale: float, breathing_hz: float
    ) -> None:
        def draw(rng: np.random.Generator) -> _Waves:
            clock = self._drawn_clock(rng, n, scale, breathing_hz)
            return _Waves(clock, 1.0 + clock.drift, self._on_monitor(clock))

        kept = _WAVES.drawn(rng, (n, scale, breathing_hz), draw)
        # a cough moves the height of the hand and what the monitor shows
        self._clock = kept.clock.unspoilt()
        self.monitor_drift, self.monitor_error_mmhg = kept.drift, kept.error_mmhg.copy()
        self._white = kept.white
        self._to_kernel, self._seen = self._error_numbers(), np.empty(len(_SEEN))

    def read_beats(
        self,
        beats: FloatArray,
        found: FloatArray,
        first: int,
        window: Callable[[], ReadingWindow],
        *,
        expects_ccm: bool,
        link_lost: bool,
    ) -> Reading:
        """Read the beats from `first` on with this instrument's error.

        Parameters
        ----------
        beats, found
            Rows of `BEAT_COLUMNS`, all there are, and of `DEVICE`.
        first
            Line of the first beat of the window.
        window
            Gives the window itself, for a readout that has no kernel.
        expects_ccm, link_lost
            As in the window.
        """
        if type(self._error) is not PressureError:
            return self.read(window())
        number, self._number = self._number, self._number + 1
        clock, n = self._clock, len(beats) - first
        _read_pressure(
            beats,
            found,
            first,
            self.rules.dropped_around_ectopic,
            self._to_kernel,
            clock.drift,
            clock.slow,
            clock.hand_mmhg,
            clock.lost,
            self._white_of(number, n),
            self._seen,
        )
        sbp, dbp, map_, rr_s, n_used, n_readable, *of_beats = self._seen.tolist()
        ectopic_frac, n_eligible, delivered_frac = of_beats
        may_miss = expects_ccm and n_eligible > 0
        void = self._void_text(
            link_lost=link_lost,
            ectopic_frac=ectopic_frac,
            delivered_frac=delivered_frac if may_miss else 1.0,
            too_few=n_readable < min(self.rules.least_beats_used, n // 2),
        )
        return Reading(
            number=number,
            start_s=float(beats[first, _START]),
            end_s=float(beats[-1, _START] + beats[-1, _RR]),
            n_beats=n,
            n_used=int(n_used),
            delivered_frac=delivered_frac,
            void=void,
            primary=sbp,
            sbp_mmhg=sbp,
            dbp_mmhg=dbp,
            map_mmhg=map_,
            pulse_pressure_mmhg=sbp - dbp,
            heart_rate_bpm=S_PER_MIN / rr_s,
        )

    def _white_of(self, number: int, n: int) -> FloatArray:
        key = number, n
        if key not in self._white:
            self._white[key] = self.white_of_reading(number, n)
        return self._white[key]

    def _error_numbers(self) -> FloatArray:
        of, clock = self._errors.pressure, self._clock
        return np.array(
            [
                clock.scale,
                clock.breathing_hz,
                clock.breath_phase,
                clock.calibration_phase_s,
                of.calibration_every_s,
                of.calibration_pause_s,
                of.slow_sbp_mmhg,
                of.breath_sbp_mmhg,
                of.white_sbp_mmhg,
                of.white_dbp_mmhg,
                of.diastolic_share_frac,
            ]
        )
