"""Landscapes: rules, the told search, one patient's survey, a study's laws."""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from harness.cli import invoke
from harness.evidence.landscape import law_cell as cell_module
from harness.evidence.landscape import suite as suite_module
from harness.evidence.landscape.law_cell import YARDSTICKS, GivenAway, LawCell
from harness.evidence.landscape.pages import suite_page
from harness.evidence.landscape.rules import (
    FACTORY,
    TEXTBOOK,
    RuleBook,
    fitted_losses,
)
from harness.evidence.landscape.suite import Suite, one_lead_is_best, suite
from harness.evidence.landscape.survey import Survey, survey
from harness.evidence.landscape.told import LawPeople, PlannedTests, told_loss
from harness.play.scenario import load_scenario
from harness.study.plan import parse_study
from harness.truth.landscape import Landscape
from sim.device.lattice import value_at
from sim.heart.sensation import INTOLERABLE_GRADE
from sim.law.two_leads import TwoLeads
from sim.visit.measuring import expected_sd_pct
from sim.visit.measuring_noise import usual_arm_s
from sim.visit.plan import VisitPlan

ROOT = Path(__file__).parents[2]
ALL_AXES = ("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms")
SEARCHED = ("amplitude_v", "phase_duration_ms", "delay_ms")
WITH_LEADS = ("amplitude_v", "ccm_channels", "delay_ms")
STUDY = """
title = "One law"
seed = 7
contenders = ["stay"]
starts = ["turned-down"]
[cohort]
n = 1
families = { sharp = 1 }
"""


@cache
def one(axes: tuple[str, ...] = SEARCHED) -> Survey:
    scenario = load_scenario("first_visit").changed(
        {"patient.override": {"sensation_threshold_v": 6.8, "sensation_felt_v": 6.0}}
    )
    return survey(scenario, axes)


def lattice_value(found: Survey, row: int) -> dict[str, float]:
    point = tuple(int(i) for i in found.truth.points[row])
    return dict(found.around.space.as_dict(point))


@pytest.mark.parametrize("axes", [SEARCHED, ALL_AXES, WITH_LEADS])
def test_a_rule_programs_the_highest_tolerated_amplitude_at_its_timing(
    axes: tuple[str, ...],
) -> None:
    found = one(axes)
    row = RuleBook(found.around.space).row_of(found.truth, FACTORY)
    assert row is not None
    values = lattice_value(found, row)
    # grade 2 at 6.8 V with this very train: 6.5 V is the last below
    assert values["amplitude_v"] == 6.5
    assert values["delay_ms"] == 35.0
    assert values.get("phase_duration_ms", 5.14) == 5.14
    assert values.get("n_pulses", 2.0) == 2.0
    point = tuple(int(i) for i in found.truth.points[row])
    assert found.around.settings_of(point).ccm_channels == "V1+V2"


@pytest.mark.parametrize(
    "axes", [SEARCHED, ALL_AXES, WITH_LEADS, ("amplitude_v", "delay_ms")]
)
def test_all_rules_at_once_are_worth_what_each_is_worth_alone(
    axes: tuple[str, ...],
) -> None:
    found = one(axes)
    book = RuleBook(found.around.space)
    worth = book.utilities(found.truth)
    assert len(book.rules) == worth.size
    assert worth[-1] == found.truth.off_gain_pct
    for place in range(0, worth.size - 1, 17):
        rule = book.rules[place]
        assert rule is not None
        assert book.number_of(rule) == place
        row = book.row_of(found.truth, rule)
        assert row is not None
        assert worth[place] == found.truth.utility_pct[row]


@pytest.mark.parametrize("axis", ["delay_ms", "ccm_channels"])
def test_where_no_amplitude_is_searched_a_rule_that_is_felt_leaves_ccm_off(
    axis: str,
) -> None:
    found = one((axis,))
    tolerated = np.arange(len(found.truth.points)) % 2 == 1
    truth = replace(
        found.truth, sensation=np.where(tolerated, 0.0, float(INTOLERABLE_GRADE))
    )
    book = RuleBook(found.around.space)
    rows = [book.row_of(truth, rule) for rule in book.rules if rule is not None]
    assert None in rows
    off = truth.off_gain_pct
    told = [off if row is None else truth.utility_pct[row] for row in rows]
    assert book.utilities(truth).tolist() == [*told, off]


def test_where_nothing_is_tolerated_every_rule_leaves_ccm_off() -> None:
    felt = np.full(len(one().truth.points), float(INTOLERABLE_GRADE))
    truth = replace(one().truth, sensation=felt)
    book = RuleBook(one().around.space)
    assert set(book.utilities(truth).tolist()) == {truth.off_gain_pct}
    assert book.row_of(truth, TEXTBOOK) is None


