"""Each feature of the programmer (docs/device.md, 3) on a device in a patient."""

import math
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import simpy

from sim.device.settings import ConflictError, Settings, with_dependents
from sim.patient import personalize, phenotype
from sim.sources import unsourced
from sim.visit.advisor import Nobody
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.programmer import (
    ActivitySensor,
    LinkLostError,
    Marker,
    Preset,
    PresetError,
    Programmer,
    activity_trace,
    load_preset,
    propose_window,
    save_preset,
)
from sim.visit.visit import Visit

FOUND = with_dependents(Settings(amplitude_v=4.5, delay_ms=30.0))
SENSITIVE = personalize(phenotype("hfref-ischaemic"), {"sensation_threshold_v": 5.6})
T = TypeVar("T")


def arrive(found: FoundDevice, seed: int = 3) -> Visit:
    visit = Visit(VisitOrder(SENSITIVE, found, VisitPlan(), seed), Nobody())
    visit.generator.force_on = True
    return visit


@pytest.fixture
def visit() -> Visit:
    return arrive(FoundDevice(settings=FOUND))


@pytest.fixture
def programmer(visit: Visit) -> Programmer:
    return visit.programmer


def do(visit: Visit, command: Generator[simpy.Event, object, T]) -> T:
    done: T = visit.env.run(until=visit.env.process(command))
    return done


def beats(visit: Visit, n: int) -> None:
    do(visit, visit.bedside.wait_beats(n))


def texts(programmer: Programmer) -> list[str]:
    return [line.text for line in programmer.log]


# the link


def test_a_lost_link_costs_a_repetition_and_changes_nothing_else(
    visit: Visit, programmer: Programmer
) -> None:
    programmer.wand.lose(1)
    do(visit, programmer.program(replace(FOUND, amplitude_v=5.0)))
    retry_s = programmer.wand.link.retry_s
    assert visit.env.now == 2 * programmer.programming_s + retry_s
    assert programmer.programmed.amplitude_v == 5.0
    assert texts(programmer)[0] == "wand link lost, command repeated"


def test_a_link_that_never_holds_programs_nothing(
    visit: Visit, programmer: Programmer
) -> None:
    programmer.wand.lose(programmer.wand.link.most_retries)
    with pytest.raises(LinkLostError, match="20 attempts: nothing was changed"):
        do(visit, programmer.program(replace(FOUND, amplitude_v=5.0)))
    assert programmer.programmed == FOUND
    with pytest.raises(ValueError, match="nothing to undo"):
        do(visit, programmer.undo())


def test_without_the_wand_every_command_waits_for_the_link(
    visit: Visit, programmer: Programmer
) -> None:
    programmer.take_wand_away()
    with pytest.raises(LinkLostError, match="link"):
        do(visit, programmer.interrogate())
    do(visit, programmer.link())
    assert do(visit, programmer.interrogate()).settings == FOUND


def test_without_the_wand_there_is_no_urgent_off_either(
    visit: Visit, programmer: Programmer
) -> None:
    programmer.take_wand_away()
    with pytest.raises(LinkLostError, match="link"):
        programmer.urgent_off()
    assert programmer.programmed == FOUND
    do(visit, programmer.link())
    programmer.urgent_off()
    assert programmer.programmed.mode == "OOO"


def test_urgent_off_is_undone_like_any_other_command(
    visit: Visit, programmer: Programmer
) -> None:
    programmer.urgent_off()
    do(visit, programmer.undo())
    assert programmer.programmed == FOUND


# pending values


def test_the_screen_is_black_blue_and_red_with_reasons(programmer: Programmer) -> None:
    assert {value.colour for value in programmer.values()} == {"black"}
    programmer.edit({"amplitude_v": 5.0, "delay_ms": 60.0})
    shown = {value.name: value for value in programmer.values()}
    assert shown["amplitude_v"].colour == "blue"
    assert shown["delay_ms"].colour == shown["mode"].colour == "red"
    assert "delay_ms must be at most 45 ms" in shown["delay_ms"].reasons[0]
    assert shown["n_pulses"].colour == "black"


def test_the_program_button_is_idle_ready_or_disabled(programmer: Programmer) -> None:
    assert programmer.button == "idle"
    programmer.edit({"amplitude_v": 5.0})
    assert programmer.button == "ready"
    programmer.edit({"delay_ms": 60.0})
    assert programmer.button == "disabled"
    programmer.cancel()
    assert programmer.button == "idle"
    assert programmer.pending_settings == FOUND


