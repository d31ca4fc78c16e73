"""A batch is the same physics as one heart at a time."""

import math
from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.heart.batch import ClosedLoopBatch, repeating_beats
from sim.heart.circulation import BEAT_FIELDS, ClosedLoop
from sim.heart.parameters import HFREF, NORMAL, FloatArray
from sim.heart.repeating import NotSettledError, repeating_beat
from sim.heart.simd import lay_stack, loader, store


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 11),
    step_s=st.sampled_from([0.001, 0.002]),
)
def test_a_batch_equals_hearts_beaten_one_by_one(
    seed: int, n: int, step_s: float
) -> None:
    rng = np.random.default_rng(seed)
    circulations = [
        replace(
            (NORMAL, HFREF)[j % 2],
            lv_elastance_mmhg_per_ml=rng.uniform(0.6, 3.0),
            atrium_peak_s=rng.uniform(0.1, 0.15),
            ventricle_fall_s=rng.uniform(0.3, 0.4),
        )
        for j in range(n)
    ]
    batch = ClosedLoopBatch(circulations, step_s=step_s)
    hearts = [ClosedLoop(c, step_s=step_s) for c in circulations]
    for _ in range(6):
        rr_s, c = rng.uniform(0.4, 1.4, n), rng.uniform(0.7, 1.3, n)
        scale, shift = rng.uniform(0.8, 1.2, n), rng.uniform(-30.0, 30.0, n)
        onset_s = np.where(rng.random(n) < 0.3, math.nan, rr_s - 0.17)
        rows = batch.beat(
            rr_s,
            contractility=c,
            resistance_scale=scale,
            venous_shift_ml=shift,
            atrial_onset_s=onset_s,
        )
        for j, heart in enumerate(hearts):
            row = heart.beat(
                rr_s[j],
                contractility=c[j],
                resistance_scale=scale[j],
                venous_shift_ml=shift[j],
                atrial_onset_s=onset_s[j],
            )
            assert rows[j] == pytest.approx(row, rel=1e-9, abs=1e-9, nan_ok=True)
    assert batch.volumes_ml == pytest.approx(
        np.array([heart.volumes_ml for heart in hearts]), rel=1e-9
    )


def test_one_number_serves_all_hearts() -> None:
    rows = ClosedLoopBatch([HFREF] * 3).beat(0.8)
    assert rows.shape == (3, len(BEAT_FIELDS))
    assert np.array_equal(rows[0], rows[2], equal_nan=True)


def test_batch_volumes_can_be_set_and_read() -> None:
    batch = ClosedLoopBatch([HFREF] * 3)
    volumes = np.tile(repeating_beat(HFREF).volumes_ml, (3, 1))
    batch.volumes_ml = volumes
    assert np.array_equal(batch.volumes_ml, volumes)


def test_settling_a_batch_equals_settling_each() -> None:
    scales = np.array([1.0, 1.1, 1.2, 0.8, 1.05])
    volumes_ml, rows = repeating_beats([HFREF] * 5, contractility=scales)
    for j, scale in enumerate(scales):
        alone = repeating_beat(HFREF, contractility=float(scale))
        # both stop at a change of 1e-8 mL a beat
        assert volumes_ml[j] == pytest.approx(alone.volumes_ml, abs=1e-5)
        sbp = rows[j, BEAT_FIELDS.index("sbp_mmhg")]
        assert sbp == pytest.approx(alone.haemodynamics.sbp_mmhg, rel=1e-7)


def test_a_batch_that_may_not_settle_names_the_volume_and_the_heart() -> None:
    with pytest.raises(NotSettledError, match=r"of heart \d"):
        repeating_beats([HFREF, NORMAL], max_beats=2)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="circulations"):
        ClosedLoopBatch([])


@pytest.mark.parametrize("rr_s", [[0.8, 0.05], [0.8, math.nan]])
def test_a_batch_refuses_an_impossible_interval(rr_s: list[float]) -> None:
    with pytest.raises(ValueError, match="rr_s must be"):
        ClosedLoopBatch([HFREF] * 2).beat(rr_s)


def test_a_batch_refuses_a_heart_without_pull() -> None:
    with pytest.raises(ValueError, match="contractility"):
        ClosedLoopBatch([HFREF] * 2).beat(0.8, contractility=[1.0, 0.0])


def test_a_batch_refuses_volumes_of_another_size() -> None:
    with pytest.raises(ValueError, match="volumes_ml must have shape"):
        ClosedLoopBatch([HFREF] * 2).volumes_ml = np.zeros((3, 8))


@pytest.mark.parametrize(("width", "laid"), [(8, True), (2, False)])
def test_a_kernel_of_wide_vectors_lays_its_own_stack(width: int, laid: bool) -> None:
    load = loader(width)

    @numba.njit  # type: ignore[untyped-decorator]
    def doubled(numbers: FloatArray) -> None:
        vector = load(numbers, 0)
        lay_stack(vector)
        store(numbers, 0, vector + vector)

    numbers = np.arange(float(width))
    doubled(numbers)
    assert numbers.tolist() == [2.0 * k for k in range(width)]
    # where LLVM then lays it cannot be seen from here; that it was told can
    [code] = doubled.inspect_llvm().values()
    assert (f"alignstack({8 * width})" in code) == laid