def test_a_rule_is_fitted_on_one_half_and_judged_on_the_other() -> None:
    # even patients fare best by rule 0, odd ones by rule 2
    even, odd = [0.0, 5.0, 3.0], [4.0, 5.0, 0.0]
    found, chosen = fitted_losses(np.array([even, odd] * 6))
    assert list(chosen) == [2, 0]
    assert found.tolist() == [3.0, 4.0] * 6


def people_of(truth: Landscape, *others: np.ndarray) -> LawPeople:
    """Return people of whom the first shows what the patient does."""
    base = 1.0 + truth.off_gain_pct / 100.0
    own = (1.0 + truth.window_gain_pct / 100.0) / base - 1.0
    shown = np.array([own, *others])
    return LawPeople(np.column_stack([shown, np.zeros(len(shown))]))


def test_a_told_search_that_reads_without_error_finds_the_best() -> None:
    truth = one().truth
    rng = np.random.default_rng(3)
    others = [0.1 * rng.random(len(truth.points)) for _ in range(40)]
    start = truth.row(one().around.reference_point)
    people = people_of(truth, *others)
    lost = told_loss(truth, people, start, PlannedTests(12, 1e-3), rng)
    assert lost == pytest.approx(0.0, abs=1e-9)


def test_a_told_search_never_chooses_what_is_not_tolerated() -> None:
    truth = one().truth
    start = truth.row(one().around.reference_point)
    wild = np.where(truth.tolerated, 0.0, 0.5)
    people = LawPeople(np.append(wild, 0.0)[None, :])
    lost = told_loss(
        truth, people, start, PlannedTests(3, 2.0), np.random.default_rng()
    )
    assert lost <= truth.points_lost(float(truth.utility_pct[truth.tolerated].min()))


def test_a_survey_tells_what_each_choice_gives_away() -> None:
    found = one()
    told = {given.name: given for given in found.givens}
    assert told["best"].points_lost == 0.0
    assert told["off"].points_lost == pytest.approx(found.truth.span_points)
    assert told["off"].share_pct == pytest.approx(100.0)
    assert told["as found"].window_gain_pct == pytest.approx(0.0, abs=0.01)
    for given in told.values():
        lost = found.truth.best_utility_pct - given.utility_pct
        assert given.points_lost == pytest.approx(lost)
    assert sum(found.explained.values()) == pytest.approx(1.0)


