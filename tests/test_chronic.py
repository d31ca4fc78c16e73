"""The chronic law: what it says, in closed form, and that every number has a source."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim import sources
from sim.patient.chronic import (
    FITTED_ROWS,
    LAW,
    SD_ROWS,
    Condition,
    Memory,
    Scores,
    Traits,
    TrialEffect,
    advance,
    condition,
    dose_factor,
    draw_traits,
    draw_trial_effects,
    edv_ml,
    in_trial,
    mean_traits,
    placebo_level,
    read,
    without_effect,
)
from sim.patient.phenotypes import PHENOTYPES
from sim.streams import stream

ONE = np.ones(1)
NOBODY_ISCHAEMIC = np.array([False])


def start(n: int = 1) -> Condition:
    scores = Scores(np.full(n, 60.0), np.full(n, 14.0), np.full(n, 345.0))
    return Condition(np.full(n, 30.0), scores, np.full(n, 3))


def after(months: float, dose: float = 1.0) -> Memory:
    return advance(Memory.fresh(1), months, dose * ONE)


def test_every_number_of_the_law_has_a_source_that_exists() -> None:
    assert sources.unsourced(LAW) == []
    keys = {row.source.reference for row in sources.provenance(LAW)}
    assert keys <= set(sources.references())


def test_the_ejection_fraction_follows_the_published_form() -> None:
    # model.md B: EF(t) = EF0 + Einf (1 - exp(-t / 9 months)), 1.4 non-ischaemic
    traits = mean_traits(NOBODY_ISCHAEMIC)
    for months in (1.0, 6.0, 12.0, 24.0):
        seen = condition(start(), traits, after(months)).ef_pct[0]
        expected = 30.0 + 1.4 * 5.0 * (1.0 - np.exp(-months / 9.0))
        assert seen == pytest.approx(expected, rel=1e-12)


def test_the_ischaemic_gain_a_fraction_of_the_non_ischaemic() -> None:
    both = mean_traits(np.array([True, False])).ef_gain_pct
    assert both[0] / both[1] == pytest.approx(0.2 / 1.4)


def test_the_acute_part_comes_and_goes_with_the_trains_in_force() -> None:
    traits = mean_traits(NOBODY_ISCHAEMIC)
    on = advance(Memory.fresh(1), 0.0, ONE, acute=0.9)
    off = advance(on, 0.0, ONE)
    # model.md C2: +2.0 points for Ees +10 %, so 1.8 for +9 % (A16)
    seen = [condition(start(), traits, memory).ef_pct[0] for memory in (on, off)]
    assert seen == pytest.approx([30.0 + 0.9 * 1.8, 30.0])


def test_effects_of_trials_have_mean_one_and_the_spread_of_the_law() -> None:
    n = 40_000
    effect = draw_trial_effects(n, stream(2, name="course"))
    for factor, log_sd in (
        (effect.placebo, LAW.trial_placebo_log_sd),
        (effect.treatment, LAW.trial_treatment_log_sd),
    ):
        # lognormal: SD of the mean is sqrt(exp(s^2) - 1) / sqrt(n); four of them
        error = 4.0 * np.sqrt(np.expm1(log_sd**2) / n)
        assert factor.mean() == pytest.approx(1.0, abs=error)
        assert np.log(factor).std() == pytest.approx(log_sd, rel=0.02)


def test_a_trial_that_treats_twice_as_well_doubles_the_treatment_alone() -> None:
    traits = mean_traits(NOBODY_ISCHAEMIC)
    better = in_trial(traits, TrialEffect(ONE, 2.0 * ONE))
    points = [
        condition(start(), who, after(6.0), knowledge="blinded").scores.mlwhfq_points[0]
        for who in (without_effect(traits), traits, better)
    ]
    assert points[1] - points[2] == pytest.approx(points[0] - points[1])
    # a class is gained by treatment while the draw is below the share: twice as often
    assert better.nyha_treatment_draw[0] == traits.nyha_treatment_draw[0] / 2.0
    assert better.ef_gain_pct[0] == traits.ef_gain_pct[0]


@pytest.mark.parametrize(
    ("hours", "factor"), [(3.0, 0.87), (5.0, 1.0), (7.0, 1.07), (12.0, 1.16)]
)
def test_the_dose_is_flat_in_the_hours(hours: float, factor: float) -> None:
    # to the two digits that ccm-evidence B gives
    assert float(dose_factor(hours, 1.0)) == pytest.approx(factor, abs=0.005)


def test_half_of_the_beats_are_half_of_the_dose() -> None:
    full, half = dose_factor(5.0, np.array([1.0, 0.5]))
    assert half == pytest.approx(0.5 * full)


def test_two_stretches_of_a_dose_are_as_one() -> None:
    twice = advance(after(2.0, 0.7), 3.0, 0.7 * ONE)
    once = after(5.0, 0.7)
    assert twice.months == once.months
    assert twice.remodelling == pytest.approx(once.remodelling)
    assert twice.benefit == pytest.approx(once.benefit)


def test_what_was_gained_fades_when_ccm_is_off() -> None:
    treated = after(12.0)
    off = advance(treated, 9.0, 0.0 * ONE)
    assert off.remodelling == pytest.approx(treated.remodelling * np.exp(-1.0))


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="0 or more, got -1"):
        after(-1.0)


def test_the_placebo_is_there_at_three_months_and_has_faded_at_two_years() -> None:
    hold = LAW.placebo_hold_months
    assert placebo_level(0.0, hold) == 0.0
    # risen to 1 - exp(-3 / 0.5)
    assert placebo_level(3.0, hold) == pytest.approx(1.0, abs=0.003)
    assert placebo_level(9.0, hold) == pytest.approx(np.exp(-1.0), rel=1e-6)
    assert placebo_level(24.0, hold) < 0.05


def test_without_ccm_the_score_moves_by_placebo_alone() -> None:
    traits = mean_traits(NOBODY_ISCHAEMIC)
    sham = condition(start(), traits, after(3.0, 0.0), knowledge="blinded")
    change = sham.scores.mlwhfq_points[0] - 60.0
    assert change == pytest.approx(LAW.mlwhfq_points.placebo_mean, rel=0.003)
    assert sham.ef_pct[0] == 30.0


def test_who_knows_of_the_treatment_responds_more_than_who_is_blinded() -> None:
    traits, memory = mean_traits(NOBODY_ISCHAEMIC), after(3.0)
    points = [
        condition(start(), traits, memory, knowledge=known).scores.mlwhfq_points[0]
        for known in ("treated", "blinded", "untreated")
    ]
    assert points == sorted(points)


def test_expectation_of_nothing_leaves_no_placebo() -> None:
    traits, never = mean_traits(NOBODY_ISCHAEMIC), after(3.0, 0.0)
    seen = condition(start(), traits, never, expectation=0.0)
    assert seen.scores.mlwhfq_points[0] == 60.0


def test_a_class_is_gained_by_placebo_and_another_by_treatment() -> None:
    traits = mean_traits(NOBODY_ISCHAEMIC)
    lucky = replace(
        traits, nyha_placebo_draw=np.zeros(1), nyha_treatment_draw=np.zeros(1)
    )
    assert condition(start(), lucky, after(6.0)).nyha_class[0] == 1
    assert condition(start(), lucky, after(6.0, 0.0)).nyha_class[0] == 2
    unlucky = replace(
        traits, nyha_placebo_draw=np.ones(1), nyha_treatment_draw=np.ones(1)
    )
    assert condition(start(), unlucky, after(6.0)).nyha_class[0] == 3


def test_no_score_leaves_its_range() -> None:
    n = 500
    traits = draw_traits(np.zeros(n, dtype=bool), stream(1, name="patient"))
    best_possible = replace(start(n), scores=replace(start(n).scores))
    memory = advance(Memory.fresh(n), 24.0, np.full(n, 3.0))
    seen = read(condition(best_possible, traits, memory), stream(1, name="symptoms"))
    assert seen.scores.mlwhfq_points.min() >= 0.0
    assert seen.nyha_class.min() >= 1
    assert seen.ef_pct.max() <= 1.3 * LAW.ef_high_pct


def test_traits_are_drawn_with_the_mean_and_spread_of_the_law() -> None:
    n = 20_000
    traits = draw_traits(np.ones(n, dtype=bool), stream(3, name="patient"))
    gain = traits.ef_gain_pct / LAW.ischaemic_factor
    # four standard errors of a mean and of a standard deviation of n draws
    assert gain.mean() == pytest.approx(5.0, abs=4 * 4.0 / np.sqrt(n))
    assert gain.std() == pytest.approx(4.0, abs=4 * 4.0 / np.sqrt(2 * n))
    # together normal with SD 8.5, as readings of B26 spread (8.4)
    both = np.hypot(gain.std(), traits.ef_natural_pct.std())
    assert both == pytest.approx(8.5, abs=0.15)


def test_who_remodels_also_feels_better() -> None:
    n = 20_000
    traits = draw_traits(np.ones(n, dtype=bool), stream(3, name="patient"))
    pairs = np.corrcoef(traits.ef_gain_pct, traits.treatment.mlwhfq_points)
    # fewer points are better; four standard errors of a correlation
    assert pairs[0, 1] == pytest.approx(-LAW.response_correlation, abs=0.03)


def test_the_natural_course_is_the_same_with_and_without_ccm() -> None:
    traits = replace(mean_traits(NOBODY_ISCHAEMIC), ef_natural_pct=np.array([-9.0]))
    treated, untreated = (
        condition(start(), traits, after(9.0, dose)).ef_pct[0] for dose in (1.0, 0.0)
    )
    assert untreated == pytest.approx(30.0 - 9.0 * (1.0 - np.exp(-1.0)))
    assert treated - untreated == pytest.approx(1.4 * 5.0 * (1.0 - np.exp(-1.0)))


def test_a_healthy_heart_keeps_its_ejection_fraction() -> None:
    healthy = replace(start(), ef_pct=np.array([60.0]))
    traits = without_effect(mean_traits(NOBODY_ISCHAEMIC))
    assert condition(healthy, traits, after(12.0)).ef_pct[0] == 60.0


def test_the_ventricle_shrinks_as_the_ejection_fraction_rises() -> None:
    # B38: +4.8 points of EF went with an end-systolic volume 11.5 % smaller
    before_ml = 230.0 * (1.0 - 0.29)
    after_ml = edv_ml(230.0, 29.0, 33.8) * (1.0 - 0.338)
    assert after_ml / before_ml - 1.0 == pytest.approx(-0.115, abs=0.005)


@pytest.mark.parametrize("hours", [5.0, 7.0, 24.0])
def test_ccm_that_does_nothing_leaves_the_placebo(hours: float) -> None:
    traits = without_effect(mean_traits(NOBODY_ISCHAEMIC))
    dose = float(dose_factor(hours, 1.0))
    treated = condition(start(), traits, after(36.0, dose), knowledge="blinded")
    sham = condition(start(), traits, after(36.0, 0.0), knowledge="blinded")
    assert treated.ef_pct == 30.0
    assert treated.scores.walk_m == sham.scores.walk_m > 345.0
    assert treated.nyha_class == sham.nyha_class


def test_the_same_stream_draws_the_same_traits() -> None:
    one, other = (
        draw_traits(NOBODY_ISCHAEMIC, stream(5, name="patient")) for _ in "ab"
    )
    assert isinstance(one, Traits)
    assert one.ef_gain_pct == other.ef_gain_pct
    assert one.placebo.walk_m == other.placebo.walk_m


def test_the_chart_is_written_from_the_cause_of_each_phenotype() -> None:
    told = {
        name: (row.patient.profile.aetiology, row.patient.profile.aetiology_text)
        for name, row in PHENOTYPES.items()
    }
    assert told["hfref-ischaemic"] == ("ischaemic", "ischaemic cardiomyopathy")
    assert told["hfref-nonischaemic"] == (
        "non-ischaemic",
        "non-ischaemic dilated cardiomyopathy",
    )
    assert told["normal"] == ("none", "none")


def test_rows_that_set_the_law_are_rows_of_the_targets() -> None:
    assert all(row[0] == "B" and row[1:].isdigit() for row in FITTED_ROWS)
    assert {row for row, used in FITTED_ROWS.items() if "SD only" in used} == SD_ROWS
    keys = Path(sources.__file__).with_name("references.toml").read_text("utf-8")
    assert "borggrefe2008" in tomllib.loads(keys)