def test_the_values_on_the_screen_are_programmed_together(
    visit: Visit, programmer: Programmer
) -> None:
    programmer.edit({"amplitude_v": 5.0})
    programmer.edit({"n_pulses": 3})
    do(visit, programmer.program())
    assert programmer.programmed == replace(FOUND, amplitude_v=5.0, n_pulses=3)
    assert programmer.button == "idle"


def test_a_conflict_is_refused_before_any_time_is_spent(
    visit: Visit, programmer: Programmer
) -> None:
    programmer.edit({"delay_ms": 60.0})
    with pytest.raises(ConflictError):
        do(visit, programmer.program())
    assert visit.env.now == 0.0


def test_a_choice_list_tells_what_each_value_would_break(
    programmer: Programmer,
) -> None:
    choices = {line.value: line.reasons for line in programmer.choices("delay_ms")}
    assert len(choices) == 138
    assert choices[45.0] == ()
    assert "at most 45 ms in OVO-LS-CCM" in choices[46.0][0]


# CCM on and off


def test_ccm_stop_and_on_program_off_and_timed(
    visit: Visit, programmer: Programmer
) -> None:
    do(visit, programmer.ccm_stop())
    first = visit.bedside.n_beats
    beats(visit, 10)
    assert visit.bedside.log.delivered_frac(first) == 0.0
    do(visit, programmer.ccm_on())
    first = visit.bedside.n_beats
    beats(visit, 30)
    assert visit.bedside.log.delivered_frac(first) > 0.8


def test_ccm_on_ends_permanent_off() -> None:
    visit = arrive(FoundDevice(settings=FOUND, state="PERMANENT_OFF"))
    do(visit, visit.programmer.ccm_on())
    assert visit.generator.state == "ACTIVE"


# markers


def test_markers_come_in_order_and_a_train_has_its_end(
    visit: Visit, programmer: Programmer
) -> None:
    stream = programmer.markers()
    beats(visit, 20)
    markers = stream.take()
    times = [marker.at_s for marker in markers]
    assert times == sorted(times)
    trains = [marker for marker in markers if marker.kind == "ccm"]
    assert trains
    train_s = FOUND.train_ms * 0.001
    for train in trains:
        assert train.end_s == pytest.approx(train.at_s + train_s)
    assert stream.take() == ()


def test_there_are_no_atrial_markers_in_ovo_and_some_in_odo() -> None:
    kinds = {}
    for mode in ("OVO-LS-CCM", "ODO-LS-CCM"):
        settings = with_dependents(FOUND.with_values({"mode": mode}))
        visit = arrive(FoundDevice(settings=settings))
        stream = visit.programmer.markers()
        beats(visit, 20)
        kinds[mode] = {marker.kind for marker in stream.take()}
    assert "atrial" not in kinds["OVO-LS-CCM"]
    assert "atrial" in kinds["ODO-LS-CCM"]


def test_no_marker_is_shown_while_a_command_runs(
    visit: Visit, programmer: Programmer
) -> None:
    stream = programmer.markers()
    beats(visit, 5)
    stream.take()
    began_s = float(visit.env.now)
    do(visit, programmer.program(replace(FOUND, amplitude_v=5.0)))
    assert visit.bedside.n_beats > 8
    assert stream.take() == ()
    assert stream.state == "running"
    beats(visit, 5)
    assert min(m.at_s for m in stream.take()) > began_s + programmer.programming_s


def test_the_loss_of_the_wand_ends_marker_mode_until_it_is_retried(
    visit: Visit, programmer: Programmer
) -> None:
    stream = programmer.markers()
    programmer.take_wand_away()
    assert (stream.state, stream.error) == ("error", "Marker mode error")
    beats(visit, 5)
    assert stream.take() == ()
    with pytest.raises(LinkLostError):
        programmer.markers()
    do(visit, programmer.link())
    again = programmer.markers()
    beats(visit, 5)
    assert again.take() != ()


def test_a_link_lost_in_a_command_ends_marker_mode(
    visit: Visit, programmer: Programmer
) -> None:
    stream = programmer.markers()
    programmer.wand.lose(1)
    do(visit, programmer.impedance())
    assert stream.state == "error"


def test_interference_shows_as_inhibition_by_noise(
    visit: Visit, programmer: Programmer
) -> None:
    beats(visit, 3)
    stream = programmer.markers()
    visit.bedside.interfere(for_s=10.0)
    beats(visit, 8)
    seen = stream.take()
    assert not [m for m in seen if m.kind == "ccm"]
    assert {m.code for m in seen if m.kind == "inhibit"} == {"NOISE"}
    do(visit, visit.bedside.wait_s(10.0))
    beats(visit, 8)
    assert [m for m in stream.take() if m.kind == "ccm"]


