"""Which numbers drive the answers: laws, ranges, curve, indices, and what is told."""

import json
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import nctdtr, stdtrit

from harness.cli import invoke
from harness.evidence.sensitivity.ranges import (
    DOSE,
    HEART,
    IMPEDANCE,
    not_varied,
    ranges,
)
from harness.evidence.sensitivity.stand_ins import fit_curve, improved_probability
from harness.evidence.sensitivity.study import (
    Sensitivity,
    SobolTable,
    _indices,
    sensitivity,
)
from harness.evidence.sensitivity.tell import csv_table, figure, json_text, text
from harness.evidence.sensitivity.what_if import (
    coordinates,
    doses,
    draws,
    heart_of,
    question,
)
from harness.play.scenario import Scenario, load_scenario
from harness.truth.answer_key import ees_gain
from sim.device.settings import Settings
from sim.heart.beating import settled
from sim.law.registry import SHIPPED, law_named, spreads_of
from sim.sources import references

QUICK = {"visit.verification_pairs": 2, "visit.settle_beats": 4, "visit.read_beats": 4}


def quick(name: str = "average_responder") -> Scenario:
    """Return a scenario whose verification takes few beats."""
    return load_scenario(name).changed(QUICK)


@cache
def studied() -> Sensitivity:
    return sensitivity(quick(), scenario_name="quick", n_samples=64, n_hearts=128)


