"""Every registered strategy does what every strategy must."""

from itertools import product

import pytest

from optimizers.conformance import CHECKS, check_strategy
from optimizers.registry import strategies

HEAVY = ("basin-hopping", "cobyla", "cobyqa", "optuna", "pybads", "trust-constr")
"""Methods that take a millisecond a test or more, all of it other people's."""

NO_SCALE = pytest.mark.filterwarnings("ignore:The training targets are all equal")
"""What pybads says of a constant objective, and rightly."""

LONG = ("every objective", "on finish")
"""Checks of many runs."""


def cases():
    """Return name and check of every test, the longest ones marked slow."""
    for name, check in product(strategies(), CHECKS):
        is_slow = name in HEAVY and check in LONG
        marks = [NO_SCALE] * (name == "pybads") + [pytest.mark.slow] * is_slow
        yield pytest.param(name, check, marks=marks)


@pytest.mark.parametrize(("name", "check"), list(cases()))
def test_a_registered_strategy_passes(name, check):
    CHECKS[check](strategies()[name].run)


def test_a_strategy_that_leaves_the_space_fails_with_a_reason():
    def outside(problem, rng):
        while True:
            yield tuple(n for n in problem.space.shape)

    findings = {finding.check: finding for finding in check_strategy(outside)}
    assert not findings["budget"].passed
    assert "outside the space" in findings["budget"].problem
