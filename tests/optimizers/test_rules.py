"""Rules without a search, and what strategies say they know beforehand."""

import numpy as np
import pytest

from optimizers.problem import Budget, Observation, Problem
from optimizers.registry import knowledge, load_strategy, strategies
from optimizers.rules import FACTORY, TEXTBOOK
from optimizers.search import Search
from optimizers.space import Axis, Space
from sim.visit.start import STARTING

SPACE = Space(
    (
        Axis("amplitude_v", "V", (4.5, 5.0, 5.5, 6.0)),
        Axis("phase_duration_ms", "ms", (5.14, 6.60)),
        Axis("delay_ms", "ms", (15.0, 25.0, 35.0)),
    )
)


def followed(name, reference, felt_from_v):
    """Return what a rule tests and returns; nothing of it hangs on what is read."""
    problem = Problem(SPACE, reference, Budget(evaluations=12), noise_sd=2.0)
    with Search(
        name, problem, np.random.default_rng(1), on_finish="stop", recommender="own"
    ) as search:
        while (point := search.ask()) is not None:
            volts = SPACE.as_dict(point)["amplitude_v"]
            grade = 2.0 if volts >= felt_from_v else 0.0
            seen = Observation(point, point, 0.0, channels={"sensation": grade})
            search.tell(seen)
    return [seen.tested for seen in search.log], search.own


def test_the_factorys_values_are_those_that_devices_are_left_at():
    assert {name: getattr(STARTING, name) for name in FACTORY} == dict(FACTORY)
    assert {n: v for n, v in TEXTBOOK.items() if FACTORY[n] != v} == {
        "phase_duration_ms": max(SPACE.axes[1].values)
    }


@pytest.mark.parametrize(("name", "width"), [("factory-rule", 0), ("textbook", 1)])
def test_a_rule_ends_at_the_highest_tolerated_amplitude(name, width):
    tested, own = followed(name, (0, 0, 0), felt_from_v=5.5)
    assert own == (1, width, 2)
    assert tested == [(0, 0, 0), (0, width, 2), (1, width, 2), (2, width, 2)]


def test_a_rule_goes_down_where_its_timing_is_felt_at_once():
    tested, own = followed("textbook", (3, 0, 2), felt_from_v=5.0)
    assert own == (0, 1, 2)
    assert tested == [(3, 0, 2), (3, 1, 2), (2, 1, 2), (1, 1, 2), (0, 1, 2)]


def test_a_rule_whose_every_amplitude_is_felt_returns_nothing():
    assert followed("factory-rule", (1, 0, 0), felt_from_v=4.0)[1] is None


def asked(name, noise_sd):
    """Return what a strategy asks, told values that it cannot tell from noise."""
    problem = Problem(
        SPACE,
        (1, 0, 1),
        Budget(evaluations=9),
        noise_sd=noise_sd,
        planned_evaluations=9,
    )
    rng, found = np.random.default_rng(3), []
    running = load_strategy(name)(problem, rng)
    try:
        point = next(running)
        for value in np.random.default_rng(4).normal(0.0, 1.0, size=9):
            found.append(point)
            seen = Observation(point, point, value, channels={"sensation": 0.0})
            point = running.send(seen)
    except StopIteration:
        pass
    finally:
        running.close()
    return found


SILENT = [
    n for n, one in strategies().items() if one.is_ours and one.knows == "nothing"
]


@pytest.mark.parametrize("name", SILENT)
def test_who_says_to_know_nothing_makes_no_use_of_the_noise(name):
    assert asked(name, 0.2) == asked(name, 5.0)


def test_who_knows_the_noise_asks_otherwise_when_it_is_larger():
    assert knowledge("gp") == "noise"
    assert asked("gp", 0.02) != asked("gp", 20.0)


def test_nobody_here_says_what_somebody_elses_strategy_knows():
    assert knowledge("mine.py:search") == ""
