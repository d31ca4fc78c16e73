"""What is said of a scenario is used or refused, whatever the way it is said in."""

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.play.asked import asked_for
from harness.play.order import order_of, task_of
from harness.play.run import run_scenario
from harness.play.scenario import Scenario, ScenarioError, load_scenario
from harness.play.search import SearchAdvisor
from harness.study.sweep import sweep
from harness.task.task import Task
from harness.truth.landscape import landscape
from optimizers.space import Axis, Space
from sim.device.settings import Settings
from sim.patient import load_patient, patient_to_toml, phenotype
from sim.visit.checklist import run_visit
from sim.visit.order import VisitOrder

OTHER = "hfref-af"


@cache
def first_visit() -> Scenario:
    return load_scenario("first_visit")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(patient_to_toml(phenotype(OTHER)), encoding="utf-8")
    return "mine.toml"


def test_a_patient_file_takes_the_place_of_the_patient(mine: str) -> None:
    changed = first_visit().changed({"patient.file": mine})
    assert changed.patient.file == mine
    assert changed.patient.patient == load_patient(mine)
    again = type(changed).checked(changed.model_dump(mode="json"), origin="run.json")
    assert again.patient.patient == load_patient(mine)


def test_other_changes_of_a_patient_go_over_its_file_in_any_order(mine: str) -> None:
    told = {"patient.override.pvc_per_hour": np.int64(7), "patient.file": mine}
    patient = first_visit().changed(told).patient.patient
    assert patient.rhythm.pvc_per_hour == 7.0
    assert patient.circulation == load_patient(mine).circulation


def test_a_whole_patient_may_be_given_and_leaves_a_file(mine: str) -> None:
    from_file = first_visit().changed({"patient": {"file": mine}})
    left = from_file.changed({"patient": {"phenotype": "normal"}})
    assert left.patient.file == ""
    assert left.patient.patient == phenotype("normal")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"patient.file": "none.toml"}, "none.toml: cannot be read"),
        ({"patient.file": "mine.toml", "patient.phenotype": OTHER}, "beside phenotype"),
        ({"seed.x": 3}, "seed is a value, no table"),
        ({"course.blinded": True}, "course: no such name"),
        ({"patient.overide.edv_ml": 230}, "nearest is 'override'"),
        ({"patient.override.beta_block_factor": 0.6}, "lost to override.g_two_leads"),
    ],
)
@pytest.mark.usefixtures("mine")
def test_what_cannot_be_used_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        first_visit().changed(changes)


@pytest.mark.parametrize("name", ["phenotype", "file"])
def test_no_value_of_a_file_stays_under_another_name(mine: str, name: str) -> None:
    scenario = first_visit().changed({"patient.file": mine})
    with pytest.raises(ScenarioError, match="as a whole table"):
        scenario.changed({f"patient.{name}": "normal" if name == "phenotype" else ""})


@pytest.mark.parametrize(
    ("part", "name", "override"),
    [
        ("rhythm", "pvc_per_hour", "pvc_per_hour"),
        ("circulation", "lv_elastance_mmhg_per_ml", "ejection_fraction_pct"),
        ("muscle", "beta_block_factor", "g_two_leads"),
    ],
)
def test_a_file_that_says_a_thing_twice_is_refused(
    mine: str, part: str, name: str, override: str
) -> None:
    low = {"pvc_per_hour": 3, "ejection_fraction_pct": 28, "g_two_leads": 0.1}
    text = f'phenotype = "hfref-ischaemic"\noverride = {{ {override} = {low[override]} '
    text += f"}}\n[{part}]\n{name} = 1.0\n"
    Path("twice.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{part}.{name}: would be lost to override"):
        load_patient("twice.toml")
    with pytest.raises(ScenarioError, match="would be lost"):
        first_visit().changed({"patient.file": "twice.toml"})


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("response_law.k", 400.0, "0.075 to 15"),
        ("reflex.set_map_mmhg", 150.0, "40 to 140 mmHg"),
        ("sensation.reporting_sd", 12.0, "0 to 3.5"),
    ],
)
def test_a_number_far_from_all_that_is_known_is_refused(
    path: str, value: float, allowed: str
) -> None:
    with pytest.raises(ScenarioError, match=f"{path}: must be {allowed}"):
        first_visit().changed({f"patient.{path}": value})


