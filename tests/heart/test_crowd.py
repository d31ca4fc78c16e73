"""A crowd is the same physics as one heart played alone."""

from dataclasses import replace

import numpy as np
import pytest

from sim.heart.beating import BEAT_COLUMNS, play
from sim.heart.crowd import Crowd
from sim.heart.equilibrium import settled
from sim.heart.parts import HeartParts
from sim.patient import phenotype

FIELD = "sbp_mmhg"


def hearts() -> list[HeartParts]:
    names = ("hfref-ischaemic", "normal", "hfref-af", "hfref-ischaemic", "hfref-null")
    return [phenotype(name).heart for name in names]


def plans(n: int) -> list[np.ndarray]:
    """Return plans of different length that switch between gains, also below 0."""
    rng = np.random.default_rng(6)
    return [
        np.repeat(rng.uniform(-0.05, 0.2, 4), 9 + 2 * number) for number in range(n)
    ]


def test_each_heart_of_a_crowd_beats_as_it_does_alone() -> None:
    models = hearts()
    gains = plans(len(models))
    starts = [settled(model, 0.05) for model in models]
    together = Crowd(models, starts).played(gains, FIELD)
    for model, start, plan, found in zip(models, starts, gains, together, strict=True):
        alone = play(model, plan, start=start)[:, BEAT_COLUMNS.index(FIELD)]
        assert found == pytest.approx(alone, rel=1e-9)


def test_a_settled_heart_stays_where_it_is() -> None:
    model = hearts()[0]
    start = settled(model, 0.1)
    (found,) = Crowd([model], [start]).played([np.full(30, 0.1)], FIELD)
    assert found == pytest.approx(start.haemodynamics.sbp_mmhg, abs=1e-5)


def test_twice_the_step_moves_a_pressure_by_less_than_a_hundredth() -> None:
    model = hearts()[0]
    start, plan = settled(model), plans(1)
    (fine,) = Crowd([model], [start]).played(plan, FIELD)
    (coarse,) = Crowd([model], [start], step_s=0.002).played(plan, FIELD)
    assert np.abs(fine - coarse).max() < 0.01


def test_a_heart_found_from_a_neighbouring_rest_is_the_same() -> None:
    model = hearts()[0]
    far = settled(model, 0.15)
    near = settled(model, 0.15, near=settled(model))
    assert near.volumes_ml == pytest.approx(far.volumes_ml, abs=1e-5)
    assert near.deviation_mmhg == pytest.approx(far.deviation_mmhg, abs=1e-6)


def test_a_heart_that_slows_beyond_its_room_is_refused() -> None:
    model = hearts()[0]
    start = settled(model)
    slowing = replace(model.reflex, rr_gain_ms_per_mmhg=200.0)
    crowd = Crowd([replace(model, reflex=slowing)], [start])
    with pytest.raises(ValueError, match="slows beyond"):
        crowd.played([np.full(40, 0.3)], FIELD)
