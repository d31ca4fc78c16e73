"""What only SciPy's later additions claim: slopes by differences, grids, locks."""

from itertools import product
from threading import RLock

import numpy as np
import pytest

from optimizers import scipy_local
from optimizers.problem import Budget, Observation, Problem
from optimizers.scipy_local import DIFFERENCE, Slopes
from optimizers.scipy_methods import box_around, while_unlocked
from optimizers.search import Search
from optimizers.space import Axis, Space

SPACE = Space(
    (
        Axis("a", "", tuple(map(float, range(7)))),
        Axis("b", "", tuple(map(float, range(40)))),
    )
)


def problem(n_tests=20, reference=(1, 30), space=SPACE):
    return Problem(space, reference, Budget(evaluations=n_tests), noise_sd=1.0)


def asked(name, given, value=lambda point: 0.0):
    rng = np.random.default_rng(1)
    with Search(name, given, rng, on_finish="stop") as search:
        while (point := search.ask()) is not None:
            search.tell(Observation(point, point, value(point), standard_error=1.0))
    return [seen.asked for seen in search.log]


@pytest.mark.parametrize("reference", [(0, 0), (1, 30), (6, 39)])
def test_slopes_of_a_plane_are_exact_and_taken_inside_the_box(reference):
    box, places = box_around(problem(reference=reference)), []

    def plane(place):
        places.append(place.copy())
        return 3.0 + 2.0 * place[0] - 5.0 * place[1]

    slope = Slopes(plane, box).slope(box.start)
    assert slope == pytest.approx([2.0, -5.0])
    assert all(np.all((place >= 0.0) & (place <= 2.0)) for place in places)


def test_differences_reach_another_lattice_value_on_the_coarsest_axis():
    space = Space((Axis("a", "", (1.0, 2.0)), Axis("b", "", (1.0, 2.0, 3.0))))
    box = box_around(problem(reference=(0, 2), space=space))
    points = []
    Slopes(lambda place: points.append(box.to_point(place)) or 0.0, box).slope(
        box.start
    )
    assert points == [(0, 2), (1, 2), (0, 1)]
    assert np.any(box.cell > DIFFERENCE)


def test_cost_and_slope_of_one_place_pay_for_it_once():
    box, calls = box_around(problem()), []
    slopes = Slopes(lambda place: float(calls.append(1) or 0.0), box)
    slopes.cost(box.start)
    slopes.slope(box.start)
    assert len(calls) == 1 + 2


def test_brute_asks_the_finest_grid_that_the_budget_pays():
    # 4 by 4 is the finest of at most 20 tests; middles of equal shares of each axis
    middles = [(0, 2, 4, 6), (4, 14, 24, 34)]
    points = asked("brute", problem())[1:]
    assert points == sorted(points)
    assert len(points) == 16
    away = np.abs(np.array(points) - np.array(list(product(*middles))))
    assert np.all(away <= 1)  # a middle between two values may go to either


def test_shgo_asks_every_corner_and_direct_the_middle_first():
    corners = set(product((0, 6), (0, 39)))
    assert corners <= set(asked("shgo", problem())[1:7])
    middle = np.array(asked("direct", problem())[1])
    assert np.all(np.abs(middle - (3, 19.5)) <= 0.5)


def test_basin_hopping_jumps_on_after_a_local_search_has_ended():
    # COBYLA from 0.5 to 0.25 ends within 15 tests on two axes
    assert len(asked("basin-hopping", problem(60))) == 60


def test_an_error_inside_a_method_reaches_the_caller(monkeypatch):
    def broken(*args, **options):
        raise FloatingPointError("inside SciPy")

    monkeypatch.setattr(scipy_local, "minimize", broken)
    with pytest.raises(FloatingPointError, match="inside SciPy"):
        asked("slsqp", problem())


def test_a_lock_of_scipy_is_free_while_a_test_is_made(monkeypatch):
    lock = RLock()
    monkeypatch.setattr(scipy_local, "LOCK_OF_TEST", lock, raising=False)
    owned = []
    cost = while_unlocked(
        lambda place: float(owned.append(lock._is_owned()) or 0.0),
        "optimizers.scipy_local",
        "LOCK_OF_TEST",
    )
    with lock:
        cost(np.zeros(1))
        assert lock._is_owned()
    assert owned == [False]
