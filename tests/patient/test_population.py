"""What is drawn has the spread of evidence B and A3; no heart is solved here."""

import math

import numpy as np
import pytest

from sim.patient.population import (
    SCORES,
    Draw,
    TraitSpread,
    checked_families,
    correlations,
    draws_of,
)

N = 20_000
POPULATION = TraitSpread()
# A mean of N draws errs by SD / sqrt(N); five of those fail one test in two million.
FIVE_ERRORS = 5.0 / math.sqrt(N)


@pytest.fixture(scope="module")
def draws() -> list[Draw]:
    normal = np.random.default_rng(11).standard_normal((N, len(SCORES)))
    return draws_of(POPULATION, normal, checked_families({"nominal": 3, "null": 1}))


def column(draws: list[Draw], name: str) -> np.ndarray:
    return np.array([getattr(draw, name) for draw in draws])


@pytest.mark.parametrize(
    ("name", "median", "sd"),
    [
        ("age_years", 62.0, 11.0),
        ("ejection_fraction_pct", 31.0, 6.5),
        ("qrs_ms", 102.0, 14.0),
        ("heart_rate_bpm", 73.0, 11.0),
        ("sbp_mmhg", 118.0, 17.0),
        ("dbp_mmhg", 71.0, 10.0),
        ("peak_vo2_ml_per_kg_min", 14.3, 2.9),
        ("mlwhfq_score", 50.0, 25.0),
        ("walk_m", 345.0, 85.0),
        ("best_delay_ms", 32.0, 8.0),
    ],
)
def test_medians_and_inner_spread_of_normal_traits_are_the_tables(
    draws: list[Draw], name: str, median: float, sd: float
) -> None:
    values = column(draws, name)
    # The median of a normal sample errs by 1.2533 SD / sqrt(N), a quartile by 1.36.
    assert np.median(values) == pytest.approx(median, abs=1.26 * FIVE_ERRORS * sd)
    low, high = np.quantile(values, [0.25, 0.75])
    assert (high - low) / 1.34898 == pytest.approx(sd, abs=2.0 * FIVE_ERRORS * sd)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("age_years", 30.0, 85.0),
        ("ejection_fraction_pct", 20.0, 45.0),
        ("qrs_ms", 75.0, 129.0),
        ("mlwhfq_score", 0.0, 105.0),
        ("best_delay_ms", 12.0, 60.0),
    ],
)
def test_clipped_traits_reach_their_limits_and_no_further(
    draws: list[Draw], name: str, low: float, high: float
) -> None:
    values = column(draws, name)
    assert (values.min(), values.max()) == (low, high)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("ischaemic", 0.62),
        ("fibrillates", 0.15),
        ("beta_blocker", 0.92),
    ],
)
def test_shares_are_the_tables(draws: list[Draw], name: str, share: float) -> None:
    sd = math.sqrt(share * (1.0 - share))
    assert column(draws, name).mean() == pytest.approx(share, abs=FIVE_ERRORS * sd)


def test_men_and_classes_and_families_come_in_their_shares(draws: list[Draw]) -> None:
    classes = column(draws, "nyha_class")
    shares = [np.mean(column(draws, "sex") == "male")]
    shares += [np.mean(classes == wanted) for wanted in (2, 3, 4)]
    shares += [np.mean(column(draws, "family") == "null")]
    # 0.5 is the largest SD that a share can have
    assert shares == pytest.approx([0.78, 0.10, 0.85, 0.05, 0.25], abs=FIVE_ERRORS / 2)


def test_volume_is_lognormal_and_larger_without_ischaemia(draws: list[Draw]) -> None:
    log_ml = np.log(column(draws, "edv_ml"))
    ischaemic = column(draws, "ischaemic")
    # lognormal of sigma 0.24; the smaller group has 38 % of N
    tolerance = FIVE_ERRORS * 0.24 / math.sqrt(0.38)
    assert log_ml[ischaemic].mean() == pytest.approx(math.log(228.0), abs=tolerance)
    assert log_ml[ischaemic].std() == pytest.approx(0.24, abs=tolerance)
    assert log_ml[~ischaemic].mean() == pytest.approx(math.log(255.36), abs=tolerance)


def test_correlations_are_the_tables(draws: list[Draw]) -> None:
    def seen(one: str, other: str) -> float:
        return float(np.corrcoef(column(draws, one), column(draws, other))[0, 1])

    # A correlation errs by less than 1 / sqrt(N); clipping and skew take up to 0.02.
    tolerance = FIVE_ERRORS + 0.02
    assert seen("peak_vo2_ml_per_kg_min", "walk_m") == pytest.approx(0.5, abs=tolerance)
    assert seen("mlwhfq_score", "nyha_class") == pytest.approx(0.3, abs=tolerance)
    assert seen("sbp_mmhg", "dbp_mmhg") == pytest.approx(0.6, abs=tolerance)
    assert seen("age_years", "sbp_mmhg") == pytest.approx(0.0, abs=FIVE_ERRORS)
    ischaemic = np.array([draw for draw in draws if draw.ischaemic])
    ef, edv = (column(list(ischaemic), n) for n in ("ejection_fraction_pct", "edv_ml"))
    assert np.corrcoef(ef, np.log(edv))[0, 1] == pytest.approx(-0.5, abs=tolerance)


