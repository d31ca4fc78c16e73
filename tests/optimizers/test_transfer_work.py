"""What a question of `transfer` costs beside fifteen searches: products, counted."""

from dataclasses import replace

import numpy as np
import pytest

from optimizers import earlier, products, shared
from optimizers.conformance import noisy_hill
from optimizers.problem import Budget, PastSearch, Problem
from optimizers.search import Search
from optimizers.space import Axis, Space

# 10 ms of a core that multiplies 4 numbers a nanosecond: half of what is allowed
MOST_PRODUCTS = 40_000_000
N_BEFORE = 15
N_TESTS = 20


def device(history=()):
    """Return the problem of a device with every axis open, 10,584 settings."""
    volts = Axis("amplitude_v", "V", tuple(np.arange(4.5, 7.6, 0.5).tolist()))
    widths = Axis("phase_duration_ms", "ms", (5.14, 5.63, 6.11, 6.60))
    pulses = Axis("n_pulses", "", (1.0, 2.0, 3.0))
    delays = Axis("delay_ms", "ms", tuple(map(float, range(15, 141))))
    space = Space((volts, widths, pulses, delays))
    budget = Budget(evaluations=N_TESTS)
    return Problem(space, (0, 0, 1, 7), budget, noise_sd=2.0, history=history)


def played(name, problem, seed, after=lambda: None):
    with Search(name, problem, np.random.default_rng(seed)) as search:
        while (point := search.ask()) is not None:
            after()
            search.tell(noisy_hill(problem, point, seed + len(search.log)))
    return PastSearch(problem.space, problem.reference, tuple(search.log))


@pytest.fixture(scope="module")
def told():
    before = [played("sobol", device(), 100 * (n + 1)) for n in range(N_BEFORE)]
    problem = device(tuple(before))
    assert problem.space.size == 10_584
    return problem


@pytest.fixture
def counted(monkeypatch):
    """Return the multiplications of products so far, and the sizes factored."""
    work = {"products": 0, "factored": []}
    plain, factor = products.times, earlier.cholesky

    def times(left, right):
        work["products"] += left.shape[0] * right.size
        return plain(left, right)

    def cholesky(matrix, **options):
        work["factored"].append(len(matrix))
        return factor(matrix, **options)

    for module in (products, shared):
        monkeypatch.setattr(module, "times", times)
    monkeypatch.setattr(earlier, "cholesky", cholesky)
    return work


def test_a_question_multiplies_no_more_than_its_time_allows(told, counted):
    spent = []
    played("transfer", told, 3, lambda: spent.append(counted["products"]))
    each = np.diff(spent)[1:]  # the first question pays for what is kept
    assert len(each) == N_TESTS - 2
    assert each.min() > 0
    assert each.max() < MOST_PRODUCTS


def test_the_searches_before_are_factored_once_and_not_for_each_question(told, counted):
    shared._earlier.cache_clear()
    played("transfer", told, 3)
    played("transfer", told, 4)
    n_combinations = len(shared.LENGTHS) * len(shared.SHARED) * len(shared.OWN)
    n_before = sum(len(past.log) for past in told.history)
    assert counted["factored"] == [n_before] * n_combinations


def alike(log, space):
    """Return a search with readings of a hill that everybody shares."""
    delays = [space.as_dict(seen.tested)["delay_ms"] for seen in log]
    heights = 8.0 * np.exp(-(((np.array(delays) - 60.0) / 25.0) ** 2))
    pairs = zip(log, heights.tolist(), strict=True)
    return [replace(seen, value=height) for seen, height in pairs]


def test_what_was_asked_before_changes_no_digit_of_an_answer(told):
    space = told.space
    past = [replace(one, log=tuple(alike(one.log, space))) for one in told.history]
    problem = replace(told, history=tuple(past))
    log = alike(played("sobol", device(), 7).log, space)
    points = [tuple(row) for row in space.indices[::200].tolist()]

    def answer(*first):
        shared._earlier.cache_clear()
        for n, some in first:
            shared.shared_belief(problem, log[:n], some)
        belief = shared.shared_belief(problem, log, points)
        assert belief.shared_share() > 0.5
        return np.hstack([belief.mean, belief.sd, belief.gain_mean, belief.gain_sd])

    cold = answer()
    assert np.array_equal(answer((len(log), points)), cold)
    assert np.array_equal(answer((3, points[4:5]), (7, points[::2])), cold)
    assert np.array_equal(answer(*((n, points[n:]) for n in range(2, 20))), cold)
