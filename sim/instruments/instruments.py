"""The instruments of one visit: the wandering of a patient and the act of reading."""

from collections.abc import Callable

import numpy as np

from sim.instruments.clock import GRID_S, Clock, ar1
from sim.instruments.errors import EchoError, Errors, InvasiveError, Seen
from sim.instruments.reading import (
    BoolArray,
    FloatArray,
    Pressures,
    Reading,
    ReadingWindow,
)
from sim.instruments.readouts import RULES, ReadingRules, Readout
from sim.units import PCT_PER_FRAC, S_PER_H, S_PER_MIN


class Instruments:
    """The instruments of one visit with the wandering of one patient.

    Parameters
    ----------
    readout
        The primary readout.
    breathing_hz
        Breaths per second of the patient.
    rng_drift
        Stream of everything that is a function of clock time.
    rng_of_reading
        Gives the stream of reading number `k`, 0 and up.
    horizon_s
        Length of clock time covered; later times repeat the last value.
    noise_scale
        Multiplies every error; 0 gives exact readings.
    """

    def __init__(
        self,
        readout: Readout,
        *,
        breathing_hz: float,
        rng_drift: np.random.Generator,
        rng_of_reading: Callable[[int], np.random.Generator],
        horizon_s: float,
        noise_scale: float = 1.0,
        rules: ReadingRules = RULES,
    ) -> None:
        self.readout = readout
        self.rules = rules
        self._errors = Errors()
        self._error = readout.error()
        self._rng_of_reading = rng_of_reading
        self._number = 0
        self._set_up(rng_drift, int(horizon_s / GRID_S) + 2, noise_scale, breathing_hz)

    def _set_up(
        self, rng: np.random.Generator, n: int, scale: float, breathing_hz: float
    ) -> None:
        self._clock = self._drawn_clock(rng, n, scale, breathing_hz)
        self.monitor_drift: FloatArray = 1.0 + self._clock.drift
        self.monitor_error_mmhg = self._on_monitor(self._clock)

    def _drawn_clock(
        self, rng: np.random.Generator, n: int, scale: float, breathing_hz: float
    ) -> Clock:
        """Draw the waves of a visit; all of them, whatever it is read with.

        The order is part of every experiment; a new readout asks `Clock.wave`.
        """
        drift, pressure = self._errors.drift, self._errors.pressure
        time_s: FloatArray = np.arange(n, dtype=np.float64) * GRID_S
        slope, bow = rng.standard_normal(2)
        # eq. 30
        turn = time_s / drift.trend_over_s
        trend = slope * turn + 0.5 * bow * np.sin(np.pi * turn)
        wander = ar1(rng, n, drift.wander_tau_s)
        return Clock(
            scale=scale,
            breathing_hz=breathing_hz,
            drift=scale * (drift.trend_frac * trend + drift.wander_frac * wander),
            slow=scale * ar1(rng, n, pressure.slow_tau_s),
            slow_dpdt=scale * ar1(rng, n, InvasiveError().slow_tau_s),
            probe=scale * ar1(rng, n, EchoError().probe_tau_s),
            breath_phase=rng.uniform(0.0, 2.0 * np.pi),
            calibration_phase_s=rng.uniform(0.0, pressure.calibration_every_s),
            hand_mmhg=scale * self._draw_hand(rng, n),
            lost=self._draw_lost(rng, n, scale),
            rng=rng.spawn(1)[0],
        )

    def _on_monitor(self, clock: Clock) -> FloatArray:
        """Return the error of the monitored pressure at each time of the grid, mmHg."""
        pressure = self._errors.pressure
        time_s: FloatArray = np.arange(clock.drift.size, dtype=np.float64) * GRID_S
        return (
            pressure.slow_sbp_mmhg * clock.slow
            + clock.hand_mmhg
            + clock.scale * pressure.breath_sbp_mmhg * clock.breath(time_s)
        )

    def _draw_hand(self, rng: np.random.Generator, n: int) -> FloatArray:
        pressure = self._errors.pressure
        moves = rng.random(n) < pressure.hand_moves_per_hour * GRID_S / S_PER_H
        heights_cm = rng.standard_normal(n) * pressure.hand_height_sd_cm
        last_move = np.maximum.accumulate(np.where(moves, np.arange(n), 0))
        return pressure.mmhg_per_cm * heights_cm[last_move] * (last_move > 0)

    def _draw_lost(self, rng: np.random.Generator, n: int, scale: float) -> BoolArray:
        pressure = self._errors.pressure
        has_poor_signal = rng.random() < pressure.lost_signal_frac
        # two for every half minute, where both last five on average: always enough
        spells_s = rng.exponential(size=(max(n // 60, 2), 2)) * np.array(
            [pressure.held_spell_s, pressure.lost_spell_s]
        )
        edges_s = np.cumsum(spells_s.ravel())
        if not (has_poor_signal and scale > 0.0):
            return np.zeros(n, dtype=np.bool_)
        spell = np.searchsorted(edges_s, np.arange(n) * GRID_S)
        return np.asarray(spell % 2 == 1)

    def monitored_sbp_mmhg(self, now_s: float, true_sbp_mmhg: float) -> float:
        """Return the systolic pressure on the monitor at one beat."""
        i = min(int(now_s * (1.0 / GRID_S)), self.monitor_drift.size - 1)
        shown = true_sbp_mmhg * self.monitor_drift[i] + self.monitor_error_mmhg[i]
        return float(shown)

    def disturb(self, from_s: float, for_s: float, mmhg: float) -> None:
        """Let the pressure at the finger be higher for some seconds, as in a cough."""
        own = slice(int(from_s / GRID_S), int((from_s + for_s) / GRID_S) + 1)
        self._clock.hand_mmhg[own] += mmhg
        self.monitor_error_mmhg[own] += mmhg

    @property
    def next_number(self) -> int:
        """Number of the reading that comes next."""
        return self._number

    def white_of_reading(self, number: int, n_beats: int) -> FloatArray:
        """Return the unit white errors of the monitor in one reading, `(2, n_beats)`.

        They are known before it is read, so that a monitor can show them beat by beat.
        """
        return self._rng_of_reading(number).standard_normal((2, n_beats))

    def shown_mmhg(
        self, middle_s: float, true: Pressures, white: tuple[float, float]
    ) -> Pressures | None:
        """Return the pressures of one beat on the monitor, None without a signal.

        Where `white` is that of a reading, the mean of its beats is what is read.

        Parameters
        ----------
        middle_s
            Time of the middle of the beat.
        true
            Its pressures.
        white
            Unit white errors: the systolic pressure's, and one of the diastolic alone.
        """
        return self._errors.pressure.shown(middle_s, true, white, self._clock)

    def read(self, window: ReadingWindow) -> Reading:
        """Read one window of true beats with this instrument's error."""
        number, self._number = self._number, self._number + 1
        rng = self._rng_of_reading(number)
        used = window.clean & self._whole_breaths(window)
        used &= self._error.readable(window, self._clock)
        void = self._why_void(window, used)
        if not used.any():
            used = np.ones_like(used)
        seen = Seen(window, used, self._clock, rng)
        pressures = self._error.pressures(seen, self._monitored(seen))
        eligible = window.delivered[window.clean]
        return Reading(
            number=number,
            start_s=float(window.start_s[0]),
            end_s=float(window.start_s[-1] + window.rr_s[-1]),
            n_beats=int(window.rr_s.size),
            n_used=int(used.sum()),
            delivered_frac=float(eligible.mean()) if eligible.size else 0.0,
            void=void,
            primary=self._error.primary(seen, pressures),
            sbp_mmhg=pressures.sbp_mmhg,
            dbp_mmhg=pressures.dbp_mmhg,
            map_mmhg=pressures.map_mmhg,
            pulse_pressure_mmhg=pressures.pulse_mmhg,
            heart_rate_bpm=S_PER_MIN / float(window.rr_s[used].mean()),
        )

    def _whole_breaths(self, window: ReadingWindow) -> BoolArray:
        end_s = window.start_s[-1] + window.rr_s[-1]
        breaths = np.floor((end_s - window.start_s[0]) * self._clock.breathing_hz)
        if breaths < 1:
            return np.ones(window.rr_s.size, dtype=np.bool_)
        whole_s = breaths / self._clock.breathing_hz
        return np.asarray(window.start_s + 0.5 * window.rr_s >= end_s - whole_s)

    def _why_void(self, window: ReadingWindow, used: BoolArray) -> str:
        eligible, n = window.delivered[window.clean], window.rr_s.size
        may_miss = window.expects_ccm and eligible.size
        return self._void_text(
            link_lost=window.link_lost,
            ectopic_frac=float(window.ectopic.mean()),
            delivered_frac=float(eligible.mean()) if may_miss else 1.0,
            too_few=bool(used.sum() < min(self.rules.least_beats_used, n // 2)),
        )

    def _void_text(
        self,
        *,
        link_lost: bool,
        ectopic_frac: float,
        delivered_frac: float,
        too_few: bool,
    ) -> str:
        """Return why a window does not count, empty for one that does."""
        if link_lost:
            return "wand link lost"
        if ectopic_frac > self.rules.most_ectopic_frac:
            return f"ectopic beats {PCT_PER_FRAC * ectopic_frac:.0f} %"
        if delivered_frac < self.rules.least_delivered_frac:
            return f"only {PCT_PER_FRAC * delivered_frac:.0f} % of beats with CCM"
        return "too few readable beats" if too_few else ""

    def _monitored(self, seen: Seen) -> Pressures:
        pressure, clock = self._errors.pressure, self._clock
        white = seen.rng.standard_normal((2, seen.window.rr_s.size))
        hand_mmhg = clock.hand_mmhg[clock.at(seen.middle_s)]
        return pressure.with_errors(seen, pressure.waves_mmhg(seen) + hand_mmhg, white)