def test_the_example_of_the_how_to_tells_what_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (ROOT / "docs" / "how-to" / "see-the-truth.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    values: dict[str, Any] = {}
    exec(code, values)
    span, *choices = capsys.readouterr().out.splitlines()
    found = values["found"]
    assert span == f"{found.truth.span_points} {found.explained}"
    names = ["best", "as found", "factory settings", "textbook rule", "off"]
    for line, name in zip(choices, names, strict=True):
        assert line.startswith(f"{name} ")
    assert choices[0].endswith(" 0.0")


def test_a_survey_has_a_row_for_every_setting() -> None:
    rows = list(one().rows())
    assert len(rows) == one().around.space.size == 868
    assert {row["amplitude_v"] for row in rows} == {4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5}
    best = min(row["points_lost"] for row in rows if row["tolerated"])
    assert best == 0.0


def test_a_survey_names_the_leads_that_it_tries() -> None:
    rows = list(one(WITH_LEADS).rows())
    assert {row["ccm_channels"] for row in rows} == {"V1", "V2", "V1+V2"}


def test_both_leads_are_no_end_of_an_axis() -> None:
    found = one(WITH_LEADS)
    best = dict(found.around.space.as_dict(found.truth.best))
    assert value_at("ccm_channels", best["ccm_channels"]) == "V1+V2"
    assert 15.0 < best["delay_ms"] < 45.0
    assert not cell_module._at_edge(found.truth, found.around)


def cell(**shares_pct: Sequence[float]) -> LawCell:
    """Return patients of a span of 4 points who lose these shares."""
    given = {name: [0.0] * 8 for name in YARDSTICKS} | shares_pct
    lost = {
        name: GivenAway(0.04 * np.array(of, dtype=float), np.array(of, dtype=float))
        for name, of in given.items()
    }
    no = np.zeros(8, dtype=bool)
    return LawCell(
        law="sharp",
        start="factory",
        axes=("amplitude_v",),
        noise_pct=2.0,
        span=np.full(8, 4.0),
        off_is_best=no,
        lost=lost,
        at_top=no,
        at_edge=no,
        tolerated_frac=np.ones(8),
        explained=np.ones((8, 1)),
        rise_pct=np.arange(8.0) + 5.6,
        fitted=(FACTORY, None),
    )


@pytest.mark.parametrize(
    ("rule_pct", "told_pct", "law", "verdict"),
    [
        (20.0, 5.0, "sharp", "worth searching"),
        (20.0, 10.0, "sharp", "worth searching"),
        (20.0, 11.0, "sharp", "a told search wins back 45 %"),
        (11.0, 0.0, "sharp", "the best rule loses 11.0 %"),
        (20.0, 5.0, "adverse", "judged by harm alone"),
    ],
)
def test_a_law_is_worth_searching_where_rules_lose_and_a_told_search_wins(
    rule_pct: float, told_pct: float, law: str, verdict: str
) -> None:
    found = replace(cell(fitted=[rule_pct] * 8, told=[told_pct] * 8), law=law)
    assert found.verdict.endswith(verdict) or verdict in found.verdict
    assert found.verdict.startswith("not ") == verdict.startswith(
        ("a told", "the best")
    )


@pytest.mark.parametrize(
    ("law", "mean_pct", "answer"),
    [
        ("sharp", 7.09, "no"),
        ("sharp", 7.1, "yes"),
        ("sharp", 11.1, "yes"),
        ("sharp", 11.11, "no"),
        ("null", 7.09, "not asked"),
        ("adverse", 0.0, "not asked"),
    ],
)
def test_a_law_agrees_with_a16_up_to_two_points_off(
    law: str, mean_pct: float, answer: str
) -> None:
    worth = cell(fitted=[20.0] * 8, told=[5.0] * 8)
    found = replace(worth, law=law, rise_pct=np.arange(-3.5, 4.0) + mean_pct)
    assert found.a16_answer == answer
    assert found.verdict.startswith("out: dP/dt max rises by") == (answer == "no")
    shown = suite_page(Suite("t", 1, 8, PlannedTests(20, 2.0), (found,)))
    where = next(t for t in shown.tables if t.caption.startswith("Where optima lie"))
    assert (
        dict(zip(where.heads, where.rows[0], strict=True))[
            "within 9.1 \N{PLUS-MINUS SIGN} 2"
        ]
        == answer
    )


def test_patients_are_binned_by_what_the_factory_settings_give_away() -> None:
    found = cell(factory=[0, 4.9, 5, 14, 29, 30, 50, 90])
    assert found.binned == [2, 2, 1, 1, 2]
    assert found.pooled_pct("factory").value == pytest.approx(222.9 / 8)
    assert found.tags.startswith("optimum inside; span 2.0 times the noise")
    assert "factory gives away 0 to 5 %" in found.tags
    narrow = replace(found, span=np.zeros(8))
    assert "no span of a point" in narrow.tags


def test_a_page_of_laws_says_which_are_worth_searching() -> None:
    good = cell(fitted=[20.0] * 8, told=[5.0] * 8)
    poor = replace(cell(fitted=[3.0] * 8), law="plateau")
    cells = good, poor, replace(good, law="window", start="turned-down")
    cells = (*cells, replace(good, start="turned-down"))
    page = suite_page(Suite("t", 1, 8, PlannedTests(20, 2.0), cells))
    assert "Worth searching: sharp; window, from turned-down." in page.in_short[0]
    assert "idealised" in page.text
    assert "not worth searching: the best rule loses 3.0 %" in page.text
    assert "CCM off" in page.text


def test_a_study_has_a_cell_for_each_law_and_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suite_module, "N_PEOPLE", 12)
    found = suite(parse_study(STUDY, "t.toml"), 6, origin="t.toml")
    (only,) = found.cells
    assert (only.law, only.start, only.n) == ("sharp", "turned-down", 6)
    # 40 minutes hold twenty paired tests of two minutes
    assert found.tests.n == 20
    for lost in only.lost.values():
        assert (lost.points >= -1e-9).all()
    assert (only.lost["start"].points >= only.lost["factory"].points).mean() > 0.5
    assert sum(only.binned) == only.n_wide
    rows = list(found.patient_rows())
    assert len(rows) == 6
    assert only.explained.sum(axis=1) == pytest.approx(np.ones(6))