# statistics


def test_a_reset_empties_the_counters_but_not_those_of_the_session(
    visit: Visit, programmer: Programmer
) -> None:
    beats(visit, 30)
    before = do(visit, programmer.statistics())
    assert before.session == before.since_reset
    do(visit, programmer.reset_statistics())
    after = do(visit, programmer.statistics())
    assert after.session["Ventricular"] > before.session["Ventricular"]
    assert after.since_reset["Ventricular"] < before.session["Ventricular"]


def test_the_statistics_have_the_rows_of_the_manual(
    visit: Visit, programmer: Programmer
) -> None:
    rows = do(visit, programmer.statistics()).since_reset
    assert list(rows)[:9] == [
        *("Atrial", "Ventricular", "A noise", "V noise", "Short AV", "Long AV"),
        *("PVC", "AT", "VT"),
    ]


# measurements


def test_impedance_is_measured_with_its_error_and_a_fault_is_told(
    visit: Visit, programmer: Programmer
) -> None:
    whole = do(visit, programmer.impedance())
    # 1 % of error and 2 % of posture: five standard deviations are 11 %
    assert whole.v1_ohm == pytest.approx(550.0, rel=0.11)
    assert whole.alerts == ()
    visit.generator.leads.set_fault("V1", "fracture")
    broken = do(visit, programmer.impedance())
    assert broken.v1_ohm > 2000.0
    assert "impedance of V1" in broken.alerts[0]


def test_the_sensing_test_tells_amplitudes_and_their_margin(
    visit: Visit, programmer: Programmer
) -> None:
    test = do(visit, programmer.sensing_test(n_beats=25))
    conduction = SENSITIVE.conduction
    # amplitudes vary by a few percent from beat to beat
    assert test.r_wave.mean_mv == pytest.approx(conduction.v1_mv, rel=0.1)
    assert test.local_sense.mean_mv == pytest.approx(conduction.v2_mv, rel=0.1)
    assert test.r_wave.weakest_mv < test.r_wave.mean_mv
    assert test.r_wave.margin == test.r_wave.weakest_mv / FOUND.sens_v1_mv


def test_a_dislodged_lead_senses_little(visit: Visit, programmer: Programmer) -> None:
    whole = do(visit, programmer.sensing_test())
    visit.generator.leads.set_fault("V2", "dislodged")
    loose = do(visit, programmer.sensing_test())
    assert loose.local_sense.mean_mv < 0.4 * whole.local_sense.mean_mv


def test_the_scan_proposes_a_window_that_covers_what_it_saw(
    visit: Visit, programmer: Programmer
) -> None:
    window = do(visit, programmer.scan_local_sense(n_beats=60))
    assert sum(window.counts) == 60
    assert len(window.edges_ms) == len(window.counts) + 1
    assert window.covers_frac == 1.0
    proposed = FOUND.with_values(
        {
            "alert_start_ms": window.alert_start_ms,
            "alert_width_ms": window.alert_width_ms,
        }
    )
    assert programmer.conflicts(with_dependents(proposed)) == ()


def test_a_lead_that_senses_nothing_has_no_window_to_propose(
    visit: Visit, programmer: Programmer
) -> None:
    visit.generator.leads.set_fault("V2", "fracture")
    with pytest.raises(ValueError, match="no beat with a local sense"):
        do(visit, programmer.scan_local_sense(n_beats=20))


def test_unipolar_sensing_shows_larger_waves(
    visit: Visit, programmer: Programmer
) -> None:
    bipolar = do(visit, programmer.sensing_test())
    do(visit, programmer.program(replace(FOUND, pol_v1="UNIPOLAR")))
    unipolar = do(visit, programmer.sensing_test())
    # 1.1 times; the mean of 20 waves that vary by 6 % is known to 1.3 %
    ratio = unipolar.r_wave.mean_mv / bipolar.r_wave.mean_mv
    assert ratio == pytest.approx(1.1, abs=0.06)
    assert unipolar.local_sense.mean_mv == pytest.approx(
        bipolar.local_sense.mean_mv, rel=0.06
    )


def test_a_proposed_window_leaves_the_margin_on_both_sides() -> None:
    latency_ms = np.linspace(9.0, 15.0, 101)
    window = propose_window(latency_ms, ovo=True)
    # 3 ms before the earliest hundredth, 9.06 ms: 6 ms on the even lattice of starts
    assert window.alert_start_ms == 6.0
    # 3 ms after the latest hundredth, 14.94 ms: 17.94 ms
    assert window.alert_width_ms == 12.0


