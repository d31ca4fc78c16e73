"""Simulated time follows the wall at a rate that may change on the way."""

from collections.abc import Iterator
from functools import cache
from math import inf

import pytest

from harness.play.scenario import Scenario, load_scenario
from harness.play.stream.lines import rate_of
from harness.play.stream.live import LiveVisit
from harness.play.stream.pacer import Pacer


class Wall:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@cache
def scenario() -> Scenario:
    return load_scenario("first_visit")


@pytest.fixture
def live() -> Iterator[LiveVisit]:
    with LiveVisit.of(scenario(), strips=False) as visit:
        yield visit


def test_simulated_seconds_pass_at_the_rate(live: LiveVisit) -> None:
    wall = Wall()
    pacer = Pacer(live, 10.0, wall_s=wall)
    wall.sleep(3.0)
    pacer.go()
    assert live.now_s == pytest.approx(30.0)


def test_a_rate_that_changes_counts_from_then_on(live: LiveVisit) -> None:
    wall = Wall()
    pacer = Pacer(live, 1.0, wall_s=wall)
    wall.sleep(5.0)
    pacer.rate = 60.0
    wall.sleep(2.0)
    pacer.rate = 0.0
    wall.sleep(100.0)
    pacer.go()
    assert live.now_s == pytest.approx(5.0 + 120.0)
    assert pacer.wait_s == inf


def test_who_has_a_loop_of_his_own_is_told_how_long_to_sleep(live: LiveVisit) -> None:
    wall = Wall()
    pacer = Pacer(live, 10.0, wall_s=wall)
    live.advance(0.0)
    next_s = live.next_event_s
    assert pacer.wait_s == pytest.approx(next_s / 10.0)
    wall.sleep(pacer.wait_s + 1e-9)
    pacer.go()
    assert live.now_s >= next_s


def test_every_event_is_played_when_it_is_due(live: LiveVisit) -> None:
    wall, late_s = Wall(), list[float]()
    pacer = Pacer(live, 60.0, wall_s=wall)

    def note() -> None:
        late_s.append(wall.now_s - 1000.0 - live.now_s / 60.0)
        if live.now_s > 120.0:
            raise StopIteration

    with pytest.raises(StopIteration):
        pacer.play(wall.sleep, between=note)
    assert max(late_s) == pytest.approx(0.0, abs=1e-6)


def test_without_a_limit_nobody_sleeps(live: LiveVisit) -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError("nobody should sleep")

    def stop() -> None:
        if live.now_s > 60.0:
            raise StopIteration

    with pytest.raises(StopIteration):
        Pacer(live, inf).play(sleep, between=stop)


def test_a_frozen_patient_is_not_played_to_the_end(live: LiveVisit) -> None:
    with pytest.raises(ValueError, match="rate must be above 0"):
        Pacer(live, 0.0).play()


@pytest.mark.parametrize("rate", [-1.0, float("nan")])
def test_a_rate_below_0_is_refused(live: LiveVisit, rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be 0 or more"):
        Pacer(live, rate)


def test_the_rate_of_the_command_is_a_number_or_max() -> None:
    assert [rate_of(text) for text in ("1", "0.5", "max")] == [1.0, 0.5, inf]
    for wrong in ("0", "-1", "fast", "inf", "nan"):
        with pytest.raises(ValueError, match="a number above 0 or max"):
            rate_of(wrong)