def test_a_strategy_keeps_its_own_recommender_until_one_is_said() -> None:
    scenario = first_visit().changed({"search.strategy": "cohort-bayes"})
    again = Scenario.checked(scenario.model_dump(mode="json"), origin="run.json")
    assert again.search.recommender_for() == "population"
    said = again.changed({"search.recommender": "best_mean"})
    assert said.search.recommender_for() == "best_mean"


def test_one_visit_of_a_course_is_not_played_in_its_place() -> None:
    with pytest.raises(ScenarioError, match="is a course of 4 visits"):
        run_scenario(load_scenario("follow_up_year"))


# Of these a visit knows nothing: they say what is written about it, and how.
ABOUT = ("title", "subject", "description", "metadata", "visit.strip", "visit.paper")
LEAVES: Mapping[str, object] = {
    "seed": 8,
    "patient.override.edv_ml": 231.0,
    "patient.override.g_two_leads": 0.17,
    "patient.response": "interior",
    "patient.name": "somebody",
    "patient.rhythm.kind": "af",
    "patient.conduction.pr_ms": 181.0,
    "patient.profile.age_years": 63.0,
    "patient.sensation.felt_v": 8.0,
    "device.model": "CCM X10",
    "device.dependents": "fixed",
    "device.settings.delay_ms": 34,
    "device.found.suspended_frac": 0.5,
    "device.found.v1_fault": "fracture",
    "visit.site": "hospital-outpatient",
    "visit.readout": "cuff",
    "visit.plan": "single",
    "search.strategy": "random",
    "search.axes": ["amplitude_v"],
    "search.limits": {"delay_ms": [10.0, 40.0]},
    "search.recommender": "best_mean",
    "search.budget.evaluations": 7,
    "search.on_finish": "stop",
    "search.duplicates": "cached",
    "search.population": False,
    "search.gate_probability": 0.7,
}
"""Values that are none of a range or a word; every other leaf gets the next one."""


def leaves(table: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(table).model_fields:
        value = getattr(table, name)
        if hasattr(type(value), "model_fields"):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def fingerprint(scenario: Scenario) -> tuple[VisitOrder, Task]:
    order = order_of(scenario)
    return order, task_of(scenario.search, scenario.device, order)


def other_value(path: str, value: Any) -> Any:
    if path in LEAVES:
        return LEAVES[path]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return type(value)(1) if value == 0 else type(value)(value * 0.75)
    raise AssertionError(f"{path} needs a value among LEAVES")


def words_of(scenario: Scenario) -> list[str]:
    numbers = [
        path
        for path, value in leaves(scenario)
        if isinstance(value, int | float)
        and not path.startswith(ABOUT)
        and path not in LEAVES
    ]
    return [*numbers, *LEAVES]


@pytest.mark.parametrize("path", words_of(first_visit()))
def test_a_changed_value_shows_in_patient_device_plan_or_search(path: str) -> None:
    value = other_value(path, dict(leaves(first_visit())).get(path))
    changed = first_visit().changed({path: value})
    before, after = fingerprint(first_visit()), fingerprint(changed)
    assert after != before
    dumped = changed.model_dump(mode="json")
    assert fingerprint(Scenario.checked(dumped, origin="run.json")) == after


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("LVEF", "ejection_fraction_pct"),
        ("edv", "edv_ml"),
        ("SBP", "sbp_mmhg"),
        ("QRS", "qrs_ms"),
        ("NYHA", "nyha_class"),
        ("age", "age_years"),
        ("Heart rate", "heart_rate_bpm"),
        ("pvc_per_huor", "pvc_per_hour"),
    ],
)
def test_the_clinics_word_finds_the_name(said: str, meant: str) -> None:
    with pytest.raises(ScenarioError, match=f"nearest is '{meant}'; known: "):
        first_visit().changed({f"patient.override.{said}": 3.0})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("patient.lvef", "patient.override.ejection_fraction_pct"),
        ("LVEF", "patient.override.ejection_fraction_pct"),
        ("patient.NYHA", "patient.override.nyha_class"),
        ("patient.amplitude", "device.settings.amplitude_v"),
        ("visit.voltage", "device.settings.amplitude_v"),
        ("patient.strategy", "search.strategy"),
        ("search.readout", "visit.readout"),
    ],
)
def test_a_name_in_the_wrong_table_is_led_to_its_own(said: str, meant: str) -> None:
    with pytest.raises(
        ScenarioError, match=f"{said}: no such name here; it is '{meant}'"
    ):
        first_visit().changed({said: 30.0})


