"""What is believed when it is known how people differ."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from optimizers import population as crowd
from optimizers.population import infer, row_of
from optimizers.posterior import matern
from optimizers.problem import Budget, Observation, Population, Problem
from optimizers.products import times
from optimizers.recommend import recommend
from optimizers.space import Axis, Space

SPACE = Space(
    (Axis("a", "", (1.0, 2.0, 3.0, 4.0)), Axis("b", "", (0.0, 1.0, 2.0))),
    allowed=lambda point: point != (3, 2),
)
REFERENCE = (0, 0)
EVERYWHERE = np.arange(SPACE.size)


def problem_of(values, sensation=None, noise_sd=1.0):
    values = np.asarray(values, dtype=np.float64)
    felt = np.full_like(values, -4.0) if sensation is None else np.asarray(sensation)
    known = Population(values, felt)
    budget = Budget(evaluations=10)
    return Problem(SPACE, REFERENCE, budget, noise_sd=noise_sd, population=known)


def slopes(*gains):
    """Return people whose value rises along the first axis."""
    return np.outer(gains, SPACE.indices[:, 0].astype(np.float64))


def known_reference():
    return Observation(REFERENCE, REFERENCE, 0.0, standard_error=0.0)


def read(point, value, grade=None, aborted=None):
    channels = {} if grade is None else {"sensation": grade}
    return Observation(
        point, point, value, standard_error=1.0, channels=channels, aborted=aborted
    )


@pytest.fixture
def undisputed(monkeypatch):
    """Believe that the patient is exactly one of the population."""
    monkeypatch.setattr(crowd, "discrepancies", _none_at_all)


def _none_at_all(unit, *, alone):
    return [crowd.Discrepancy(0.0, 1.0, 1.0)]


@pytest.mark.usefixtures("undisputed")
def test_one_person_without_discrepancy_is_believed_whatever_is_read():
    problem = problem_of(slopes(2.0))
    insight = infer(problem, [known_reference(), read((3, 0), -50.0)])
    # the reference is known to a thousandth of a noise SD, hence the tolerance
    assert insight.mean(EVERYWHERE) == pytest.approx(slopes(2.0)[0], abs=1e-3)
    assert insight.probability_better(np.array([5, 0])).tolist() == [1.0, 0.0]


@pytest.mark.usefixtures("undisputed")
def test_people_are_weighted_by_bayes_rule():
    problem = problem_of(slopes(0.0, 1.0))
    insight = infer(problem, [known_reference(), read((2, 1), 1.5)])
    misfits = np.array([1.5, 1.5 - 2.0])
    likelihood = np.exp(-0.5 * misfits**2)  # noise SD 1
    expected = likelihood / likelihood.sum()
    # the reference's reading has an SE of 0.001, which changes weights by some 1e-6
    assert insight.person_weight == pytest.approx(expected, abs=1e-5)
    assert insight.mean(EVERYWHERE)[row_of(SPACE, (3, 0))] == pytest.approx(
        3.0 * expected[1], abs=1e-3
    )


@pytest.mark.usefixtures("undisputed")
def test_a_normal_population_gives_the_conjugate_posterior():
    # 4,001 people at equal steps of probability stand for slopes of N(1, 0.5^2)
    chances = (np.arange(4001) + 0.5) / 4001
    prior_mean, prior_sd = 1.0, 0.5
    people = prior_mean + prior_sd * ndtri(chances)
    problem = problem_of(slopes(*people))
    log = [known_reference(), read((2, 0), 4.0), read((3, 1), 3.0)]
    at, values = np.array([2.0, 3.0]), np.array([4.0, 3.0])
    precision = 1.0 / prior_sd**2 + at @ at
    centre = (prior_mean / prior_sd**2 + at @ values) / precision
    row = np.array([row_of(SPACE, (1, 0))])  # where the value is the slope itself
    mean, sd = infer(problem, log).gain(row)
    assert mean[0] == pytest.approx(centre, abs=2e-3)
    assert sd[0] == pytest.approx(precision**-0.5, rel=2e-3)


def test_one_person_with_discrepancy_is_a_gaussian_process(monkeypatch):
    monkeypatch.setattr(
        crowd, "discrepancies", lambda unit, alone: [crowd.Discrepancy(4.0, 0.7, 1.0)]
    )
    problem = problem_of(slopes(1.0))
    points, values = [(2, 0), (3, 1)], np.array([4.0, 1.0])
    log = [known_reference(), *map(read, points, values)]
    rows = [row_of(SPACE, point) for point in [REFERENCE, *points]]
    places = SPACE.places

    # Rasmussen and Williams, eq. 2.25 and 2.26, of the difference from the reference
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    prior = 4.0 * matern(far / 0.7)
    base = rows[0]
    excess = prior - prior[[base]] - prior[:, [base]] + prior[base, base]
    seen = rows[1:]
    gain = excess[:, seen] @ np.linalg.inv(excess[np.ix_(seen, seen)] + np.eye(2))
    own = slopes(1.0)[0]
    expected = own + gain @ (values - own[seen])
    variance = np.diag(excess) - np.sum(gain * excess[:, seen], axis=1)

    mean, sd = infer(problem, log).gain(EVERYWHERE)
    assert mean == pytest.approx(expected, abs=1e-3)
    assert sd == pytest.approx(np.sqrt(np.maximum(variance, 0.0)), abs=3e-3)


def test_mean_and_gain_agree_once_the_reference_is_known():
    problem = problem_of(slopes(-1.0, 0.3, 2.0))
    insight = infer(problem, [known_reference(), read((3, 0), 2.0), read((1, 2), 1.0)])
    gain, _ = insight.gain(EVERYWHERE)
    assert insight.mean(EVERYWHERE) == pytest.approx(gain, abs=2e-3)


def test_the_spread_searched_by_agrees_with_that_of_the_gains():
    rng = np.random.default_rng(1)
    problem = problem_of(slopes(*rng.normal(1.0, 1.0, 400)))
    insight = infer(problem, [known_reference(), read((3, 0), 2.0)])
    exact, found = insight.gain(EVERYWHERE)[1], insight.spread(EVERYWHERE)
    # it leaves out that a discrepancy bends with the person whom it is added to
    assert found == pytest.approx(exact, rel=0.1, abs=0.02)


def test_covariance_agrees_with_the_spread_of_the_gains():
    rng = np.random.default_rng(1)
    problem = problem_of(slopes(*rng.normal(1.0, 1.0, 400)))
    insight = infer(problem, [known_reference(), read((3, 0), 2.0)])
    found = np.sqrt(np.diag(insight.covariance(EVERYWHERE, EVERYWHERE, 400)))
    # people are counted by whole numbers, and the mixture's means differ a little
    assert found == pytest.approx(insight.gain(EVERYWHERE)[1], rel=0.1, abs=0.02)


def test_a_height_is_learnt_as_the_slope_of_a_regression(monkeypatch):
    only_height = crowd.Discrepancy(0.0, 1.0, 1.0, height_sd=0.5)
    monkeypatch.setattr(crowd, "discrepancies", lambda unit, alone: [only_height])
    points, told = [(2, 0), (3, 1)], np.array([4.0, 3.0])
    log = [known_reference(), *map(read, points, told)]
    insight = infer(problem_of(slopes(1.0)), log)
    # a slope of N(1, 0.5^2), read at 2 and 3 with an error of 1
    at = np.array([2.0, 3.0])
    precision = 1.0 / 0.5**2 + at @ at
    row = np.array([row_of(SPACE, (1, 0))])
    mean, sd = insight.gain(row)
    assert mean[0] == pytest.approx((1.0 / 0.5**2 + at @ told) / precision, abs=1e-4)
    assert sd[0] == pytest.approx(precision**-0.5, rel=1e-4)
    assert insight.spread(row)[0] == pytest.approx(precision**-0.5, rel=1e-3)


def test_people_are_weighted_by_the_evidence_with_their_height_left_open(monkeypatch):
    only_height = crowd.Discrepancy(0.0, 1.0, 1.0, height_sd=0.5)
    monkeypatch.setattr(crowd, "discrepancies", lambda unit, alone: [only_height])
    gains = np.array([0.5, 2.0])
    insight = infer(problem_of(slopes(*gains)), [known_reference(), read((1, 0), 1.2)])
    spread = np.sqrt(1.0 + (0.5 * gains) ** 2)  # of the reading, height and error
    likelihood = np.exp(-0.5 * ((1.2 - gains) / spread) ** 2) / spread
    expected = likelihood / likelihood.sum()
    assert insight.person_weight == pytest.approx(expected, abs=1e-4)


def test_readings_move_the_weight_from_a_wrong_population_to_a_discrepancy():
    wrong = problem_of(slopes(-0.4, -0.2))
    log = [known_reference()]
    log += [read((number, 0), 0.5 * number) for number in (1, 2, 3) for _ in range(20)]
    insight = infer(wrong, log)
    assert insight.weight[0].sum() < 0.05  # no discrepancy at all
    assert SPACE.indices[insight.mean(EVERYWHERE).argmax()][0] == 3


def test_grades_tell_where_sensation_begins():
    people = np.add.outer([0.0, -2.0], SPACE.indices[:, 0].astype(np.float64))
    problem = problem_of(np.zeros_like(people), people)
    at_three = np.array([row_of(SPACE, (3, 0))])
    chance = {}
    for grade in (0.0, 2.0):
        log = [known_reference(), read((2, 0), 0.0, grade)]
        chance[grade] = infer(problem, log).felt(at_three)[0]
    assert chance[0.0] < 0.02
    assert chance[2.0] > 0.98


def test_a_test_broken_off_for_another_reason_tells_no_grade():
    people = np.add.outer([0.0, -2.0], SPACE.indices[:, 0].astype(np.float64))
    problem = problem_of(np.zeros_like(people), people)
    refused = read((3, 0), np.nan, grade=0.0, aborted="refused: no safe setting near")
    weight = infer(problem, [known_reference(), refused]).person_weight
    assert weight == pytest.approx([0.5, 0.5])


def test_a_felt_setting_is_not_recommended_for_one_lucky_report():
    values = slopes(1.0, 1.1)
    level = np.add.outer([0.1, 0.2], SPACE.indices[:, 0].astype(np.float64))
    problem = problem_of(values, level)
    log = [known_reference(), read((1, 0), 1.0, 1.0), read((3, 0), 3.0, 1.0)]
    choice = recommend(problem, log, recommender="population")
    assert choice.point == (1, 0)


@pytest.mark.usefixtures("undisputed")
@pytest.mark.parametrize(("dearer", "chosen"), [(0.0, (2, 0)), (3.0, (3, 0))])
def test_a_little_to_win_is_no_reason_to_risk_harm(dearer, chosen):
    # at the last point one in ten loses 2, the others win 0.4 more than at the second
    wins = np.zeros((10, SPACE.size))
    wins[:, row_of(SPACE, (2, 0))] = 1.0
    wins[:, row_of(SPACE, (3, 0))] = [-2.0, *[1.4] * 9]
    # where that is but the price of its energy, nobody's heart is the worse for it
    told = {"benefit": 1.0 + dearer}
    last = Observation((3, 0), (3, 0), 1.0, standard_error=9.0, channels=told)
    second = Observation(
        (2, 0), (2, 0), 1.0, standard_error=9.0, channels={"benefit": 1.0}
    )
    log = [replace(known_reference(), channels={"benefit": 0.0}), second, last]
    choice = recommend(problem_of(wins), log, recommender="population")
    assert choice.point == chosen


@pytest.mark.parametrize(("harmed", "chosen"), [(0.0, (2, 0)), (0.5, REFERENCE)])
def test_without_a_reading_people_decide_as_far_as_the_gate_allows(harmed, chosen):
    n_harmed = int(100 * harmed)
    people = slopes(*[1.0] * (100 - n_harmed), *[-1.0] * n_harmed)
    void = [read((n, 0), np.nan, grade=0.0) for n in (1, 2)]
    felt = read((3, 0), np.nan, grade=2.0, aborted="sensation grade 2")
    log = [known_reference(), *void, felt]
    choice = recommend(problem_of(people), log, recommender="population")
    assert choice.point == chosen


def test_nothing_tolerated_leaves_no_candidate():
    problem = problem_of(slopes(1.0))
    log = [read(REFERENCE, np.nan, 3.0, aborted="sensation grade 3")]
    choice = recommend(problem, log, recommender="population")
    assert choice.point == REFERENCE
    assert choice.gated


@given(
    rows=st.lists(st.integers(0, SPACE.size - 1), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
)
def test_weights_are_chances_and_chances_are_between_0_and_1(rows, seed):
    rng = np.random.default_rng(seed)
    problem = problem_of(rng.normal(0.0, 2.0, (20, SPACE.size)))
    points = [tuple(SPACE.indices[row].tolist()) for row in rows]
    log = [known_reference(), *(read(p, float(rng.normal(0.0, 3.0))) for p in points)]
    insight = infer(problem, log)
    better = insight.probability_better(EVERYWHERE)
    assert insight.weight.sum() == pytest.approx(1.0)
    assert ((better >= 0.0) & (better <= 1.0)).all()
    assert np.isfinite(insight.mean(EVERYWHERE)).all()


def test_row_of_finds_every_point_of_a_space_with_holes():
    rows = [row_of(SPACE, point) for point in SPACE.points()]
    assert rows == list(range(SPACE.size))


@settings(max_examples=30)
@given(n=st.integers(1, 30), k=st.integers(1, 30), m=st.integers(1, 600))
def test_a_product_in_pieces_is_the_product(n, k, m):
    rng = np.random.default_rng(n * k + m)
    left, right = rng.normal(size=(n, k)), rng.normal(size=(k, m))
    assert times(left, right) == pytest.approx(left @ right, abs=1e-12)


@pytest.mark.usefixtures("undisputed")
def test_the_chance_of_being_better_is_calibrated_among_the_people_known():
    rng = np.random.default_rng(11)
    values = slopes(*rng.normal(0.1, 0.4, 300)) + rng.normal(0.0, 0.2, (300, 1))
    values[:, 0] = 0.0
    problem = problem_of(values)
    rows = np.arange(1, SPACE.size)
    chances, better = [], []
    for person in values:
        tested = [tuple(SPACE.indices[row].tolist()) for row in rng.choice(rows, 6)]
        told = [person[row_of(SPACE, point)] + rng.normal() for point in tested]
        insight = infer(problem, [known_reference(), *map(read, tested, told)])
        best = rows[[insight.mean(rows).argmax()]]
        chances.append(insight.probability_better(best)[0])
        better.append(person[best[0]] > 0.0)
    chances, better = np.array(chances), np.array(better)
    for low, high in ((0.0, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01)):
        among = chances[(chances >= low) & (chances < high)]
        n_better = better[(chances >= low) & (chances < high)].sum()
        # three SDs of what so many independent chances add up to
        spread = np.sqrt(np.sum(among * (1.0 - among)))
        assert abs(n_better - among.sum()) < 3.0 * spread


def test_the_last_answer_is_kept_for_the_very_same_observations_alone():
    problem, log = problem_of(slopes(1.0, 2.0)), [known_reference()]
    first = infer(problem, log)
    assert infer(problem, list(log)) is first
    # that it is equal is not looked at, which would cost what is saved
    assert infer(problem, [known_reference()]) is not first
    log.append(read((2, 0), 1.5))
    assert infer(problem, log).read.tolist() == [0, row_of(SPACE, (2, 0))]
    assert infer(replace(problem, noise_sd=2.0), log).offset == 2.0 * crowd.OFFSET