def test_where_one_lead_alone_may_be_best_the_leads_are_searched_in_a_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suite_module, "N_PEOPLE", 12)
    text = STUDY.replace("sharp", "two-leads")
    text += '[search]\naxes = ["amplitude_v", "delay_ms"]\n'
    found = suite(parse_study(text, "t.toml"), 4, origin="t.toml")
    narrow, wide = found.cells
    assert (narrow.label, wide.label) == ("two-leads", "two-leads, leads searched")
    assert wide.axes == (*narrow.axes, "ccm_channels")
    # more settings to choose from, read off curves of a wider range of gains
    added = wide.span - narrow.span
    assert (added >= -1e-3).all()
    # a rule has both leads, so that it gives away what one lead alone adds
    lost = wide.lost["factory"].points - narrow.lost["factory"].points
    assert lost == pytest.approx(added, abs=1e-3)
    rows = [dict(row) for row in found.rows()]
    assert rows[0].keys() == rows[1].keys()
    assert np.isnan(float(rows[0]["explained_ccm_channels_mean"] or 0.0))
    assert rows[1]["explained_ccm_channels_mean"]
    page = suite_page(found).text
    assert "ccm_channels explains, %" in page
    assert "two-leads, leads searched" in page


def test_a_lead_that_does_nothing_makes_the_other_best_alone() -> None:
    around = one(WITH_LEADS).around
    dead = replace(TwoLeads(), v1_height_frac=0.01)
    patient = replace(one().patient, response=TwoLeads())
    assert not one_lead_is_best(patient, around)
    # both together are worth 1.35 / 2 of each
    assert one_lead_is_best(replace(patient, response=dead), around)
    weak = replace(dead, g_one_lead_frac=-0.05, negative_frac=0.0)
    assert not one_lead_is_best(replace(patient, response=weak), around)


def test_a_told_search_knows_people_at_what_each_start_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The delay alone is searched: each patient has the amplitude of his start."""
    known: list[LawPeople] = []

    def noted(truth: Landscape, people: LawPeople, *rest: Any) -> float:
        known.append(people)
        return told_loss(truth, people, *rest)

    monkeypatch.setattr(suite_module, "N_PEOPLE", 12)
    monkeypatch.setattr(cell_module, "told_loss", noted)
    study = parse_study(STUDY + '[search]\naxes = ["delay_ms"]\n', "t.toml")
    suite(study, 6, origin="t.toml")
    shown = {people.shown_frac.max() for people in known}
    # both halves of patients know other hearts; amplitudes left make more
    assert len(shown) > 2


def test_as_many_tests_are_told_as_the_plan_has_time_for() -> None:
    # one reference first, then a reading and a question a test
    plan = VisitPlan(plan="single")
    arm_s = usual_arm_s(plan)
    n = int((plan.titration_s - arm_s) / (arm_s + plan.question_s))
    assert PlannedTests.of(plan) == PlannedTests(n, expected_sd_pct(plan))
    assert n > PlannedTests.of(VisitPlan()).n


def run(*arguments: str) -> int:
    return invoke(["landscape", *arguments])


def test_the_command_writes_table_figures_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "told"
    asked = ("first_visit", "--axes", "amplitude_v,delay_ms", "--out", str(out), "-q")
    assert run(*asked) == 0
    told = capsys.readouterr().out
    assert "What choices are worth and give away" in told
    assert "simulated data only" in told
    text = (out / "settings.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 7 * 31
    with duckdb.connect() as connection:
        kept = connection.read_parquet(str(out / "settings.parquet"))
        assert kept.columns == list(rows[0])
        assert len(kept.fetchall()) == len(rows)
    page = (out / "landscape.html").read_text(encoding="utf-8")
    assert "answer key" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert {p.name for p in (out / "figures").iterdir()} == {"curves.svg", "map.svg"}
    assert run(*asked) == 2
    assert run(*asked, "--force") == 0


def test_equal_landscapes_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run("average_responder", "--out", str(tmp_path / name), "-q") == 0
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    for file in files:
        first, second = (tmp_path / name / file for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("first_visi",), "'first_visit'"),
        (("first_visit", "--axes", "amplitude"), "search.axes"),
        (("quick", "--axes", "amplitude"), "axes"),
        (("quick", "--people", "2"), "4<=x<=10000"),
    ],
)
def test_a_fault_is_one_message(
    arguments: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert run(*arguments, "--out", str(tmp_path / "x")) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_study_of_named_patients_has_no_laws_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study: Any = tmp_path / "named.toml"
    study.write_text('title = "t"\ncontenders = ["stay"]\npatients = ["normal"]\n')
    assert run(str(study), "--out", str(tmp_path / "x")) == 2
    assert "cohort" in capsys.readouterr().err


def test_the_best_rule_may_be_to_leave_ccm_off() -> None:
    assert FACTORY.text == "up to 7.5 V, 5.14 ms, 35 ms"
    losses = np.array([[2.0, 1.0, 0.0]] * 4)
    found, chosen = fitted_losses(losses)
    assert list(chosen) == [2, 2]
    assert not found.any()
