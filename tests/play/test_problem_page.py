"""The page that states the problem says what a visit's search is given."""

from pathlib import Path

from harness.play.order import order_of, task_of
from harness.play.scenario import load_scenario
from optimizers.recommend import GATE_PROBABILITY

PAGE = Path(__file__).parents[2] / "docs" / "problem.md"


def test_the_numbers_of_the_page_are_those_of_the_first_visit() -> None:
    text = PAGE.read_text(encoding="utf-8")
    scenario = load_scenario("first_visit")
    order = order_of(scenario)
    task = task_of(scenario.search, scenario.device, order)
    space = task.lattice.around(order.found.settings).space
    delays = {point[2] for point in space.points()}
    for axis, told in zip(
        space.axes, ("7 values", "4 values", "138 values"), strict=True
    ):
        assert told == f"{len(axis.values)} values"
        assert told in text
    assert f"of which {len(delays)} can be programmed" in text
    assert f"|X| = {space.size}" in text
    assert f"({task.expected.sd_pct:.1f} points" in text
    objective = task.objective
    assert f"w_e = {objective.energy_weight:g}" in text
    assert f"w_s = {objective.discomfort_weight:g}" in text
    assert f"(default {GATE_PROBABILITY:g})" in text
    assert f"one answer may take {task.limits.answer_s:g} s" in text
