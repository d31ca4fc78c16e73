"""The lattice: what is on it, what is allowed, what is nearest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizers.space import Axis, Space

VOLTS = Axis("amplitude_v", "V", (4.5, 5.0, 5.5))
DELAYS = Axis("delay_ms", "ms", (10.0, 20.0, 30.0, 40.0, 50.0))


def coupled(point):
    return point[0] + point[1] <= 4


def test_an_allowed_function_removes_points_from_the_space():
    space = Space((VOLTS, DELAYS), coupled)
    assert space.shape == (3, 5)
    assert space.size == sum(coupled((i, j)) for i in range(3) for j in range(5))
    assert list(space.points())[:2] == [(0, 0), (0, 1)]
    assert all(space.contains(point) for point in space.points())
    assert not space.contains((2, 4))


def test_only_the_axes_that_a_rule_hangs_on_are_gone_through():
    asked = []

    def short_delay(point):
        asked.append(point)
        return point[1] < 2

    volts = Axis("amplitude_v", "V", (4.5, 5.0, 5.5))
    delay = Axis("delay_ms", "ms", (10.0, 20.0, 30.0))
    space = Space((volts, delay), short_delay, coupled=frozenset({"delay_ms"}))
    every = Space((volts, delay), short_delay)
    assert space.size == 6
    assert asked == [(0, 0), (0, 1), (0, 2)]
    assert (space.mask == every.mask).all()


def test_the_allowed_function_is_asked_once_for_each_lattice_point():
    asked = []
    space = Space((VOLTS, DELAYS), lambda point: asked.append(point) or True)
    assert asked == []
    assert space.size == 15
    assert space.nearest((5.0, 20.0)) == (1, 1)
    assert len(asked) == len(set(asked)) == 15


def test_physical_values_come_exactly_from_the_axes():
    space = Space((VOLTS, DELAYS))
    assert space.values((2, 3)) == (5.5, 40.0)
    assert space.as_dict((2, 3)) == {"amplitude_v": 5.5, "delay_ms": 40.0}
    assert space.describe((2, 3)) == "amplitude_v 5.5 V, delay_ms 40 ms"


def test_a_tie_goes_to_the_first_point_in_lattice_order():
    assert Space((DELAYS,)).nearest((35.0,)) == (2,)
    gap = Space((DELAYS,), lambda point: point[0] != 2)
    assert gap.nearest((30.0,)) == (1,)


def test_values_outside_an_axis_count_as_its_end():
    space = Space((VOLTS, DELAYS))
    assert space.nearest((1.0, 999.0)) == (0, 4)
    assert space.from_scaled((-3.0, 7.0)) == (0, 4)


def test_a_coarse_step_is_longer_than_a_fine_one():
    # From (2, 4), one of 2 volt steps is 1/2 away, two of 4 delay steps 1/2 as well,
    # one delay step 1/4: the finer axis gives way first.
    space = Space((VOLTS, DELAYS), lambda point: point != (2, 4))
    assert space.nearest((5.5, 50.0)) == (2, 3)


@given(st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_nearest_agrees_with_looking_at_every_allowed_point(coordinates):
    space = Space((VOLTS, DELAYS), coupled)
    found = space.from_scaled(coordinates)
    distances = {
        point: np.linalg.norm(space.scaled(point) - coordinates)
        for point in space.points()
    }
    # 1e-11: distances are compared after rounding their squares to 12 decimals
    assert distances[found] <= min(distances.values()) + 1e-6


@given(st.integers(0, 2), st.integers(0, 4))
def test_scaled_coordinates_lead_back_to_the_point(first, second):
    space = Space((VOLTS, DELAYS))
    assert space.from_scaled(space.scaled((first, second))) == (first, second)


def test_an_axis_with_one_value_has_scaled_coordinate_zero():
    space = Space((Axis("n_pulses", "", (2.0,)), DELAYS))
    assert space.scaled((0, 4)).tolist() == [0.0, 1.0]
    assert space.nearest((9.0, 41.0)) == (0, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((), "at least one value"),
        ((1.0, 1.0), "rising"),
        ((2.0, 1.0), "1 ms after 2 ms"),
        ((float("nan"),), "finite"),
    ],
)
def test_an_axis_refuses_values_that_are_no_lattice(values, message):
    with pytest.raises(ValueError, match=message):
        Axis("delay_ms", "ms", values)


def test_a_space_refuses_what_cannot_be_searched():
    with pytest.raises(ValueError, match="at least one axis"):
        Space(())
    with pytest.raises(ValueError, match="delay_ms twice"):
        Space((DELAYS, DELAYS))
    with pytest.raises(ValueError, match="no allowed point among 5"):
        Space((DELAYS,), lambda point: False).size  # noqa: B018


def test_a_point_off_the_lattice_is_named_with_the_ranges():
    with pytest.raises(ValueError, match=r"\(0, 5\).*0 to \(2, 4\)"):
        Space((VOLTS, DELAYS)).values((0, 5))
    with pytest.raises(ValueError, match="expected 2 numbers"):
        Space((VOLTS, DELAYS)).nearest((5.0,))
