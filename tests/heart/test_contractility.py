import math

import numpy as np
import pytest

from sim.heart.contractility import (
    FAST,
    POTENTIATION,
    SLOW,
    Contractility,
    contractility_factor,
    prepare_contractility,
    settled_memory,
    update_memory,
)
from sim.sources import unsourced

MODEL = Contractility()
CONSTANTS = prepare_contractility(MODEL)
RR_S = 60.0 / 74.0


def rested() -> np.ndarray:
    return settled_memory(MODEL, 0.0, RR_S)


def beats(memory, n, *, gain=0.0, ectopic=False, rr_s=RR_S):
    for _ in range(n):
        update_memory(memory, CONSTANTS, gain, rr_s, ectopic)
    return memory


def test_a_rested_heart_has_contractility_one():
    assert contractility_factor(rested(), CONSTANTS, False) == pytest.approx(1.0)


def test_a_train_changes_the_next_beat_by_the_fast_first_order_step():
    memory = beats(rested(), 1, gain=0.1)
    expected = 0.8 * 0.1 * (1.0 - math.exp(-1.0 / 2.5))
    assert memory[FAST] == pytest.approx(expected)


def test_the_fast_part_reaches_four_fifths_and_leaves_more_slowly_than_it_came():
    memory = beats(rested(), 60, gain=0.1)
    assert memory[FAST] == pytest.approx(0.08, rel=1e-6)
    beats(memory, 4)
    assert memory[FAST] == pytest.approx(0.08 * math.exp(-1.0))


def test_the_slow_part_follows_seconds_not_beats():
    few, many = rested(), rested()
    beats(few, 60, gain=0.1, rr_s=2.0)
    beats(many, 120, gain=0.1, rr_s=1.0)
    expected = 0.02 * (1.0 - math.exp(-1.0))
    assert few[SLOW] == pytest.approx(expected)
    assert many[SLOW] == pytest.approx(expected)


def test_the_slow_part_lingers_five_minutes_after_switch_off():
    memory = settled_memory(MODEL, 0.1, 1.0)
    beats(memory, 300, rr_s=1.0)
    assert memory[SLOW] == pytest.approx(0.02 * math.exp(-1.0))


def test_settled_memory_does_not_move_under_the_same_gain():
    memory = settled_memory(MODEL, 0.07, RR_S)
    before = memory.copy()
    assert beats(memory, 10, gain=0.07) == pytest.approx(before, rel=1e-12)


def test_a_negative_gain_builds_up_like_a_positive_one():
    down, up = beats(rested(), 5, gain=-0.05), beats(rested(), 5, gain=0.05)
    assert down[:2] == pytest.approx(-up[:2])


def test_a_premature_beat_is_weak_and_the_next_beats_are_potentiated():
    memory = rested()
    factors = [contractility_factor(memory, CONSTANTS, True)]
    beats(memory, 1, ectopic=True)
    for _ in range(3):
        factors.append(contractility_factor(memory, CONSTANTS, False))
        beats(memory, 1)
    assert factors == pytest.approx([0.8, 1.20, 1.08, 1.032])


def test_a_couplet_potentiates_once():
    memory = beats(rested(), 2, ectopic=True)
    assert memory[POTENTIATION] == pytest.approx(0.2)


def test_faster_hearts_contract_more_strongly_by_the_force_frequency_slope():
    # 3 % for each 10 beats a minute above 74
    memory = settled_memory(MODEL, 0.0, 60.0 / 94.0)
    assert contractility_factor(memory, CONSTANTS, False) == pytest.approx(1.06)


@pytest.mark.parametrize("share", [-0.1, 1.2])
def test_a_carry_over_outside_zero_to_one_is_refused(share):
    with pytest.raises(ValueError, match="carry_over_frac must be 0 to 1"):
        prepare_contractility(Contractility(carry_over_frac=share))


def test_every_number_has_a_source():
    assert unsourced(MODEL) == []
