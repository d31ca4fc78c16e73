"""The search that knows how people differ."""

import numpy as np
import pytest

from optimizers.cohort_bayes import most_promising, reachable
from optimizers.population import infer, row_of
from optimizers.problem import Budget, Observation, Population, Problem
from optimizers.registry import preferred_recommender
from optimizers.search import Search
from optimizers.space import Axis, Space

SPACE = Space(
    (
        Axis("amplitude_v", "V", (4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5)),
        Axis("delay_ms", "ms", tuple(map(float, range(3, 46)))),
    )
)
REFERENCE = (0, 7)
NOISE_SD = 2.0
N_TESTS = 20
PEOPLE = 300


def gains(rng, n, top=29.0):
    """Return the gain of n people, (n, size): rises with volts, best near a delay."""
    volts, delay = SPACE.indices.T
    best = rng.normal(top, 5.0, (n, 1))
    height = rng.lognormal(1.0, 0.4, (n, 1))
    bell = np.exp(-0.5 * ((delay - best) / 14.0) ** 2)
    gain = height * (0.4 + 0.1 * volts) * bell
    return gain - gain[:, [row_of(SPACE, REFERENCE)]]


def felt(rng, n):
    threshold = rng.normal(8.0, 1.0, (n, 1))
    volts = np.array(SPACE.axes[0].values)[SPACE.indices[:, 0]]
    return 2.0 + (volts - threshold) / 0.3


def crowd():
    rng = np.random.default_rng(1)
    return Population(gains(rng, PEOPLE), felt(rng, PEOPLE))


def problem_of(population=None, **changed):
    options = {"noise_sd": NOISE_SD, "population": population} | changed
    return Problem(SPACE, REFERENCE, Budget(evaluations=N_TESTS + 1), **options)


def play(strategy, gain, level, *, population, seed, recommender):
    """Return the search after a visit whose filter holds the amplitude to one step."""
    noise = np.random.default_rng((5, seed)).normal(0.0, NOISE_SD, N_TESTS + 1)
    problem = problem_of(population, gradual=("amplitude_v",))
    rng = np.random.default_rng((6, seed))
    with Search(strategy, problem, rng, recommender=recommender) as search:
        highest = 0
        while (asked := search.ask()) is not None:
            tested = (min(asked[0], highest + 1), asked[1])
            row, n = row_of(SPACE, tested), len(search.log)
            grade = float(np.clip(round(level[row]), 0, 4))
            known = tested == REFERENCE
            stopped = "sensation" if grade >= 2 else None
            value = 0.0 if known else gain[row] + noise[n]
            seen = Observation(
                asked,
                tested,
                np.nan if stopped else value,
                standard_error=0.0 if known else NOISE_SD,
                channels={"sensation": grade},
                aborted=stopped,
            )
            highest = highest if stopped else max(highest, tested[0])
            search.tell(seen)
    return search


def regret_pct(search, gain, level):
    """Return the share of the attainable gain that the choice gives away, percent."""
    attainable = gain[level < 2.0].max()
    return 100.0 * (1.0 - gain[row_of(SPACE, search.recommend().point)] / attainable)


def median_regret_pct(strategy, *, population, people, recommender):
    gain, level = people
    return np.median(
        [
            regret_pct(
                play(
                    strategy,
                    gain[n],
                    level[n],
                    population=population,
                    seed=n,
                    recommender=recommender,
                ),
                gain[n],
                level[n],
            )
            for n in range(len(gain))
        ]
    )


def patients(n, **changed):
    rng = np.random.default_rng(2)
    return gains(rng, n, **changed), felt(rng, n)


def test_knowing_the_population_halves_the_regret():
    people = patients(12)
    informed = median_regret_pct(
        "cohort-bayes", population=crowd(), people=people, recommender="population"
    )
    plain = median_regret_pct(
        "nelder-mead", population=None, people=people, recommender="posterior_mean"
    )
    assert informed < 0.5 * plain


@pytest.mark.slow
def test_a_wrong_population_costs_little_beside_a_gaussian_process():
    elsewhere = patients(12, top=12.0)  # over three SDs from everybody known
    misled = median_regret_pct(
        "cohort-bayes", population=crowd(), people=elsewhere, recommender="population"
    )
    plain = median_regret_pct(
        "gp", population=None, people=elsewhere, recommender="posterior_mean"
    )
    assert misled < plain + 15.0


