"""Who comes does not depend on the plan; how many come is what was asked."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.day.booking import Pool, bookings
from harness.day.jobs import VisitJob
from harness.day.replicate import expected_patients, mean_of, play_days
from harness.day.scenario import DayFile, parse_day
from sim.units import S_PER_MIN

Make = Callable[..., VisitJob]


@pytest.fixture
def pools(job: Make) -> tuple[Pool, ...]:
    return (
        Pool((job("a #1"), job("a #2")), 3.0, is_urgent=False),
        Pool((job("b #1"),), 1.0, is_urgent=False),
        Pool((job("urgent"),), 1.0, is_urgent=True),
    )


def test_a_second_programmer_changes_nobody_who_comes(
    file: DayFile, pools: tuple[Pool, ...]
) -> None:
    other = file.plans["a second programmer"]
    for day in range(20):
        assert bookings(file.base, pools, 3, day) == bookings(other, pools, 3, day)


def test_other_appointments_change_the_time_and_nothing_else(
    file: DayFile, pools: tuple[Pool, ...]
) -> None:
    other = next(plan for name, plan in file.plans.items() if "7 * 7" in name)
    for day in range(20):
        before, after = (bookings(p, pools, 3, day) for p in (file.base, other))
        assert [(b.number, b.job) for b in before] == [(b.number, b.job) for b in after]
        late = [
            [b.arrives_s - b.due_s for b in of if b.due_s is not None]
            for of in (before, after)
        ]
        assert late[0] == pytest.approx(late[1])


def test_shares_lateness_and_absence_are_those_of_the_file(
    file: DayFile, pools: tuple[Pool, ...]
) -> None:
    days = [bookings(file.base, pools, 3, day) for day in range(800)]
    due = [one for day in days for one in day if one.due_s is not None]
    came = [one for one in due if one.job is not None]
    urgent = [one for day in days for one in day if one.is_urgent]
    late_min = [
        (one.arrives_s - one.due_s) / S_PER_MIN for one in due if one.due_s is not None
    ]
    # four standard errors of 4,000 patients
    assert len(came) / len(due) == pytest.approx(0.9, abs=0.02)
    assert np.mean(late_min) == pytest.approx(-5.0, abs=0.7)
    assert np.std(late_min) == pytest.approx(10.0, abs=0.5)
    of_a = [one for one in came if one.job and one.job.name.startswith("a")]
    assert len(of_a) / len(came) == pytest.approx(0.75, abs=0.03)
    # 5 patients with an appointment, 7 % of all without: 5 * 0.07 / 0.93 a day
    assert len(urgent) / 800 == pytest.approx(0.376, abs=0.09)
    assert {one.job.name for one in urgent if one.job} == {"urgent"}


def test_the_expected_patients_are_those_who_come(
    file: DayFile, made_visits: None
) -> None:
    found = play_days(file, [], n_days=400).base
    assert found.means["n_done"].value == pytest.approx(
        expected_patients(file.base), abs=0.25
    )


def test_a_seed_gives_the_same_days_again(file: DayFile, made_visits: None) -> None:
    one, again, other = (play_days(file, [], seed=s).base.table for s in (5, 5, 6))
    assert np.array_equal(one, again, equal_nan=True)
    assert not np.array_equal(one, other, equal_nan=True)


def test_fewer_days_are_the_first_of_more(file: DayFile, made_visits: None) -> None:
    few, many = (play_days(file, [], n_days=n).base.table for n in (4, 9))
    assert np.array_equal(few, many[:4], equal_nan=True)


def test_a_mean_has_the_interval_of_student() -> None:
    found = mean_of(np.array([1.0, 2.0, 3.0, np.nan]))
    # t(0.975, 2) = 4.3027, standard error 1 / sqrt(3)
    assert (found.value, found.n) == (2.0, 3)
    assert found.high - found.value == pytest.approx(4.3027 / 3**0.5, abs=1e-4)


def test_no_value_has_no_interval() -> None:
    assert not mean_of(np.array([np.nan])).known
    assert mean_of(np.array([2.0])).n == 1


def test_paired_differences_are_narrower_than_those_of_strangers(
    file: DayFile, made_visits: None
) -> None:
    plan = file.plans["a second programmer"]
    paired = play_days(file, [plan], n_days=60)
    found = paired.differences(paired.others[0])["waiting_min"]
    strangers = play_days(file, [plan], n_days=60, seed=99)
    apart = mean_of(
        strangers.others[0].values("waiting_min") - paired.base.values("waiting_min")
    )
    assert found.value < 0.0
    assert found.high - found.low < 0.8 * (apart.high - apart.low)


def test_work_does_not_depend_on_the_plan(file: DayFile, made_visits: None) -> None:
    days = play_days(file, list(file.plans.values()), n_days=10)
    for other in days.others:
        changed = days.differences(other)
        assert changed["n_done"].value == 0.0
        assert changed["staff_min"].value == pytest.approx(0.0, abs=1e-9)


def test_a_day_without_patients_is_a_day(made_visits: None) -> None:
    text = """
title = "Nobody"
days = 3
[visits]
[[visits.kinds]]
scenario = "first_visit"
[appointments]
n = 1
[coming]
no_show_frac = 1.0
urgent_frac = 0.0
"""
    days: Any = play_days(parse_day(text, "nobody.toml"), [], seed=1)
    assert days.base.means["n_done"].value == 0.0
    assert not days.base.means["waiting_min"].known
