"""Each number that is listed can be changed by a file, or says why it is fixed."""

from collections.abc import Iterator
from dataclasses import fields

import pytest

from harness.play.changeable import (
    IN_PATIENT,
    IN_SCENARIO,
    REASONS,
    changed_by,
    why_fixed,
)
from harness.play.course_table import Habits
from harness.play.provenance import declared_numbers, sourced_models
from harness.play.scenario import load_scenario
from sim.law.saturating import Saturating
from sim.patient.checks import part_faults
from sim.telemetry.morphology import Disturbance
from sim.visit.happenings import Happening
from sim.visit.plan import FoundDevice, VisitPlan
from sim.visit.safety import SafetyRules


def numbers() -> Iterator[tuple[type, str, object]]:
    for model in (*sourced_models(), Habits):
        for row in declared_numbers(model):
            yield model, row.name, row.value


def test_each_number_has_a_path_or_a_reason() -> None:
    for model, name, _ in numbers():
        if model is not Habits and not changed_by(model, name):
            assert why_fixed(model) in REASONS


def test_each_reason_is_some_number_s() -> None:
    fixed = {why_fixed(m) for m, n, _ in numbers() if m is not Habits}
    assert fixed <= set(REASONS)
    assert set(REASONS) - fixed == set()


@pytest.mark.parametrize(
    "model", [VisitPlan, FoundDevice, Disturbance, Habits], ids=lambda m: m.__name__
)
def test_a_scenario_takes_what_is_said_to_be_its_own(model: type) -> None:
    """Set to the defaults, all at once: nothing is refused, and nothing is unknown."""
    scenario = load_scenario("follow_up_year")
    changes = {
        path: item.default
        for item in fields(model)
        if (path := changed_by(model, item.name)) and item.default is not None
    }
    assert len(changes) >= 3
    assert scenario.changed(changes)


def test_a_patient_file_takes_what_is_said_to_be_its_own() -> None:
    n_taken = 0
    for model, name, value in numbers():
        if model in IN_PATIENT and changed_by(model, name):
            assert part_faults(IN_PATIENT[model], {name: value}) == []
            n_taken += 1
    assert n_taken > 100


def test_a_constant_of_a_law_is_changed_beside_its_law() -> None:
    path = changed_by(Saturating, "k")
    assert path == "patient.response_law.k"
    scenario = load_scenario("first_visit").changed({path: 3.0})
    assert getattr(scenario.patient.patient.response, "k") == 3.0  # noqa: B009


def test_a_number_without_a_range_is_fixed_and_says_why() -> None:
    assert changed_by(SafetyRules, declared_numbers(SafetyRules)[0].name) == ""
    assert why_fixed(SafetyRules) == "visit"
    assert changed_by(Happening, "what") == ""


def test_no_model_has_two_places() -> None:
    assert set(IN_SCENARIO).isdisjoint(IN_PATIENT)
