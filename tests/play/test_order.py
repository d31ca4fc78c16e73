"""Order and task are made once from the tables, and apart: no truth in a task."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest

from harness.play.asked import asked_for
from harness.play.order import order_for, order_of, task_of
from harness.play.played import play
from harness.play.scenario import load_scenario
from harness.play.search import SearchAdvisor
from harness.study.jobs import plan_of
from harness.study.plan import parse_study
from sim.heart.beating import HeartParts
from sim.patient import Patient, phenotype

NOBODY = """
title = "One patient"
seed = 11
contenders = ["stay"]
patients = ["hfref-ischaemic"]
budgets_min = [4]
[visit]
verification_pairs = 2
"""


def parts_of(value: Any) -> Iterator[Any]:
    """Yield a value and all that it is made of."""
    yield value
    held: Any = getattr(value, "__dict__", {}).values()
    if dataclasses.is_dataclass(value):
        held = [getattr(value, item.name) for item in dataclasses.fields(value)]
    elif isinstance(value, tuple | list):
        held = value
    for part in held:
        yield from parts_of(part)


def knows_the_patient(value: Any) -> bool:
    return any(isinstance(part, Patient | HeartParts) for part in parts_of(value))


def test_a_task_and_who_searches_it_hold_nothing_of_the_patient() -> None:
    scenario = load_scenario("first_visit")
    order = order_of(scenario)
    task = task_of(scenario.search, scenario.device, order)
    advisor = SearchAdvisor.at(order, task)
    assert knows_the_patient(order)
    assert not knows_the_patient(task)
    assert not knows_the_patient(advisor)
    advisor.begin(order.found.settings, 5)
    assert not knows_the_patient(advisor.problem)
    advisor.close()


def test_a_scenario_and_its_tables_give_the_same_order() -> None:
    scenario = load_scenario("first_visit")
    patient = scenario.patient.patient
    of_tables = order_for(patient, scenario.device, scenario.visit, seed=3)
    assert order_of(scenario, seed=3) == of_tables


def test_a_study_makes_the_visit_that_a_scenario_makes() -> None:
    study = parse_study(NOBODY, "one.toml")
    job = next(plan_of(study).jobs())
    scenario = load_scenario("first_visit").changed(
        {
            "seed": 11,
            "patient": {"phenotype": "hfref-ischaemic"},
            "device": study.device.model_dump(mode="json"),
            "visit": study.visit_of("paired", 4).model_dump(mode="json"),
            "search": {"strategy": "stay"},
        }
    )
    order = order_of(scenario)
    assert job.order == order
    assert job.task == task_of(scenario.search, scenario.device, order)


def test_what_was_played_has_the_lattice_and_log_of_its_search() -> None:
    scenario = load_scenario("first_visit").changed(
        {"visit.titration_min": 5, "visit.verification_pairs": 2}
    )
    order = order_of(scenario)
    task = task_of(scenario.search, scenario.device, order)
    played = play(order, SearchAdvisor.at(order, task))
    record = played.record
    assert played.order == order
    assert played.space.reference == record.reference
    read = [seen for seen in played.log if seen.minutes > 0.0]
    assert [seen.tested for seen in read] == [
        played.space.point_of(test.settings) for test in record.tested
    ]


@pytest.mark.parametrize("number", [-1, 1.5, "7"])
@pytest.mark.parametrize("name", ["seed", "replicate"])
def test_a_seed_or_replicate_that_is_no_number_is_told(name: str, number: Any) -> None:
    told = f"{name} must be a whole number, 0 or more, got {number!r}"
    with pytest.raises(ValueError, match=re.escape(told)):
        order_of(load_scenario("first_visit"), **{name: number})


def test_who_comes_may_be_named_and_what_is_no_patient_is_told() -> None:
    scenario = asked_for("first_visit", patient="hfref-af")
    assert scenario.patient.patient == phenotype("hfref-af")
    with pytest.raises(TypeError, match="must be a Patient or a phenotype's name, got"):
        asked_for("first_visit", patient=7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="settings must be Settings"):
        asked_for("first_visit", settings={"amplitude_v": 5})  # type: ignore[arg-type]