def test_scores_that_nobody_correlates_stay_independent() -> None:
    matrix = correlations(POPULATION)
    assert np.count_nonzero(matrix - np.eye(len(SCORES))) == 8


def test_ectopy_stays_below_ten_thousand_a_day_and_nobody_is_cut_to_it(
    draws: list[Draw],
) -> None:
    per_hour = column(draws, "pvc_per_hour")
    decades = np.log10(per_hour)
    assert np.median(decades) == pytest.approx(math.log10(36.0), abs=1.6 * FIVE_ERRORS)
    assert per_hour.max() < 10_000.0 / 24.0
    assert len(set(per_hour.tolist())) == len(per_hour)
    # Evidence E01 after the fit: 21.6 % below 100 a day, 48.0 % above 1,000.
    per_day = 24.0 * per_hour
    assert np.mean(per_day < 100.0) == pytest.approx(0.216, abs=0.02)
    assert np.mean(per_day > 1000.0) == pytest.approx(0.480, abs=0.02)
    # odds of 9: (log10 9 - log10 of 36 in 380.7) / 1.2 = 1.65 SD, 5.0 % of a normal law
    assert np.mean(per_day > 9000.0) == pytest.approx(0.050, abs=0.01)


def test_felt_thresholds_are_logistic_and_gaps_lognormal(draws: list[Draw]) -> None:
    # A4: 1 / (1 + exp((9.0 - v) / 0.9)); gap of median 1.5 V, log SD 0.5
    volts = column(draws, "sensation_felt_v")
    for limit_v, share in ((9.0, 0.5), (7.73, 0.196), (6.0, 0.034)):
        error = FIVE_ERRORS * math.sqrt(share * (1.0 - share))
        assert np.mean(volts <= limit_v) == pytest.approx(share, abs=error)
    assert volts.min() >= 2.0
    logs = np.log(column(draws, "sensation_gap_v") / 1.5)
    assert logs.mean() == pytest.approx(0.0, abs=0.5 * FIVE_ERRORS)
    assert logs.std() == pytest.approx(0.5, abs=0.5 * FIVE_ERRORS)


def test_the_gain_is_lognormal_with_the_mean_and_spread_of_the_law(
    draws: list[Draw],
) -> None:
    gain = column(draws, "g_one_lead_frac")
    assert gain.mean() == pytest.approx(0.085, rel=FIVE_ERRORS * 0.23)
    # The SD of a lognormal of CV 0.23 errs by about 0.9 SD / sqrt(N).
    assert gain.std() / gain.mean() == pytest.approx(0.23, rel=2.0 * FIVE_ERRORS)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("lead_impedance_ohm", 350.0, 700.0),
        ("threshold_frac", 0.2, 0.55),
        ("k", 0.7, 4.0),
        ("width_constant_ms", 8.0, 30.0),
        ("early_width_ms", 8.0, 20.0),
        ("late_width_ms", 10.0, 60.0),
        ("negative_frac", 0.0, 0.3),
    ],
)
def test_the_law_is_drawn_over_the_whole_range_and_not_beyond(
    draws: list[Draw], name: str, low: float, high: float
) -> None:
    values = column(draws, name)
    assert low <= values.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < values.max() <= high


def test_without_a_beta_blocker_the_gain_is_whole(draws: list[Draw]) -> None:
    factor, blocked = column(draws, "beta_block_factor"), column(draws, "beta_blocker")
    assert set(factor[~blocked]) == {POPULATION.block_none}
    assert 0.6 <= factor[blocked].min() < factor[blocked].max() <= 1 / 0.6
    # Usual therapy is the middle, in the logarithm, of high dose and none.
    assert np.median(factor[blocked]) == pytest.approx(1.0, abs=5 * FIVE_ERRORS / 5)


@pytest.mark.parametrize(
    ("families", "text"),
    [
        ({"nominl": 1.0}, "nearest is 'nominal'"),
        ({"sharp": -0.5, "null": 1.0}, "family sharp must be 0 or more, got -0.5"),
        ({"sharp": 0.0}, "shares above 0"),
        ({}, "shares above 0"),
    ],
)
def test_a_wrong_mix_of_families_is_refused(
    families: dict[str, float], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        checked_families(families)
