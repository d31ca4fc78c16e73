import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim.device.battery import Battery
from sim.device.generator import (
    BeatSignals,
    Cause,
    PulseGenerator,
    StateError,
)
from sim.device.leads import Leads
from sim.device.settings import ConflictError, Settings

MakeDevice = Callable[..., PulseGenerator]
MakeBeat = Callable[..., BeatSignals]
Play = Callable[..., list[str]]
ODO: dict[str, Any] = {"mode": "ODO-LS-CCM"}
# beats of `play` are 0.8 s apart from 10 s on
RR_S, FROM_S = 0.8, 10.0


def at(k: int) -> float:
    return FROM_S + k * RR_S


def test_a_plain_beat_gets_its_train_one_delay_after_local_sense(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    decision = make_device(delay_ms=30).beat(make_beat(10.0))
    assert decision.delivered
    assert decision.armed
    assert decision.in_window
    assert (decision.reference_s, decision.ls_s) == (10.005, 10.015)
    assert decision.ls_latency_ms == pytest.approx(10.0)
    assert decision.train_start_s == pytest.approx(10.045)
    assert decision.train_end_s == pytest.approx(10.045 + 0.02056)


def test_the_other_lead_can_be_local_sense(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(ls_channel="V1")
    decision = device.beat(make_beat(10.0, v1_s=10.015, v2_s=10.005))
    assert decision.ls_s == 10.015
    assert decision.delivered


def test_a_train_waits_until_3_ms_after_v(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    # local sense 32 ms before V, the edge of the window, plus 35 ms of delay
    device = make_device(alert_start_ms=-32)
    decision = device.beat(make_beat(10.0, v1_s=10.040, v2_s=10.008))
    assert decision.delivered
    assert decision.train_start_s >= decision.reference_s + 0.003 - 1e-9


@pytest.mark.parametrize(
    ("latency_ms", "cause"),
    [
        (-0.5, "LS_OUT"),
        (0.0, "DELIVERED"),
        (20.0, "DELIVERED"),
        (20.5, "LS_OUT"),
    ],
)
def test_both_edges_of_the_window_are_inside(
    make_device: MakeDevice, make_beat: MakeBeat, latency_ms: float, cause: str
) -> None:
    ls_s = 10.005 + latency_ms * 0.001
    assert make_device().beat(make_beat(10.0, v2_s=ls_s)).cause == cause


def test_a_window_before_v_judges_local_sense_already_seen(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(alert_start_ms=-20, alert_width_ms=10)
    assert device.beat(make_beat(10.0, v2_s=9.990)).delivered
    assert device.beat(make_beat(11.0, v2_s=11.004)).cause == "LS_OUT"


@pytest.mark.parametrize(
    ("latency_ms", "cause"),
    [(-20.5, "LS_OUT"), (-20.0, "DELIVERED"), (5.0, "DELIVERED"), (10.5, "LS_OUT")],
)
def test_a_window_may_lie_on_both_sides_of_v(
    make_device: MakeDevice, make_beat: MakeBeat, latency_ms: float, cause: str
) -> None:
    device = make_device(alert_start_ms=-20, alert_width_ms=30)
    ls_s = 10.005 + latency_ms * 0.001
    assert device.beat(make_beat(10.0, v2_s=ls_s)).cause == cause


@pytest.mark.parametrize(
    ("signal", "cause"),
    [
        ({"v1_mv": 1.9}, "LS_OUT"),
        ({"v2_mv": 1.9}, "NO_LS"),
        ({"v1_mv": 1.9, "v2_mv": 1.9}, "V_UNDERSENSED"),
        ({"noise": True}, "NOISE"),
    ],
)
def test_too_small_signals_and_noise_stop_the_train(
    make_device: MakeDevice,
    make_beat: MakeBeat,
    signal: dict[str, Any],
    cause: str,
) -> None:
    assert make_device().beat(make_beat(10.0, **signal)).cause == cause


def test_lack_of_local_sense_costs_only_its_own_beat(
    make_device: MakeDevice, play: Play
) -> None:
    causes = play(make_device(inhibit_cycles_ls_out=16), 3, {1: {"v2_mv": 0.1}})
    assert causes == ["DELIVERED", "NO_LS", "DELIVERED"]


def test_smart_has_its_own_local_sensitivity(make_device: MakeDevice) -> None:
    beat = BeatSignals(10.0, None, 10.005, 10.015, 0.0, 8.0, 1.5)
    assert make_device("CCM X10", sens_ls_mv=1.0).beat(beat).delivered
    assert make_device("CCM X11", sens_ls_mv=1.0).beat(beat).cause == "NO_LS"


@pytest.mark.parametrize("cycles", [1, 2, 16])
def test_inhibit_cycles_count_the_inhibiting_beat(
    make_device: MakeDevice, play: Play, cycles: int
) -> None:
    device = make_device(inhibit_cycles_ls_out=cycles)
    causes = play(device, 20, {1: {"v2_s": at(1) + 0.1}})
    assert causes[0] == "DELIVERED"
    assert causes[1 : 1 + cycles] == ["LS_OUT"] + ["INHIBITED"] * (cycles - 1)
    assert set(causes[1 + cycles :]) == {"DELIVERED"}


def test_the_newest_inhibiting_event_overwrites_the_counter(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device(inhibit_cycles_ls_out=16, inhibit_cycles_noise=2)
    causes = play(device, 5, {0: {"v2_s": at(0) + 0.1}, 1: {"noise": True}})
    assert causes == ["LS_OUT", "NOISE", "INHIBITED", "DELIVERED", "DELIVERED"]


@pytest.mark.parametrize(
    ("av_ms", "cause"),
    [(69.0, "SHORT_AV"), (70.0, "DELIVERED"), (300.0, "DELIVERED"), (301.0, "LONG_AV")],
)
def test_odo_inhibits_outside_the_av_limits(
    make_device: MakeDevice, make_beat: MakeBeat, av_ms: float, cause: str
) -> None:
    # 23 + 36 * 374 / 48 = 303.5, shown as 304; 295.7 as 296
    long_ms = 304.0 if cause == "DELIVERED" else 296.0
    device = make_device(**ODO, av_long_ms=long_ms)
    beat = make_beat(10.0, atrial_s=10.005 - av_ms * 0.001)
    assert device.beat(beat).cause == cause


def test_odo_takes_a_beat_without_p_wave_for_a_pvc(
    make_device: MakeDevice, play: Play
) -> None:
    causes = play(make_device(**ODO), 4, {1: {"atrial_s": None}})
    assert causes == ["DELIVERED", "PVC", "INHIBITED", "DELIVERED"]


def test_ovo_does_not_look_at_the_atrium(make_device: MakeDevice, play: Play) -> None:
    assert play(make_device(), 2, {1: {"atrial_s": None}}) == ["DELIVERED"] * 2


def test_trigeminy_with_two_pvc_cycles_leaves_a_third_of_the_trains(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device(**ODO, inhibit_cycles_pvc=2)
    pvcs = {k: {"atrial_s": None, "v2_s": at(k) + 0.06} for k in range(2, 300, 3)}
    play(device, 300, pvcs)
    # the very first beat has no PVC before it
    assert device.counters.delivered == 101


@pytest.mark.parametrize(("aa_s", "cause"), [(0.54, "AT"), (0.55, "DELIVERED")])
def test_odo_inhibits_above_its_atrial_rate_limit_of_110(
    make_device: MakeDevice, make_beat: MakeBeat, aa_s: float, cause: str
) -> None:
    device = make_device(**ODO, at_rate_bpm=110)
    device.beat(make_beat(10.0))
    assert device.beat(make_beat(10.0 + aa_s)).cause == cause


@pytest.mark.parametrize(("rr_s", "cause"), [(0.55, "DELIVERED"), (0.54, "VT")])
def test_ovo_inhibits_above_its_rate_limit_of_110(
    make_device: MakeDevice, make_beat: MakeBeat, rr_s: float, cause: str
) -> None:
    device = make_device(vt_rate_bpm=110)
    device.beat(make_beat(10.0))
    assert device.beat(make_beat(10.0 + rr_s)).cause == cause


def test_odo_has_no_ventricular_rate_limit(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(**ODO, at_rate_bpm=146)
    device.beat(make_beat(10.0))
    assert device.beat(make_beat(10.45)).delivered


def test_fast_af_loses_trains_in_ovo_and_all_of_them_in_odo(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    rng = np.random.default_rng(5)
    ovo, odo = make_device(), make_device(**ODO)
    for at_s in 10.0 + np.cumsum(rng.gamma(16, 0.6 / 16, size=400)):
        beat = make_beat(float(at_s), atrial_s=None)
        ovo.beat(beat)
        odo.beat(beat)
    assert 0.3 < ovo.counters.delivered / 400 < 0.9
    assert odo.counters.delivered == 0


@pytest.mark.parametrize(
    ("early_ms", "cause"), [(120.0, "LS_OUT"), (200.0, "NOISE"), (300.0, "VT")]
)
def test_the_last_86_ms_of_the_refractory_are_a_noise_window(
    make_device: MakeDevice, make_beat: MakeBeat, early_ms: float, cause: str
) -> None:
    # refractory 255 ms: noise from 169 ms on, a new V from 255 ms on
    device = make_device()
    device.beat(make_beat(10.0))
    assert device.beat(make_beat(10.0 + early_ms * 0.001)).cause == cause


def test_an_atrial_signal_in_its_noise_window_inhibits(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(**ODO)
    device.beat(make_beat(10.0))
    assert not device.beat(make_beat(10.5, atrial_s=10.205)).delivered
    assert device.counters.inhibitions[Cause.NOISE] == 1
    # not sensed either, so that the next V is one without an A
    assert device.counters.inhibitions[Cause.PVC] == 1


@pytest.mark.parametrize(
    ("values", "mv", "cause"),
    [
        # the sensitivity is 2 mV; unipolar leads see signals 1.1 times as large
        ({}, 1.9, "NO_LS"),
        ({"pol_v2": "UNIPOLAR"}, 1.9, "DELIVERED"),
        ({"pol_v1": "UNIPOLAR"}, 1.9, "NO_LS"),
        ({"pol_v2": "UNIPOLAR"}, 1.8, "NO_LS"),
    ],
)
def test_a_unipolar_lead_sees_a_little_more(
    make_device: MakeDevice,
    make_beat: MakeBeat,
    values: dict[str, Any],
    mv: float,
    cause: str,
) -> None:
    assert make_device(**values).beat(make_beat(10.0, v2_mv=mv)).cause == cause


def test_a_unipolar_atrial_lead_sees_a_little_more(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    small = make_beat(10.0, atrial_mv=1.25)
    assert make_device(**ODO).beat(small).cause == "PVC"
    assert make_device(**ODO, pol_a="UNIPOLAR").beat(small).delivered


@pytest.mark.parametrize(
    ("values", "noise_mv", "is_noise"),
    [
        ({}, 1.9, False),
        ({}, 2.0, True),
        ({"sens_v1_mv": 1.0}, 1.0, True),  # below 2 mV more prone
        ({"pol_v1": "UNIPOLAR"}, 0.5, True),  # a quarter of 2 mV
        ({"pol_v1": "UNIPOLAR"}, 0.4, False),
        ({"pol_v2": "UNIPOLAR"}, 1.9, False),  # V2 is local sense, not asked
    ],
)
def test_interference_inhibits_from_the_sensitivity_on(
    make_device: MakeDevice,
    make_beat: MakeBeat,
    values: dict[str, Any],
    noise_mv: float,
    is_noise: bool,
) -> None:
    beat = make_beat(10.0, noise=True, noise_mv=noise_mv)
    expected = "NOISE" if is_noise else "DELIVERED"
    assert make_device(**values).beat(beat).cause == expected


def test_interference_of_the_atrial_lead_alone_is_atrial_noise(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    beat = make_beat(10.0, noise=True, noise_mv=1.5)  # A senses from 1.3, V from 2 mV
    odo, ovo = make_device(**ODO), make_device()
    assert odo.beat(beat).cause == "NOISE"
    assert odo.counters.atrial_noise == 1
    assert ovo.beat(beat).delivered


def test_local_sense_is_masked_inside_its_blanking(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(ls_blank_post_rv_ms=15)
    assert device.beat(make_beat(10.0)).cause == "NO_LS"
    assert device.beat(make_beat(11.0, v2_s=11.021)).delivered


def test_a_later_local_event_cancels_a_train_not_begun(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(delay_ms=45, post_ls_refractory_ms=15)
    decision = device.beat(make_beat(10.0, late_ls_s=10.040))
    assert decision.cause == "LS_OUT"
    assert not decision.armed
    assert math.isnan(decision.train_start_s)


def test_a_later_local_event_inside_the_post_ls_refractory_is_masked(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(delay_ms=45, post_ls_refractory_ms=45)
    assert device.beat(make_beat(10.0, late_ls_s=10.040)).delivered


def test_a_t_wave_after_the_train_inhibits_the_beats_that_follow(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device(inhibit_cycles_ls_out=2)
    causes = play(device, 3, {0: {"late_ls_s": at(0) + 0.3}})
    assert causes == ["DELIVERED", "INHIBITED", "DELIVERED"]
    assert device.counters.inhibitions[Cause.LS_OUT] == 1


@pytest.mark.parametrize(
    ("values", "cause"), [({"mode": "OOO"}, "OFF"), ({"ccm_mode": "OFF"}, "OFF")]
)
def test_no_train_when_switched_off(
    make_device: MakeDevice, play: Play, values: dict[str, Any], cause: str
) -> None:
    device = make_device(**values)
    assert play(device, 3) == [cause] * 3
    assert device.counters.eligible_beats == 0


def test_ooo_senses_nothing_but_permanent_off_goes_on_classifying(
    make_device: MakeDevice, play: Play
) -> None:
    standby, off = make_device(mode="OOO"), make_device()
    off.set_state("PERMANENT_OFF")
    for device in (standby, off):
        play(device, 3, {1: {"v2_s": at(1) + 0.1}})
    assert standby.counters.ventricular_events == 0
    assert off.counters.ventricular_events == 3
    assert off.counters.inhibitions[Cause.LS_OUT] == 1
    assert off.counters.delivered == 0


def test_down_is_cleared_by_reset_alone_and_leaves_ccm_off(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device()
    device.go_down()
    assert play(device, 1) == ["DOWN"]
    with pytest.raises(StateError, match="DOWN"):
        device.set_state("ACTIVE")
    device.reset()
    assert play(device, 1, from_s=20.0) == ["PERMANENT_OFF"]
    device.set_state("ACTIVE")
    assert play(device, 1, from_s=30.0) == ["DELIVERED"]


def test_safe_mode_stops_trains_and_charging_and_limits_it_afterwards(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device()
    device.battery.drain(140.0)  # of 200 mAh
    device.enter_safe_mode()
    assert play(device, 1) == ["SAFE_MODE"]
    stopped = device.battery.recharge(0.0)
    assert (stopped.code, stopped.after_frac) == ("A9", stopped.before_frac)
    device.reset()
    assert device.battery.recharge(0.0).after_frac == 0.75


def test_a_magnet_held_for_two_beats_switches_off_for_good(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device()
    device.hold_magnet(on=True)
    assert play(device, 1) == ["DELIVERED"]
    device.hold_magnet(on=False)
    device.hold_magnet(on=True)
    assert play(device, 2, from_s=20.0) == ["DELIVERED", "PERMANENT_OFF"]
    device.hold_magnet(on=False)
    assert play(device, 1, from_s=30.0) == ["PERMANENT_OFF"]


def test_a_magnet_may_switch_off_for_a_day_instead(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device(magnet_mode="ONE_DAY_OFF")
    device.hold_magnet(on=True)
    assert play(device, 2) == ["DELIVERED", "OFF"]
    device.hold_magnet(on=False)
    last_s = FROM_S + RR_S  # the last beat under the magnet
    assert play(device, 1, from_s=last_s + 86_399.0) == ["OFF"]
    assert device.counters.ventricular_events == 3  # sensing goes on
    assert play(device, 1, from_s=last_s + 86_400.0) == ["DELIVERED"]
    assert device.state == "ACTIVE"


def test_ccm_on_ends_the_day_of_the_magnet(make_device: MakeDevice, play: Play) -> None:
    device = make_device(magnet_mode="ONE_DAY_OFF")
    device.hold_magnet(on=True)
    play(device, 2)
    device.hold_magnet(on=False)
    device.set_state("ACTIVE")
    assert play(device, 1, from_s=20.0) == ["DELIVERED"]


def test_the_smart_has_no_magnet_for_a_day(make_device: MakeDevice) -> None:
    with pytest.raises(ConflictError, match="magnet_mode must be PERMANENT_OFF"):
        make_device("CCM X10", magnet_mode="ONE_DAY_OFF")


def test_a_low_battery_stops_trains_though_sensing_goes_on(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device()
    device.battery.drain(185.0)
    assert play(device, 2) == ["BATTERY_LOW"] * 2
    assert device.counters.ventricular_events == 2


def test_a_train_takes_its_energy_from_the_battery(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device()
    before_mah = device.battery.charge_frac * 200.0
    play(device, 1)
    used_mah = before_mah - device.battery.charge_frac * 200.0
    # 4.205 mJ / 0.6 / 3.7 V / 3600 s
    assert used_mah == pytest.approx(0.004205 / 0.6 / 3.7 / 3.6, rel=1e-3)


def test_the_schedule_is_kept_unless_it_is_suspended(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device()
    device.force_on = False
    assert play(device, 1, from_s=3599.0) == ["DELIVERED"]
    assert play(device, 1, from_s=3601.0) == ["SCHEDULE_OFF"]
    device.force_on = True
    assert play(device, 1, from_s=3602.0) == ["DELIVERED"]
    device.force_on = False
    assert play(device, 1, from_s=4.8 * 3600.0) == ["DELIVERED"]


def test_the_clock_of_the_device_can_start_at_any_time_of_day(play: Play) -> None:
    leads = Leads(rng=np.random.default_rng(1))
    nine_s = 9 * 3600.0
    device = PulseGenerator(Settings(), leads, Battery(), time_of_day_s=nine_s)
    assert play(device, 1, from_s=0.0) == ["SCHEDULE_OFF"]
    assert play(device, 1, from_s=0.6 * 3600.0 + 1.0) == ["DELIVERED"]


@pytest.mark.parametrize(
    ("extend", "cause"), [(True, "DELIVERED"), (False, "SCHEDULE_OFF")]
)
def test_a_poor_segment_is_extended_when_asked(
    make_device: MakeDevice, play: Play, *, extend: bool, cause: str
) -> None:
    device = make_device(extend_low_ccm=extend)
    device.force_on = False
    play(device, 100, {k: {"v2_mv": 0.1} for k in range(50)}, from_s=3000.0)
    # half was lost: 30 of the 60 minutes are made up for
    assert play(device, 1, from_s=3601.0) == [cause]
    assert play(device, 1, from_s=3601.0 + 29 * 60.0) == [cause]
    assert play(device, 1, from_s=3601.0 + 31 * 60.0) == ["SCHEDULE_OFF"]


def test_conflicting_settings_are_refused_and_the_old_ones_stay(
    make_device: MakeDevice,
) -> None:
    device = make_device()
    with pytest.raises(ConflictError, match="delay_ms must be at most 45") as refused:
        device.program(Settings(delay_ms=60.0))
    assert refused.value.conflicts[0].names == ("delay_ms", "mode")
    assert device.settings == Settings()
    with pytest.raises(ConflictError, match=r"got 7\.2 V"):
        device.program(Settings(amplitude_v=7.2))


def test_urgent_off_goes_to_ooo(make_device: MakeDevice, play: Play) -> None:
    device = make_device()
    device.urgent_off()
    assert device.settings.mode == "OOO"
    assert play(device, 1) == ["OFF"]


@pytest.mark.parametrize(
    ("fault", "least_mv"),
    # 2 mV of sensitivity over what is left of the signal: 0.3, 0.7, nothing
    [("dislodged", 6.67), ("insulation_breach", 2.86), ("fracture", math.inf)],
)
def test_a_faulty_lead_needs_a_larger_signal(
    make_device: MakeDevice, play: Play, fault: str, least_mv: float
) -> None:
    device = make_device()
    device.leads.set_fault("V2", fault)
    assert play(device, 1, {0: {"v2_mv": min(least_mv * 0.99, 1e9)}}) == ["NO_LS"]
    if least_mv < math.inf:
        signal = {"v2_mv": least_mv * 1.01}
        assert play(device, 1, {0: signal}, from_s=15.0) == ["DELIVERED"]
    device.leads.set_fault("V2", "none")
    assert play(device, 1, from_s=20.0) == ["DELIVERED"]


def test_counters_are_read_as_a_copy_subtracted_and_reset(
    make_device: MakeDevice, play: Play
) -> None:
    device = make_device(**ODO)
    play(device, 4, {1: {"atrial_s": None}})
    first = device.read_counters()
    play(device, 2, from_s=30.0)
    session = device.read_counters().since(first)
    assert (first.beats, first.delivered, session.delivered) == (4, 2, 2)
    assert (first.atrial_events, first.inhibitions[Cause.PVC]) == (3, 1)
    assert first.delivered_pct == 50.0
    device.reset_counters()
    assert device.counters.beats == 0
    assert math.isnan(device.counters.delivered_pct)


def test_the_delivered_share_of_the_trials_fits_five_hours_at_70(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    # 19,892 trains of 21,000 possible are 95 %: one beat in twenty has no LS
    device = make_device()
    for k in range(2000):
        device.beat(make_beat(10.0 + k * 60 / 70, v2_mv=0.1 if k % 20 == 0 else 9.0))
    assert device.counters.delivered_pct == pytest.approx(95.0)
