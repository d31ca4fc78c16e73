"""Every registered strategy does what every strategy must."""

import pytest

from optimizers.conformance import CHECKS, check_strategy
from optimizers.registry import strategies


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", strategies())
def test_a_registered_strategy_passes(name, check):
    CHECKS[check](strategies()[name].run)


def test_a_strategy_that_leaves_the_space_fails_with_a_reason():
    def outside(problem, rng):
        while True:
            yield tuple(n for n in problem.space.shape)

    findings = {finding.check: finding for finding in check_strategy(outside)}
    assert not findings["budget"].passed
    assert "outside the space" in findings["budget"].problem
