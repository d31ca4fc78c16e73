"""The table of findings is complete, and says truly what set the model's numbers."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.cli import invoke
from harness.evidence.validation import rules, table, validate
from harness.evidence.validation.experiments import baseline, chronic, device
from harness.evidence.validation.experiments.enrolled import TRIALS
from harness.evidence.validation.fitted import (
    BY_CONSTRUCTION,
    FITTED,
    ON_NO_ROW,
    ROWS_OF_PLACE,
    SAME_SOURCE,
    SET_BY_TABLE,
    kind_of,
    rows_named,
    rows_of,
)
from harness.evidence.validation.printing import csv_text, markdown, summary, text
from harness.evidence.validation.rules import Finding, Limits, compared, exact, held
from harness.evidence.validation.table import (
    CHECKS,
    EXPERIMENTS,
    Row,
    fallen,
    json_text,
    row_of,
)
from harness.evidence.validation.targets import targets
from harness.evidence.validation.unmodelled import REASONS
from harness.play.provenance import dataclasses_of_sim, declared_numbers
from sim.patient import known_phenotypes
from sim.patient.named import USUAL
from sim.sources import Source

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "results" / "published"


def all_sources() -> list[Source]:
    declared = [
        number.source
        for model in dataclasses_of_sim()
        for number in declared_numbers(model)
    ]
    made = known_phenotypes().values()
    of_patients = [s for item in made for s in item.patient.sources.values()]
    return [*declared, *of_patients, *(item.source for item in made)]


def row(name: str, *, inside: bool = True) -> Row:
    part = held("holds", "something", "seen", inside)
    return Row(targets()[name], Finding("an experiment", (part,), "a note"))


def every_row() -> tuple[Row, ...]:
    return tuple(
        row(name) if name in EXPERIMENTS else Row(targets()[name], None, REASONS[name])
        for name in targets()
    )


def published_rows() -> list[dict[str, object]]:
    path = PUBLISHED / "validation.json"
    rows: list[dict[str, object]] = json.loads(path.read_text())["rows"]
    return rows


def test_every_finding_is_simulated_or_has_a_reason_why_not() -> None:
    assert set(EXPERIMENTS) | set(REASONS) == set(targets())
    assert set(EXPERIMENTS) & set(REASONS) == set()


def test_the_findings_are_those_that_were_collected() -> None:
    # 131 rows of the reference collection, and eight added to it
    letters = [name[0] for name in targets()]
    assert len(letters) == 139
    assert letters.count("X") == 3


def test_every_reviewers_check_is_answered_by_rows() -> None:
    assert len(CHECKS) == 15
    assert {i for _, ids in CHECKS for i in ids} <= set(EXPERIMENTS)


def test_the_list_of_fitted_rows_agrees_with_the_source_of_every_number() -> None:
    credited = rows_of(all_sources()) | set(SET_BY_TABLE)
    unlisted, unfounded = credited - set(FITTED), set(FITTED) - credited
    assert unlisted == set(), "a number is credited to these rows: add them to FITTED"
    assert unfounded == set(), "no number is credited to these rows any more"


def test_no_place_in_the_list_of_fitted_rows_is_out_of_date() -> None:
    used = {(source.reference, source.place) for source in all_sources()}
    assert set(ROWS_OF_PLACE) - used == set()


def test_it_was_decided_for_every_place_of_the_evidence_whether_a_row_set_it() -> None:
    open_places = {
        source.place
        for source in all_sources()
        if source.reference == "ccmlab-evidence"
        and not rows_of([source])
        and source.place != "E"
        and not source.place.startswith(ON_NO_ROW)
    }
    assert open_places == set(), "name the row in the place, or decide in fitted.py"


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("abstract, A04-A07", ["A04", "A05", "A06", "A07"]),
        ("B chronic law; B07", ["B07"]),
        ("N18: SD 85 m times root of 1 - ICC", ["N18"]),
        ("A3 g_i", []),
        ("1.5", []),
    ],
)
def test_a_place_names_its_rows(place: str, named: list[str]) -> None:
    assert list(rows_named(place)) == named


def test_a_value_is_inside_when_it_lies_in_the_limits_itself() -> None:
    limits = Limits(1.0, 2.0, "stated")
    assert compared("x", "1.5", limits, rules.Found(1.9, 1.8, 2.0)).inside
    assert not compared("x", "1.5", limits, rules.Found(2.1, 1.9, 2.3)).inside
    assert not compared("x", "1.5", limits, exact(0.9)).inside


def test_an_interval_over_half_as_wide_as_the_limits_shows_nothing() -> None:
    limits = Limits(1.0, 2.0, "stated")
    assert compared("x", "", limits, rules.Found(1.5, 1.25, 1.75)).inside
    wide = compared("x", "", limits, rules.Found(1.5, 1.2, 1.8))
    assert not wide.inside
    assert wide.simulated.endswith("too wide to tell")


def test_a_smaller_virtual_group_does_not_pass_more_easily() -> None:
    limits, spread = rules.limits_of_mean(0.0, 1.0, 60), np.array([-1.0, 1.0])
    passed = [
        compared("x", "", limits, rules.mean_of(np.tile(spread, n))).inside
        for n in (4, 30, 400)
    ]
    assert passed == [False, False, True]


def test_a_smaller_published_group_has_no_wider_limits_than_sixteen() -> None:
    for made in (
        lambda n: rules.limits_of_mean(22.0, 29.0, n),
        lambda n: rules.limits_of_spread(5.0, n),
        lambda n: rules.limits_of_change((5.9, 2.9), (8.3, 4.6), n),
        lambda n: rules.limits_of_ratio(23.0, 41.0, n),
    ):
        small, sixteen, large = made(7), made(16), made(64)
        assert (small.low, small.high) == (sixteen.low, sixteen.high)
        assert large.high - large.low < sixteen.high - sixteen.low


def test_limits_of_a_ratio_of_spreads_are_those_of_the_f_distribution() -> None:
    # F(24, 24) at 97.5 %: 2.269 (tables), so the ratio of SDs reaches 1.506 times;
    # the normal law of logarithms is within 2 % of it
    limits = rules.limits_of_ratio(2.0, 1.0, 25)
    assert limits.high / 2.0 == pytest.approx(math.sqrt(2.269), rel=0.02)


def test_one_part_outside_puts_the_row_outside() -> None:
    parts = (held("a", "", "", True), held("b", "", "", False))
    assert not Finding("", parts).inside


def test_limits_of_a_mean_shrink_with_the_root_of_the_number() -> None:
    limits = rules.limits_of_mean(10.0, 4.0, 16)
    assert (limits.low, limits.high) == pytest.approx((8.04, 11.96), abs=0.001)


def test_limits_from_a_p_value_of_five_percent_touch_zero() -> None:
    limits = rules.limits_from_p(2.0, 0.05, 12)
    assert limits.low == pytest.approx(0.0, abs=1e-9)
    assert limits.high == pytest.approx(4.0, abs=1e-9)


def test_wilson_limits_of_nine_in_twentythree() -> None:
    # Newcombe 1998, formula 3, by hand: 0.222 to 0.592
    limits = rules.limits_of_share(9, 23)
    assert (limits.low, limits.high) == pytest.approx((22.2, 59.2), abs=0.1)


def test_limits_of_a_spread_come_from_chi_square() -> None:
    # chi-square with 24 degrees: 12.401 and 39.364 (tables)
    limits = rules.limits_of_spread(1.0, 25)
    wanted = (math.sqrt(24 / 39.364), math.sqrt(24 / 12.401))
    assert (limits.low, limits.high) == pytest.approx(wanted, rel=1e-4)


def test_a_mean_of_samples_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        found = rules.mean_of(rng.normal(3.0, 2.0, 50))
        hits += found.low <= 3.0 <= found.high
    # binomial: 380 expected, standard error 4.4
    assert 363 <= hits <= 397


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.0123, "0.0123"),
        (4.567, "4.57"),
        (119.54, "119.5"),
        (1e4, "10000"),
    ],
)
def test_numbers_are_shown_without_powers_of_ten(value: float, shown: str) -> None:
    assert rules.number(value) == shown


def test_the_settled_hearts_are_at_their_operating_points() -> None:
    assert baseline.m01().inside
    assert baseline.m02().inside


def test_an_experiment_gives_the_same_answer_twice() -> None:
    assert device.a22() == device.a22()
    again = chronic.EXPERIMENTS["B05"]()
    chronic.course.cache_clear()
    assert chronic.EXPERIMENTS["B05"]() == again


def test_a_row_that_was_inside_and_is_outside_has_fallen() -> None:
    rows = [row("A11"), row("A12", inside=False), row("A13", inside=False)]
    before = {"A11": "inside", "A12": "inside", "A13": "outside"}
    assert fallen(rows, before) == ["A12"]


def test_a_row_that_can_no_longer_be_simulated_has_fallen() -> None:
    gone = Row(targets()["A11"], None, "reason")
    assert fallen([gone], {"A11": "inside"}) == ["A11"]


def test_what_agreement_is_worth_is_told_apart() -> None:
    kinds = [row(name).kind for name in ("A16", "A17", "B12", "F05")]
    assert kinds == ["fitted", "predicted", "same source", "by construction"]


def test_a_row_is_in_one_list_only_and_has_an_experiment() -> None:
    lists = (set(FITTED), set(SAME_SOURCE), set(BY_CONSTRUCTION))
    assert sum(len(names) for names in lists) == len(set().union(*lists))
    assert (set(SAME_SOURCE) | set(BY_CONSTRUCTION)) <= set(EXPERIMENTS)


def test_the_summary_counts_predicted_rows_apart() -> None:
    rows = [row("A17"), row("A18", inside=False), row("A16"), row("B12"), row("F05")]
    assert summary(rows) == (
        "Of 2 predicted findings 1 are inside. Agreement that was to be expected:"
        " same source 1 of 1; by construction 1 of 1; fitted 1 of 1. 0 of 5 findings"
        " are not modelled."
    )


@pytest.mark.parametrize(("inside", "code"), [(True, 0), (False, 1)])
def test_the_command_fails_when_a_row_fell_out(
    inside: bool, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = tuple(
        row(name, inside=inside or name != "A11")
        if name in EXPERIMENTS
        else Row(targets()[name], None, REASONS[name])
        for name in targets()
    )
    monkeypatch.setattr(validate, "run", lambda progress: rows)
    monkeypatch.setattr(
        validate,
        "statuses",
        lambda path: {"A11": "inside", "A12": "inside"},
    )
    target = tmp_path / "all.json"
    assert invoke(["validate", "--quiet", "--json", str(target)]) == code
    assert len(json.loads(target.read_text())["rows"]) == len(targets())


def test_publishing_writes_page_and_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = every_row()
    monkeypatch.setattr(validate, "run", lambda progress: rows)
    validate.validate(publish_into=tmp_path)
    written = sorted(
        path.relative_to(tmp_path).as_posix()
        for path in tmp_path.rglob("*")
        if path.is_file()
    )
    assert written == [
        "docs/validation.md",
        "results/published/validation.csv",
        "results/published/validation.json",
        "results/published/validation.md",
    ]


def test_publishing_puts_the_counts_between_the_markers_of_the_readme(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = every_row()
    monkeypatch.setattr(validate, "run", lambda progress: rows)
    readme = tmp_path / "README.md"
    readme.write_text(f"head\n{validate.BEGIN}\nold\n{validate.END}\ntail\n")
    validate.validate(publish_into=tmp_path)
    assert readme.read_text() == (
        f"head\n{validate.BEGIN}\n{summary(rows)}\n{validate.END}\ntail\n"
    )


def test_a_readme_without_the_markers_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(validate, "run", lambda progress: every_row())
    (tmp_path / "README.md").write_text("no markers")
    with pytest.raises(ValueError, match="has no lines"):
        validate.validate(publish_into=tmp_path)


def test_the_readme_prints_the_counts_of_the_published_table() -> None:
    text_of_readme = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = text_of_readme.partition(validate.BEGIN)[2].partition(validate.END)[0]
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    assert printed.strip()
    assert printed.strip() in page


def test_each_form_of_the_table_holds_every_row_once() -> None:
    rows = every_row()
    for name in targets():
        assert text(rows).count(f"\n{name}  ") + text(rows).startswith(name) == 1
        assert markdown(rows).count(f"\n| {name} |") == 1
    found = list(csv.DictReader(csv_text(rows).splitlines()))
    assert [line["id"] for line in found] == list(targets())
    assert [line["id"] for line in json.loads(json_text(rows))["rows"]] == list(
        targets()
    )


def test_numbers_that_do_not_exist_are_null_in_json() -> None:
    found = json.loads(json_text([row(name) for name in EXPERIMENTS]))
    assert found["rows"][0]["parts"][0]["value"] is None


def test_a_reading_without_a_source_is_not_called_inside() -> None:
    missing = replace(held("a", "b", "c", True), inside=False)
    assert not Finding("", (missing,)).inside


def test_the_published_table_has_every_row() -> None:
    assert [row["id"] for row in published_rows()] == list(targets())


def test_every_published_row_outside_is_explained() -> None:
    bare = [
        r["id"] for r in published_rows() if r["status"] != "inside" and not r["note"]
    ]
    assert bare == []


def test_the_published_table_has_the_kinds_of_the_code() -> None:
    modelled = [r for r in published_rows() if r["status"] != "not modelled"]
    assert [r["id"] for r in modelled if r["kind"] != kind_of(str(r["id"]))] == []


def test_the_table_has_the_rows_in_the_order_of_the_findings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "row_of", lambda target: row(target.id))
    said: list[tuple[int, int, str]] = []
    rows = table.run(lambda *progress: said.append(progress))
    assert [one.target for one in rows] == list(targets().values())
    assert said == [(n, len(rows), one.target.id) for n, one in enumerate(rows)]


@pytest.mark.slow
@pytest.mark.parametrize("trial", [*sorted(set(TRIALS.values())), USUAL])
def test_the_published_table_is_what_the_simulator_says_today(trial: str) -> None:
    """Simulate the rows that share a cohort, each of which takes seconds to draw."""
    published = {
        str(row["id"]): row["status"]
        for row in published_rows()
        if TRIALS.get(str(row["id"]), USUAL) == trial
    }
    found = {name: row_of(targets()[name]).status for name in published}
    assert found == published
    assert len(found) > 1
