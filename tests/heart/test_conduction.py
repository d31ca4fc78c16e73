import numpy as np
import pytest

from sim.heart.conduction import (
    Conduction,
    ConductionParameters,
    latency_ms,
    refractory_s,
)
from sim.heart.contractility import AF, PVC, SINUS
from sim.sources import unsourced
from sim.streams import stream

MODEL = ConductionParameters()


def activations(origin, n=500):
    source = Conduction(MODEL, stream(1, name="conduction"))
    return [source.activate(float(i), origin, 0.8) for i in range(n)]


def test_a_sinus_beat_reaches_the_atrium_then_v1_then_v2():
    for beat in activations(SINUS):
        assert beat.atrial_s < beat.at_s < beat.v1_s < beat.v2_s


def test_mean_times_are_the_stated_ones():
    beats = activations(SINUS)
    pr_ms = [1e3 * (b.at_s - b.atrial_s) for b in beats]
    latency = [1e3 * (b.v2_s - b.v1_s) for b in beats]
    # Standard errors: 4 / sqrt(500) = 0.2 ms and 1.5 sqrt(2 / 500) = 0.1 ms.
    assert np.mean(pr_ms) == pytest.approx(MODEL.pr_ms, abs=0.8)
    assert np.mean(latency) == pytest.approx(latency_ms(MODEL), abs=0.4)


def test_an_ectopic_beat_has_no_p_wave_and_another_order():
    for beat in activations(PVC):
        assert beat.atrial_s is None
        assert beat.v2_s < beat.v1_s


def test_fibrillation_keeps_the_ventricular_order_without_a_p_wave():
    for beat in activations(AF, 50):
        assert beat.atrial_s is None
        assert beat.v1_s < beat.v2_s


def test_amplitudes_scatter_around_the_stated_ones():
    v1_mv = np.array([beat.v1_mv for beat in activations(SINUS)])
    assert v1_mv.mean() == pytest.approx(MODEL.v1_mv, rel=0.01)
    assert v1_mv.std() == pytest.approx(0.06 * MODEL.v1_mv, rel=0.15)


def test_a_faster_rate_shortens_the_refractory_period():
    at_rest = refractory_s(MODEL, 60.0 / MODEL.erp_reference_bpm)
    assert at_rest == pytest.approx(0.250)
    assert refractory_s(MODEL, 0.5) < at_rest < refractory_s(MODEL, 1.0)


def test_the_refractory_end_counts_from_the_muscle_that_is_activated_first():
    beat = activations(SINUS, 1)[0]
    assert beat.refractory_end_s == pytest.approx(beat.v1_s + refractory_s(MODEL, 0.8))


def test_noise_belongs_to_the_number_of_the_beat_not_to_its_origin():
    source = Conduction(MODEL, stream(1, name="conduction"))
    source.activate(0.0, PVC, 0.8)
    after_ectopic = source.activate(1.0, SINUS, 0.8)
    assert after_ectopic == activations(SINUS, 2)[1]


def test_every_number_has_a_source():
    assert unsourced(MODEL) == []
