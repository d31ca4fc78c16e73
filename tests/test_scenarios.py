"""The shipped scenarios keep what their titles promise."""

from pathlib import Path

import pytest

from harness.scenario import load_scenario, shipped_scenarios
from scenarios import compare_readouts

NAMES = {
    "atrial_fibrillation",
    "average_responder",
    "first_visit",
    "follow_up_low_delivery",
    "null_responder",
    "turned_down",
}


def test_the_shipped_scenarios_are_these() -> None:
    assert set(shipped_scenarios()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_shipped_scenario_is_valid_and_described(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.title
    assert scenario.description
    assert scenario.device.as_found.conflicts(scenario.device.model) == ()


def test_turned_down_is_the_patient_of_first_visit_with_a_lower_threshold() -> None:
    first, turned = load_scenario("first_visit"), load_scenario("turned_down")
    other = {**turned.patient.override, "sensation_threshold_v": 9.0}
    assert other == first.patient.override
    unchanged = {"title", "description", "patient"}
    assert first.model_dump(exclude=unchanged) == turned.model_dump(exclude=unchanged)
    assert 6.0 < turned.patient.override["sensation_threshold_v"] <= 6.5


def test_the_python_example_is_under_forty_lines() -> None:
    path = Path(compare_readouts.__file__)
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40
