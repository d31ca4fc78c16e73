"""Scenario files: what is read from them, and how their faults are told."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from textwrap import dedent

import pytest

from harness.play.order import order_of
from harness.play.scenario import (
    Scenario,
    ScenarioError,
    load_scenario,
    parse_scenario,
    scenario_name,
)
from harness.play.tables import FoundTable, VisitTable
from sim.device.settings import Settings
from sim.visit.plan import FoundDevice, VisitPlan

LEAST = """
title = "t"
[patient]
phenotype = "hfref-ischaemic"
"""


def read(more: str = "") -> Scenario:
    return parse_scenario(LEAST + dedent(more), "my.toml")


def faults(text: str) -> dict[str, str]:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(dedent(text), "my.toml")
    return {fault.path: fault.text for fault in caught.value.faults}


def test_what_a_file_leaves_out_is_the_plan_of_the_visit_and_the_device() -> None:
    scenario = read()
    assert scenario.visit.visit_plan == VisitPlan()
    assert scenario.device.as_found == Settings()
    assert scenario.device.found_device == FoundDevice()


def test_every_field_of_the_plan_and_of_the_found_device_can_be_set() -> None:
    # what the archive keeps and prints, not what is planned
    kept = {"strips", "strip_rate_hz", "strip_noise", "paper"}
    kept |= {"date", "patient_name"}
    planned = {item.name for item in fields(VisitPlan)}
    assert set(VisitTable.model_fields) - kept == planned
    found = {item.name for item in fields(FoundDevice)} - {"model", "settings"}
    assert set(FoundTable.model_fields) == found


def test_values_reach_plan_device_and_search() -> None:
    scenario = read("""
        override = { sbp_mmhg = 110 }
        [device.found]
        state = "PERMANENT_OFF"
        [device.settings]
        amplitude_v = 5
        n_pulses = 3
        [visit]
        site = "ambulatory-surgical-center"
        titration_min = 25
        [search]
        axes = ["delay_ms"]
        limits = { delay_ms = [20, 40] }
        budget = { evaluations = 9 }
        [metadata]
        payer = "none"
        """)
    assert scenario.patient.override == {"sbp_mmhg": 110.0}
    assert scenario.device.found_device.state == "PERMANENT_OFF"
    assert scenario.device.as_found.amplitude_v == 5.0
    assert scenario.visit.visit_plan.site.title == "Ambulatory surgical center"
    assert scenario.visit.visit_plan.titration_s == 1500.0
    assert scenario.search.limits == {"delay_ms": (20.0, 40.0)}
    assert scenario.search.budget.budget.evaluations == 9
    assert scenario.metadata == {"payer": "none"}


def test_dependent_refractories_follow_unless_the_file_gives_or_fixes_them() -> None:
    settings = "[device.settings]\ndelay_ms = 15\n"
    assert read(settings).device.as_found.post_ls_refractory_ms == 15.0
    given = faults(LEAST + settings + "post_ls_refractory_ms = 20\n")
    fixed = faults(LEAST + '[device]\ndependents = "fixed"\n' + settings)
    for found in (given, fixed):
        assert "20 ms must not exceed delay_ms 15 ms" in found["device.settings"]


def test_every_fault_of_a_file_is_told_at_once() -> None:
    found = faults("""
        titel = "x"
        seed = -1
        [patient]
        phenotype = "hfref-ischemic"
        override = { pvc_per_huor = 3, sbp_mmhg = 500, edv_ml = "big" }
        [device]
        dependents = "solvd"
        [device.settings]
        mode = "OVO"
        amplitude_v = 4.7
        delay = 30
        extend_low_ccm = 1
        [visit]
        site = "clinic"
        titration_min = 5000
        verification_pairs = 10.5
        [search]
        strategy = "titratoin"
        axes = ["amplitude_v", "dely_ms"]
        limits = { width = [1, 2] }
        budget = { minutes = 0 }
        [metadata]
        payer = 3
        [extra]
        """)
    assert set(found) == {
        "title",
        "titel",
        "seed",
        "patient.phenotype",
        "patient.override.pvc_per_huor",
        "patient.override.sbp_mmhg",
        "patient.override.edv_ml",
        "device.dependents",
        "device.settings.mode",
        "device.settings.amplitude_v",
        "device.settings.delay",
        "device.settings.extend_low_ccm",
        "visit.site",
        "visit.titration_min",
        "visit.verification_pairs",
        "search.strategy",
        "search.axes",
        "search.limits.width",
        "search.budget.minutes",
        "metadata.payer",
        "extra",
    }


@pytest.mark.parametrize(
    ("more", "path", "parts"),
    [
        (
            "[device.settings]\namplitude_v = 4.7",
            "device.settings.amplitude_v",
            ["4.5 to 7.5 V in steps of 0.5", "got 4.7 V", "nearest is 4.5"],
        ),
        (
            "[visit]\ntitration_min = 5000",
            "visit.titration_min",
            ["must be 0 to 240 min", "got 5000 min"],
        ),
        (
            "override = { sbp_mmhg = 30 }",
            "patient.override.sbp_mmhg",
            ["must be 60 to 220 mmHg", "got 30 mmHg"],
        ),
        (
            '[visit]\nreadout = "finger"',
            "visit.readout",
            ["must be one of", "got 'finger'", "nearest is 'finger-pressure'"],
        ),
        (
            "[visit]\nverification_pairs = 10.5",
            "visit.verification_pairs",
            ["must be a whole number, got 10.5"],
        ),
        (
            '[visit]\ntitration_min = "40"',
            "visit.titration_min",
            ["must be a number, got '40'"],
        ),
        ("[visit]\nnoise_scale = nan", "visit.noise_scale", ["finite number, got nan"]),
        (
            "seed = 3",
            "patient.seed",
            ["no such name", "known here: phenotype, override"],
        ),
        ("[visit]\nsite = 3", "visit.site", ["must be text in quotes, got 3"]),
        ("[device]\nfound = 3", "device.found", ["must be a table, got 3"]),
        ("[device]\nsettings = 3", "device.settings", ["must be a table, got 3"]),
        ("[search]\naxes = []", "search.axes", ["must name one axis or more"]),
        (
            "[search]\nlimits = { delay_ms = [40, 45] }",
            "search.limits.delay_ms",
            ["value as found, 35.0 ms", "got 40 to 45.0 ms"],
        ),
        (
            "[search]\nlimits = { delay_ms = [45, 3] }",
            "search.limits.delay_ms",
            ["must be [lowest, highest], got [45, 3]"],
        ),
        (
            "[search]\nlimits = { n_pulses = [1, 2] }",
            "search.limits.n_pulses",
            ["must be one of amplitude_v, phase_duration_ms, delay_ms"],
        ),
        (
            '[search]\nstrategy = "nowhere.py:mine"',
            "search.strategy",
            ["no file nowhere.py"],
        ),
    ],
)
def test_a_fault_tells_value_unit_and_what_is_allowed(
    more: str, path: str, parts: list[str]
) -> None:
    found = faults(LEAST + more)
    assert set(found) == {path}
    for part in parts:
        assert part in found[path]


def test_conflicting_settings_are_named_with_the_reason() -> None:
    found = faults(LEAST + "[device.settings]\nalert_start_ms = -60\ndelay_ms = 45\n")
    assert set(found) == {"device.settings"}
    assert "alert_start_ms, delay_ms conflict" in found["device.settings"]
    assert "3 ms after the ventricular event" in found["device.settings"]


def test_a_conflict_that_hangs_on_a_wrong_value_is_not_told_twice() -> None:
    text = "[device.settings]\npost_ls_refractory_ms = 50\ndelay_ms = 500\n"
    assert set(faults(LEAST + text)) == {"device.settings.delay_ms"}


def test_the_smart_has_its_own_lattice() -> None:
    text = "[device.settings]\namplitude_v = 4.0\n"
    smart = read('[device]\nmodel = "CCM X10"\n' + text)
    assert smart.device.as_found.amplitude_v == 4.0
    assert "4.5 to 7.5 V" in faults(LEAST + text)["device.settings.amplitude_v"]


def test_a_syntax_error_is_told_with_its_line() -> None:
    found = faults('title = "t"\nseed = \n')
    assert "not valid TOML" in found[""]
    assert "line 2" in found[""]


def test_the_message_names_the_file_and_puts_each_fault_on_a_line() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario("seed = -1\n", "my.toml")
    lines = str(caught.value).splitlines()
    assert lines[0] == "my.toml: 3 faults"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "title",
        "seed",
        "patient",
    ]


def test_an_unknown_name_gets_the_nearest_shipped_ones() -> None:
    with pytest.raises(ScenarioError, match="nearest is 'first_visit'; shipped: "):
        load_scenario("frist_visit")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file or directory"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b'title = "\n\xff"'), "byte 0xff in line 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_message(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    path = tmp_path / "mine.toml"
    make(path)
    with pytest.raises(ScenarioError, match=reason):
        load_scenario(path)


def test_a_path_and_a_name_give_the_name_of_the_run() -> None:
    assert scenario_name("some/where/mine.toml") == "mine"
    assert scenario_name("first_visit") == "first_visit"


def patient_file(folder: Path, text: str, more: str = "") -> Scenario:
    (folder / "pat.toml").write_text(dedent(text), encoding="utf-8")
    scenario = f'title = "t"\n[patient]\nfile = "pat.toml"\n{more}'
    path = folder / "mine.toml"
    path.write_text(scenario, encoding="utf-8")
    return load_scenario(path)


def test_a_patient_file_lies_under_what_the_scenario_says(tmp_path: Path) -> None:
    scenario = patient_file(
        tmp_path,
        """
        phenotype = "hfref-nonischaemic"
        response = "sharp"
        override = { sbp_mmhg = 105, edv_ml = 210 }
        """,
        "override = { sbp_mmhg = 112 }",
    )
    assert scenario.patient.phenotype == "hfref-nonischaemic"
    assert scenario.patient.response == "sharp"
    assert scenario.patient.override == {"sbp_mmhg": 112.0, "edv_ml": 210.0}
    assert scenario.patient.file == "pat.toml"


def test_faults_of_a_patient_file_name_that_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        patient_file(tmp_path, 'phenotype = "norml"\nage = 3\n')
    texts = [str(fault) for fault in caught.value.faults]
    assert len(texts) == 2
    assert all(text.startswith("patient.file: pat.toml: ") for text in texts)


@pytest.mark.parametrize(
    ("patient", "path"),
    [
        ('phenotype = "normal"\nfile = "x.toml"', "patient.file"),
        ('file = "x.toml"', "patient.file"),
        ("", "patient.phenotype"),
    ],
)
def test_a_patient_is_one_phenotype_or_one_file(patient: str, path: str) -> None:
    assert set(faults(f'title = "t"\n[patient]\n{patient}\n')) == {path}


def test_a_change_in_python_is_checked_like_a_file() -> None:
    scenario = read()
    changed = scenario.changed(
        {"visit.readout": "cuff", "device.settings.delay_ms": 15}
    )
    assert changed.visit.readout == "cuff"
    assert changed.device.as_found.post_ls_refractory_ms == 15.0
    assert scenario.visit.readout == "finger-pressure"
    with pytest.raises(ScenarioError, match=r"visit\.readout: must be"):
        scenario.changed({"visit.readout": "finger"})


def test_a_scenario_read_back_from_json_is_the_same() -> None:
    scenario = load_scenario("first_visit")
    again = Scenario.checked(scenario.model_dump(mode="json"), origin="run.json")
    assert again == scenario


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("patient.response", "sharp"),
        ("device.model", "CCM X11"),
        ("device.dependents", "fixed"),
        ("device.found.state", "DOWN"),
        ("device.found.v1_fault", "fracture"),
        ("visit.plan", "paired"),
        ("search.on_finish", "replicate"),
        ("search.duplicates", "cached"),
    ],
)
def test_a_wrong_word_gets_the_nearest_one(path: str, near: str) -> None:
    wrong = near[:-1] + "_"
    with pytest.raises(ScenarioError) as caught:
        load_scenario("first_visit").changed({path: wrong})
    assert near in str(caught.value)


def test_a_word_that_is_cut_short_is_completed() -> None:
    with pytest.raises(ScenarioError, match="nearest is 'OVO-LS-CCM'"):
        load_scenario("first_visit").changed({"device.settings.mode": "OVO"})


def test_the_paper_is_the_sites_unless_it_is_said() -> None:
    visit = load_scenario("first_visit").visit
    assert (visit.printed_on, "paper" in visit.model_dump()) == ("letter", False)
    changed = load_scenario("first_visit").changed({"visit.paper": "a4"})
    assert changed.visit.printed_on == "a4"
    with pytest.raises(ScenarioError, match=r"must be one of a4, letter, got 'a5'"):
        changed.changed({"visit.paper": "a5"})


def test_a_start_is_drawn_by_the_seed_and_leaves_the_rest_as_given() -> None:
    text = """
        [device]
        start = "turned-down"
        [device.settings]
        ccm_hours_per_day = 7
    """
    scenario = read(text)
    found = [order_of(scenario, seed=seed).found.settings for seed in range(30)]
    assert {one.amplitude_v for one in found} == {4.5, 5.0, 5.5}
    assert {one.ccm_hours_per_day for one in found} == {7.0}
    assert order_of(scenario, seed=3) == order_of(scenario, seed=3)


def test_a_start_and_the_values_it_sets_are_one_fault() -> None:
    text = (
        LEAST
        + """
        [device]
        start = "factory"
        [device.settings]
        amplitude_v = 5.0
        delay_ms = 20
    """
    )
    found = faults(text)
    assert found.keys() == {"device.start"}
    assert "leave amplitude_v, delay_ms out of settings" in found["device.start"]


def test_a_start_that_is_none_gets_the_known_ones() -> None:
    found = faults(LEAST + '[device]\nstart = "factry"\n')
    assert "'factory'" in found["device.start"]


def test_limits_of_a_search_hold_whatever_the_start_may_leave() -> None:
    text = (
        LEAST
        + """
        [device]
        start = "factory"
        [search]
        limits = { amplitude_v = [6.0, 7.5], delay_ms = [35, 45] }
    """
    )
    found = faults(text)
    assert found.keys() == {"search.limits.amplitude_v"}
    assert "4.5 to 7.5 V" in found["search.limits.amplitude_v"]


def test_a_scenario_without_a_start_is_told_as_before() -> None:
    assert "start" not in read().model_dump(mode="json")["device"]
    told = read('[device]\nstart = "left-over"\n').model_dump(mode="json")
    assert told["device"]["start"] == "left-over"
