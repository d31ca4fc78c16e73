"""What somebody left in the device: named starts, drawn once for a patient."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sim.device.lattice import axis_numbers
from sim.device.settings import Settings
from sim.heart.sensation import INTOLERABLE_GRADE, sensation_level
from sim.patient import Patient, phenotype, sample_cohort
from sim.streams import stream
from sim.visit.implant import found_generator
from sim.visit.order import VisitOrder
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.start import STARTS, StartName, reach_of, started
from sim.visit.trains import train_of

INSENSIBLE_V = 60.0


def patient(*, threshold_v: float = INSENSIBLE_V) -> Patient:
    """Return a patient who cannot take trains from one amplitude on."""
    who = phenotype("hfref-ischaemic")
    feels = replace(who.sensation, felt_v=threshold_v - 1.0, threshold_v=threshold_v)
    return replace(who, sensation=feels)


def found(start: StartName, who: Patient, *, seed: int = 7, index: int = 0) -> Settings:
    order = VisitOrder(who, FoundDevice(), VisitPlan(), seed, patient_index=index)
    return started(order, start).found.settings


def pulses(settings: Settings) -> tuple[float, float, int, float]:
    return (
        settings.amplitude_v,
        settings.phase_duration_ms,
        settings.n_pulses,
        settings.delay_ms,
    )


def level(who: Patient, settings: Settings) -> float:
    order = VisitOrder(who, FoundDevice(settings), VisitPlan(), 0)
    train = train_of(settings, found_generator(order).leads)
    return float(sensation_level(who.sensation, train))


def test_the_factory_settings_stay_where_nothing_is_felt() -> None:
    assert pulses(found("factory", patient())) == (7.5, 5.14, 2, 35.0)


def test_a_patient_who_feels_everything_is_left_at_the_lowest_amplitude() -> None:
    assert pulses(found("factory", patient(threshold_v=2.0))) == (4.5, 5.14, 2, 35.0)


def test_factory_settings_come_down_step_by_step_to_what_is_told_tolerable() -> None:
    # 6.0 V is grade 0 and 7.0 V grade 4: no report errs by that much, sd 0.35
    who = patient(threshold_v=6.5)
    who = replace(who, sensation=replace(who.sensation, felt_v=6.25, least_gap_v=0.25))
    assert pulses(found("factory", who)) == (6.0, 5.14, 2, 35.0)


def test_a_device_turned_down_has_one_of_three_amplitudes_each_as_often() -> None:
    who = patient()
    volts = [found("turned-down", who, index=i).amplitude_v for i in range(300)]
    for amplitude_v in (4.5, 5.0, 5.5):
        # four standard errors of a third of 300
        assert volts.count(amplitude_v) == pytest.approx(100, abs=33)
    assert pulses(found("turned-down", who))[1:] == (5.14, 2, 35.0)


def left_over() -> Iterator[Settings]:
    who = patient()
    yield from (found("left-over", who, index=i) for i in range(200))


def test_what_is_left_over_may_be_programmed_and_lies_anywhere() -> None:
    drawn = list(left_over())
    assert not any(settings.conflicts() for settings in drawn)
    assert len(set(drawn)) > 150
    for name in ("amplitude_v", "phase_duration_ms", "delay_ms"):
        values = axis_numbers(name, mode="OVO-LS-CCM")
        allowed = [v for v in values if name != "delay_ms" or v >= 15.0]
        seen = {getattr(settings, name) for settings in drawn}
        assert min(seen) <= allowed[1]
        assert max(seen) >= allowed[-2]


def test_a_start_is_seldom_one_that_truly_cannot_be_taken() -> None:
    rng = stream(11, name="patient")
    people = sample_cohort(200, rng).patients
    for start in STARTS:
        felt = [
            level(who, found(start, who, index=i)) >= INTOLERABLE_GRADE
            for i, who in enumerate(people)
        ]
        # who reports grade 2 a grade too low, twice: 0.077 squared at the threshold
        assert sum(felt) <= 4


def test_a_start_is_the_patients_not_the_visits() -> None:
    who = patient(threshold_v=7.5)
    order = VisitOrder(who, FoundDevice(), VisitPlan(), seed=3)
    other = replace(order, replicate=4)
    for start in STARTS:
        assert started(order, start).found == started(other, start).found


def test_another_start_before_it_changes_no_draw() -> None:
    who = patient()
    alone = found("left-over", who)
    for start in STARTS:
        found(start, who)
    assert found("left-over", who) == alone


def test_what_a_start_does_not_set_stays_as_found() -> None:
    given = FoundDevice(Settings(ccm_hours_per_day=9.0, ls_channel="V1"), charge_frac=1)
    order = VisitOrder(patient(), given, VisitPlan(), seed=3)
    for start in STARTS:
        device = started(order, start).found
        assert device.settings.ccm_hours_per_day == 9.0
        assert device.settings.ls_channel == "V1"
        assert device.charge_frac == 1


def test_reach_holds_whatever_a_start_leaves() -> None:
    for start in STARTS:
        reach = reach_of(start, "CCM X11")
        for index in range(40):
            settings = found(start, patient(threshold_v=6.0), index=index)
            for name, (low, high) in reach.items():
                assert low <= getattr(settings, name) <= high


def test_the_smart_may_be_turned_down_to_the_same_amplitudes() -> None:
    order = VisitOrder(patient(), FoundDevice(model="CCM X10"), VisitPlan(), seed=3)
    drawn = started(order, "turned-down").found.settings.amplitude_v
    assert drawn in (4.5, 5.0, 5.5)
