"""The verdict follows from the pairs alone, by the rules fixed beforehand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import nctdtr, stdtrit
from scipy.stats import ttest_1samp

from sim.visit.plan import VisitPlan
from sim.visit.record import Gains, Pair, Verdict
from sim.visit.verdict import (
    estimate,
    judge,
    least_detectable_gain_pct,
    power_to_show,
)

PLAN = VisitPlan()
gains_lists = st.lists(
    st.floats(-20.0, 20.0).map(lambda x: round(x, 3)), min_size=2, max_size=20
)


def pair(gain_pct: float | None) -> Pair:
    gains = None if gain_pct is None else Gains(*[gain_pct] * 6)
    void = "wand link lost" if gains is None else ""
    return Pair(1, "verification", (), gains, void)


def verdict_of(gains_pct: list[float | None]) -> Verdict:
    return judge(
        [pair(gain) for gain in gains_pct],
        PLAN,
        best_single_reading_pct=9.0,
        expected_pair_sd_pct=2.0,
    )


@given(gains_lists)
def test_the_interval_is_that_of_a_one_sample_t_test(gains: list[float]) -> None:
    found = estimate(gains)
    if found.pair_sd_pct == 0.0:
        return
    low, high = ttest_1samp(gains, 0.0).confidence_interval(0.95)
    assert found.ci95_pct == pytest.approx((low, high), rel=1e-9, abs=1e-9)


def test_a_clear_gain_is_improved() -> None:
    assert verdict_of([4.0, 5.0, 4.5, 5.5, 4.2]).kind == "improved"


def test_a_sure_gain_below_the_least_relevant_one_is_not_improved() -> None:
    verdict = verdict_of([0.8, 0.81, 0.79, 0.8, 0.82])
    assert verdict.kind == "equivalent"
    assert verdict.ci95_pct[0] > 0.0


def test_small_differences_in_both_directions_are_equivalent() -> None:
    assert verdict_of([0.5, -0.5] * 6).kind == "equivalent"


def test_a_wide_interval_is_inconclusive() -> None:
    assert verdict_of([9.0, -7.0, 3.0, -2.0]).kind == "inconclusive"


def test_a_sure_loss_is_never_called_improved() -> None:
    assert verdict_of([-4.0, -5.0, -4.5, -5.5]).kind == "inconclusive"


def test_void_pairs_are_counted_and_not_scored() -> None:
    verdict = verdict_of([4.0, None, 5.0, 4.5])
    assert (verdict.pairs_done, verdict.pairs_void) == (3, 1)
    assert verdict.gain_pct == pytest.approx(4.5)


def test_one_valid_pair_gives_no_interval() -> None:
    verdict = verdict_of([8.0, None])
    assert verdict.kind == "inconclusive"
    assert math.isnan(verdict.ci95_pct[0])


def test_a_chance_that_is_lost_far_out_does_not_hide_the_least_detectable_gain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sought = least_detectable_gain_pct(2.0, 10)

    def lost_far_out(degrees: float, noncentrality: float, bound: float) -> float:
        if noncentrality > 30.0:
            return math.nan  # as scipy 1.15 does at 9 degrees and 37
        return float(nctdtr(degrees, noncentrality, bound))

    monkeypatch.setattr("sim.visit.verdict.nctdtr", lost_far_out)
    assert least_detectable_gain_pct(2.0, 10) == sought


def test_the_least_detectable_gain_is_shown_in_80_percent_of_visits() -> None:
    gain = least_detectable_gain_pct(2.0, 10)
    rng = np.random.default_rng(5)
    pairs = rng.normal(gain, 2.0, size=(4000, 10))
    shown = ttest_1samp(pairs, 0.0, axis=1).pvalue < 0.05
    # binomial standard error is 0.63 %, so 2 % is three of them
    assert float(np.mean(shown)) == pytest.approx(0.80, abs=0.02)


def kinds_of(gain_pct: float, n: int = 10, draws: int = 2000) -> dict[str, float]:
    rng = np.random.default_rng(int(100 * gain_pct) + n)
    verdicts = [verdict_of(list(rng.normal(gain_pct, 2.0, n))) for _ in range(draws)]
    covers = [v.ci95_pct[0] <= gain_pct <= v.ci95_pct[1] for v in verdicts]
    found = {"covers": float(np.mean(covers))}
    for kind in ("improved", "equivalent", "inconclusive"):
        found[kind] = float(np.mean([v.kind == kind for v in verdicts]))
    return found


def test_without_a_gain_at_most_the_upper_2_5_percent_are_called_improved() -> None:
    found = kinds_of(0.0)
    # 2,000 draws: standard error 0.35 %; 95 % intervals, standard error 0.5 %
    assert 0.010 < found["improved"] < 0.036
    assert found["covers"] == pytest.approx(0.95, abs=0.015)


def test_a_gain_of_4_3_percent_is_called_improved_almost_always() -> None:
    assert kinds_of(4.3, draws=500)["improved"] > 0.98


@pytest.mark.parametrize(
    ("gain_pct", "n_pairs", "power"),
    [(2.0, 8, 0.68), (2.0, 10, 0.80), (2.0, 12, 0.88), (3.0, 8, 0.95)],
)
def test_the_power_of_the_protocol_is_met(
    gain_pct: float, n_pairs: int, power: float
) -> None:
    rng = np.random.default_rng(n_pairs)
    pairs = rng.normal(gain_pct, 2.0, size=(6000, n_pairs))
    shown = ttest_1samp(pairs, 0.0, axis=1).pvalue < 0.05
    assert float(np.mean(shown)) == pytest.approx(power, abs=0.02)


@pytest.mark.parametrize("n_pairs", [2, 5, 12, 40])
@pytest.mark.parametrize("gain_pct", [0.0, 1.0, 3.0])
def test_power_is_that_of_a_t_test(gain_pct: float, n_pairs: int) -> None:
    bound = stdtrit(n_pairs - 1, 0.975)
    exact = 1.0 - nctdtr(n_pairs - 1, gain_pct / 2.0 * np.sqrt(n_pairs), bound)
    found = power_to_show(gain_pct, 2.0, n_pairs)
    assert found == pytest.approx(exact, abs=1e-4)  # error of the quadrature


def test_power_at_the_least_detectable_gain_is_eighty_percent() -> None:
    assert power_to_show(least_detectable_gain_pct(2.0, 9), 2.0, 9) == pytest.approx(
        0.8, abs=1e-4
    )


def test_a_gain_at_the_least_relevant_one_is_shown_half_the_time_by_many_pairs() -> (
    None
):
    assert power_to_show(1.0, 2.0, 400, least_gain_pct=1.0) == pytest.approx(0.5)


def test_exact_pairs_show_any_gain_that_is_relevant() -> None:
    assert power_to_show(1.0, 0.0, 5, least_gain_pct=1.0) == 1.0
    assert power_to_show(0.9, 0.0, 5, least_gain_pct=1.0) == 0.0
    assert np.isnan(power_to_show(1.0, 2.0, 1))
