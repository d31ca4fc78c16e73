"""The pulse generator: one decision a beat, by the timing rules of the device.

What is asked of each event is in the tables of `sim.device.rules`, in the order and the
words of docs/device.md, 2.2; here is what follows from the answers, one method each::

    event     method             table
    A         _on_atrial         ON_A (ODO only)
    V         _on_ventricular    ON_V_ODO or ON_V_OVO, on the reference lead
    LS        _on_local_sense    HIDES_LS, then ON_LS: inside the open window, arm
    LS again  _on_late_local_sense   out of alert: cancel a train not begun
    noise     _on_noise          large enough on A or V: inhibit
    arm time  _gate              mode, state, battery, magnet and schedule allow it
    inhibit   _inhibit           the newest event overwrites the counter
    end       _end_beat          the counter loses one

    state     in the code
    AV_WAIT   `_last_a_s` later than `_last_v_s`
    WINDOW    V sensed and `_fresh` None: nothing has spoken against the cycle
    ARMED     `armed`, until `train_s`
    DELIVER, BALANCE   `_busy_from_s` to `_busy_until_s`
    REFRACTORY   shorter than `vrp_s` since `_last_v_s`
    INHIBIT(n)   `_inhibit_left`
    OFF, DOWN, SAFE, low battery, schedule   what `_gate` returns

The heart hands over the events of a whole beat at once, so a beat is judged in one
call. Two readings of the rules are ours. A local sense in a cycle already
abnormal adds no LS_OUT, for no window was open; else a premature beat would never cost
its own number of cycles. And a signal in the noise window inhibits without being
sensed or starting a new refractory period. A train and its balancing hide local events.
"""

from math import nan
from typing import Final, Literal

from sim.device.battery import Battery
from sim.device.energy import energy_mj_per_train
from sim.device.events import (
    BeatDecision,
    BeatSignals,
    Cause,
    Counters,
)
from sim.device.lattice import device_model
from sim.device.leads import Leads
from sim.device.rules import (
    HIDES_LS,
    ON_A,
    ON_LS,
    ON_V_ODO,
    ON_V_OVO,
    TimingRule,
    decide,
)
from sim.device.schedule import ScheduleClock
from sim.device.settings import ConflictError, Settings
from sim.device.timing import timing_of
from sim.units import (
    H_PER_DAY,
    MS_PER_S,
    S_PER_H,
)

__all__ = [
    "BeatDecision",
    "BeatSignals",
    "Cause",
    "Counters",
    "PulseGenerator",
    "StateError",
]

State = Literal["ACTIVE", "PERMANENT_OFF", "DOWN", "SAFE_MODE"]
_NEVER_S: Final = float("-inf")
_S_PER_DAY: Final = H_PER_DAY * S_PER_H


class StateError(ValueError):
    """The device is in a state that does not allow the command."""


