"""What further tests can win, held to closed forms and to what must be true of it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from optimizers.posterior import believe, pool
from optimizers.problem import Budget, Observation, Population, Problem
from optimizers.prospect import (
    JointBelief,
    Proof,
    _best_place,
    _wins,
    _worth_after,
    belief_of,
    prospect,
    worth,
)
from optimizers.space import Axis, FloatArray, Space

SPACE = Space(
    (
        Axis("amplitude_v", "V", (4.5, 5.0, 5.5, 6.0, 6.5)),
        Axis("delay_ms", "ms", (20.0, 25.0, 30.0, 35.0, 40.0)),
    )
)
PROBLEM = Problem(SPACE, (0, 2), Budget(), noise_sd=2.0, planned_evaluations=20)
SURE = Proof(gate_probability=0.0, error=0.0, least=-1e6)
USUAL = Proof(gate_probability=0.8, error=0.6, least=1.4)


def seen(point: tuple[int, int], value: float, error: float = 2.0) -> Observation:
    return Observation(
        point, point, value, standard_error=error, channels={"sensation": 0.0}
    )


def log_of(n: int, *, gain: float, rng: np.random.Generator) -> list[Observation]:
    """Return readings of a patient in whom the amplitude wins `gain` at its highest."""
    log = [seen((0, 2), 0.0, 0.0)]
    for _ in range(n):
        point = (int(rng.integers(5)), int(rng.integers(5)))
        log.append(seen(point, gain * point[0] / 4 + 2.0 * rng.standard_normal()))
    return log


def test_the_belief_is_that_of_the_posterior() -> None:
    log = log_of(12, gain=3.0, rng=np.random.default_rng(3))
    found = belief_of(PROBLEM, log, recommender="posterior_mean")
    told = believe(PROBLEM, pool(PROBLEM, log), found.points)
    mean = told.weight @ told.gain_mean
    second = told.weight @ (told.gain_mean**2 + told.gain_sd**2)
    # both ways round off in the twelfth digit of variances
    assert found.mean == pytest.approx(mean[:-1], abs=1e-9)
    sd = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))
    assert sd == pytest.approx(
        np.sqrt(np.maximum(second - mean**2, 0.0))[:-1], abs=1e-6
    )


def test_people_make_the_belief_of_their_recommender() -> None:
    rng = np.random.default_rng(4)
    places = SPACE.indices[:, 0] / 4
    reference = int(np.flatnonzero((SPACE.indices == (0, 2)).all(axis=1))[0])
    sizes = rng.uniform(0.0, 4.0, 300)
    values = np.outer(sizes, places - places[reference]).astype(np.float32)
    problem = replace(PROBLEM, population=Population(values, np.zeros_like(values)))
    log = log_of(10, gain=4.0, rng=rng)
    found = belief_of(problem, log, recommender="population")
    at = found.points.index((4, 0))
    # all their gains are in proportion, so points of one amplitude are one
    beside = found.points.index((4, 4))
    assert found.mean[at] == pytest.approx(found.mean[beside], abs=0.3)
    assert found.mean[at] > 1.0
    wins = prospect(problem, log, recommender="population", proof=USUAL, n_left=10)
    assert wins is not None
    assert wins.worth_now >= 0.0


@pytest.mark.parametrize("mean", [-1.0, 0.5, 3.0])
@pytest.mark.parametrize("sd", [0.1, 1.5])
def test_the_worth_of_a_choice_is_its_integral(mean: float, sd: float) -> None:
    proof = Proof(gate_probability=0.0, error=0.7, least=1.4)

    def of_value(u: float) -> float:
        shown = norm.cdf((u + 0.3 - proof.least) / proof.error)
        return float(u * shown * norm.pdf(u, mean, sd))

    exact, _ = quad(of_value, mean - 9 * sd, mean + 9 * sd)
    found = worth(np.array([mean]), np.array([sd]), np.array([0.3]), proof)
    assert found[0] == pytest.approx(exact, abs=1e-7)


def test_behind_a_closed_gate_a_choice_is_worth_nothing() -> None:
    proof = replace(USUAL, gate_probability=0.9)
    mean, sd, cost = np.array([1.0, 1.0]), np.array([1.0, 0.5]), np.zeros(2)
    found = worth(mean, sd, cost, proof)  # better with probability 0.84 and 0.98
    assert found[0] == 0.0
    assert found[1] > 0.0


def test_one_test_of_one_point_wins_the_knowledge_gradient() -> None:
    # one untested point beside the reference, all else known: E[max(0, m + s Z)]
    mean, sd, noise = -0.5, 1.5, 2.0
    belief = JointBelief(((4, 2),), 0, np.array([mean]), np.array([[sd**2]]))
    moves = sd**2 / np.hypot(sd, noise)
    exact = mean * norm.cdf(mean / moves) + moves * norm.pdf(mean / moves)
    (found,) = _wins(belief, np.zeros(1), SURE, noise=noise, sizes=(1,), worth_now=0.0)
    # 256 draws and their mirror images; behind the gate a mean below 0 is worth 0
    assert found == pytest.approx(exact, rel=0.1)


def test_the_next_test_is_laid_where_it_wins_most() -> None:
    mean, variance = np.array([0.0, 0.4, 0.0]), np.array([0.1, 1.0, 0.9])
    place = _best_place(mean, np.diag(variance), np.zeros(3), SURE, 2.0, 0.0)
    assert place == 1


def test_more_tests_never_win_less() -> None:
    found = prospect(
        PROBLEM,
        log_of(6, gain=2.0, rng=np.random.default_rng(5)),
        recommender="posterior_mean",
        proof=USUAL,
        n_left=14,
    )
    assert found is not None
    assert found.n_tests == (1, 2, 4, 8, 14)
    assert np.all(np.diff(found.win) > -0.02)  # the same draws, other points


def test_patients_without_response_are_soon_worth_no_more() -> None:
    few, many = (
        [
            prospect(
                PROBLEM,
                log_of(n, gain=0.0, rng=np.random.default_rng(seed)),
                recommender="posterior_mean",
                proof=USUAL,
                n_left=8,
            )
            for seed in range(8)
        ]
        for n in (1, 12)
    )
    # of single patients now and then a lucky reading keeps hope up
    lately, first = (
        np.median([max(one.win) for one in found if one is not None])
        for found in (many, few)
    )
    assert lately < 0.2 * first


def test_a_gain_that_cannot_be_shown_is_not_worth_looking_for() -> None:
    log = log_of(4, gain=2.0, rng=np.random.default_rng(7))
    blunt = replace(USUAL, error=5.0, least=20.0)
    sharp, dull = (
        prospect(PROBLEM, log, recommender="posterior_mean", proof=proof, n_left=8)
        for proof in (USUAL, blunt)
    )
    assert sharp is not None
    assert dull is not None
    assert max(dull.win) < 0.2 * max(sharp.win)


def test_a_cost_that_the_proof_does_not_see_helps_to_show_it() -> None:
    mean, sd = np.array([1.5]), np.array([0.5])
    with_cost = worth(mean, sd, np.array([0.5]), USUAL)
    assert with_cost[0] > worth(mean, sd, np.array([0.0]), USUAL)[0]


def test_any_number_of_tested_points_may_be_chosen_from() -> None:
    n = 500  # more than there are draws for ever so many untested ones
    apart = np.eye(n)
    found = _worth_after(
        np.zeros(n), apart, np.zeros((n, n)), np.zeros(n), SURE, np.ones(n, bool)
    )
    # the mean of the highest of so many normal values, to a Monte Carlo error
    xs = np.linspace(-8.0, 8.0, 4001)
    expected = np.trapezoid(xs * n * norm.pdf(xs) * norm.cdf(xs) ** (n - 1), xs)
    assert found == pytest.approx(expected, abs=0.15)


def test_nothing_read_or_nothing_left_is_no_prospect() -> None:
    log: list[Observation] = []
    asked = {"recommender": "posterior_mean", "proof": USUAL}
    assert prospect(PROBLEM, log, n_left=5, **asked) is None  # type: ignore[arg-type]
    log = [seen((0, 2), 0.0)]
    assert prospect(PROBLEM, log, n_left=0, **asked) is None  # type: ignore[arg-type]


def test_the_same_readings_have_the_same_prospect() -> None:
    log = log_of(5, gain=2.0, rng=np.random.default_rng(9))
    costs: FloatArray = np.linspace(0.0, 0.5, SPACE.size)
    both = [
        prospect(PROBLEM, log, recommender="own", proof=USUAL, n_left=9, cost=costs)
        for _ in range(2)
    ]
    assert both[0] is not None
    assert both[1] is not None
    assert both[0].win == both[1].win
