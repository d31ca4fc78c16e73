"""The error of each instrument, and how a patient wanders during a visit.

An error model is a frozen dataclass of sourced numbers that tells what its instrument
makes of a window of true beats; a row of `sim.instruments.readouts` names it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeVar

import numpy as np

from sim.instruments.clock import GRID_S, Clock
from sim.instruments.reading import BoolArray, FloatArray, Pressures, ReadingWindow
from sim.sources import sourced
from sim.units import MMHG_PER_CM_OF_BLOOD, S_PER_H

PROTOCOL: Final = "ccmlab-protocol"
PLACE: Final = "2, table of readouts"
Value = TypeVar("Value", float, FloatArray)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One act of reading: the beats, those that are used, and what may err.

    `rng` is the stream of this reading alone; draws of it belong to no other.
    """

    window: ReadingWindow
    used: BoolArray
    clock: Clock
    rng: np.random.Generator

    @property
    def middle_s(self) -> FloatArray:
        """Time of the middle of each beat, `(n,)`."""
        return self.window.start_s + 0.5 * self.window.rr_s


@dataclass(frozen=True, slots=True)
class Wander:
    """A level that forgets where it was: SD, and time to a correlation of 1/e."""

    sd_pct: float
    tau_s: float


class ErrorModel(ABC):
    """What one instrument makes of true beats. Only `primary` must be told.

    `part` names its numbers in the table of sources.
    """

    part: ClassVar[str]

    def readable(self, window: ReadingWindow, clock: Clock) -> BoolArray:
        """Tell the beats at which the instrument has a signal, `(n,)`."""
        return np.ones(window.rr_s.size, dtype=np.bool_)

    def pressures(self, seen: Seen, monitored: Pressures) -> Pressures:
        """Return the pressures noted with the reading, those of the monitor."""
        return monitored

    @abstractmethod
    def primary(self, seen: Seen, pressures: Pressures) -> float:
        """Return the value that is read, in the readout's unit."""

    def wanders(self, scale_pct: float, sbp_mmhg: float) -> Iterator[Wander]:
        """Yield what wanders beside the patient, for who plans around `sbp_mmhg`.

        `scale_pct` is 100 times the scale of all noise.
        """
        yield from ()


