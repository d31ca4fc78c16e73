"""Who waits for kernels to be compiled is told so, and about how long."""

from collections.abc import Sequence

import pytest

from harness.common.compiling import ALL_S, DONE_S, Compiling


def told_of(begun: Sequence[tuple[float, str]]) -> list[str]:
    said: list[str] = []
    clock = iter(at_s for at_s, _ in begun)
    tell = Compiling(said.append, lambda: next(clock))
    for _, name in begun:
        tell(name)
    return said


def test_nothing_is_said_of_small_kernels() -> None:
    assert told_of([(0.0, "venous_shift_ml"), (90.0, "interval_shift_s")]) == []


@pytest.mark.parametrize("speed", [1.0, 3.0])
def test_what_is_left_is_in_proportion_to_what_was_done(speed: float) -> None:
    begun = [(0.0, "resistance_scale"), (2.0 * speed, "_begin"), (9.0 * speed, "exact")]
    assert told_of(begun) == [
        "compiling the heart: once for this installation, about half a minute",
        f"compiling the heart: about {(ALL_S - 9.0) * speed:.0f} s left",
    ]


def test_a_kernel_begun_again_is_further_on() -> None:
    begun = [(0.0, "_begin"), (24.0, "_begin"), (99.0, "_begin")]
    assert told_of(begun)[1:] == [
        f"compiling the heart: about {ALL_S - 24.0:.0f} s left"
    ]


def test_it_is_not_said_more_often_than_one_can_read() -> None:
    assert len(told_of([(0.0, "_begin"), (1.0, "march"), (1.5, "exact")])) == 1


def test_shares_rise_within_the_whole() -> None:
    for seconds in DONE_S.values():
        assert list(seconds) == sorted(seconds)
        assert seconds[0] > 0.0
        assert seconds[-1] < ALL_S
