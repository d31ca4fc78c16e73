"""Intervals and tests against closed forms and other programs."""

from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from harness.study.judging.numbers import (
    holm,
    mean,
    quantile_differences,
    quantiles,
    quantiles_of,
    rate_pct,
    ratio,
    sign_flip_p,
    sign_flip_ps,
    wilson,
)


@settings(max_examples=40)
@given(st.integers(1, 500), st.data())
def test_wilson_limits_are_those_of_scipy(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    wanted = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k, n) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_more_hits_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 3 trials, got 4"):
        wilson(4, 3)


def test_a_rate_of_one_visit_a_patient_has_the_plain_wilson_interval() -> None:
    hits = np.arange(50) < 7
    found = rate_pct(hits, np.arange(50))
    low, high = wilson(7, 50)
    assert found.value == pytest.approx(14.0)
    assert found.n == 50
    assert (found.low, found.high) == pytest.approx((100 * low, 100 * high))


def test_copies_of_a_visit_add_no_knowledge_to_a_rate() -> None:
    hits, patients = np.arange(50) < 7, np.arange(50)
    once = rate_pct(hits, patients)
    thrice = rate_pct(np.repeat(hits, 3), np.repeat(patients, 3))
    assert thrice.n == 150
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


@pytest.mark.parametrize("hit", [True, False])
def test_where_all_visits_agree_each_patient_is_one_trial(hit: bool) -> None:
    alike = rate_pct(np.full(600, hit), np.repeat(np.arange(20), 30))
    low, high = wilson(20 * hit, 20)
    assert (alike.value, alike.n) == (100.0 * hit, 600)
    assert (alike.low, alike.high) == pytest.approx((100 * low, 100 * high))


def test_a_rate_among_nobody_is_unknown() -> None:
    nobody = rate_pct(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
    assert isnan(nobody.value)
    assert nobody.n == 0


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=30))
def test_quantiles_are_those_of_numpy(values: list[float]) -> None:
    shares = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
    found = quantiles_of(np.sort(values), shares)
    assert found == pytest.approx(np.quantile(values, shares), abs=1e-9)


def test_the_bootstrap_interval_of_a_mean_is_that_of_scipy() -> None:
    values = np.random.default_rng(3).gamma(2.0, 10.0, 60)
    wanted = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=9999, rng=5
    ).confidence_interval
    found = mean(values)
    # both draw at random: the limits agree within 10 % of the width
    width = wanted.high - wanted.low
    assert found.low == pytest.approx(wanted.low, abs=0.1 * width)
    assert found.high == pytest.approx(wanted.high, abs=0.1 * width)


def test_the_intervals_cover_about_95_percent_of_the_time() -> None:
    rng = np.random.default_rng(11)
    held = {"mean": 0, "median": 0, "difference": 0}
    n_worlds = 200
    for _ in range(n_worlds):
        x, y = rng.normal(3.0, 1.0, (2, 50))
        middle = quantiles(x, (0.5,))[0]
        apart = quantile_differences(x, y + 1.0, (0.5,))[0]
        average = mean(x)
        held["mean"] += average.low <= 3.0 <= average.high
        held["median"] += middle.low <= 3.0 <= middle.high
        held["difference"] += apart.low <= -1.0 <= apart.high
    for share in held.values():
        # 200 worlds: 3 standard errors of a share of 95 % are 4.6 points
        assert 0.90 <= share / n_worlds <= 0.99


def test_the_monte_carlo_error_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(5).normal(3.0, 2.0, 200)
    # resampling n values has the variance with divisor n; its own error is about 2 %
    wanted = float(np.std(values)) / sqrt(200)
    assert mean(values).error == pytest.approx(wanted, rel=0.08)
    assert mean(values).times(10.0).error == pytest.approx(10.0 * mean(values).error)


def test_the_monte_carlo_error_of_a_rate_is_the_binomial_one() -> None:
    patients = np.arange(10_000)
    found = rate_pct(patients < 2_000, patients)
    assert found.error == pytest.approx(100.0 * sqrt(0.2 * 0.8 / 10_000), rel=1e-3)


def test_a_rate_that_was_never_seen_is_not_known_without_error() -> None:
    found = rate_pct(np.zeros(20, dtype=np.bool_), np.arange(20))
    assert found.value == 0.0
    assert found.error > 1.0


def test_a_constant_has_an_interval_without_width() -> None:
    found = mean(np.full(9, 4.0))
    assert (found.low, found.value, found.high) == (4.0, 4.0, 4.0)


def test_one_patient_has_no_interval() -> None:
    assert isnan(mean(np.array([2.0])).error)
    alone = mean(np.array([4.0]))
    assert alone.value == 4.0
    assert isnan(alone.low)


def test_paired_quantiles_are_resampled_together() -> None:
    values = np.random.default_rng(1).normal(size=40)
    for apart in quantile_differences(values, values - 2.0, (0.25, 0.5, 0.75)):
        assert (apart.low, apart.value, apart.high) == pytest.approx((2.0, 2.0, 2.0))


def test_a_ratio_of_sums_is_not_a_mean_of_ratios() -> None:
    found = ratio(np.array([1.0, 0.0]), np.array([3.0, 1.0]))
    assert found.value == 0.25


def test_holm_by_hand() -> None:
    # 4 x .005, 3 x .01, 2 x .03, then .04 may not fall below .06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_was_not_tested_and_stops_at_one() -> None:
    found = holm([0.6, nan, 0.7])
    assert isnan(found[1])
    assert [found[0], found[2]] == [1.0, 1.0]


def test_flipped_signs_give_the_exact_share_of_as_extreme_sums() -> None:
    # all 8 of one sign: 2 of 256 sign patterns reach the sum
    assert sign_flip_p(np.ones(8)).value == 2 / 256


def test_signs_drawn_at_random_give_nearly_the_exact_share() -> None:
    # of 20 equal differences, sums of 12 or more: 2 (1 + 20 + 190 + 1140 + 4845) / 2^20
    uneven = np.array([1.0] * 16 + [-1.0] * 4)
    exact = 2 * (1 + 20 + 190 + 1140 + 4845) / 2**20
    found = sign_flip_p(uneven)
    # 99,999 draws: standard error 0.0003
    assert found.value == pytest.approx(exact, abs=0.001)
    assert not found.at_most


def test_a_p_is_never_below_what_the_draws_can_tell() -> None:
    found = sign_flip_p(np.ones(60))
    assert (found.value, found.at_most) == (1 / 100_000, True)
    many = sign_flip_p(np.ones(2_000))
    assert (many.value, many.at_most) == (1 / 100_000, True)


def test_many_comparisons_have_the_p_that_each_has_alone() -> None:
    rng = np.random.default_rng(11)
    rows = [rng.normal(0.2, 1.0, n) for n in (30, 12, 30, 0)]
    assert sign_flip_ps(rows) == [sign_flip_p(row) for row in rows]
    assert sign_flip_ps(rows)[1].value * 2**12 % 1.0 == 0.0  # exact for few


def test_no_difference_at_all_has_p_of_one() -> None:
    assert sign_flip_p(np.zeros(12)).value == 1.0


def test_the_sign_of_a_difference_does_not_move_its_p() -> None:
    values = np.random.default_rng(2).normal(0.3, 1.0, 30)
    assert sign_flip_p(values) == sign_flip_p(-values)