class PulseGenerator:
    """The implanted device. Program it, then hand it each beat of the heart.

    Parameters
    ----------
    settings
        Programmed from the start; a ConflictError lists what is wrong with them.
    leads, battery
        Read for sensing and energy, drained by each train.
    model
        "CCM X11" (Smart Mini) or "CCM X10" (Smart).
    time_of_day_s
        Time of day of the device's clock when simulated time is zero.

    Attributes
    ----------
    force_on
        Suspends the daily schedule, nothing else, for a visit.
    counters
        Live statistics; `read_counters` gives a copy.
    last_download_s
        When a programmer read the device out last.
    off_until_s
        Until when a magnet has switched CCM off for a day; `set_state` ends it.
    down_cause
        Why the state is DOWN or SAFE_MODE, empty otherwise.
    """

    def __init__(
        self,
        settings: Settings,
        leads: Leads,
        battery: Battery,
        model: str = "CCM X11",
        *,
        time_of_day_s: float = 0.0,
    ) -> None:
        self.limits = device_model(model)
        self.leads = leads
        self.battery = battery
        self.force_on = False
        self.down_cause = ""
        self.last_download_s = 0.0
        self.off_until_s = _NEVER_S
        self.counters = Counters()
        self._before_reset = Counters()
        self._time_of_day_s = time_of_day_s
        self._state: State = "ACTIVE"
        self._magnet_on = False
        self._magnet_beats = 0
        idle_mah = battery.cell.housekeeping_mah_per_day
        self._idle_mah_per_s = idle_mah / _S_PER_DAY
        self._last_beat_s = nan
        self._fresh: Cause | None = None
        self._last_a_s = self._last_v_s = self._last_ls_s = _NEVER_S
        self._busy_from_s = self._busy_until_s = _NEVER_S
        self._inhibit_left = 0
        self.program(settings)

    @property
    def model(self) -> str:
        """Model name."""
        return self.limits.name

    @property
    def settings(self) -> Settings:
        """The programmed settings."""
        return self._settings

    @property
    def state(self) -> State:
        """Device state."""
        return self._state

    def program(self, settings: Settings) -> None:
        """Take over all of the settings, or refuse all of them with a ConflictError."""
        wrong = settings.off_lattice(self.model) + settings.conflicts(self.model)
        if wrong:
            raise ConflictError(wrong)
        self._settings = settings
        self._timing = timing_of(settings, self.limits)
        self._price_train()
        self._clock = ScheduleClock(settings, self._time_of_day_s)
        self._refresh()

    def urgent_off(self) -> None:
        """Switch to OOO, as the programmer's urgent button does."""
        self.program(self._settings.with_values({"mode": "OOO"}))

    def set_state(self, state: Literal["ACTIVE", "PERMANENT_OFF"]) -> None:
        """Switch CCM on or off for good; StateError while the device is down."""
        if self._state in ("DOWN", "SAFE_MODE"):
            raise StateError(f"state is {self._state}: reset the device first")
        if state not in ("ACTIVE", "PERMANENT_OFF"):
            raise ValueError(f"state must be ACTIVE or PERMANENT_OFF, got {state!r}")
        self.off_until_s = _NEVER_S
        self._enter(state)

    def go_down(self, cause: str = "internal inconsistency") -> None:
        """Stop sensing and CCM; `down_cause` keeps why until the reset."""
        self.down_cause = cause
        self._enter("DOWN")

    def enter_safe_mode(self) -> None:
        """Stop CCM and charging because the charge current was misread."""
        self.down_cause = "charge current misread, code A9"
        self.battery.has_charge_error = self.battery.charging_stopped = True
        self._enter("SAFE_MODE")

    def reset(self) -> None:
        """Clear DOWN or SAFE_MODE; CCM stays off until it is switched on again."""
        self.down_cause = ""
        self.battery.charging_stopped = False
        self._enter("PERMANENT_OFF")

    def clock_s(self, at_s: float) -> float:
        """Return the time of day of the device's clock, seconds since midnight."""
        return (self._time_of_day_s + at_s) % _S_PER_DAY

    def set_clock(self, time_of_day_s: float, at_s: float) -> None:
        """Set the device's clock at a simulated time; the schedule follows it."""
        if not 0.0 <= time_of_day_s < _S_PER_DAY:
            raise ValueError(
                f"time_of_day_s must be 0 to below {_S_PER_DAY:g} s, got"
                f" {time_of_day_s:g} s"
            )
        # kept as of simulated time zero, so that it needs no tick
        self._time_of_day_s = time_of_day_s - at_s
        self._clock = ScheduleClock(self._settings, self._time_of_day_s)

    def hold_magnet(self, *, on: bool) -> None:
        """Put a magnet over the device or take it away."""
        self._magnet_on = on
        self._magnet_beats = 0

    def read_counters(self) -> Counters:
        """Return a copy of the statistics."""
        return self.counters.since(Counters())

    def lifetime_counters(self) -> Counters:
        """Return the statistics as if they had never been reset."""
        return self.counters.since(Counters().since(self._before_reset))

    def reset_counters(self) -> None:
        """Start all statistics from zero."""
        # the programmer may reset what it shows, never what the device has lived
        self._before_reset = self.lifetime_counters()
        self.counters = Counters()
        self._clock.start_count(self.counters)

    def beat(self, signals: BeatSignals) -> BeatDecision:
        """Judge one ventricular beat; beats come in the order of time."""
        timing = self._timing
        self._elapse(signals.at_s)
        # asked first, obeyed last: a gated device still senses and counts
        gate = self._gate(signals.at_s)
        self._fresh, train_s = None, nan
        atrial_s = v_s = ls_s = nan
        if not self._blind:
            if signals.noise:
                self._on_noise(signals.noise_mv)
            atrial_s = self._on_atrial(signals)
            v_s = self._on_ventricular(signals)
            ls_s = self._on_local_sense(signals, v_s)
        # nan differs from itself: both were sensed
        in_window = ls_s == ls_s and v_s == v_s and self._fresh is None
        armed = in_window and self._inhibit_left == 0
        if armed:
            # a short delay must not bring the train closer to V than the device allows
            train_s = max(ls_s + timing.delay_s, v_s + timing.after_v_s)
        if signals.late_ls_s is not None and in_window:
            busy = armed and gate is None
            armed = self._on_late_local_sense(signals.late_ls_s, train_s, busy=busy)
        # what forbids every train outranks what was wrong with this beat
        cause = gate or self._cause(v_s, armed=armed, in_window=in_window)
        self._end_beat(cause, eligible=gate is None)
        train_s = self._occupy(train_s) if cause is Cause.DELIVERED else nan
        return BeatDecision(
            cause is Cause.DELIVERED,
            cause,
            train_s,
            train_s + timing.train_s,
            v_s,
            ls_s,
            (ls_s - v_s) * MS_PER_S,
            in_window,
            armed,
            atrial_s,
        )

    def _occupy(self, train_s: float) -> float:
        """Keep out everything else while a train and its balancing last."""
        timing = self._timing
        self._busy_from_s = train_s
        self._busy_until_s = train_s + timing.train_s + timing.balancing_s
        return train_s

    def _on_noise(self, noise_mv: float) -> None:
        if noise_mv >= self._timing.noise_v_mv:
            self._inhibit(Cause.NOISE)
        elif self._timing.is_odo and noise_mv >= self._timing.noise_a_mv:
            self.counters.atrial_noise += 1
            self._inhibit(Cause.NOISE)

    def _on_atrial(self, signals: BeatSignals) -> float:
        """Return the time of the atrial event, nan when none is sensed."""
        timing = self._timing
        a_s = signals.atrial_s
        if not timing.is_odo or a_s is None or signals.atrial_mv < timing.sens_a_mv:
            return nan
        # against the last sensed one: what was not sensed starts no refractory period
        interval_s = a_s - self._last_a_s
        row = decide(ON_A, timing, a_s - self._last_v_s, interval_s)
        if row is not None and not row.is_sensed:
            self.counters.atrial_noise += row.inhibits is Cause.NOISE
            self._obey(row)
            return nan
        if interval_s <= 0.0:  # handed over with the beat before already
            return nan
        self._last_a_s = a_s
        self.counters.atrial_events += 1
        self._obey(row)
        return a_s

    def _on_ventricular(self, signals: BeatSignals) -> float:
        """Return the time of the reference event, nan when none is sensed."""
        timing = self._timing
        if timing.reference_is_v1:
            v_s, v_mv = signals.v1_s, signals.v1_mv * self.leads.v1.sensing_frac
        else:
            v_s, v_mv = signals.v2_s, signals.v2_mv * self.leads.v2.sensing_frac
        if v_mv < timing.sens_v_mv:
            return nan
        table = ON_V_ODO if timing.is_odo else ON_V_OVO
        row = decide(table, timing, v_s - self._last_v_s, v_s - self._last_a_s)
        self._obey(row)
        if row is not None and not row.is_sensed:
            return nan
        self._last_v_s = v_s
        self.counters.ventricular_events += 1
        return v_s

    def _on_local_sense(self, signals: BeatSignals, v_s: float) -> float:
        """Return the time of the local event, nan when none is sensed."""
        timing = self._timing
        if timing.reference_is_v1:
            ls_s, ls_mv = signals.v2_s, signals.v2_mv * self.leads.v2.sensing_frac
        else:
            ls_s, ls_mv = signals.v1_s, signals.v1_mv * self.leads.v1.sensing_frac
        if ls_mv < timing.sens_ls_mv or ls_s - self._last_ls_s < timing.post_ls_s:
            return nan
        latency_s, since_a_s = ls_s - v_s, ls_s - self._last_a_s
        in_train = self._busy_from_s <= ls_s < self._busy_until_s
        if in_train or decide(HIDES_LS, timing, latency_s, since_a_s) is not None:
            return nan
        self._last_ls_s = ls_s
        self.counters.local_sense_events += 1
        row = decide(ON_LS, timing, latency_s, since_a_s)
        if self._fresh is None:  # else no window was open
            self._obey(row)
        return ls_s

    def _on_late_local_sense(self, ls_s: float, train_s: float, *, busy: bool) -> bool:
        """Return whether an armed train survives a second local event.

        The first one closed the window, so this one is out of alert. It is masked by
        the post-LS refractory, and by the train and its balancing when `busy`.
        """
        timing = self._timing
        if ls_s - self._last_ls_s < timing.post_ls_s:
            return train_s == train_s
        if busy and 0.0 <= ls_s - train_s < timing.train_s + timing.balancing_s:
            return True
        self._last_ls_s = ls_s
        self.counters.local_sense_events += 1
        self._inhibit(Cause.LS_OUT)
        return ls_s >= train_s

    def _gate(self, at_s: float) -> Cause | None:
        """Return what forbids trains at this time, None when nothing does."""
        if self._blocked is not None:
            return self._blocked
        if self.battery.suspended:
            return Cause.BATTERY_LOW
        if at_s < self.off_until_s:
            return Cause.OFF
        if self._clock.is_on(at_s, self.counters) or self.force_on:
            return None
        return Cause.SCHEDULE_OFF

    def _obey(self, row: TimingRule | None) -> None:
        if row is not None and row.inhibits is not None:
            self._inhibit(row.inhibits)

    def _inhibit(self, cause: Cause) -> None:
        self._fresh = cause
        self._inhibit_left = self._timing.inhibit_cycles[cause]
        self.counters.inhibitions[cause] += 1

    def _cause(self, v_s: float, *, armed: bool, in_window: bool) -> Cause:
        """Return what became of a beat for which the gate was open."""
        if armed:
            return Cause.DELIVERED
        if self._fresh is not None:
            return self._fresh
        if v_s != v_s:
            return Cause.V_UNDERSENSED
        return Cause.INHIBITED if in_window else Cause.NO_LS

    def _end_beat(self, cause: Cause, *, eligible: bool) -> None:
        counters = self.counters
        counters.beats += 1
        counters.eligible_beats += eligible
        counters.beats_by_cause[cause] += 1
        if cause is Cause.DELIVERED:
            # a lead's fault in mid-visit changes what a train costs
            if self._leads_revision != self.leads.revision:
                self._price_train()
            self.battery.drain(self._train_mah)
        # this beat counts among the inhibited ones, also the one that set the counter
        if self._inhibit_left > 0:
            self._inhibit_left -= 1

    def _elapse(self, at_s: float) -> None:
        passed_s = at_s - self._last_beat_s
        if passed_s > 0.0:
            self.battery.drain(self._idle_mah_per_s * passed_s)
        self._last_beat_s = at_s
        if self._magnet_on:
            self._magnet_beats += 1
            if self._magnet_beats >= self.limits.magnet_beats:
                self._obey_magnet(at_s)

    def _obey_magnet(self, at_s: float) -> None:
        if self._settings.magnet_mode == "ONE_DAY_OFF":
            self.off_until_s = at_s + self.limits.magnet_off_h * S_PER_H
        elif self._state == "ACTIVE":
            self._enter("PERMANENT_OFF")

    def _enter(self, state: State) -> None:
        self._state = state
        self._refresh()

    def _refresh(self) -> None:
        """Work out what mode and state forbid."""
        settings = self._settings
        self._blocked: Cause | None = None
        if self._state != "ACTIVE":
            self._blocked = Cause(self._state)
        elif not settings.delivers:
            self._blocked = Cause.OFF
        self._blind = settings.mode == "OOO" or self._state == "DOWN"
        if self._blind:
            # a device that was blind has no last event to measure an interval from
            self._forget_timing()

    def _forget_timing(self) -> None:
        self._last_a_s = self._last_v_s = self._last_ls_s = _NEVER_S
        self._inhibit_left = 0

    def _price_train(self) -> None:
        energy_mj = energy_mj_per_train(self._settings, self.leads.ohms)
        self._train_mah = self.battery.cell.charge_mah(energy_mj)
        self._leads_revision = self.leads.revision
