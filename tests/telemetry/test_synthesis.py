"""Waves, blocks and curves are drawn as their formulas say, whole or in pieces."""

import math

import numpy as np
import pytest

from sim.telemetry.synthesis import (
    Blocks,
    Bursts,
    Noise,
    SmoothCurve,
    Tone,
    TracePart,
    Waves,
    joined,
)

HZ = 500.0
NAN = float("nan")


def times_s(n: int, start_s: float = 0.0) -> np.ndarray:
    return start_s + np.arange(n) / HZ


def columns(*rows: tuple[float, ...]) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*rows, strict=True)]


def test_a_wave_is_a_gaussian() -> None:
    out = np.zeros(500)
    Waves(*columns((0.4, 1.5, 0.02))).draw(out, 0.0, HZ)
    expected = 1.5 * np.exp(-0.5 * ((times_s(500) - 0.4) / 0.02) ** 2)
    # it is cut at 5 SD, where exp(-12.5) of its height is left
    assert out == pytest.approx(expected, abs=1.5 * math.exp(-12.4))


def test_a_wave_that_did_not_happen_is_not_drawn() -> None:
    out = np.zeros(500)
    waves = joined([Waves(*columns((NAN, 1.0, 0.02), (0.4, NAN, 0.02)))])
    waves.draw(out, 0.0, HZ)
    assert not out.any()


def test_joined_waves_are_drawn_wherever_they_came_from() -> None:
    groups = [
        Waves(*columns((0.9, 1.0, 0.02), (0.1, 0.5, 0.01))),
        Waves(*columns((0.5, -2.0, 0.03))),
    ]
    out, expected = np.zeros(500), np.zeros(500)
    joined(groups).draw(out, 0.0, HZ)
    for at_s, height, sd_s in ((0.9, 1.0, 0.02), (0.1, 0.5, 0.01), (0.5, -2.0, 0.03)):
        expected += height * np.exp(-0.5 * ((times_s(500) - at_s) / sd_s) ** 2)
    assert out == pytest.approx(expected, abs=2.0 * math.exp(-12.4))


def test_a_block_holds_its_beginning_but_not_its_end() -> None:
    out = np.zeros(500)
    Blocks(*columns((0.2, 0.25, 3.0))).draw(out, 0.0, HZ)
    time_s = times_s(500)
    assert np.array_equal(out == 3.0, (time_s >= 0.2) & (time_s < 0.25))


def test_a_curve_is_the_cubic_it_was_made_from() -> None:
    at_s = np.array([0.0, 0.31, 0.5, 1.2])
    curve = SmoothCurve(at_s, 1 + at_s**3 - 2 * at_s, 3 * at_s**2 - 2)
    out = np.zeros(600)
    curve.draw(out, 0.0, HZ)
    time_s = times_s(600)
    assert out == pytest.approx(1 + time_s**3 - 2 * time_s, abs=1e-12)


def test_a_curve_stays_level_outside_of_its_knots() -> None:
    out = np.zeros(1000)
    knots = np.array([(0.5, 70.0, 100.0), (1.0, 90.0, -100.0)])
    SmoothCurve.through(knots).draw(out, 0.0, HZ)
    assert (out[:250] == 70.0).all()
    assert (out[500:] == 90.0).all()


def test_knots_without_a_time_and_knots_at_once_are_left_out() -> None:
    knots = np.array([(1.0, 9.0, 0.0), (NAN, 1.0, 0.0), (0.5, 7.0, 0.0)])
    twice = np.array([*knots, (0.500001, 8.0, 0.0)])
    assert SmoothCurve.through(twice).value.tolist() == [7.0, 9.0]


def test_pieces_are_the_whole_cut() -> None:
    parts: tuple[TracePart, ...] = (
        Noise(3, 0.1),
        Tone(50.0, 0.1, 0.2),
        Waves(*columns((0.4, 1.5, 0.05), (1.0, -1.0, 0.05))),
        Blocks(*columns((0.9, 1.1, 3.0))),
        SmoothCurve.through(
            np.array([(0.1, 70.0, 10.0), (1.05, 90.0, -10.0), (3, 1, 0)])
        ),
    )
    whole, first, second = np.zeros(1000), np.zeros(500), np.zeros(500)
    for part in parts:
        part.draw(whole, 0.0, HZ)
        part.draw(first, 0.0, HZ)
        part.draw(second, 1.0, HZ)
    # the times of the samples differ by rounding alone
    assert np.concatenate((first, second)) == pytest.approx(whole, abs=1e-11)


def test_a_tone_is_a_sine_of_clock_time() -> None:
    out = np.zeros(30_000)
    Tone(60.0, 0.5, 0.3).draw(out, 7200.0, HZ)
    expected = 0.5 * np.sin(2 * np.pi * 60.0 * times_s(30_000, 7200.0) + 0.3)
    assert out == pytest.approx(expected, abs=1e-7)  # the clock's own rounding


def test_noise_is_white_close_to_normal_and_as_large_as_asked() -> None:
    n = 400_000
    out = np.zeros(n)
    Noise(7, 0.5).draw(out, 0.0, HZ)
    z = out / 0.5
    # 5 standard errors of mean, variance and neighbours' correlation
    assert z.mean() == pytest.approx(0.0, abs=5 / math.sqrt(n))
    assert z.var() == pytest.approx(1.0, abs=5 * math.sqrt(2 / n))
    for lag in (1, 2, 10):
        assert np.mean(z[lag:] * z[:-lag]) == pytest.approx(0.0, abs=5 / math.sqrt(n))
    # the sum of four uniform numbers has the kurtosis 3 - 6/20
    assert np.mean(z**4) == pytest.approx(2.7, abs=0.05)


def test_a_burst_of_noise_is_there_in_its_span_alone() -> None:
    out = np.zeros(1000)
    Bursts(7, 2.0, ((3.0, 4.5),)).draw(out, 2.0, 250.0)
    inside = slice(250, 625)
    # 5 standard errors of an SD from 375 samples
    assert out[inside].std() == pytest.approx(2.0, rel=5 / np.sqrt(2 * 375))
    out[inside] = 0.0
    assert not out.any()


def test_noises_of_two_keys_have_nothing_in_common() -> None:
    first, second = np.zeros(100_000), np.zeros(100_000)
    Noise(7, 1.0).draw(first, 0.0, HZ)
    Noise(8, 1.0).draw(second, 0.0, HZ)
    assert np.mean(first * second) == pytest.approx(0.0, abs=5 / math.sqrt(100_000))
