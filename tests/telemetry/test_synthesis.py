"""Waves, blocks and curves are drawn as their formulas say, whole or in pieces."""

import math
from pathlib import Path

import numpy as np
import pytest

from sim.heart import jit
from sim.telemetry.ecg import Baseline
from sim.telemetry.morphology import Fibrillation
from sim.telemetry.synthesis import Blocks, Curve, Waves

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
    Waves(*columns((NAN, 1.0, 0.02), (0.4, NAN, 0.02))).draw(out, 0.0, HZ)
    assert not out.any()


def test_a_block_holds_its_beginning_but_not_its_end() -> None:
    out = np.zeros(500)
    Blocks(*columns((0.2, 0.25, 3.0))).draw(out, 0.0, HZ)
    time_s = times_s(500)
    assert np.array_equal(out == 3.0, (time_s >= 0.2) & (time_s < 0.25))


def test_a_curve_is_the_cubic_it_was_made_from() -> None:
    at_s = np.array([0.0, 0.31, 0.5, 1.2])
    curve = Curve(at_s, 1 + at_s**3 - 2 * at_s, 3 * at_s**2 - 2)
    out = np.zeros(600)
    curve.draw(out, 0.0, HZ)
    time_s = times_s(600)
    assert out == pytest.approx(1 + time_s**3 - 2 * time_s, abs=1e-12)


def test_a_curve_stays_level_outside_of_its_knots() -> None:
    out = np.zeros(1000)
    knots = np.array([(0.5, 70.0, 100.0), (1.0, 90.0, -100.0)])
    Curve.through(knots).draw(out, 0.0, HZ)
    assert (out[:250] == 70.0).all()
    assert (out[500:] == 90.0).all()


def test_knots_without_a_time_and_knots_at_once_are_left_out() -> None:
    knots = np.array([(1.0, 9.0, 0.0), (NAN, 1.0, 0.0), (0.5, 7.0, 0.0)])
    twice = np.array([*knots, (0.500001, 8.0, 0.0)])
    assert Curve.through(twice).value.tolist() == [7.0, 9.0]


def test_pieces_are_the_whole_cut() -> None:
    parts = (
        Waves(*columns((0.4, 1.5, 0.05), (1.0, -1.0, 0.05))),
        Blocks(*columns((0.9, 1.1, 3.0))),
        Curve.through(np.array([(0.1, 70.0, 10.0), (1.05, 90.0, -10.0), (3, 1, 0)])),
    )
    whole, first, second = np.zeros(1000), np.zeros(500), np.zeros(500)
    for part in parts:
        part.draw(whole, 0.0, HZ)
        part.draw(first, 0.0, HZ)
        part.draw(second, 1.0, HZ)
    # the times of the samples differ by rounding alone
    assert np.concatenate((first, second)) == pytest.approx(whole, abs=1e-11)


def test_fibrillation_is_the_sum_of_its_harmonics() -> None:
    model = Fibrillation()
    out = np.zeros(2000)
    Baseline(model, 0.06).draw(out, 3.0, HZ)
    time_s = times_s(2000, 3.0)
    swing = model.wander_hz / model.wander_rate_hz
    angle = 2 * np.pi * model.f_hz * time_s
    angle += swing * np.sin(2 * np.pi * model.wander_rate_hz * time_s)
    harmonics = sum(np.sin(k * angle) / k for k in range(1, model.n_harmonics + 1))
    assert out == pytest.approx(0.06 * harmonics, abs=1e-9)


def test_another_kernel_of_synthesis_leads_to_another_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = tmp_path / "telemetry" / "synthesis.py"
    for path in (tmp_path / "heart" / "jit.py", kernels):
        path.parent.mkdir()
        path.write_text("one")
    monkeypatch.setattr(jit, "__file__", str(tmp_path / "heart" / "jit.py"))
    before = jit.cache_folder()
    kernels.write_text("two")
    assert jit.cache_folder() != before