def test_a_scan_without_beats_is_refused() -> None:
    with pytest.raises(ValueError, match="no beat with a local sense"):
        propose_window(np.array([]), ovo=True)


def test_the_sensation_test_stops_where_the_patient_feels_it(
    visit: Visit, programmer: Programmer
) -> None:
    rng = np.random.default_rng(1)
    rows = do(
        visit, programmer.sensation_test((6.5, 4.5, 5.5), rng, leads=("V1", "V1+V2"))
    )
    both = [row for row in rows if row.ccm_channels == "V1+V2"]
    assert [row.amplitude_v for row in both] == [4.5, 5.5, 6.5][: len(both)]
    assert all(row.grade < 2 for row in both[:-1])
    assert both[-1].grade >= 2  # felt from 5.6 V on
    assert programmer.programmed == FOUND


# down, battery, clock, activity


def test_a_device_that_is_down_is_reset_after_its_cause_is_on_record() -> None:
    visit = arrive(FoundDevice(settings=FOUND, state="DOWN"))
    programmer = visit.programmer
    with pytest.raises(ValueError, match="record the cause first"):
        do(visit, programmer.reset_device())
    assert programmer.record_cause() == "internal inconsistency"
    programmer.wand.lose(programmer.wand.link.most_retries)
    with pytest.raises(LinkLostError):
        do(visit, programmer.reset_device())
    assert texts(programmer)[-1] == "Reset Device Error: retry or cancel"
    do(visit, programmer.reset_device())
    assert texts(programmer)[-1] == "Reset Device OK"
    assert visit.generator.state == "PERMANENT_OFF"


def test_a_device_that_is_not_down_has_no_cause(programmer: Programmer) -> None:
    with pytest.raises(ValueError, match="its state is ACTIVE"):
        programmer.record_cause()


def test_safe_mode_shows_the_code_of_the_charger() -> None:
    visit = arrive(FoundDevice(settings=FOUND, state="SAFE_MODE", charge_frac=0.5))
    charger = do(visit, visit.programmer.charger())
    assert (charger.code, charger.bars) == ("A9", 2)
    assert do(visit, visit.programmer.interrogate()).alerts == (
        "charger code A9: charge to 75 % at most",
        "device state SAFE_MODE",
    )


def alerts(visit: Visit) -> tuple[str, ...]:
    return do(visit, visit.programmer.interrogate()).alerts


def test_a_device_switched_off_says_so(visit: Visit, programmer: Programmer) -> None:
    assert alerts(visit) == ()
    do(visit, programmer.ccm_stop())
    assert alerts(visit) == ("CCM is switched off",)


def test_a_magnet_for_a_day_is_told_until_ccm_is_switched_on(
    visit: Visit, programmer: Programmer
) -> None:
    do(visit, programmer.program(replace(FOUND, magnet_mode="ONE_DAY_OFF")))
    visit.generator.hold_magnet(on=True)
    beats(visit, 5)
    visit.generator.hold_magnet(on=False)
    assert "CCM is switched off for a day by a magnet" in alerts(visit)
    do(visit, programmer.ccm_on())
    assert "CCM is switched off for a day by a magnet" not in alerts(visit)


def test_a_long_time_without_a_download_is_told_once() -> None:
    visit = arrive(FoundDevice(settings=FOUND, since_last_visit_days=250.0))
    assert alerts(visit) == ("not read out for 250 days",)
    assert alerts(visit) == ()


def test_small_interference_is_heard_by_a_sensitive_lead_alone(
    visit: Visit, programmer: Programmer
) -> None:
    delivered = {}
    for sensitivity_mv in (2.0, 1.0):
        settings = replace(FOUND, sens_v1_mv=sensitivity_mv)
        do(visit, programmer.program(settings))
        visit.bedside.interfere(for_s=30.0, noise_mv=1.5)
        first = visit.bedside.n_beats
        beats(visit, 20)
        delivered[sensitivity_mv] = visit.bedside.log.delivered_frac(first)
        do(visit, visit.bedside.wait_s(30.0))
    assert delivered[2.0] > 0.9
    assert delivered[1.0] == 0.0


def test_the_charging_log_is_read(visit: Visit, programmer: Programmer) -> None:
    visit.generator.battery.recharge(0.0)
    charger = do(visit, programmer.charger())
    assert [session.after_frac for session in charger.sessions] == [1.0]
    assert charger.bars == 4


