"""The timing view shows the spans of settings or of a beat."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from harness.report.figures.timing import described, timing_figure
from sim.device.battery import Battery
from sim.device.diagram import timing_spans
from sim.device.events import BeatDecision
from sim.device.generator import BeatSignals, PulseGenerator
from sim.device.leads import Leads
from sim.device.settings import Settings

SETTINGS = Settings()


def a_beat() -> BeatDecision:
    leads = Leads(rng=np.random.default_rng(1))
    device = PulseGenerator(SETTINGS, leads, Battery())
    device.force_on = True
    return device.beat(BeatSignals(1.0, 0.83, 1.005, 1.015, 3.0, 8.0, 9.0))


def test_every_span_is_a_bar_at_its_place() -> None:
    (axes,) = timing_figure(SETTINGS).axes
    bars = [
        (patch.get_x(), patch.get_x() + patch.get_width())
        for patch in axes.patches
        if isinstance(patch, Rectangle)
    ]
    spans = [(span.start_ms, span.end_ms) for span in timing_spans(SETTINGS)]
    assert bars == [pytest.approx(span) for span in spans]


def test_the_dynamic_view_names_the_rows_of_its_beat() -> None:
    (axes,) = timing_figure(SETTINGS, a_beat()).axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["alert window", "post-LS refractory", "CCM", "V refractory"]


def test_settings_in_conflict_are_drawn_too() -> None:
    assert timing_figure(Settings(delay_ms=140.0)).axes


def test_the_timing_is_told_in_words_too() -> None:
    assert "train of 20.56 ms after 35 ms" in described(SETTINGS)
