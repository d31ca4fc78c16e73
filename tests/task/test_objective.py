"""What settings are worth, in numbers and in arrays."""

import numpy as np
import pytest

from harness.task.objective import Objective


def test_half_a_point_is_paid_for_nominal_energy_and_one_for_a_grade() -> None:
    assert Objective().utility_pct(3.0, 1.0, 1.0) == 3.0 - 0.5 - 1.0


def test_what_is_not_felt_costs_nothing() -> None:
    assert Objective().discomfort_cost_pct(-3.2) == 0.0


def test_an_array_is_worth_what_its_numbers_are_worth() -> None:
    objective = Objective(energy_weight=0.7, discomfort_weight=0.3)
    gain, energy = np.array([1.0, 2.0, -1.0]), np.array([0.2, 1.1, 0.0])
    level = np.array([-1.0, 0.4, 2.0])
    each = [
        objective.utility_pct(*row) for row in zip(gain, energy, level, strict=True)
    ]
    assert objective.utility_pct(gain, energy, level).tolist() == each


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_a_cost_keeps_the_precision_of_what_it_is_the_cost_of(
    precision: type[np.floating],
) -> None:
    level = np.array([-1.0, 2.0], dtype=precision)
    assert Objective().discomfort_cost_pct(level).dtype == precision
