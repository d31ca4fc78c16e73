import math

import numpy as np
import pytest

from sim.heart.reflex import (
    DEVIATION,
    FOLLOWER,
    NO_REFLEX,
    Reflex,
    interval_shift_s,
    prepare_reflex,
    settled_effect,
    update_reflex,
)
from sim.sources import unsourced

MODEL = Reflex()
CONSTANTS = prepare_reflex(MODEL)


def test_the_reflex_rests_at_its_set_point():
    effect = settled_effect(MODEL, 0.0)
    assert (effect.resistance_scale, effect.elastance_scale) == (1.0, 1.0)
    assert (effect.venous_shift_ml, effect.interval_ms) == (0.0, 0.0)


def test_a_lasting_rise_of_pressure_slows_dilates_and_weakens():
    effect = settled_effect(MODEL, 10.0)
    assert effect.interval_ms == pytest.approx(30.0)
    assert effect.resistance_scale == pytest.approx(0.95)
    assert effect.venous_shift_ml == pytest.approx(25.0)
    assert effect.elastance_scale == pytest.approx(0.985)


def test_half_of_the_rate_response_is_immediate():
    state = np.zeros(2)
    update_reflex(state, CONSTANTS, 10.0, 1e-9)
    assert interval_shift_s(state, CONSTANTS) == pytest.approx(0.015)


def test_the_slow_part_follows_with_eight_seconds_whatever_the_beat_length():
    short, long = np.zeros(2), np.zeros(2)
    for _ in range(16):
        update_reflex(short, CONSTANTS, 10.0, 0.5)
    for _ in range(8):
        update_reflex(long, CONSTANTS, 10.0, 1.0)
    assert short[FOLLOWER] == pytest.approx(10.0 * (1.0 - math.exp(-1.0)))
    assert long == pytest.approx(short)
    assert long[DEVIATION] == 10.0


def test_no_reflex_does_nothing():
    effect = settled_effect(NO_REFLEX, 40.0)
    assert (effect.resistance_scale, effect.elastance_scale) == (1.0, 1.0)
    assert (effect.venous_shift_ml, effect.interval_ms) == (0.0, 0.0)


def test_every_number_has_a_source():
    assert unsourced(MODEL) == []