def test_the_schedule_follows_the_clock_that_was_set(
    visit: Visit, programmer: Programmer
) -> None:
    do(visit, programmer.set_clock(0.0))
    assert programmer.clock_s() == 0.0
    do(visit, visit.bedside.wait_s(60.0))
    assert programmer.clock_s() == pytest.approx(60.0)
    visit.generator.force_on = False
    first = visit.bedside.n_beats
    beats(visit, 20)  # the first hour of the day is ON
    assert visit.bedside.log.delivered_frac(first) > 0.7
    do(visit, programmer.set_clock(2 * 3600.0))
    first = visit.bedside.n_beats
    beats(visit, 20)
    assert visit.bedside.log.delivered_frac(first) == 0.0


def test_a_time_beyond_the_day_is_refused(visit: Visit, programmer: Programmer) -> None:
    with pytest.raises(ValueError, match="time_of_day_s must be 0 to below 86400 s"):
        do(visit, programmer.set_clock(86_400.0))


def test_the_worse_the_class_the_less_the_patient_moves() -> None:
    minutes = [
        sum(row.active_min for row in activity_trace(c, np.random.default_rng(1)))
        for c in (1, 2, 3, 4)
    ]
    assert minutes == sorted(minutes, reverse=True)
    with pytest.raises(ValueError, match="nyha_class must be 1 to 4, got 5"):
        activity_trace(5, np.random.default_rng(1))


def test_nobody_moves_at_night(visit: Visit, programmer: Programmer) -> None:
    trace = do(visit, programmer.activity(np.random.default_rng(1), n_days=2))
    assert len(trace) == 48
    assert all(row.active_min == 0.0 for row in trace if row.hour < 7)
    assert any(row.active_min > 0.0 for row in trace if row.hour == 12)


def test_every_number_of_the_activity_sensor_has_a_source() -> None:
    assert unsourced(ActivitySensor()) == []


# log, observer, presets


def test_the_log_is_only_added_to(visit: Visit, programmer: Programmer) -> None:
    do(visit, programmer.interrogate())
    before = programmer.log
    do(visit, programmer.impedance())
    assert programmer.log[: len(before)] == before
    assert not hasattr(before, "append")
    times = [line.at_s for line in programmer.log]
    assert times == sorted(times)


def test_an_observer_sees_everything_and_commands_nothing(
    visit: Visit, programmer: Programmer
) -> None:
    observer = programmer.observer()
    heard: list[Marker] = []
    observer.listen().watch(heard.append)
    programmer.edit({"amplitude_v": 5.0})
    assert observer.pending_settings.amplitude_v == 5.0
    do(visit, programmer.program())
    beats(visit, 5)
    assert observer.programmed.amplitude_v == 5.0
    assert observer.log == programmer.log
    assert observer.state == "ACTIVE"
    assert observer.counters["Ventricular"] > 0
    assert {marker.kind for marker in heard} >= {"ventricular", "local sense"}
    assert not hasattr(observer, "program")
    with pytest.raises(AttributeError):
        observer.programmed = FOUND  # type: ignore[misc]


def test_a_preset_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    preset = Preset('one "lead"', "CCM X11", replace(FOUND, ccm_channels="V1"))
    save_preset(tmp_path / "one.toml", preset)
    assert load_preset(tmp_path / "one.toml") == preset


def test_a_preset_in_conflict_is_not_written(tmp_path: Path) -> None:
    wrong = Preset("wrong", "CCM X11", replace(FOUND, delay_ms=60.0))
    with pytest.raises(ConflictError):
        save_preset(tmp_path / "wrong.toml", wrong)
    assert not (tmp_path / "wrong.toml").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[device.settings]\namplitud_v = 5.0", "nearest is 'amplitude_v'"),
        ("[device.settings]\ndelay_ms = 60.0", "at most 45 ms in OVO-LS-CCM"),
        ("[device.settings]\namplitude_v = 5.2", "amplitude_v must be"),
        ('[device]\nmodel = "X12"', "model must be one of"),
        ("[device.settings", "one.toml"),
        ("device = 3", "device must be a table"),
    ],
)
def test_a_preset_that_cannot_be_used_says_why(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "one.toml"
    path.write_text(text)
    with pytest.raises(PresetError, match=told):
        load_preset(path)


def test_a_preset_gives_other_values_their_default(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text("[device.settings]\namplitude_v = 5\n")
    assert load_preset(path).settings == Settings(amplitude_v=5.0)


def test_an_interrogation_before_any_eligible_beat_has_no_share(visit: Visit) -> None:
    visit.generator.force_on = False
    visit.generator.set_clock(2 * 3600.0, 0.0)
    assert math.isnan(do(visit, visit.programmer.interrogate()).delivered_frac)