@cache
def centre() -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return the one draw at the middle of every range."""
    return np.full((1, len(ranges(law_named("saturating")))), 0.5)


def largest(name: str) -> str:
    answer = next(a for a in studied().answers if a.output.name == name)
    return answer.ranked[0].parameter


def test_the_probability_of_improved_is_the_power_of_the_t_test() -> None:
    n, sd, gain = 10, 2.0, np.array([0.0, 1.0, 2.0, 3.0])
    bound = stdtrit(n - 1, 0.975)
    exact = 1.0 - nctdtr(n - 1, gain / sd * np.sqrt(n), bound)
    # 64 nodes over a smooth integrand with steep ends
    assert improved_probability(gain, sd, n, 0.0) == pytest.approx(exact, abs=2e-3)


def test_the_least_relevant_gain_is_a_second_bound() -> None:
    n, sd, least, gain = 10, 2.0, 2.0, 2.2
    rng = np.random.default_rng(3)
    pairs = gain + sd * rng.standard_normal((100_000, n))
    mean, error = pairs.mean(axis=1), pairs.std(axis=1, ddof=1) / np.sqrt(n)
    passed = (mean - stdtrit(n - 1, 0.975) * error > 0.0) & (mean >= least)
    found = improved_probability(np.array([gain]), sd, n, least)
    assert found == pytest.approx(passed.mean(), abs=0.006)  # 4 Monte-Carlo errors


@pytest.mark.parametrize(("sd", "n"), [(0.0, 10), (2.0, 1)])
def test_a_verification_without_spread_or_pairs_is_refused(sd: float, n: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        improved_probability(np.array([1.0]), sd, n, 1.0)


def test_a_curve_through_a_quadratic_is_the_quadratic() -> None:
    rng = np.random.default_rng(1)
    at = rng.uniform(-1.0, 1.0, (60, 3))
    values = 2.0 + at[:, 0] - 3.0 * at[:, 1] ** 2 + 4.0 * at[:, 0] * at[:, 2]
    curve = fit_curve(at, values, paired=(0, 2), weight=np.ones(60))
    assert curve(at) == pytest.approx(values)
    assert curve.predictivity == pytest.approx(1.0)


def test_a_curve_needs_more_hearts_than_terms() -> None:
    at = np.zeros((7, 3))
    with pytest.raises(ValueError, match="8 terms needs more hearts, got 7"):
        fit_curve(at, at[:, 0], paired=(0, 1), weight=np.ones(7))


def test_indices_of_a_sum_are_the_shares_of_the_variance() -> None:
    rng = np.random.default_rng(4)
    n, slopes = 4096, np.array([2.0, 1.0, 0.0])
    a, b = rng.uniform(size=(2, n, 3))
    mixed = [np.where(np.arange(3) == i, b, a) for i in range(3)]
    told = SobolTable(
        (a @ slopes)[None],
        (b @ slopes)[None],
        np.array([m @ slopes for m in mixed])[:, None],
    )
    found = _indices(told, np.array([0]), np.random.default_rng(5))
    share = slopes**2 / (slopes**2).sum()
    assert found[0, 0, 0] == pytest.approx(share, abs=0.06)
    assert found[0, 1, 0] == pytest.approx(share, abs=0.06)
    low, high = found[1], found[2]
    assert (low <= found[0]).all()
    assert (found[0] <= high).all()


@pytest.mark.parametrize("row", [*HEART, *DOSE], ids=lambda row: row.name)
def test_each_range_holds_the_middle_value_and_names_its_source(row: object) -> None:
    from harness.evidence.sensitivity.ranges import Range

    assert isinstance(row, Range)
    own = row.own(quick().patient.patient)
    low, middle, high = row.values(own, np.array([0.0, 0.5, 1.0]))
    assert min(low, high) < middle < max(low, high)
    assert row.low <= min(low, high)
    assert max(low, high) <= row.high
    assert row.source.reference in references()
    assert row.unit in row.text or row.law == "factor"


def test_a_factor_has_the_stated_coefficient_of_variation() -> None:
    row = HEART[0]
    u = (np.arange(4000) + 0.5) / 4000
    values = row.values(2.0, u)
    assert np.median(values) == pytest.approx(2.0, rel=1e-3)
    # cutting at 2.5 SD takes a little off the spread
    assert values.std() / values.mean() == pytest.approx(row.spread, rel=0.08)


@pytest.mark.parametrize("word", SHIPPED)
def test_what_a_law_draws_is_varied_and_nothing_that_it_does_not_know(
    word: str,
) -> None:
    law = law_named(word)
    names = [row.name for row in ranges(law)]
    assert len(set(names)) == len(names)
    varied = {name for name in names if name.startswith("response.")}
    assert varied == {f"response.{name}" for name in spreads_of(law)}
    assert (IMPEDANCE in names) == hasattr(law, "reference_impedance_ohm")


def test_the_saturating_law_is_varied_over_the_ranges_of_evidence_a3() -> None:
    assert len(ranges(law_named("saturating"))) == len(HEART) + len(DOSE)
    fixed = not_varied(law_named("sharp"))
    assert fixed == {
        "response.k",
        "response.early_width_ms",
        "response.late_width_ms",
    }


def test_gains_of_the_centre_are_those_of_the_answer_key() -> None:
    scenario = quick()
    asked = question(scenario)
    values = draws(asked, centre())
    own = {row.name: np.array([row.own(asked.patient)]) for row in asked.ranges}
    given = doses(asked, values | own)
    found = scenario.device.as_found
    assert given.reference[0] == pytest.approx(ees_gain(asked.patient, found))
    assert given.nominal[0] == pytest.approx(ees_gain(asked.patient, Settings()))
    assert given.best[0] >= given.reference[0]


def test_the_best_delay_is_the_lattice_value_nearest_to_the_hearts_own() -> None:
    asked = question(quick())
    values = draws(asked, centre())
    values["response.best_delay_ms"] = np.array([27.1])
    assert doses(asked, values).delay_ms[0] == 27.0


def test_the_best_setting_is_not_felt() -> None:
    asked = question(quick())
    values = draws(asked, centre())
    values["sensation.threshold_v"] = np.array([6.2])
    assert doses(asked, values).amplitude_v[0] == 6.0


def test_where_everything_is_felt_the_reference_stays() -> None:
    asked = question(quick())
    values = draws(asked, centre())
    values["sensation.threshold_v"] = np.array([2.0])
    given = doses(asked, values)
    assert given.best[0] == given.reference[0]


def test_a_drawn_heart_is_at_rest_at_its_own_pressure_and_rate() -> None:
    asked = question(quick())
    values = draws(asked, np.full((1, len(asked.ranges)), 0.8))
    patient = heart_of(asked, values, 0)
    rest = settled(patient.heart)
    assert rest.haemodynamics.map_mmhg == pytest.approx(patient.reflex.set_map_mmhg)
    assert patient.circulation.heart_rate_bpm == patient.rhythm.heart_rate_bpm


def test_the_curve_predicts_a_heart_that_it_has_not_seen() -> None:
    study = studied()
    asked = study.asked
    u = np.full((1, len(asked.ranges)), 0.4)
    values = draws(asked, u)
    given = doses(asked, values)
    heart = heart_of(asked, values, 0).heart
    raised, rest = (
        settled(heart, float(gain)).haemodynamics.sbp_mmhg
        for gain in (given.nominal[0], 0.0)
    )
    told = study.hearts.outputs(asked, coordinates(asked, u), given)[0, 0]
    # a curve through 128 hearts only
    assert told == pytest.approx(100.0 * (raised / rest - 1.0), rel=0.05)
    assert study.hearts.settled.predictivity > 0.95


def test_each_answer_is_driven_by_what_the_law_makes_it_depend_on() -> None:
    assert largest("best_delay_ms") == "response.best_delay_ms"
    assert largest("best_amplitude_v") == "sensation.threshold_v"
    assert largest("settled_systolic_gain_pct") in {
        "response.g_one_lead_frac",
        "circulation.lv_elastance_mmhg_per_ml",
    }


def test_the_same_seed_gives_the_same_bytes() -> None:
    again = sensitivity(quick(), scenario_name="quick", n_samples=64, n_hearts=128)
    assert csv_table(again) == csv_table(studied())
    assert json_text(again) == json_text(studied())
    assert figure(again) == figure(studied())


def test_text_data_and_figure_say_that_the_law_is_assumed() -> None:
    study = studied()
    for told in (text(study), json_text(study).decode(), figure(study).decode()):
        assert "assumed law" in told
    assert b"saturating (assumed)" in csv_table(study)


def test_the_data_hold_every_answer_with_every_number_and_its_limits() -> None:
    study = studied()
    table = json.loads(json_text(study))
    assert {row["name"] for row in table["outputs"]} == {
        answer.output.name for answer in study.answers
    }
    for output in table["outputs"]:
        assert len(output["shares"]) == len(study.asked.ranges)
        for row in output["shares"]:
            assert row["total_order"]["low"] <= row["total_order"]["high"]
    rows = csv_table(study).decode().splitlines()
    assert len(rows) == 1 + len(study.answers) * len(study.asked.ranges)


def test_a_patient_without_response_has_nothing_to_explain() -> None:
    study = sensitivity(quick("null_responder"), n_samples=64, n_hearts=128)
    assert not any(answer.varies for answer in study.answers)
    assert "does not vary" in text(study)
    assert b"no answer varies" in figure(study)


@pytest.mark.parametrize(("asked", "near"), [("1000", "1024"), ("3", "64")])
def test_a_number_of_samples_that_is_no_power_of_two_is_refused(
    asked: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["sensitivity", "first_visit", "--samples", asked]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"nearest is {near}" in said.err


def test_a_study_that_is_there_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sensitivity.json").write_text("mine", encoding="utf-8")
    assert invoke(["sensitivity", "first_visit", "--out", str(tmp_path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["sensitivity.json"]


@pytest.mark.slow
def test_the_command_takes_under_two_minutes_of_cpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_s = time.process_time()
    assert invoke(["sensitivity", "first_visit", "-q", "--out", str(tmp_path)]) == 0
    assert time.process_time() - start_s < 120.0
    assert "probability of" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 3
