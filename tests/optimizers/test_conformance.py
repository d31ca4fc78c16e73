"""Every registered strategy does what every strategy must."""

from itertools import product

import pytest

from optimizers.conformance import CHECKS, check_strategy
from optimizers.registry import strategies

HEAVY = ("basin-hopping", "cobyla", "cobyqa", "trust-constr")
"""Methods that take about a millisecond a test, all of it SciPy's."""

LONG = ("every objective", "on finish")
"""Checks of many runs."""


def cases():
    """Return name and check of every test, the longest ones marked slow."""
    for name, check in product(strategies(), CHECKS):
        is_slow = name in HEAVY and check in LONG
        yield pytest.param(name, check, marks=[pytest.mark.slow] if is_slow else [])


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
