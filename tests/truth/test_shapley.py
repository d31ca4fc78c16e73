"""Shapley effects against closed forms."""

import numpy as np
import pytest

from harness.truth.shapley import shapley_effects, shapley_shares


def lattice(*sizes: int) -> np.ndarray:
    return np.argwhere(np.ones(sizes, dtype=bool))


def test_an_additive_function_has_its_variances() -> None:
    points = lattice(7, 4, 31)
    parts = [3.0 * points[:, 0], np.sin(points[:, 1]), 0.1 * points[:, 2] ** 2]
    found = shapley_effects(points, sum(parts))
    assert found == pytest.approx([part.var() for part in parts], rel=1e-9)


def test_a_product_of_two_balanced_axes_is_shared_between_them_alike() -> None:
    points = lattice(2, 2, 5)
    signs = 2.0 * points - 1.0
    found = shapley_shares(points, signs[:, 0] * signs[:, 1])
    assert found == pytest.approx([0.5, 0.5, 0.0], abs=1e-12)


def test_the_effects_add_up_to_the_variance_also_where_the_lattice_has_holes() -> None:
    rng = np.random.default_rng(2)
    points = lattice(5, 4, 3, 6)
    kept = points[rng.random(len(points)) < 0.6]
    values = rng.standard_normal(len(kept)) + kept[:, 0] * kept[:, 3]
    assert shapley_effects(kept, values).sum() == pytest.approx(values.var(), rel=1e-9)


def test_one_axis_explains_all_and_a_constant_nothing() -> None:
    points = lattice(9)
    assert shapley_shares(points, points[:, 0] ** 2.0) == pytest.approx([1.0])
    assert shapley_shares(points, np.ones(9)).tolist() == [0.0]
