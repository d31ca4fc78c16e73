"""Day files: what is shipped is sound, and every fault is told with its place."""

import importlib
import inspect
import pkgutil
import re
from dataclasses import fields
from pathlib import Path

import pytest

import harness.day
from harness.catalogue import listing
from harness.common.faults import ScenarioError
from harness.day.scenario import load_day, parse_day, plan_named, shipped_days
from harness.day.site import DAY_SITES, MODELS
from harness.play.provenance import declared_numbers
from sim.sources import references
from sim.visit.plan import SITES

ROOT = Path(__file__).parents[2]
NAMES = {"day_device_clinic", "day_hospital", "day_surgical_center"}
MINIMAL = """
title = "A day"
[visits]
[[visits.kinds]]
scenario = "first_visit"
"""
PICTURES = ("gantt", "figures")
"""Modules whose numbers are inches and shades."""


def faults(extra: str, text: str = MINIMAL) -> str:
    with pytest.raises(ScenarioError) as caught:
        parse_day(text + extra, "mine.toml")
    return str(caught.value)


def test_the_shipped_days_are_these() -> None:
    assert set(shipped_days()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_shipped_day_is_valid_and_described(name: str) -> None:
    day = load_day(name)
    assert day.scenario.description
    assert len(day.plans) >= 2
    assert name in listing("days")


def test_each_kind_of_site_is_shipped_and_known_to_the_visit() -> None:
    assert {load_day(name).scenario.site for name in NAMES} == set(DAY_SITES)
    assert set(DAY_SITES) == set(SITES)


def test_the_least_file_is_a_day_of_the_usual_site() -> None:
    day = parse_day(MINIMAL, "mine.toml")
    clinic = day.base.clinic
    assert (clinic.rooms, clinic.programmers, len(clinic.people)) == (2, 1, 5)
    assert day.base.kinds[0].scenario.visit.strips == "none"


def test_visits_are_played_at_the_site_of_the_day() -> None:
    kinds = load_day("day_hospital").base.kinds
    assert {kind.scenario.visit.site for kind in kinds} == {"hospital-outpatient"}


def test_a_plan_changes_what_it_names_and_keeps_the_rest() -> None:
    day = load_day("day_device_clinic")
    second = day.plans["a second programmer"]
    assert (day.base.clinic.programmers, second.clinic.programmers) == (1, 2)
    assert second.due_s == day.base.due_s
    shorter = day.plans["30 minutes of titration"]
    minutes = {kind.scenario.visit.titration_min for kind in shorter.kinds}
    assert minutes == {30.0}


def test_a_scenario_of_its_own_lies_beside_the_file(tmp_path: Path) -> None:
    shipped = ROOT / "scenarios" / "null_responder.toml"
    (tmp_path / "mine.toml").write_bytes(shipped.read_bytes())
    path = tmp_path / "day.toml"
    path.write_text(MINIMAL.replace("first_visit", "mine.toml"), encoding="utf-8")
    assert load_day(path).base.kinds[0].name == "mine"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("[equipment]\nprogramers = 2", "equipment.programers: no such name; nearest"),
        ("[equipment]\nprogrammers = 0", "equipment.programmers: must be 1 to 50"),
        ("[hours]\nopens_h = 18", "hours.closes_h: must be after opens_h, 18"),
        ("[appointments]\nfirst_h = 16.5", "appointments: must lie in the opening"),
        ("[appointments]\ntimes_h = []", "times_h: must hold one time or more"),
        (
            "[appointments]\ntimes_h = [9.0]\nn = 3",
            "appointments.n: cannot be given beside times_h",
        ),
        ("[coming]\nurgent_frac = 0.7", "coming.urgent_frac: must be 0 to 0.5"),
        ("[staff]\nphysician = 0", "staff.physician: must be 1 to 50"),
        ("[staff]\ndevice_specialist = 0", "staff.device_specialist: must be 1 or"),
        ("[may_do]\nnurse = ['porter']", "may_do.nurse.0: must be one of"),
        (
            "[plans.more.equipment]\nprogrammers = 'two'",
            "plans.more.equipment.programmers: must be a whole number",
        ),
        ("[plans.more]\nseed = 3", "plans.more.seed: is the same in all plans"),
        ("[plans.more]", "plans.more: must change something"),
        (
            "[plans.more.hours]\ncloses_h = 7",
            "plans.more.hours.closes_h: must be after",
        ),
        ("[[visits.kinds]]\nscenario = 'frist'", "visits.kinds.1.scenario: frist"),
        (
            "[[visits.kinds]]\nscenario = 'follow_up_year'",
            "visits.kinds.1.scenario: must be a scenario of one visit",
        ),
        (
            "[[visits.kinds]]\nscenario = 'first_visit'\nphenotype = 'hfpef'",
            "visits.kinds.1.phenotype: must be one of",
        ),
        (
            "[[visits.kinds]]\nscenario = 'first_visit'\nstrategy = 'titratoin'",
            "visits.kinds.1.strategy: unknown strategy 'titratoin'; nearest",
        ),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_is_allowed(
    extra: str, said: str
) -> None:
    assert said in faults(extra)


def test_faults_of_several_tables_are_told_together() -> None:
    told = faults("[hours]\nopens_h = 30\n[staff]\nnurse = -1")
    assert "hours.opens_h" in told
    assert "staff.nurse" in told


def test_somebody_must_have_an_appointment() -> None:
    told = faults("urgent = true")
    assert "visits.kinds: must hold one kind or more that is not urgent" in told


def test_only_physicians_cannot_do_all_the_work_of_a_nurse() -> None:
    own = "[staff]\nnurse = 0\n[may_do]\nphysician = ['nurse']"
    assert "staff.nurse: must be 1 or more" in faults(own)


def test_an_unknown_day_or_plan_is_told_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="nearest is 'day_hospital'"):
        load_day("day_hospitl")
    with pytest.raises(ValueError, match="nearest is 'a second programmer'"):
        plan_named(load_day("day_device_clinic"), "second programer")
    with pytest.raises(ValueError, match=r"has no table \[plans\]"):
        plan_named(parse_day(MINIMAL, "mine.toml"), "any")


