"""The instruments of one visit: the wandering of a patient and the act of reading."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from sim.instruments.errors import Errors
from sim.instruments.reading import BoolArray, FloatArray, Reading, Window
from sim.instruments.readouts import RULES, ReadingRules, Readout, pressure_error
from sim.units import PCT_PER_FRAC, S_PER_MIN

GRID_S: Final = 0.5


def ar1(rng: np.random.Generator, n: int, tau_s: float) -> FloatArray:
    """Return a stationary AR(1) of unit SD on the clock grid; shape `(n,)`."""
    keep = float(np.exp(-GRID_S / tau_s))
    white = rng.standard_normal(n)
    white[1:] *= np.sqrt(1.0 - keep**2)
    # x[i] - keep x[i - 1] = white[i], solved at once
    bands = np.array([np.ones(n), np.full(n, -keep)])
    wave = solve_banded((1, 0), bands, white, overwrite_b=True, check_finite=False)
    return np.asarray(wave, dtype=np.float64)


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
        errors: Errors | None = None,
        rules: ReadingRules = RULES,
    ) -> None:
        self.readout = readout
        self.rules = rules
        self._errors = errors or Errors()
        self._pressure = pressure_error(readout, self._errors)
        self._scale = noise_scale
        self._breathing_hz = breathing_hz
        self._rng_of_reading = rng_of_reading
        self._number = 0
        self._draw_clock_waves(rng_drift, int(horizon_s / GRID_S) + 2)

    def _draw_clock_waves(self, rng: np.random.Generator, n: int) -> None:
        errors, scale = self._errors, self._scale
        pressure = self._pressure
        time_s: FloatArray = np.arange(n, dtype=np.float64) * GRID_S
        slope, bow = rng.standard_normal(2)
        turn = time_s / errors.drift.trend_over_s
        trend = slope * turn + 0.5 * bow * np.sin(np.pi * turn)
        wander = ar1(rng, n, errors.drift.wander_tau_s)
        self._drift = scale * (
            errors.drift.trend_frac * trend + errors.drift.wander_frac * wander
        )
        self._slow: FloatArray = scale * ar1(rng, n, pressure.slow_tau_s)
        self._slow_dpdt = scale * ar1(rng, n, errors.invasive.slow_tau_s)
        self._probe = scale * ar1(rng, n, errors.echo.probe_tau_s)
        self._breath_phase = rng.uniform(0.0, 2.0 * np.pi)
        self._calibration_phase_s = rng.uniform(0.0, pressure.calibration_every_s)
        self._hand_mmhg = scale * self._draw_hand(rng, n)
        self._lost = self._draw_lost(rng, n)
        on_monitor = (
            pressure.slow_sbp_mmhg * self._slow
            + self._hand_mmhg
            + scale * pressure.breath_sbp_mmhg * self._breath(time_s)
        )
        # plain floats, since one is looked up with every beat
        self._monitor_drift: list[float] = (1.0 + self._drift).tolist()
        self._monitor_error: list[float] = on_monitor.tolist()

    def _draw_hand(self, rng: np.random.Generator, n: int) -> FloatArray:
        pressure = self._pressure
        moves = rng.random(n) < pressure.hand_moves_per_hour * GRID_S / 3600.0
        heights_cm = rng.standard_normal(n) * pressure.hand_height_sd_cm
        last_move = np.maximum.accumulate(np.where(moves, np.arange(n), 0))
        return pressure.mmhg_per_cm * heights_cm[last_move] * (last_move > 0)

    def _draw_lost(self, rng: np.random.Generator, n: int) -> BoolArray:
        pressure = self._pressure
        has_poor_signal = rng.random() < pressure.lost_signal_frac
        spells_s = rng.exponential(size=(max(n // 60, 2), 2)) * np.array(
            [pressure.held_spell_s, pressure.lost_spell_s]
        )
        edges_s = np.cumsum(spells_s.ravel())
        if not (has_poor_signal and self._scale > 0.0):
            return np.zeros(n, dtype=np.bool_)
        spell = np.searchsorted(edges_s, np.arange(n) * GRID_S)
        return np.asarray(spell % 2 == 1)

    def _breath(self, time_s: FloatArray) -> FloatArray:
        angle = 2.0 * np.pi * self._breathing_hz * time_s + self._breath_phase
        return np.asarray(np.sin(angle))

    def _at(self, time_s: FloatArray) -> NDArray[np.intp]:
        index = (time_s * (1.0 / GRID_S)).astype(np.intp)
        return np.asarray(np.minimum(index, self._drift.size - 1), dtype=np.intp)

    def monitored_sbp_mmhg(self, now_s: float, true_sbp_mmhg: float) -> float:
        """Return the systolic pressure on the monitor at one beat."""
        i = min(int(now_s * (1.0 / GRID_S)), len(self._monitor_error) - 1)
        return true_sbp_mmhg * self._monitor_drift[i] + self._monitor_error[i]

    def read(self, window: Window) -> Reading:
        """Read one window of true beats with this instrument's error."""
        number, self._number = self._number, self._number + 1
        rng = self._rng_of_reading(number)
        used = window.clean & self._whole_breaths(window) & self._in_signal(window)
        void = self._why_void(window, used)
        if not used.any():
            used = np.ones_like(used)
        channels = self._pressures(window, used, rng)
        if self.readout.name == "cuff":
            channels = self._cuff(channels, rng)
        sbp, dbp, map_, pulse = channels
        eligible = window.delivered[window.clean]
        return Reading(
            number=number,
            start_s=float(window.start_s[0]),
            end_s=float(window.start_s[-1] + window.rr_s[-1]),
            n_beats=int(window.rr_s.size),
            n_used=int(used.sum()),
            delivered_frac=float(eligible.mean()) if eligible.size else 0.0,
            void=void,
            primary=self._primary(window, used, rng, sbp),
            sbp_mmhg=sbp,
            dbp_mmhg=dbp,
            map_mmhg=map_,
            pulse_pressure_mmhg=pulse,
            heart_rate_bpm=S_PER_MIN / float(window.rr_s[used].mean()),
        )

    def _whole_breaths(self, window: Window) -> BoolArray:
        end_s = window.start_s[-1] + window.rr_s[-1]
        breaths = np.floor((end_s - window.start_s[0]) * self._breathing_hz)
        if breaths < 1:
            return np.ones(window.rr_s.size, dtype=np.bool_)
        whole_s = breaths / self._breathing_hz
        return np.asarray(window.start_s + 0.5 * window.rr_s >= end_s - whole_s)

    def _in_signal(self, window: Window) -> BoolArray:
        if self.readout.name != "finger-pressure" or self._scale == 0.0:
            return np.ones(window.rr_s.size, dtype=np.bool_)
        pressure = self._pressure
        since_s = (window.start_s + self._calibration_phase_s) % (
            pressure.calibration_every_s
        )
        lost = self._lost[self._at(window.start_s)]
        return np.asarray((since_s >= pressure.calibration_pause_s) & ~lost)

    def _why_void(self, window: Window, used: BoolArray) -> str:
        rules = self.rules
        if window.link_lost:
            return "wand link lost"
        if window.ectopic.mean() > rules.most_ectopic_frac:
            share = PCT_PER_FRAC * float(window.ectopic.mean())
            return f"ectopic beats {share:.0f} %"
        eligible = window.delivered[window.clean]
        if window.expects_ccm and eligible.size:
            share = float(eligible.mean())
            if share < rules.least_delivered_frac:
                return f"only {PCT_PER_FRAC * share:.0f} % of beats with CCM"
        if used.sum() < min(rules.least_beats_used, window.rr_s.size // 2):
            return "too few readable beats"
        return ""

    def _pressures(
        self, window: Window, used: BoolArray, rng: np.random.Generator
    ) -> tuple[float, float, float, float]:
        pressure, scale = self._pressure, self._scale
        middle_s = window.start_s + 0.5 * window.rr_s
        at = self._at(middle_s)
        white = rng.standard_normal((2, window.rr_s.size)) * scale
        common = (
            pressure.slow_sbp_mmhg * self._slow[at]
            + scale * pressure.breath_sbp_mmhg * self._breath(middle_s)
            + self._hand_mmhg[at]
        )
        common += pressure.white_sbp_mmhg * white[0]
        drifted = 1.0 + self._drift[at]
        share = pressure.diastolic_share_frac
        sbp = window.sbp_mmhg * drifted + common
        dbp = (
            window.dbp_mmhg * drifted
            + share * common
            + pressure.white_dbp_mmhg * white[1]
        )
        # the mean lies a third of the way from diastole to systole
        map_ = window.map_mmhg * drifted + (1.0 + 2.0 * share) / 3.0 * common
        systolic, diastolic = float(sbp[used].mean()), float(dbp[used].mean())
        return systolic, diastolic, float(map_[used].mean()), systolic - diastolic

    def _cuff(
        self, channels: tuple[float, float, float, float], rng: np.random.Generator
    ) -> tuple[float, float, float, float]:
        cuff, scale = self._errors.cuff, self._scale
        shifts = rng.standard_normal(3) * scale * cuff.sd_mmhg
        values = np.array(channels[:3]) + shifts
        if scale > 0.0:
            values = np.round(values / cuff.rounding_mmhg) * cuff.rounding_mmhg
        sbp, dbp, map_ = (float(value) for value in values)
        return sbp, dbp, map_, sbp - dbp

    def _primary(
        self,
        window: Window,
        used: BoolArray,
        rng: np.random.Generator,
        sbp_mmhg: float,
    ) -> float:
        if self.readout.quantity == "vti_cm":
            return self._velocity_time_integral_cm(window, used, rng)
        if self.readout.quantity == "dpdt_max_mmhg_per_s":
            return self._dpdt_max(window, used, rng)
        return sbp_mmhg

    def _velocity_time_integral_cm(
        self, window: Window, used: BoolArray, rng: np.random.Generator
    ) -> float:
        echo, scale = self._errors.echo, self._scale
        readable = np.flatnonzero(used)
        pick = readable[
            np.linspace(0, readable.size - 1, echo.beats_read).round().astype(np.intp)
        ]
        at = self._at(window.start_s[pick])
        error = (
            scale * echo.per_beat_frac * rng.standard_normal(pick.size)
            + echo.probe_frac * self._probe[at]
            + self._drift[at]
        )
        vti_cm = window.sv_ml[pick] / echo.outflow_area_cm2
        return float((vti_cm * (1.0 + error)).mean())

    def _dpdt_max(
        self, window: Window, used: BoolArray, rng: np.random.Generator
    ) -> float:
        invasive, scale = self._errors.invasive, self._scale
        middle_s = window.start_s + 0.5 * window.rr_s
        at = self._at(middle_s)
        error = (
            scale * invasive.per_beat_frac * rng.standard_normal(window.rr_s.size)
            + scale * invasive.breath_frac * self._breath(middle_s)
            + invasive.slow_frac * self._slow_dpdt[at]
            + self._drift[at]
        )
        return float((window.dpdt_max_mmhg_per_s * (1.0 + error))[used].mean())
