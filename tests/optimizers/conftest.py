"""An invented patient to search on: 3 axes, 1,204 settings, noise of 2 points."""

from functools import cache

import numpy as np
import pytest

from optimizers.problem import Budget, Observation, Problem
from optimizers.search import Search
from optimizers.space import Axis, Space

SPACE = Space(
    (
        Axis("amplitude_v", "V", tuple(np.arange(4.5, 7.6, 0.5).tolist())),
        Axis("phase_duration_ms", "ms", (5.14, 5.63, 6.11, 6.60)),
        Axis("delay_ms", "ms", tuple(map(float, range(3, 46)))),
    )
)


@pytest.fixture
def chosen_gain():
    """Return the function from strategy name and patient to the true gain chosen."""
    return _chosen_gain


def true_gain(point, top):
    """Return an invented gain of 0 to about 6, 0 at the reference (0, 0, 7)."""
    volts, width, delay = point
    return 0.5 * volts + 0.2 * width + 3.0 * (bell(delay, top) - bell(7, top))


def bell(delay, top):
    return 1.0 - ((delay - top) / 20.0) ** 2


@cache
def _chosen_gain(name, patient):
    """Return the true gain of what a search of 20 tests chooses, noise SD 2."""
    top = np.random.default_rng((1, patient)).integers(15, 40)
    noise = np.random.default_rng((2, patient)).normal(0.0, 2.0, size=20)
    problem = Problem(SPACE, (0, 0, 7), Budget(evaluations=20), noise_sd=2.0)
    with Search(name, problem, np.random.default_rng((3, patient))) as search:
        while (point := search.ask()) is not None:
            is_reference = point == problem.reference
            error, sd = (0.0, 0.0) if is_reference else (noise[len(search.log)], 2.0)
            value = true_gain(point, top) + error
            search.tell(Observation(point, point, value, standard_error=sd))
    return true_gain(search.recommend().point, top)