def test_every_number_of_a_day_can_be_looked_up() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    section = text.split("\n## 8. ")[1]
    for model in MODELS:
        numbers = declared_numbers(model)
        assert len(numbers) == len(fields(model))
        for row in numbers:
            assert row.source.reference in references()
            if row.source.standing == "assumed":
                assert row.source.reference == "ccmlab-protocol"
                words = row.source.place.removeprefix("8, ")
                assert words in section.lower(), row


def test_what_a_file_states_is_credited_to_its_line() -> None:
    day = parse_day(MINIMAL + "[places]\nrooms = 4", "mine.toml")
    rows = {row.name: row for row in day.base.numbers}
    assert (rows["places.rooms"].value, rows["places.rooms"].source.standing) == (
        4,
        "overridden",
    )
    assert rows["coming.urgent_frac"].source.reference == "boriani2011"


def test_no_number_of_the_model_hides_in_its_modules() -> None:
    usual = {"0.0", "1.0", "2.0"}
    for module in pkgutil.iter_modules(harness.day.__path__):
        if module.name in (*PICTURES, "site", "tables"):
            continue
        loaded = importlib.import_module(f"harness.day.{module.name}")
        source = re.sub(r'"""(?s:.*?)"""', "", inspect.getsource(loaded))
        source = re.sub(r'f?"[^"\n]*"', "", source)
        found = set(re.findall(r"(?<![\w.])\d+\.\d+", source)) - usual
        assert found <= {"0.975"}, module.name  # the upper limit of a 95 % interval


def test_an_unknown_name_inside_a_list_of_tables_is_told_with_its_place() -> None:
    told = faults("shares = 2\n")
    assert "visits.kinds.0.shares: " in told
    assert "nearest is 'share'" in told
