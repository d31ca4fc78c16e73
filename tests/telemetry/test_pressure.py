"""Pressures have the values of the beat table, and the circulation's own course."""

import math
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from sim.heart.circulation import ClosedLoop
from sim.heart.contractility import SINUS
from sim.heart.repeating import repeating_beat
from sim.patient import phenotype
from sim.telemetry.beats import RecordedBeats
from sim.telemetry.morphology import PressureShape
from sim.telemetry.pressure import (
    arterial_curve,
    ejections,
    notch_waves,
    ventricular_curve,
)
from sim.telemetry.synthesis import TracePart

HZ = 1000.0
SHAPE = PressureShape()
MakeBeats = Callable[..., RecordedBeats]


def drawn(part: TracePart, seconds: float) -> np.ndarray:
    out = np.zeros(round(seconds * HZ))
    part.draw(out, 0.0, HZ)
    return out


def truth(name: str) -> tuple[RecordedBeats, np.ndarray, np.ndarray]:
    """Let a heart beat, one beat early with a pause; return table and pressures."""
    model = phenotype(name).circulation
    heart = ClosedLoop(model)
    heart.volumes_ml = repeating_beat(model).volumes_ml
    usual_s = 0.001 * round(1000 * model.rr_s)
    rr_s = [usual_s] * 6 + [0.6 * usual_s, 1.4 * usual_s] + [usual_s] * 6
    rr_s = [0.001 * round(1000 * item) for item in rr_s]
    waves = [
        heart.waveforms(item, atrial_onset_s=math.nan if k == 5 else None)
        for k, item in enumerate(rr_s)
    ]
    start_s = np.cumsum([0.0, *rr_s[:-1]])
    rows = [wave.haemodynamics for wave in waves]
    nothing = np.full(start_s.shape, np.nan)
    columns = {
        item.name: np.array([getattr(row, item.name, np.nan) for row in rows])
        for item in fields(RecordedBeats)
    }
    beats = RecordedBeats(
        **{**columns, "start_s": start_s, "rr_s": np.array(rr_s), "origin": nothing}
    )
    aortic = np.concatenate([wave.aortic_mmhg[:-1] for wave in waves])
    ventricular = np.concatenate([wave.pressure_mmhg("lv")[:-1] for wave in waves])
    return beats, aortic, ventricular


@pytest.mark.parametrize("name", ["normal", "hfref-ischaemic"])
def test_the_shape_is_that_of_the_circulation(name: str) -> None:
    beats, aortic, ventricular = truth(name)
    inside = slice(1000, aortic.size - 1000)  # before and after, it does not know
    pulse = float(np.ptp(aortic))
    for curve, true, allowed in (
        (arterial_curve(beats, SHAPE), aortic, 0.05),
        (ventricular_curve(beats, SHAPE), ventricular, 0.03),
    ):
        error = (drawn(curve, aortic.size / HZ) - true)[inside]
        whole = pulse if curve.value.min() > 30.0 else float(np.ptp(ventricular))
        # what the values of a beat cannot tell: a shape, not the model again
        assert np.sqrt(np.mean(error**2)) < allowed * whole


def test_each_beat_reaches_its_systolic_and_diastolic_pressure(
    beats_of: MakeBeats,
) -> None:
    beats = beats_of([SINUS] * 8)
    beats.sbp_mmhg[:] = [110, 112, 115, 113, 111, 114, 112, 110]
    beats.dbp_mmhg[:] = [70, 71, 73, 72, 70, 72, 71, 70]
    pressure = drawn(arterial_curve(beats, SHAPE), 7.0)
    pressure += drawn(notch_waves(beats, SHAPE), 7.0)
    for k in range(1, 7):
        first = round((beats.start_s[k] - 0.1) * HZ)
        own = pressure[first : first + 790]
        # samples stand up to half a millisecond beside the peak and the foot
        assert own.max() == pytest.approx(beats.sbp_mmhg[k], abs=0.05)
        assert own[:300].min() == pytest.approx(beats.dbp_mmhg[k], abs=0.5)


def test_the_valve_closes_with_a_notch(beats_of: MakeBeats) -> None:
    beats = beats_of([SINUS] * 6)
    pressure = drawn(arterial_curve(beats, SHAPE), 5.0)
    pressure += drawn(notch_waves(beats, SHAPE), 5.0)
    close = round((beats.start_s[2] + beats.aortic_close_s[2]) * HZ)
    after = close + round(SHAPE.dicrotic_after_s * HZ)
    assert pressure[close] < pressure[close - 30]
    assert pressure[after] > pressure[close + 5]


def test_an_early_beat_opens_the_valve_at_a_higher_pressure() -> None:
    found = ejections(truth("hfref-ischaemic")[0], SHAPE)
    usual, early, after = found.foot_mmhg[[4, 7, 8]]
    assert early > usual + 5.0
    assert after < usual - 5.0


def test_a_beat_that_does_not_open_the_valve_makes_no_pulse(
    beats_of: MakeBeats,
) -> None:
    beats = beats_of([SINUS] * 8)
    closed = replace(beats, aortic_open_s=beats.aortic_open_s.copy())
    closed.aortic_open_s[4] = np.nan
    pressure = drawn(arterial_curve(closed, SHAPE), 7.0)
    gap = slice(round(beats.start_s[4] * HZ), round(beats.start_s[5] * HZ))
    assert (np.diff(pressure[gap]) < 0.0).all()


def test_ventricular_pressure_begins_a_beat_at_its_end_diastolic_value(
    beats_of: MakeBeats,
) -> None:
    beats = beats_of([SINUS] * 8)
    pressure = drawn(ventricular_curve(beats, SHAPE), 7.0)
    at = np.rint(beats.start_s[1:] * HZ).astype(int)
    assert pressure[at] == pytest.approx(beats.lvedp_mmhg[1:], abs=0.05)


def test_ventricular_pressure_rises_as_fast_as_the_beat_table_says(
    beats_of: MakeBeats,
) -> None:
    beats = beats_of([SINUS] * 8)
    steepest = np.diff(drawn(ventricular_curve(beats, SHAPE), 7.0)).max() * HZ
    # a step of 1 ms beside the opening, where the slope bends
    assert steepest == pytest.approx(900.0, rel=0.03)
