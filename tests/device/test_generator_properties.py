import math
from typing import Any

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sim.device.battery import Battery
from sim.device.generator import BeatDecision, BeatSignals, Cause, PulseGenerator
from sim.device.leads import Leads
from sim.device.schedule import schedule_segment
from sim.device.settings import Settings, axis_values, with_dependents

EDGE_S = 1e-8
INHIBITING = ("SHORT_AV", "LONG_AV", "PVC", "AT", "LS_OUT", "NOISE", "VT")
VARIED = (
    *("ls_channel", "ccm_channels", "delay_ms", "n_pulses"),
    *("alert_start_ms", "alert_width_ms", "balancing_ms", "phase_duration_ms"),
    *("magnet_mode", "pol_v1", "pol_v2", "pol_a"),
)
GATES = ("SCHEDULE_OFF", "OFF", "PERMANENT_OFF", "DOWN", "SAFE_MODE", "BATTERY_LOW")
CYCLES = tuple(f"inhibit_cycles_{cause.lower()}" for cause in INHIBITING)


@st.composite
def programmable(draw: st.DrawFn) -> Settings:
    """Draw settings that the programmer would accept."""
    mode = draw(st.sampled_from(("OVO-LS-CCM", "ODO-LS-CCM", "OVO-LS-CCM", "OOO")))
    ccm_mode = draw(st.sampled_from(("TIMED", "TIMED", "OFF")))
    fixed: dict[str, Any] = {"mode": mode, "ccm_mode": ccm_mode}
    fixed |= {name: draw(st.sampled_from((1, 2, 4))) for name in CYCLES}
    names = sorted(draw(st.sets(st.sampled_from(VARIED), max_size=4)))
    values = {
        name: draw(st.sampled_from(axis_values(name, mode=mode))) for name in names
    }
    varied = with_dependents(Settings().with_values(fixed | values))
    return Settings().with_values(fixed) if varied.conflicts() else varied


PLAIN_MV = (8.0, 8.0, 8.0)
amplitudes_mv = st.sampled_from((0.5, 1.9, 2.0, 8.0))


