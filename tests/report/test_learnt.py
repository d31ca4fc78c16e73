"""What the readings told: closed forms, limits, and what the report makes of them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.play.learnt import (
    Learnt,
    _BeliefDraws,
    _normal,
    coarse_grid,
    entropy_bits,
    learnt,
)
from harness.report.contents import Report
from harness.report.parts import Fact, Quantity
from harness.report.surface import Surface
from optimizers.space import Axis, Point, Space
from sim.visit.record import VisitRecord

Build = Callable[..., Report]
AXIS = Axis("amplitude_v", "V", (4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5))
DELAY = Axis("delay_ms", "ms", tuple(float(k) for k in range(10, 40)))
SPACE = Space((AXIS, DELAY), allowed=lambda point: sum(point) < 25)
REFERENCE = (0, 5)
BEST = (6, 12)


def fit(gains_pct: dict[Point, float], error_pct: float) -> Learnt:
    told = learnt(SPACE, REFERENCE, [(p, g, error_pct) for p, g in gains_pct.items()])
    assert told is not None
    return told


def hill(point: Point) -> float:
    return 5.0 - 0.1 * (point[0] - BEST[0]) ** 2 - 0.02 * (point[1] - BEST[1]) ** 2


READ = {p: hill(p) for p in SPACE.points() if p[0] % 2 == 0 and p[1] % 4 == 0}


def test_the_entropy_of_equal_chances_is_the_logarithm_of_their_number() -> None:
    assert entropy_bits(np.full(8, 0.125)) == pytest.approx(3.0)
    assert entropy_bits(np.array([0.0, 1.0, 0.0])) == 0.0


def test_the_grid_holds_the_ends_of_each_axis_and_no_conflict() -> None:
    grid = coarse_grid(SPACE)
    assert len(grid) <= 49
    assert all(SPACE.contains(point) for point in grid)
    for axis in (0, 1):
        allowed = SPACE.indices[:, axis]
        assert min(p[axis] for p in grid) == allowed.min()
    assert max(point[0] for point in grid) == 6


@pytest.mark.parametrize("n_points", [1, 3, 47, 48, 71, 72, 120, 196])
def test_what_is_highest_of_a_draw_is_that_of_the_whole_product(n_points: int) -> None:
    rng = np.random.default_rng(n_points)
    root = np.tril(rng.normal(size=(n_points, n_points)))
    draws = _BeliefDraws(
        rng.normal(size=(50, n_points)), rng.normal(size=n_points), root
    )
    assert draws.highest().tolist() == draws.drawn.argmax(axis=1).tolist()


def test_without_a_reading_nothing_is_learnt() -> None:
    assert learnt(SPACE, REFERENCE, []) is None


def test_the_gain_of_the_reference_is_exactly_zero() -> None:
    belief = fit(READ, 2.0).at([REFERENCE])
    assert belief.mean_pct[0] == pytest.approx(0.0, abs=1e-9)
    assert belief.sd_pct[0] == pytest.approx(0.0, abs=1e-6)


def test_smooth_readings_are_believed_to_within_twice_their_error() -> None:
    gains = {p: g - hill(REFERENCE) for p, g in READ.items()}
    belief = fit(gains, 0.5).at(list(gains))
    assert belief.mean_pct == pytest.approx(np.array(list(gains.values())), abs=1.0)


def test_precise_readings_of_a_hill_tell_where_its_top_is() -> None:
    gains = {p: g - hill(REFERENCE) for p, g in READ.items()}
    told = fit(gains, 0.01).information(list(gains), BEST)
    assert told.share_best[list(gains).index(BEST)] == 1.0
    assert told.after_bits < 1.0
    assert told.gained_bits > 4.0
    assert told.shortfall_pct < 0.1  # unread neighbours may be a little higher


def test_readings_of_pure_noise_tell_next_to_nothing() -> None:
    told = fit(dict.fromkeys([(1, 5), (3, 9), (5, 2)], 0.0), 5.0)
    information = told.information([REFERENCE, (1, 5)], REFERENCE)
    assert abs(information.gained_bits) < 0.3  # of about 5.5


def test_better_readings_tell_more() -> None:
    gains = {p: g - hill(REFERENCE) for p, g in READ.items()}
    gained = [
        fit(gains, error).information([BEST], BEST).gained_bits
        for error in (3.0, 0.3, 0.03)
    ]
    assert gained == sorted(gained)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-8.0, 8.0), min_size=1, max_size=6), st.floats(0.3, 4.0))
def test_what_was_learnt_stays_within_its_limits(
    gains: list[float], error: float
) -> None:
    points = [(k, 3 * k) for k in range(1, 7)]
    told = fit(dict(zip(points, gains, strict=False)), error)
    asked = [REFERENCE, *points[: len(gains)]]
    information = told.information(asked, points[0])
    n_bits = np.log2(information.n_places)
    assert 0.0 <= information.after_bits <= n_bits
    assert information.before_bits <= n_bits
    assert information.share_best.sum() == pytest.approx(1.0)
    assert information.shortfall_pct >= 0.0
    belief = told.at(asked)
    assert np.all(belief.low_pct <= belief.high_pct)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-8.0, 8.0), min_size=1, max_size=6), st.floats(0.3, 4.0))
def test_the_bits_that_are_gained_need_none_of_the_other_draws(
    gains: list[float], error: float
) -> None:
    points = [(k, 3 * k) for k in range(1, 7)]
    told = fit(dict(zip(points, gains, strict=False)), error)
    asked = points[: len(gains)]
    whole = told.information(asked, asked[0])
    assert told.gained_bits(asked) == whole.gained_bits


def test_more_points_than_before_take_nothing_from_the_first_draws() -> None:
    few, more = _normal(3), _normal(40)
    again = _normal(3)
    assert np.array_equal(few, again)
    assert np.array_equal(more.ravel()[: few.size], few.ravel())
    assert abs(more.mean()) < 4.0 / more.size**0.5


def test_the_same_readings_give_the_same_numbers() -> None:
    one, two = (fit(READ, 2.0).information([BEST], BEST) for _ in range(2))
    assert one.after_bits == two.after_bits
    assert one.shortfall_pct == two.shortfall_pct


def surface_of(report: Report) -> Surface:
    assert report.analysis.surface is not None
    return report.analysis.surface


def test_all_curves_meet_at_the_setting_chosen(
    report: Report, record: VisitRecord
) -> None:
    curves = surface_of(report).curves
    assert [c.symbol for c in curves] == [
        "amplitude_v",
        "phase_duration_ms",
        "delay_ms",
    ]
    assert record.choice is not None
    for curve in curves:
        assert curve.chosen == getattr(record.choice.settings, curve.symbol)
    here = {curve.gain[curve.values.index(curve.chosen)] for curve in curves}
    assert len(here) == 1


def test_a_band_holds_its_curve(report: Report) -> None:
    for curve in surface_of(report).curves:
        for low, middle, high in zip(curve.low, curve.gain, curve.high, strict=True):
            assert low <= middle <= high


def test_the_map_agrees_with_the_curves_that_cross_it(report: Report) -> None:
    surface = surface_of(report)
    told = surface.map
    assert told is not None
    across = next(c for c in surface.curves if c.symbol == told.x_symbol)
    assert told.chosen[0] == across.chosen
    row = told.gain[told.y.index(told.chosen[1])]
    known = {x: gain for x, gain in zip(told.x, row, strict=True) if gain is not None}
    assert known == dict(zip(across.values, across.gain, strict=True))


def test_a_setting_refused_by_the_rules_has_no_place_on_the_map(report: Report) -> None:
    told = surface_of(report).map
    assert told is not None
    for gain, low in zip(told.gain, told.low, strict=True):
        assert [g is None for g in gain] == [b is None for b in low]


def test_behind_the_gate_the_curves_run_through_the_values_kept(
    report_of: Build, record: VisitRecord
) -> None:
    assert record.choice is not None
    gated = replace(record.choice, gated=True, settings=record.reference)
    surface = surface_of(report_of(choice=gated, final=record.reference))
    at = {curve.symbol: curve.chosen for curve in surface.curves}
    assert at["amplitude_v"] == record.reference.amplitude_v


def test_a_single_value_that_varied_has_a_curve_and_no_map(
    report_of: Build, record: VisitRecord
) -> None:
    louder = replace(record.reference, amplitude_v=6.0)
    tested = replace(record.tested[1], settings=louder, asked=louder)
    choice = replace(record.choice, settings=louder) if record.choice else None
    surface = surface_of(report_of(tested=(tested,), choice=choice))
    assert [curve.symbol for curve in surface.curves] == ["amplitude_v"]
    assert surface.map is None


def test_a_visit_without_tests_has_no_surface(report_of: Build) -> None:
    assert report_of(tested=(), choice=None).analysis.surface is None


def test_the_chances_to_be_the_best_of_those_tested_leave_room_for_the_reference(
    report: Report,
) -> None:
    shares = [row.share_best.value or 0.0 for row in report.tests.pooled]
    assert 0.0 < sum(shares) <= 100.0 + 0.5 * len(shares)  # each is a whole number


def test_the_information_content_is_what_the_entropy_fell_by(report: Report) -> None:
    facts = {fact.label: fact for fact in surface_of(report).information}
    before, after, gained = (
        _number(facts[label])
        for label in (
            "Where the best lies, before the tests",
            "Where the best lies, after them",
            "Information content of the tests",
        )
    )
    assert gained == pytest.approx(before - after, abs=0.11)  # each to 0.1 bit
    equal = _number(facts["As uncertain as a choice among equal places"])
    assert equal == pytest.approx(2.0**after, rel=0.05)  # 0.05 bit is 3.5 %


def _number(fact: Fact) -> float:
    assert isinstance(fact.value, Quantity)
    assert fact.value.value is not None
    return fact.value.value
