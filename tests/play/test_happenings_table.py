"""What a scenario lets happen is read, checked and played."""

import pytest

from harness.play.order import order_of
from harness.play.provenance import run_numbers
from harness.play.scenario import ScenarioError, load_scenario, parse_scenario
from sim.visit.happenings import Happened, Happening

RUN = {"at_min": 40.0, "what": "ectopics", "n_beats": 7}


def test_happenings_reach_the_order_in_seconds() -> None:
    scenario = load_scenario("first_visit").changed({"happenings": [RUN]})
    run = Happened(2400.0, Happening("ectopics", n_beats=7))
    assert order_of(scenario).happenings == (run,)


def test_a_file_lists_them_as_tables() -> None:
    text = """
    title = "a run"
    [patient]
    phenotype = "normal"
    [[happenings]]
    at_min = 40.0
    what = "lead fault"
    lead = "V1"
    """
    (table,) = parse_scenario(text, "test").happenings
    assert table.planned.happening == Happening("lead fault", lead="V1")


def test_a_scenario_without_them_is_stored_as_before() -> None:
    scenario = load_scenario("first_visit")
    assert "happenings" not in scenario.model_dump(mode="json")
    with_one = scenario.changed({"happenings": [RUN]})
    again = type(scenario).checked(with_one.model_dump(mode="json"), origin="test")
    assert again == with_one


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"what": "ectopic"}, "'ectopics'"),
        ({"n_beats": 0}, "happenings.0.n_beats: must be 1 to 200"),
        ({"at_min": 500.0}, "must be 0 to 240 min"),
        ({"for_min": 1.0}, "happenings.0.for_min"),
    ],
)
def test_a_faulty_happening_is_told_with_its_place(
    changed: dict[str, object], told: str
) -> None:
    with pytest.raises(ScenarioError, match=told):
        load_scenario("first_visit").changed({"happenings": [RUN | changed]})


def test_the_numbers_of_what_happened_are_among_those_of_the_run() -> None:
    scenario = load_scenario("first_visit")
    assert "strains" not in run_numbers(scenario, order_of(scenario))
    scenario = scenario.changed({"happenings": [RUN]})
    numbers = run_numbers(scenario, order_of(scenario))
    own = {row.name: row for row in numbers["happening 1"]}
    assert (own["n_beats"].value, own["n_beats"].source.reference) == (7, "scenario")
    assert own["for_s"].source.standing == "assumed"
