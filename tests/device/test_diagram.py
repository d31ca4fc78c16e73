"""The spans of the timing view are those that the device keeps to."""

from collections.abc import Callable
from typing import Any

import pytest

from sim.device.diagram import DiagramSpan, beat_spans, timing_spans
from sim.device.generator import BeatSignals, PulseGenerator
from sim.device.settings import Settings, refractory_needed_ms

SETTINGS = Settings()
PLACED = {"alert_start_ms": 4.0, "delay_ms": 30.0}

MakeDevice = Callable[..., PulseGenerator]
MakeBeat = Callable[..., BeatSignals]


def one(spans: tuple[DiagramSpan, ...], row: str, kind: str) -> DiagramSpan:
    (found,) = [span for span in spans if (span.row, span.kind) == (row, kind)]
    return found


def test_the_alert_window_has_its_start_and_width() -> None:
    window = one(timing_spans(Settings(alert_start_ms=-20.0)), "alert window", "window")
    assert (window.start_ms, window.end_ms, window.length_ms) == (-20.0, 0.0, 20.0)


def test_the_latest_balancing_ends_where_the_conflict_rule_counts_to() -> None:
    last = one(timing_spans(SETTINGS), "CCM at the latest LS", "balancing")
    # rule 2 adds the 86 ms of the noise window
    assert last.end_ms + 86.0 == pytest.approx(refractory_needed_ms(SETTINGS))


def test_no_train_begins_before_the_third_millisecond() -> None:
    early = SETTINGS.with_values({"alert_start_ms": -100.0, "mode": "ODO-LS-CCM"})
    train = one(timing_spans(early), "CCM at the earliest LS", "train")
    assert train.start_ms == 3.0


def test_the_noise_window_is_the_end_of_the_refractory_period() -> None:
    noise = one(timing_spans(SETTINGS), "V refractory", "noise")
    assert (noise.end_ms, noise.length_ms) == (SETTINGS.vrp_ms, 86.0)


def test_the_atrium_has_a_row_only_where_it_is_sensed() -> None:
    rows = {
        mode: {s.row for s in timing_spans(SETTINGS.with_values({"mode": mode}))}
        for mode in ("OVO-LS-CCM", "ODO-LS-CCM")
    }
    assert "A refractory" not in rows["OVO-LS-CCM"]
    assert "A refractory" in rows["ODO-LS-CCM"]


def test_blanking_is_shown_where_it_is_programmed() -> None:
    blanked = SETTINGS.with_values({"ls_blank_post_rv_ms": 9.0})
    assert one(timing_spans(blanked), "LS blanking", "blanking").end_ms == 9.0
    assert "LS blanking" not in {span.row for span in timing_spans(SETTINGS)}


def test_a_beat_has_the_train_that_was_delivered(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(**PLACED)
    beat = device.beat(make_beat(10.0))
    spans = beat_spans(device.settings, beat)
    # local sense 10 ms after the reference lead, train 30 ms later
    train = one(spans, "CCM", "train")
    assert train.start_ms == pytest.approx(40.0)
    assert train.length_ms == pytest.approx(device.settings.train_ms)
    masked = one(spans, "post-LS refractory", "refractory")
    assert masked.start_ms == pytest.approx(10.0)


@pytest.mark.parametrize("changed", [{"noise": True}, {"v2_mv": 0.1}])
def test_a_beat_without_a_train_shows_none(
    make_device: MakeDevice, make_beat: MakeBeat, changed: dict[str, Any]
) -> None:
    device = make_device(**PLACED)
    spans = beat_spans(device.settings, device.beat(make_beat(10.0, **changed)))
    assert "train" not in {span.kind for span in spans}


def test_a_beat_that_was_not_sensed_has_no_timing(
    make_device: MakeDevice, make_beat: MakeBeat
) -> None:
    device = make_device(**PLACED)
    unseen = device.beat(make_beat(10.0, v1_mv=0.1))
    with pytest.raises(ValueError, match="no ventricular reference event"):
        beat_spans(device.settings, unseen)