def test_a_search_with_a_population_is_replayed_from_its_log():
    gain, level = patients(1)
    known = {"population": crowd(), "gradual": ("amplitude_v",)}
    options = {"seed": 3, "recommender": "population"}
    whole = play(
        "cohort-bayes", gain[0], level[0], population=known["population"], **options
    )
    again = Search("cohort-bayes", problem_of(**known), np.random.default_rng((6, 3)))
    with again:
        again.replay(whole.log)  # raises where another point is asked
    assert len(again.log) == N_TESTS + 1


def test_a_reference_that_is_not_known_is_read_now_and_then():
    gain, _ = patients(1)
    rng = np.random.default_rng(4)
    with Search("cohort-bayes", problem_of(crowd()), rng) as search:
        while (point := search.ask()) is not None:
            value = gain[0][row_of(SPACE, point)] + rng.normal(0.0, NOISE_SD)
            search.tell(Observation(point, point, value, standard_error=NOISE_SD))
    assert [n for n, seen in enumerate(search.log) if seen.asked == REFERENCE] == [
        0,
        4,
        8,
        12,
        16,
        20,
    ]


def test_where_repeats_are_not_read_again_every_test_is_another_point():
    gain, _ = patients(1)
    rng = np.random.default_rng(4)
    problem = problem_of(crowd())
    with Search("cohort-bayes", problem, rng, duplicates="cached") as search:
        while (point := search.ask()) is not None:
            value = gain[0][row_of(SPACE, point)]
            search.tell(Observation(point, point, value, standard_error=NOISE_SD))
    assert len({seen.asked for seen in search.log}) == N_TESTS + 1


def test_the_amplitude_is_asked_for_one_step_at_a_time():
    gain, level = patients(1)
    level[:] = -4.0
    search = play(
        "cohort-bayes",
        gain[0],
        level[0],
        population=crowd(),
        seed=1,
        recommender="population",
    )
    assert all(seen.asked == seen.tested for seen in search.log)
    assert max(seen.tested[0] for seen in search.log) >= 4


def test_a_setting_felt_a_little_keeps_the_search_from_the_next_step():
    gain, level = patients(1)
    volts = np.array(SPACE.axes[0].values)[SPACE.indices[:, 0]]
    level[0] = 2.0 + (volts - 5.7) / 0.3  # 5.5 V is told as 1, 6 V would be 3
    search = play(
        "cohort-bayes",
        gain[0],
        level[0],
        population=crowd(),
        seed=1,
        recommender="population",
    )
    assert all(seen.tolerated for seen in search.log)
    assert max(seen.tested[0] for seen in search.log) == 2


def test_points_beyond_one_that_was_moved_are_not_reachable():
    problem = problem_of(gradual=("amplitude_v",))
    log = [
        Observation(REFERENCE, REFERENCE, 0.0, standard_error=0.0),
        Observation((1, 40), (1, 35), 1.0),
    ]
    open_ = reachable(problem, log)
    allowed = {tuple(p) for p in SPACE.indices[open_].tolist()}
    assert (1, 39) in allowed
    assert (2, 35) in allowed
    assert (1, 40) not in allowed
    assert (2, 42) not in allowed
    assert not any(volts > 2 for volts, _ in allowed)


def test_of_two_points_alike_the_less_certain_is_tested():
    # two people agree at the second point, and differ by as much about it at the third
    space = Space((Axis("x", "", (0.0, 1.0, 2.0)),))
    values = np.array([[0.0, 1.0, 1.0 - NOISE_SD], [0.0, 1.0, 1.0 + NOISE_SD]])
    known = Population(values, np.full_like(values, -4.0))
    problem = Problem(space, (0,), Budget(), noise_sd=NOISE_SD, population=known)
    log = [Observation((0,), (0,), 0.0, standard_error=0.0)]
    rng = np.random.default_rng(0)
    open_ = np.array([False, True, True])
    assert most_promising(infer(problem, log), log, open_, rng) == 2


def test_the_strategy_goes_with_its_own_recommender():
    assert preferred_recommender("cohort-bayes") == "population"
    assert preferred_recommender("nelder-mead") == "posterior_mean"
    assert preferred_recommender("somebody:else") == "posterior_mean"


def test_a_population_of_another_space_is_refused():
    other = Population(np.zeros((3, 5)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="301 points of the space, it knows 5"):
        problem_of(other)


def test_a_population_needs_numbers_of_one_shape():
    with pytest.raises(ValueError, match="people, points"):
        Population(np.zeros((3, 5)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="finite"):
        Population(np.full((3, 5), np.nan), np.zeros((3, 5)))


def test_an_unknown_gradual_axis_is_named():
    with pytest.raises(ValueError, match="no gradual axis volts"):
        problem_of(gradual=("volts",))