@dataclass(frozen=True, slots=True)
class PressureError(ErrorModel):
    """Error of the beat-to-beat finger pressure, per channel.

    The diastolic pressure takes `diastolic_share_frac` of all that the systolic one
    does, and has a white error `white_dbp_mmhg` of its own.
    """

    part: ClassVar[str] = "pressure"

    white_sbp_mmhg: float = sourced(2.5, PROTOCOL, PLACE, "assumed")
    white_dbp_mmhg: float = sourced(1.5, PROTOCOL, PLACE, "assumed")
    breath_sbp_mmhg: float = sourced(3.0, PROTOCOL, PLACE, "assumed")
    slow_sbp_mmhg: float = sourced(2.0, PROTOCOL, PLACE, "assumed")
    slow_tau_s: float = sourced(10.0, PROTOCOL, PLACE, "assumed")
    diastolic_share_frac: float = sourced(0.9, PROTOCOL, "2, channels; N11", "fitted")
    hand_height_sd_cm: float = sourced(2.0, PROTOCOL, PLACE, "assumed")
    hand_moves_per_hour: float = sourced(2.0, PROTOCOL, PLACE, "assumed")
    mmhg_per_cm: float = sourced(MMHG_PER_CM_OF_BLOOD, PROTOCOL, PLACE, "recalled")
    calibration_every_s: float = sourced(60.0, PROTOCOL, PLACE, "assumed")
    calibration_pause_s: float = sourced(2.5, PROTOCOL, PLACE, "assumed")
    lost_signal_frac: float = sourced(0.03, PROTOCOL, PLACE, "assumed")
    lost_spell_s: float = sourced(60.0, PROTOCOL, PLACE, "assumed")
    held_spell_s: float = sourced(240.0, PROTOCOL, PLACE, "assumed")

    def readable(self, window: ReadingWindow, clock: Clock) -> BoolArray:
        """Tell the beats outside calibrations and lost spells; all without noise."""
        if clock.scale == 0.0:
            return np.ones(window.rr_s.size, dtype=np.bool_)
        lost = clock.lost[clock.at(window.start_s)]
        since_s = self._since_calibration_s(window.start_s, clock)
        return np.asarray((since_s >= self.calibration_pause_s) & ~lost)

    def _since_calibration_s(self, time_s: Value, clock: Clock) -> Value:
        return (time_s + clock.calibration_phase_s) % self.calibration_every_s

    def with_errors(
        self, seen: Seen, common_mmhg: FloatArray, white: FloatArray
    ) -> Pressures:
        """Return the pressures of a window with an error that all channels share.

        Parameters
        ----------
        seen
            What is read.
        common_mmhg : (n,)
            Error of the systolic pressure but for its white part.
        white : (2, n)
            Unit white errors: the systolic pressure's, and one of the diastolic alone.
        """
        window, drift = seen.window, seen.clock.drift[seen.clock.at(seen.middle_s)]
        channels = self._channels(
            (window.sbp_mmhg, window.dbp_mmhg, window.map_mmhg),
            drift,
            common_mmhg,
            (white[0], white[1]),
            seen.clock.scale,
        )
        return Pressures(*(float(each[seen.used].mean()) for each in channels))

    def shown(
        self, at_s: float, true: Pressures, white: tuple[float, float], clock: Clock
    ) -> Pressures | None:
        """Return the pressures of one beat, None without a signal.

        As `with_errors` of a window of that beat, ten times as fast.

        Parameters
        ----------
        at_s
            Time of its middle.
        true
            Its pressures.
        white
            Its unit white errors.
        """
        place = min(int(at_s * (1.0 / GRID_S)), clock.drift.size - 1)
        since_s = self._since_calibration_s(at_s, clock)
        is_lost = since_s < self.calibration_pause_s or clock.lost[place]
        if clock.scale != 0.0 and is_lost:
            return None
        slow, breath = float(clock.slow[place]), float(clock.breath(np.float64(at_s)))
        channels = self._channels(
            (true.sbp_mmhg, true.dbp_mmhg, true.map_mmhg),
            float(clock.drift[place]),
            self._waves(slow, breath, clock.scale) + float(clock.hand_mmhg[place]),
            white,
            clock.scale,
        )
        return Pressures(*channels)

    def _channels(
        self,
        true_mmhg: tuple[Value, Value, Value],
        drift: Value,
        common_mmhg: Value,
        white: tuple[Value, Value],
        scale: float,
    ) -> tuple[Value, Value, Value]:
        """Return systolic, diastolic and mean pressure with their errors."""
        sbp, dbp, map_ = true_mmhg
        common = common_mmhg + scale * self.white_sbp_mmhg * white[0]
        drifted = 1.0 + drift
        share = self.diastolic_share_frac
        # eq. 31, each channel with its share of what errs
        own = scale * self.white_dbp_mmhg * white[1]
        return (
            sbp * drifted + common,
            dbp * drifted + share * common + own,
            # the mean lies a third of the way from diastole to systole
            map_ * drifted + (1.0 + 2.0 * share) / 3.0 * common,
        )

    def waves_mmhg(self, seen: Seen) -> FloatArray:
        """Return the patient's own waves in the systolic pressure, `(n,)`."""
        clock, middle_s = seen.clock, seen.middle_s
        slow = clock.slow[clock.at(middle_s)]
        return self._waves(slow, clock.breath(middle_s), clock.scale)

    def _waves(self, slow: Value, breath: Value, scale: float) -> Value:
        return self.slow_sbp_mmhg * slow + scale * self.breath_sbp_mmhg * breath

    def primary(self, seen: Seen, pressures: Pressures) -> float:
        """Return the mean systolic pressure of the monitor, mmHg."""
        return pressures.sbp_mmhg

    def wanders(self, scale_pct: float, sbp_mmhg: float) -> Iterator[Wander]:
        """Yield the height of the hand."""
        hand_mmhg = self.hand_height_sd_cm * self.mmhg_per_cm
        yield Wander(
            scale_pct * hand_mmhg / sbp_mmhg, S_PER_H / self.hand_moves_per_hour
        )


