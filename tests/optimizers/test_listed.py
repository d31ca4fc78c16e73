"""A strategy that tests just the settings that it is given."""

from collections.abc import Callable

import numpy as np
import pytest

from harness.common.faults import ScenarioError
from harness.play.order import order_of, task_of
from harness.play.scenario import Scenario, load_scenario
from harness.study.plan import parse_study
from optimizers.problem import Budget, Observation, Problem
from optimizers.search import Search
from optimizers.space import Axis, Point, Space

SPACE = Space((Axis("amplitude_v", "V", (4.5, 5.0, 5.5, 6.0, 6.5)),))
LIST = ((3,), (1,), (4,))


def asked(
    name: str, seen: Callable[[Point], Observation], *, seed: int = 1, n: int = 12
) -> list[Point]:
    problem = Problem(SPACE, (0,), Budget(evaluations=n), noise_sd=2.0, listed=LIST)
    rng, points = np.random.default_rng(seed), []
    with Search(name, problem, rng, on_finish="stop") as search:
        while (point := search.ask()) is not None:
            points.append(point)
            search.tell(seen(point))
    return points[1:]  # behind the reference


def at_once(point: Point) -> Observation:
    return Observation(point, point, 0.0)


def test_a_list_is_tested_in_its_order_and_nothing_else() -> None:
    assert asked("listed", at_once) == list(LIST)


def test_a_shuffled_list_is_the_same_list_in_an_order_that_is_drawn() -> None:
    orders = {tuple(asked("listed-shuffled", at_once, seed=n)) for n in range(20)}
    assert all(sorted(order) == sorted(LIST) for order in orders)
    assert len(orders) == 6  # all orders of three: 20 draws miss one with 0.16


def test_a_filter_that_lets_one_step_pass_is_climbed_to_the_setting() -> None:
    highest = [0]

    def one_step(point: Point) -> Observation:
        tested = (min(point[0], highest[0] + 1),)
        highest[0] = max(highest[0], *tested)
        return Observation(point, tested, 0.0)

    assert asked("listed", one_step) == [(3,), (3,), (3,), (1,), (4,)]


def test_a_setting_that_is_felt_is_not_asked_for_again() -> None:
    def felt(point: Point) -> Observation:
        return Observation(point, (0,), 0.0, channels={"sensation": 2.0})

    assert asked("listed", felt) == list(LIST)


def test_a_point_outside_the_space_is_no_list() -> None:
    with pytest.raises(ValueError, match=r"listed \(9,\) is not an allowed point"):
        Problem(SPACE, (0,), Budget(), noise_sd=1.0, listed=((9,),))


def scenario(*listed: object, strategy: str = "listed") -> Scenario:
    changes = {"search.strategy": strategy, "search.listed": list(listed)}
    return load_scenario("first_visit").changed(changes)


def test_a_scenario_lists_the_settings_and_its_search_knows_them() -> None:
    one = scenario({"amplitude_v": 5.5}, {"amplitude_v": 6.5, "delay_ms": 25.0})
    task = task_of(one.search, one.device, order_of(one))
    space = task.lattice.around(one.found_device.settings)
    points = [space.point_with(given) for given in task.listed]
    found = [space.settings_of(point) for point in points]
    as_found = one.found_device.settings.delay_ms
    assert [s.amplitude_v for s in found] == [5.5, 6.5]
    assert [s.delay_ms for s in found] == [as_found, 25.0]
    again = Scenario.checked(one.model_dump(mode="json"), origin="run.json")
    assert again.search.listed == one.search.listed


def test_a_scenario_without_a_list_is_written_as_before() -> None:
    assert "listed" not in load_scenario("first_visit").model_dump()["search"]


@pytest.mark.parametrize(
    ("listed", "strategy", "told"),
    [
        ([], "listed", "search.listed: must be given for strategy 'listed'"),
        ([{"amplitude_v": 5.5}], "titration", "used by listed and listed-shuffled"),
        ([{"amplitude_v": 5.2}], "listed", r"listed\.0\.amplitude_v: must be 4\.5 to"),
        ([{"voltage": 5.5}], "listed", "nearest is 'amplitude_v'"),
    ],
)
def test_a_wrong_list_is_a_fault(
    listed: list[object], strategy: str, told: str
) -> None:
    with pytest.raises(ScenarioError, match=told):
        scenario(*listed, strategy=strategy)


def test_a_listed_value_outside_the_limits_is_a_fault() -> None:
    limits = {"search.limits": {"amplitude_v": [4.5, 6.0]}}
    with pytest.raises(ScenarioError, match=r"within limits, 4\.5 to 6, got 6\.5 V"):
        scenario({"amplitude_v": 5.5}).changed(
            limits | {"search.listed": [{"amplitude_v": 6.5}]}
        )


def test_listed_settings_that_conflict_with_the_reference_are_refused() -> None:
    one = scenario({"delay_ms": 45.0})
    task = task_of(one.search, one.device, order_of(one))
    space = task.lattice.around(one.found_device.settings)
    with pytest.raises(ValueError, match=r"delay_ms = 60\.0 cannot be tested"):
        space.point_with([("delay_ms", 60.0)])


def test_a_strategy_of_lists_named_for_a_scenario_without_one_is_refused() -> None:
    plain = load_scenario("first_visit")
    with pytest.raises(ScenarioError, match=r"search\.listed: must be given"):
        task_of(plain.search, plain.device, order_of(plain), strategy="listed")


STUDY = """
title = "Curves"
patients = ["hfref-ischaemic"]
contenders = [{ strategy = "stay" }, { strategy = "listed" }]
"""


def test_a_contender_of_a_study_brings_its_own_list() -> None:
    with pytest.raises(ScenarioError, match=r"contenders\.1\.listed: must be given"):
        parse_study(STUDY, "study")
    given = 'strategy = "listed", listed = [{ amplitude_v = 6.0 }]'
    study = parse_study(STUDY.replace('strategy = "listed"', given), "study")
    assert study.contenders[1].listed == ({"amplitude_v": 6.0},)