def test_a_space_of_a_search_is_the_same_when_it_comes_back_from_a_pickle() -> None:
    order, task = fingerprint(first_visit())
    space = task.lattice.around(order.found.settings).space
    again = pickle.loads(pickle.dumps(space))
    assert np.array_equal(again.mask, space.mask)


def test_a_patient_made_in_code_is_stated_in_the_scenario() -> None:
    drawn = replace(phenotype(OTHER), name="mine")
    asked = asked_for(first_visit(), patient=drawn)
    again = Scenario.checked(asked.model_dump(mode="json"), origin="run.json")
    assert asked.patient.patient == again.patient.patient == drawn


@pytest.mark.parametrize(
    "settings", [Settings(delay_ms=22.0), Settings(vrp_ms=273.0, pvarp_ms=452.0)]
)
def test_settings_made_in_code_are_what_the_device_is_found_at(
    settings: Settings,
) -> None:
    asked = asked_for("turned_down", settings=settings)
    assert order_of(asked).found.settings == settings


def _visit_found_at(settings: Settings) -> None:
    order = order_of(first_visit())
    order = replace(order, found=replace(order.found, settings=settings))
    task = fingerprint(first_visit())[1]
    run_visit(order, SearchAdvisor.at(order, task))


def _landscape_against(settings: Settings) -> None:
    landscape(phenotype(OTHER), settings, Space((Axis("n_pulses", "", (2.0,)),)))


@pytest.mark.parametrize(
    "boundary",
    [
        lambda settings: asked_for("first_visit", settings=settings),
        lambda settings: run_scenario("first_visit", settings=settings),
        lambda settings: sweep([OTHER], [settings]),
        _visit_found_at,
        _landscape_against,
    ],
    ids=["asked_for", "run_scenario", "sweep", "run_visit", "landscape"],
)
def test_settings_off_the_lattice_are_refused_as_in_a_file(
    boundary: Callable[[Settings], None],
) -> None:
    with pytest.raises(ValueError, match=r"amplitude_v:? must be 4\.5 to 7\.5 V"):
        boundary(Settings(amplitude_v=60.0))


def test_the_truth_of_settings_off_the_lattice_is_told_when_asked_for() -> None:
    high = sweep([OTHER], [Settings(amplitude_v=9.0)], off_lattice=True)
    assert high["ees_gain_pct"][0] > 0.0
    with pytest.raises(ValueError, match="a visit programs what a device takes"):
        sweep([OTHER], [Settings(amplitude_v=9.0)], off_lattice=True, measure="visit")


@pytest.mark.slow
def test_a_run_by_name_says_who_was_played() -> None:
    run = run_scenario("first_visit", patient=phenotype(OTHER), seed=4)
    assert run.facts.scenario_name == "first_visit"
    assert run.record.patient == phenotype(OTHER)
    assert run.facts.scenario.patient.patient == phenotype(OTHER)
    assert run.record.order.seed == 4