@dataclass(frozen=True, slots=True)
class CatheterError(PressureError):
    """Error of a pressure read by catheter: nearly all of it is the patient's own.

    Breathing and slow waves are those of the finger; no hand to move, no pauses.
    """

    part: ClassVar[str] = "catheter"

    white_sbp_mmhg: float = sourced(2.2, PROTOCOL, "2, catheter; N12", "fitted")
    white_dbp_mmhg: float = sourced(1.0, PROTOCOL, "2, catheter", "assumed")

    def readable(self, window: ReadingWindow, clock: Clock) -> BoolArray:
        """Tell that every beat can be read."""
        return np.ones(window.rr_s.size, dtype=np.bool_)

    def pressures(self, seen: Seen, monitored: Pressures) -> Pressures:
        """Return the pressures of the catheter, with white errors of its own."""
        white = seen.rng.standard_normal((2, seen.window.rr_s.size))
        return self.with_errors(seen, self.waves_mmhg(seen), white)

    def wanders(self, scale_pct: float, sbp_mmhg: float) -> Iterator[Wander]:
        """Yield nothing: no hand is moved."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Drift:
    """How the patient wanders during a visit: a smooth trend and a small AR(1)."""

    trend_frac: float = sourced(
        0.05, "dpdt-noise-2014", "abstract: drift first to last baseline", "measured"
    )
    trend_over_s: float = sourced(5400.0, PROTOCOL, "2", "assumed")
    wander_frac: float = sourced(0.015, PROTOCOL, "2, calibration", "fitted")
    wander_tau_s: float = sourced(300.0, PROTOCOL, "2", "assumed")


@dataclass(frozen=True, slots=True)
class CuffError(ErrorModel):
    """Error of one oscillometric cuff reading."""

    part: ClassVar[str] = "cuff"

    sd_mmhg: float = sourced(5.0, PROTOCOL, PLACE, "recalled")
    rounding_mmhg: float = sourced(2.0, PROTOCOL, PLACE, "recalled")

    def pressures(self, seen: Seen, monitored: Pressures) -> Pressures:
        """Return what the cuff shows: one error each, rounded."""
        scale = seen.clock.scale
        shifts = seen.rng.standard_normal(3) * scale * self.sd_mmhg
        values = (
            np.array([monitored.sbp_mmhg, monitored.dbp_mmhg, monitored.map_mmhg])
            + shifts
        )
        if scale > 0.0:
            values = np.round(values / self.rounding_mmhg) * self.rounding_mmhg
        return Pressures(*(float(value) for value in values))

    def primary(self, seen: Seen, pressures: Pressures) -> float:
        """Return the systolic pressure of the cuff, mmHg."""
        return pressures.sbp_mmhg

    def wanders(self, scale_pct: float, sbp_mmhg: float) -> Iterator[Wander]:
        """Yield what the arm has in common with the hand: its height."""
        yield from PressureError().wanders(scale_pct, sbp_mmhg)


@dataclass(frozen=True, slots=True)
class EchoError(ErrorModel):
    """Error of the Doppler velocity-time integral of the outflow tract."""

    part: ClassVar[str] = "echo"

    per_beat_frac: float = sourced(0.08, PROTOCOL, PLACE, "recalled")
    probe_frac: float = sourced(0.03, PROTOCOL, PLACE, "assumed")
    probe_tau_s: float = sourced(300.0, PROTOCOL, PLACE, "assumed")
    beats_read: int = sourced(5, PROTOCOL, PLACE, "assumed")
    outflow_area_cm2: float = sourced(3.5, PROTOCOL, PLACE, "assumed")

    def primary(self, seen: Seen, pressures: Pressures) -> float:
        """Return the mean velocity-time integral of some beats, cm."""
        clock, readable = seen.clock, np.flatnonzero(seen.used)
        pick = readable[
            np.linspace(0, readable.size - 1, self.beats_read).round().astype(np.intp)
        ]
        at = clock.at(seen.window.start_s[pick])
        error = (
            clock.scale * self.per_beat_frac * seen.rng.standard_normal(pick.size)
            + self.probe_frac * clock.probe[at]
            + clock.drift[at]
        )
        vti_cm = seen.window.sv_ml[pick] / self.outflow_area_cm2
        return float((vti_cm * (1.0 + error)).mean())

    def wanders(self, scale_pct: float, sbp_mmhg: float) -> Iterator[Wander]:
        """Yield the angle of the probe."""
        yield Wander(scale_pct * self.probe_frac, self.probe_tau_s)


@dataclass(frozen=True, slots=True)
class InvasiveError(ErrorModel):
    """Error of the invasive LV dP/dt max (research only)."""

    part: ClassVar[str] = "invasive"

    per_beat_frac: float = sourced(0.025, PROTOCOL, PLACE, "assumed")
    breath_frac: float = sourced(
        0.064, "dpdt-noise-2014", "abstract: respiratory variation", "measured"
    )
    slow_frac: float = sourced(0.017, PROTOCOL, "2, calibration", "fitted")
    slow_tau_s: float = sourced(10.0, PROTOCOL, PLACE, "assumed")

    def primary(self, seen: Seen, pressures: Pressures) -> float:
        """Return the mean dP/dt max, mmHg/s."""
        clock, middle_s = seen.clock, seen.middle_s
        at = clock.at(middle_s)
        white = seen.rng.standard_normal(seen.window.rr_s.size)
        error = (
            clock.scale * self.per_beat_frac * white
            + clock.scale * self.breath_frac * clock.breath(middle_s)
            + self.slow_frac * clock.slow_dpdt[at]
            + clock.drift[at]
        )
        return float(
            (seen.window.dpdt_max_mmhg_per_s * (1.0 + error))[seen.used].mean()
        )


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of every visit, however it is read: monitor, drift, vital signs."""

    pressure: PressureError = field(default_factory=PressureError)
    drift: Drift = field(default_factory=Drift)
    cuff: CuffError = field(default_factory=CuffError)