class DeviceMachine(RuleBasedStateMachine):
    """Any beats, programming and mishaps, with a second set of books beside."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = Settings(inhibit_cycles_ls_out=2, inhibit_cycles_noise=3)
        leads = Leads(rng=np.random.default_rng(1))
        self.device = PulseGenerator(self.settings, leads, Battery(charge_frac=0.3))
        self.device.force_on = True
        self.now_s = 0.0
        self.n_beats = self.n_trains = self.inhibited = 0
        self.clock_from_s = 0.0
        self.last_end_s = self.last_start_s = float("-inf")
        self.sensed = {"A": 0, "V": 0, "LS": 0}
        self.magnet_beats = -1
        self.off_until_s = float("-inf")

    @rule(new=programmable())
    def program(self, new: Settings) -> None:
        self.device.program(new)
        self.settings = new
        if new.mode == "OOO":
            self.inhibited = 0

    @rule(wait_s=st.sampled_from((60.0, 1800.0, 3600.0)))
    def send_home(self, wait_s: float) -> None:
        self.device.force_on = False
        self.now_s += wait_s

    @rule(what=st.sampled_from(("DOWN", "SAFE_MODE", "OFF", "battery", "V1", "V2")))
    def mishap(self, what: str) -> None:
        device = self.device
        if what == "DOWN":
            device.go_down()
            self.inhibited = 0
        elif what == "SAFE_MODE":
            device.enter_safe_mode()
        elif what == "OFF":
            device.reset()
        elif what == "battery":
            device.battery.drain(1e6)
        else:
            device.leads.set_fault(what, "fracture")

    @rule(what=st.sampled_from(("DOWN", "SAFE_MODE", "OFF", "battery", "V1", "home")))
    def mishap_of_a_device_that_works(self, what: str) -> None:
        self.put_everything_right()
        self.program(Settings(inhibit_cycles_ls_out=2))
        self.regular_beats(3, 0.5)
        if what == "home":
            self.send_home(3600.0)
        else:
            self.mishap(what)
        self.regular_beats(3, 0.5)

    @rule(on=st.booleans())
    def magnet(self, on: bool) -> None:
        self.device.hold_magnet(on=on)
        self.magnet_beats = 0 if on else -1

    @rule(share=st.floats(0.0, 1.0))
    def magnet_for_a_day(self, share: float) -> None:
        day_off = self.settings.with_values({"magnet_mode": "ONE_DAY_OFF"})
        self.device.program(day_off)
        self.settings = day_off
        self.magnet(on=True)
        self.regular_beats(2, share)
        self.magnet(on=False)
        self.regular_beats(2, share)

    @rule(time_of_day_s=st.sampled_from((0.0, 1800.0, 7200.0)))
    def set_clock(self, time_of_day_s: float) -> None:
        self.device.set_clock(time_of_day_s, self.now_s)
        self.clock_from_s = time_of_day_s - self.now_s

    @rule()
    def reset_counters(self) -> None:
        self.device.reset_counters()
        self.n_beats = self.n_trains = 0
        self.sensed = dict.fromkeys(self.sensed, 0)

    @rule()
    def put_everything_right(self) -> None:
        self.magnet(on=False)
        self.device.reset()
        self.device.set_state("ACTIVE")
        self.off_until_s = float("-inf")
        self.device.battery.recharge(self.now_s)
        self.device.leads.set_fault("V1", "none")
        self.device.leads.set_fault("V2", "none")
        self.device.force_on = True

    @rule(n_beats=st.integers(1, 20), share=st.floats(0.0, 1.0))
    def regular_beats(self, n_beats: int, share: float) -> None:
        """Play sinus beats with local sense inside the alert window."""
        programmed = self.settings
        lag_ms = programmed.alert_start_ms + share * programmed.alert_width_ms
        for _ in range(n_beats):
            self.any_beat(0.8, 0.17, 5, lag_ms, PLAIN_MV, None, noise=False)

    @rule(past_ms=st.one_of(st.floats(-3.0, -0.1), st.floats(0.1, 3.0)))
    def local_sense_beside_the_window(self, past_ms: float) -> None:
        programmed = self.settings
        width_ms = programmed.alert_width_ms if past_ms > 0 else 0.0
        lag_ms = programmed.alert_start_ms + width_ms + past_ms
        self.any_beat(0.8, 0.17, 5, lag_ms, PLAIN_MV, None, noise=False)

    @rule(
        rr_s=st.floats(0.02, 0.3),
        av_s=st.one_of(st.none(), st.floats(0.0, 0.2)),
        lag_ms=st.integers(-20, 60),
        share=st.floats(0.0, 1.0),
    )
    def beat_soon_after_a_train(
        self, rr_s: float, av_s: float | None, lag_ms: int, share: float
    ) -> None:
        """Sooner than any heart: nothing sensed may fall into the train before."""
        self.regular_beats(2, share)
        self.any_beat(rr_s, av_s, 5, lag_ms, PLAIN_MV, None, noise=False)

    @rule(
        noise_mv=st.sampled_from((0.3, 0.4, 0.5, 1.2, 1.3, 1.9, 2.0, math.inf)),
        pole=st.sampled_from(("BIPOLAR", "UNIPOLAR")),
    )
    def noisy_beat(self, noise_mv: float, pole: str) -> None:
        self.put_everything_right()
        self.program(self.settings.with_values({"pol_v1": pole, "pol_a": pole}))
        self.regular_beats(4, 0.5)
        lag_ms = self.settings.alert_start_ms
        self.any_beat(
            0.8, 0.17, 5, lag_ms, PLAIN_MV, None, noise=True, noise_mv=noise_mv
        )

    @rule(
        rr_s=st.one_of(st.just(0.8), st.floats(0.05, 1.6)),
        av_s=st.one_of(st.none(), st.just(0.17), st.floats(0.0, 0.5)),
        v1_ms=st.integers(0, 30),
        lag_ms=st.one_of(st.integers(0, 20), st.integers(-120, 120)),
        sizes=st.tuples(amplitudes_mv, amplitudes_mv, amplitudes_mv),
        noise=st.just(False),
        noise_mv=st.just(math.inf),
        late_ms=st.one_of(st.none(), st.integers(1, 300)),
    )
    def any_beat(
        self,
        rr_s: float,
        av_s: float | None,
        v1_ms: int,
        lag_ms: float,
        sizes: tuple[float, float, float],
        late_ms: int | None,
        *,
        noise: bool,
        noise_mv: float = math.inf,
    ) -> None:
        self.now_s += rr_s
        v_s = self.now_s + v1_ms * 0.001
        ls_s = v_s + lag_ms * 0.001
        v1_is_ls = self.settings.ls_channel == "V1"
        self._judge(
            BeatSignals(
                self.now_s,
                None if av_s is None else self.now_s - av_s,
                ls_s if v1_is_ls else v_s,
                v_s if v1_is_ls else ls_s,
                *sizes,
                noise,
                None if late_ms is None else ls_s + late_ms * 0.001,
                noise_mv,
            )
        )

    def _judge(self, signals: BeatSignals) -> None:
        before = self.device.read_counters().inhibitions
        was_suspended = self.device.battery.suspended
        decision = self.device.beat(signals)
        assert not (was_suspended and decision.delivered)
        self.n_beats += 1
        self.n_trains += decision.delivered
        self._no_train_lies_over_what_is_sensed(signals, decision)
        self._magnet_is_obeyed(signals, decision)
        if decision.delivered:
            self._train_is_allowed(signals, decision)
        self._keep_books(before, decision)

    def _train_is_allowed(self, signals: BeatSignals, decision: BeatDecision) -> None:
        programmed, device = self.settings, self.device
        assert self.inhibited == 0
        assert not (signals.noise and self._is_heard(signals.noise_mv))
        assert signals.at_s >= self.off_until_s
        assert programmed.mode != "OOO"
        assert programmed.ccm_mode == "TIMED"
        assert device.state == "ACTIVE"
        time_of_day_s = self.clock_from_s + signals.at_s
        assert device.force_on or schedule_segment(programmed, time_of_day_s).on
        latency_s = decision.ls_s - decision.reference_s
        start_s = programmed.alert_start_ms * 0.001
        assert latency_s >= start_s - EDGE_S
        assert latency_s <= start_s + programmed.alert_width_ms * 0.001 + EDGE_S
        due_s = decision.ls_s + programmed.delay_ms * 0.001
        # the delay after local sense, but no sooner than 3 ms after V
        assert decision.train_start_s == pytest.approx(
            max(due_s, decision.reference_s + 0.003), abs=EDGE_S
        )
        assert decision.train_start_s > self.last_end_s
        assert decision.train_end_s - decision.train_start_s == pytest.approx(
            programmed.train_ms * 0.001
        )
        self.last_start_s, self.last_end_s = (
            decision.train_start_s,
            decision.train_end_s,
        )

    def _no_train_lies_over_what_is_sensed(
        self, signals: BeatSignals, decision: BeatDecision
    ) -> None:
        """Hold the train of the beat before against the events of this one."""
        times = (decision.atrial_s, decision.reference_s, decision.ls_s)
        for at_s in times:
            assert not self.last_start_s <= at_s <= self.last_end_s
        assert decision.reference_s in (signals.v1_s, signals.v2_s) or math.isnan(
            decision.reference_s
        )
        for name, at_s in zip(self.sensed, times, strict=True):
            self.sensed[name] += not math.isnan(at_s)

    def _is_heard(self, noise_mv: float) -> bool:
        """Tell whether interference exceeds the sensitivity of V, or of A in ODO."""
        programmed = self.settings
        reference = "pol_v2" if programmed.ls_channel == "V1" else "pol_v1"
        asked = [(reference, 2.0)]
        if programmed.mode == "ODO-LS-CCM":
            asked.append(("pol_a", 1.3))
        larger = {"BIPOLAR": 1.0, "UNIPOLAR": 4.0}
        return any(
            noise_mv * larger[getattr(programmed, pole)] >= sensitivity_mv
            for pole, sensitivity_mv in asked
        )

    def _magnet_is_obeyed(self, signals: BeatSignals, decision: BeatDecision) -> None:
        if self.magnet_beats < 0:
            return
        self.magnet_beats += 1
        if self.magnet_beats >= 2:
            assert not decision.delivered
            if self.settings.magnet_mode == "ONE_DAY_OFF":
                self.off_until_s = signals.at_s + 86_400.0

    def _keep_books(self, before: dict[Any, int], decision: BeatDecision) -> None:
        """Follow the inhibition counter from the outcome, not from the device."""
        after = self.device.counters.inhibitions
        fresh = [cause for cause in after if after[cause] > before[cause]]
        newest = [cause for cause in fresh if cause == decision.cause] or fresh[-1:]
        if len(fresh) > 1 and decision.cause not in fresh:
            self.inhibited = self.device._inhibit_left + 1
        elif newest:
            self.inhibited = getattr(
                self.settings, f"inhibit_cycles_{newest[0].lower()}"
            )
        self.inhibited = max(0, self.inhibited - 1)

    @invariant()
    def every_beat_has_one_outcome(self) -> None:
        counters = self.device.counters
        assert counters.beats == self.n_beats
        assert sum(counters.beats_by_cause.values()) == self.n_beats
        assert counters.delivered == self.n_trains
        assert counters.delivered <= counters.eligible_beats <= self.n_beats
        gated = sum(counters.beats_by_cause[Cause(cause)] for cause in GATES)
        assert counters.eligible_beats == self.n_beats - gated
        for cause, n_events in counters.inhibitions.items():
            assert counters.beats_by_cause[cause] <= n_events

    @invariant()
    def every_sensed_event_is_counted_once(self) -> None:
        counters = self.device.counters
        assert counters.atrial_events == self.sensed["A"]
        assert counters.ventricular_events == self.sensed["V"]
        # a second local event in a beat is counted, but a decision tells of the first
        assert counters.local_sense_events >= self.sensed["LS"]
        assert counters.atrial_noise <= counters.inhibitions[Cause.NOISE]

    @invariant()
    def the_inhibition_counter_is_the_one_in_the_books(self) -> None:
        assert self.device._inhibit_left == self.inhibited

    @invariant()
    def a_low_battery_is_suspended(self) -> None:
        battery = self.device.battery
        assert battery.suspended == (battery.voltage_v < battery.cell.suspend_v)


TestDevice = DeviceMachine.TestCase
TestDevice.settings = hypothesis_settings(
    max_examples=120, stateful_step_count=40, deadline=None, derandomize=True
)
